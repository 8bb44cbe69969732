import { randomBytes } from "@noble/hashes/utils.js";
import { identityToRecipient } from "age-encryption";
import type { Static } from "typebox";
import {
  AGE_HEADER_MAX_BYTES,
  parseRecipient,
  requireAgeHeader,
  type Recipient,
} from "../protocol/age-header.ts";
import type * as Api from "../protocol/api.ts";
import { RewrapAnswer, SealedBeforeList, type SealedBefore } from "../protocol/api-rewrap.ts";
import { equalBytes, sha256Hex, toBase64 } from "../protocol/bytes.ts";
import { sealedFileName, type ListedFile } from "../protocol/clip.ts";
import { PAYLOAD_TYPES, signEnvelope, type EnvelopeSigner } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { extendKeyring, type Keyring } from "../protocol/keyring.ts";
import { recipientsOf, rewrapChallenge, type Rewrap } from "../protocol/rewrap.ts";
import { identitiesOf, type DeviceBundle } from "./device-bundle.ts";
import { digestHex } from "./digest.ts";
import type { FollowedHub, HubClient } from "./hub-client.ts";
import { fetchListedClip } from "./listed-clip.ts";
import { isKeyOfPayload } from "./payload.ts";
import { openFileKey, sealFileKey } from "./release.ts";

/** Header at its longest, the payload's nonce, and one chunk with its tag. */
const FIRST_BYTES = AGE_HEADER_MAX_BYTES + 16 + 64 * 1024 + 16;
const RANDOMNESS_BYTES = 64;
const PAGE_CLIPS = 500;

/** A change of the household's readers, after which older recordings still open for somebody. */
export interface ReadersChange {
  /** Recordings of before this epoch are meant. */
  readonly epoch: number;
  /** Devices that were removed by it; none where the recovery sheet was replaced. */
  readonly devices: readonly string[];
  /** What those who are out could open: it depends on what they were given. */
  readonly opens: "everything" | "blurred";
}

/**
 * Every change that shut somebody out who could open recordings, oldest first, from the chain itself.
 *
 * @param statements - As the hub has them; verified here, and held against `keyring`.
 * @throws KeyringRefused, MalformedInput; HubError KEYRING_CHANGED where the chain has grown since.
 */
export function readersChanges(statements: readonly unknown[], keyring: Keyring): ReadersChange[] {
  const changes: ReadersChange[] = [];
  let before: Keyring | null = null;
  for (const statement of statements) {
    const after = extendKeyring(before, statement);
    if (before !== null) {
      const change = readersChange(before, after);
      if (change) changes.push(change);
    }
    before = after;
  }
  if (before?.head !== keyring.head)
    throw new HubError(
      "KEYRING_CHANGED",
      "Cannot look: the household's keys have just changed; try again",
    );
  return changes;
}

function readersChange(before: Keyring, after: Keyring): ReadersChange | null {
  const isSheetNew = before.readers.recovery !== after.readers.recovery;
  const removed = [...before.devices.values()].filter(
    ({ id, removed: isGone }) => !isGone && after.devices.get(id)?.removed === true,
  );
  const roles = removed.map(({ person }) => before.persons.get(person));
  const isEverything = isSheetNew || roles.some((role) => role === "owner" || role === "adult");
  // A guest was given no reader.
  if (!isEverything && !roles.includes("viewer")) return null;
  return {
    epoch: after.epoch,
    devices: removed.map(({ id }) => id),
    opens: isEverything ? "everything" : "blurred",
  };
}

/** Bytes of this clip that those who are out could still open: all of it, or its blurred part. */
export function openableBytes(clip: SealedBefore, changes: readonly ReadersChange[]): number {
  const later = changes.filter(({ epoch }) => clip.epoch < epoch);
  if (later.some(({ opens }) => opens === "everything")) return clip.bytes;
  return later.length === 0 ? 0 : clip.blurredBytes;
}

/**
 * Recordings that readers of before could still open, newest first, page after page.
 *
 * @param range - Clips that began in it; UTC, `toMs` not included.
 */
export async function* sealedBefore(
  client: Pick<HubClient, "get">,
  changes: readonly ReadersChange[],
  range: { readonly fromMs: number; readonly toMs: number } = { fromMs: 0, toMs: Infinity },
): AsyncGenerator<SealedBefore> {
  const last = changes.at(-1);
  if (!last) return;
  for (let before = ""; ;) {
    const path = `/api/sealed-before?beforeEpoch=${last.epoch}&limit=${PAGE_CLIPS}${before}`;
    const page: Static<typeof SealedBeforeList> = await client.get(path, SealedBeforeList);
    for (const clip of page.clips)
      if (
        openableBytes(clip, changes) > 0 &&
        clip.startedAtMs >= range.fromMs &&
        clip.startedAtMs < range.toMs
      )
        yield clip;
    if (page.next === null || page.clips.length === 0) return;
    before = `&before=${page.next}`;
  }
}

