import { Decrypter } from "age-encryption";
import { readerFromSeed } from "../../src/owner/identity.ts";
import { BUNDLE_MAX_BYTES } from "../../src/protocol/bundle.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import { HubError } from "../../src/protocol/errors.ts";
import {
  readShareAnswer,
  secretOfFragment,
  shareKeys,
  verifyShareOfBundle,
  type Share,
} from "../../src/protocol/share.ts";
import { statementsOf, type CheckedBundle } from "./bundle-file.ts";

/** What an address's fragment held: a link's secret, or something that is none. */
export type Link = { readonly secret: Uint8Array } | "broken" | null;

/** Room for headers, proofs and the statement beside the recordings. */
const ANSWER_MAX_BYTES = BUNDLE_MAX_BYTES + 64 * 1024 * 1024;
const MEANT_FOR_MAX = 200;

/** Takes the secret out of the address bar and of the browser's history. */
export function takeSecret(): Link {
  if (!location.protocol.startsWith("http") || location.hash === "") return null;
  const { hash } = location;
  history.replaceState(null, "", location.pathname);
  try {
    const secret = secretOfFragment(hash);
    return secret === null ? null : { secret };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return "broken";
  }
}

/** What a link opens. */
export interface Fetched {
  readonly bundle: Uint8Array;
  readonly envelope: unknown;
  /** The link's own age identity. */
  readonly identity: string;
}

/**
 * Fetches what the link is for. The owner's side counts it.
 *
 * @returns null where there is nothing: unknown, used up, out of date and taken back look the same.
 * @throws TypeError where nobody answers, HubError where the answer cannot be read.
 */
export async function fetchShared(secret: Uint8Array): Promise<Fetched | null> {
  const { identitySeed, token } = shareKeys(secret);
  const response = await fetch(new URL("fetch", location.href), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  if (response.status === 404 || response.status === 422) return null;
  if (!response.ok) throw new TypeError(`the hub answered ${response.status}`);
  if (Number(response.headers.get("content-length") ?? 0) > ANSWER_MAX_BYTES)
    throw new TypeError("the answer is larger than any bundle");
  const answer = readShareAnswer(new Uint8Array(await response.arrayBuffer()));
  const { identity } = await readerFromSeed("pq", identitySeed);
  return { ...answer, identity };
}

/** Terms of the link, and who the owner wrote that it is for. */
export interface OpenedShare {
  readonly share: Share;
  readonly meantFor: string;
}

/** @throws HubError where the statement does not belong to the bundle or nobody signed it. */
export async function openShare(checked: CheckedBundle, fetched: Fetched): Promise<OpenedShare> {
  const { approval, members } = checked;
  const { share } = verifyShareOfBundle(fetched.envelope, {
    statements: statementsOf(members),
    request: approval.terms.request,
    decisionSha256: approval.decisionSha256,
  });
  const decrypter = new Decrypter();
  decrypter.addIdentity(fetched.identity);
  const sealed = fromBase64(share.meantFor, "meantFor");
  try {
    const text = await decrypter.decrypt(sealed, "text");
    return { share, meantFor: oneLine(text).slice(0, MEANT_FOR_MAX) };
  } catch (cause) {
    throw new HubError("NO_READER", "Cannot open link: it was made for another key", { cause });
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
}
