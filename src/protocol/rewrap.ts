import { sha256 } from "@noble/hashes/sha2.js";
import Type, { type Static } from "typebox";
import { requireAgeHeader, STANZA_TYPE, type AgeHeader, type AgeStanza } from "./age-header.ts";
import { fromBase64, sha256Hex } from "./bytes.ts";
import { canonicalJson } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import type { ListedFile } from "./clip.ts";
import { fileName } from "./decision.ts";
import { openEnvelope, PAYLOAD_TYPES } from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import type { DeviceId, Rendition } from "./ids.ts";
import type { Keyring, Readers } from "./keyring.ts";
import { OWNER_FAULTS, requireOneOwner } from "./one-owner.ts";
import { REWRAP_FILES_MAX, RewrappedFileSchema, type RewrappedFile } from "./rewrapped-file.ts";

/**
 * A recording that is sealed anew: the same file keys and payloads under new headers, for the
 * readers that are in force now. It is how a household shuts out of older recordings who holds
 * readers of before.
 */

const hex = (length: number) => Type.String({ minLength: length, maxLength: length });

export const RewrapSchema = Type.Object(
  {
    v: Type.Literal(1),
    origin: Type.String({ maxLength: 200 }),
    clip: hex(32),
    /** The keyring whose readers the new headers are for. */
    keyringHead: hex(64),
    /** Every file that the ledger lists of the clip. */
    files: Type.Array(RewrappedFileSchema, { minItems: 1, maxItems: REWRAP_FILES_MAX }),
  },
  { additionalProperties: false },
);
export type Rewrap = Static<typeof RewrapSchema>;

/** Who may open files of this rendition, in the order of their stanzas. */
export function recipientsOf(readers: Readers, rendition: Rendition): string[] {
  return rendition === "original"
    ? [readers.originals, readers.recovery]
    : [readers.originals, readers.blurred, readers.recovery];
}

/** Stanzas in the header of a file of this rendition. */
export const STANZA_COUNT: Readonly<Record<Rendition, number>> = { original: 2, blurred: 3 };

/**
 * What a passkey asserts. It names the readers by their keyring and no clip: whoever has thousands
 * of recordings to seal anew confirms once, and nothing but that.
 */
export function rewrapChallenge({ origin, head }: Pick<Keyring, "origin" | "head">): Uint8Array {
  return sha256(canonicalJson({ confirms: "rewrap", keyringHead: head, origin }));
}

/** A statement that holds, with a header for each of its files. */
export interface VerifiedRewrap {
  readonly rewrap: Rewrap;
  readonly device: DeviceId;
  /** In the order of `rewrap.files`. */
  readonly headers: readonly Uint8Array[];
}

/**
 * Verifies an owner's statement and the headers that came with it.
 *
 * Nobody without a reader can see whom a stanza is for. What can be seen is: that an owner signed for
 * exactly these bytes, that all listed files are there, and that each header has as many stanzas as
 * its rendition has readers, all of the keyring's kind. An owner's device that seals to somebody
 * else, or to nobody, is told from an honest one by those who try to open.
 *
 * @param value - The envelope.
 * @param headers - Base64, in the order of the statement's files.
 * @param listed - Files of this clip as the ledger lists them; null where it lists none.
 * @throws MalformedInput; HubError KEYRING_CHANGED, REWRAP_REFUSED.
 */
export function verifyRewrap(
  value: unknown,
  headers: readonly string[],
  context: {
    readonly keyring: Keyring;
    readonly clip: string;
    readonly listed: readonly ListedFile[];
  },
): VerifiedRewrap {
  const { keyring, clip, listed } = context;
  const { envelope, payload, content } = openEnvelope(value, PAYLOAD_TYPES.rewrap, "rewrap");
  const rewrap = checkShape(RewrapSchema, content, "rewrap");
  if (rewrap.origin !== keyring.origin) throw refused("it is for another household");
  if (rewrap.clip !== clip) throw refused("it is for another clip");
  if (rewrap.keyringHead !== keyring.head)
    throw new HubError(
      "KEYRING_CHANGED",
      "Cannot seal anew: the household's keys have changed; make the headers again",
    );
  const device = requireOneOwner(
    { envelope, payload },
    { keyring, challenge: rewrapChallenge(keyring), when: "now" },
    (fault) => {
      throw refused(OWNER_FAULTS[fault]);
    },
  );
  requireAllFiles(rewrap, listed);
  if (headers.length !== rewrap.files.length)
    throw new MalformedInput("headers", "Cannot seal anew: a header for each file is needed");
  return {
    rewrap,
    device,
    headers: rewrap.files.map((file, index) =>
      requireHeader(headers[index] ?? "", file, keyring.readers.kind),
    ),
  };
}

/** A file that is left out would stay open to whom the others are closed. */
function requireAllFiles({ clip, files }: Rewrap, listed: readonly ListedFile[]): void {
  const wanted = new Map(
    listed.map((file) => [fileName(clip, file), file.payloadSha256 as string]),
  );
  for (const file of files) {
    const name = fileName(clip, file);
    if (wanted.get(name) !== file.payloadSha256)
      throw refused(`${name} is not what the ledger lists, or is there twice`);
    wanted.delete(name);
  }
  if (wanted.size > 0) throw refused(`${wanted.size} files of the clip are left out`);
}

function requireHeader(text: string, file: RewrappedFile, kind: Readers["kind"]): Uint8Array {
  const bytes = fromBase64(text, "headers");
  if (sha256Hex(bytes) !== file.headerSha256) throw refused("a header is not the one signed for");
  const header = requireAgeHeader(bytes);
  if (header.payloadOffset !== bytes.length) throw refused("something follows a header");
  requireStanzas(header, file.rendition, kind);
  return bytes;
}

const ENCAPSULATED_CHARACTERS = { x25519: 43, pq: 1_494 } as const;
/** A file key of 16 bytes, and its tag. */
const WRAPPED_KEY_BYTES = 32;

function requireStanzas({ stanzas }: AgeHeader, rendition: Rendition, kind: Readers["kind"]): void {
  const isOfKind = ({ args, body }: AgeStanza): boolean =>
    args.length === 2 &&
    args[0] === STANZA_TYPE[kind] &&
    args[1]?.length === ENCAPSULATED_CHARACTERS[kind] &&
    body.length === WRAPPED_KEY_BYTES;
  if (stanzas.length !== STANZA_COUNT[rendition] || !stanzas.every(isOfKind))
    throw refused(
      `a header of a file that is ${rendition} must have ${STANZA_COUNT[rendition]} stanzas of type ${STANZA_TYPE[kind]}`,
    );
}

function refused(found: string): HubError {
  return new HubError("REWRAP_REFUSED", `Cannot seal anew: ${found}`);
}
