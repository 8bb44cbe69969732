import { Encrypter } from "age-encryption";
import { randomBytes } from "@noble/hashes/utils.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64 } from "../protocol/bytes.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import {
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
} from "../protocol/envelope.ts";
import { MalformedInput } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import {
  SHARE_EXPIRY_MAX_MS,
  SHARE_SECRET_BYTES,
  SHARE_VIEWS_MAX,
  shareKeys,
  shareLink,
  shareTokenSha256,
  type Share,
} from "../protocol/share.ts";
import { readerFromSeed } from "./identity.ts";

const MEANT_FOR_MAX = 80;

/** A link that nobody has yet. Its secret is what opens the recording: never log or store it. */
export interface NewLink {
  readonly secret: Uint8Array;
  /** The approval must be for this recipient. */
  readonly recipient: string;
}

/** What an owner chooses for a link. */
export interface LinkChoice {
  /** Who it is for, as he wants to read it over the picture; may be empty. */
  readonly meantFor: string;
  readonly lifetimeMs: number;
  readonly viewsMax: number;
}

/** @throws MalformedInput where the choice is not one that a hub takes. */
export function requireLinkChoice({ meantFor, lifetimeMs, viewsMax }: LinkChoice): void {
  if (!Number.isInteger(viewsMax) || viewsMax < 1 || viewsMax > SHARE_VIEWS_MAX)
    throw new MalformedInput("views", `Cannot share: choose 1 to ${SHARE_VIEWS_MAX} views`);
  if (lifetimeMs <= 0 || lifetimeMs > SHARE_EXPIRY_MAX_MS)
    throw new MalformedInput("expires", "Cannot share: a link works for 30 days at most");
  if (meantFor.length > MEANT_FOR_MAX)
    throw new MalformedInput(
      "for",
      `Cannot share: say in ${MEANT_FOR_MAX} characters who it is for`,
    );
}

export async function newLink(): Promise<NewLink> {
  const secret = randomBytes(SHARE_SECRET_BYTES);
  const { recipient } = await readerFromSeed("pq", shareKeys(secret).identitySeed);
  return { secret, recipient };
}

/** Signs that whoever has the link may fetch this approval. */
export async function signShare(
  link: NewLink,
  choice: LinkChoice,
  ground: {
    readonly keyring: Keyring;
    readonly request: string;
    readonly decisionSha256: string;
    readonly nowMs: number;
  },
  signer: EnvelopeSigner,
): Promise<Envelope> {
  requireLinkChoice(choice);
  const { keyring, request, decisionSha256, nowMs } = ground;
  const encrypter = new Encrypter();
  encrypter.addRecipient(link.recipient);
  const share: Share = {
    v: 1,
    origin: keyring.origin,
    request,
    decisionSha256,
    tokenSha256: shareTokenSha256(shareKeys(link.secret).token),
    // A name is nobody's business on the way, the hub's included.
    meantFor: toBase64(await encrypter.encrypt(choice.meantFor)),
    expiresAtMs: nowMs + choice.lifetimeMs,
    viewsMax: choice.viewsMax,
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
    atMs: nowMs,
  };
  return signEnvelope(PAYLOAD_TYPES.share, share, signer, sha256(canonicalJson(share)));
}

/** @throws MalformedInput unless `base` is an address that a link can begin with. */
export function linkAddress(base: string, link: NewLink): string {
  const url = URL.canParse(base) ? new URL(base) : null;
  const isFit = url !== null && /^https?:$/.test(url.protocol) && url.hash === "";
  if (!isFit)
    throw new MalformedInput(
      "base",
      "Cannot make link: give the address under which others reach this hub, as https://example.org",
    );
  return shareLink(base, link.secret);
}