/**
 * A signer whose passkey is asked once for a whole run: what it confirms names the readers by their
 * keyring, and no clip.
 */
export function confirmingOnce(signer: EnvelopeSigner): EnvelopeSigner {
  const assert = signer.assert?.bind(signer);
  if (!assert) return signer;
  let asked: ReturnType<typeof assert> | null = null;
  return {
    device: signer.device,
    sign: (message) => signer.sign(message),
    assert: (challenge) => (asked ??= assert(challenge)),
  };
}

/**
 * Seals one clip anew: the same file keys, under headers for the readers that are in force.
 *
 * The hub hands the files out. So each key goes only into the header of the payload that it opens,
 * and into the header of a blurred file only where the whole payload is the one that the ledger lists
 * as blurred: otherwise a hub could have an original's key sealed to those who may see blurred video
 * alone.
 *
 * @param signer - An owner's; {@link confirmingOnce} where there are many clips.
 * @returns Index of the ledger entry that the hub says it made.
 * @throws HubError NO_READER, FILE_ALTERED, READERS_OLD, CLIP_NOT_PROVEN, and those of the hub.
 */
export async function rewrapClip(
  hub: FollowedHub,
  { bundle, signer }: { readonly bundle: DeviceBundle; readonly signer: EnvelopeSigner },
  id: string,
): Promise<number> {
  const { client, keyring } = hub;
  await requireReadersInForce(bundle, keyring);
  const clip = await fetchListedClip(hub, id, "release");
  const headers: string[] = [];
  const files: Rewrap["files"] = [];
  for (const file of clip.files) {
    const header = await newHeader(client, { bundle, keyring, clip: clip.id, file });
    const { segment, track, rendition, payloadSha256 } = file;
    files.push({ segment, track, rendition, payloadSha256, headerSha256: sha256Hex(header) });
    headers.push(toBase64(header));
  }
  const rewrap: Rewrap = {
    ...{ v: 1, origin: keyring.origin, clip: clip.id, keyringHead: keyring.head },
    files,
  };
  const challenge = rewrapChallenge(keyring);
  const statement = await signEnvelope(PAYLOAD_TYPES.rewrap, rewrap, signer, challenge);
  const path = `/api/clips/${clip.id}/rewrap`;
  return (await client.post(path, { statement, headers }, RewrapAnswer)).entryIndex;
}

async function newHeader(
  client: HubClient,
  parts: {
    readonly bundle: DeviceBundle;
    readonly keyring: Keyring;
    readonly clip: string;
    readonly file: Static<typeof Api.ClipDetail>["files"][number];
  },
): Promise<Uint8Array> {
  const { bundle, keyring, clip, file } = parts;
  const name = sealedFileName(file as ListedFile);
  const isWhole = file.rendition === "blurred";
  const path = `/api/clips/${clip}/files/${name}${isWhole ? "" : `?first=${FIRST_BYTES}`}`;
  const bytes = await client.bytes(path);
  const payload = bytes.subarray(requireAgeHeader(bytes).payloadOffset);
  if (isWhole && (await digestHex(payload)) !== file.payloadSha256)
    throw new HubError("FILE_ALTERED", `Cannot seal ${name} anew: it is not what was recorded`);
  const fileKey = await openFileKey(bytes, identitiesOf(bundle)(file.rendition, bytes));
  try {
    if (!isKeyOfPayload(fileKey, payload))
      throw new HubError(
        "FILE_ALTERED",
        `Cannot seal ${name} anew: its header belongs to another file`,
      );
    const header = headerFor(fileKey, recipientsOf(keyring.readers, file.rendition));
    await requireOpens(header, bundle, fileKey);
    return header;
  } finally {
    fileKey.fill(0);
  }
}

/** A header with a stanza for each of `recipients`, in their order, of fresh randomness. */
export function headerFor(fileKey: Uint8Array, recipients: readonly string[]): Uint8Array {
  const stanzas = recipients.map((text): { recipient: Recipient; randomness: Uint8Array } => ({
    recipient: parseRecipient(text),
    randomness: randomBytes(RANDOMNESS_BYTES),
  }));
  try {
    return sealFileKey(fileKey, stanzas);
  } finally {
    for (const { randomness } of stanzas) randomness.fill(0);
  }
}

/** A header that opens for nobody would be the loss of a recording. */
async function requireOpens(
  header: Uint8Array,
  bundle: DeviceBundle,
  fileKey: Uint8Array,
): Promise<void> {
  const opened = await openFileKey(header, [bundle.readers.originals ?? ""].filter(Boolean));
  const isSame = equalBytes(opened, fileKey);
  opened.fill(0);
  if (!isSame) throw new Error("a header that was just made gives another file key");
}

async function requireReadersInForce({ readers }: DeviceBundle, keyring: Keyring): Promise<void> {
  const held = readers.originals && (await identityToRecipient(readers.originals));
  if (held !== keyring.readers.originals)
    throw new HubError(
      "READERS_OLD",
      "Cannot seal anew: this device has not been given the household's new readers yet",
    );
}
