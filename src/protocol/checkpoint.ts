import { concatBytes, fromBase64, toBase64, utf8Bytes } from "./bytes.ts";
import { verifyEd25519 } from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import { HASH_BYTES } from "./merkle.ts";
import {
  findSignature,
  noteKeyId,
  parseSignedNote,
  type NoteKey,
  type NoteSignature,
  type Sign,
  type SignedNote,
} from "./signed-note.ts";

/** What a ledger says about itself at one size (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Identity of the ledger: the first line, and the name of the key that signs. */
  readonly origin: string;
  /** Number of entries. */
  readonly size: number;
  /** Root of the tree over them, 32 bytes. */
  readonly root: Uint8Array;
}

/** A checkpoint whose ledger's signature was checked, with all signature lines that came along. */
export interface VerifiedCheckpoint extends Checkpoint {
  readonly note: SignedNote;
}

/** A checkpoint that is well-formed, but not the ledger's own word. */
export class CheckpointRefused extends HubError {
  override readonly name = "CheckpointRefused";

  constructor(
    code: "CHECKPOINT_WRONG_ORIGIN" | "CHECKPOINT_UNSIGNED" | "CHECKPOINT_BAD_SIGNATURE",
    message: string,
  ) {
    super(code, message);
  }
}

const ORIGIN_CHARACTERS_MAX = 255;
const TIMESTAMP_BYTES = 8;
const SIZE_LINE = /^(?:0|[1-9][0-9]{0,15})$/;

/** Text that is signed: three lines, each with its newline (C2SP tlog-checkpoint, Note text). */
export function checkpointText(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkpoint;
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * Reads the text of a checkpoint. Extension lines, which the specification advises against, are
 * refused: this ledger signs none, so their meaning could not be checked.
 *
 * @throws MalformedInput naming the line.
 */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin = "", sizeLine = "", rootLine = "", end, ...rest] = text.split("\n");
  if (end !== "" || rest.length > 0)
    throw new MalformedInput("checkpoint", "Cannot read checkpoint: exactly three lines expected");
  if (origin.length === 0 || origin.length > ORIGIN_CHARACTERS_MAX)
    throw new MalformedInput("origin", "Cannot read checkpoint: origin is empty or too long");
  const size = Number(sizeLine);
  if (!SIZE_LINE.test(sizeLine) || !Number.isSafeInteger(size))
    throw new MalformedInput("size", "Cannot read checkpoint: size is not a plain decimal number");
  const root = fromBase64(rootLine, "root");
  if (root.length !== HASH_BYTES)
    throw new MalformedInput("root", "Cannot read checkpoint: root is not 32 bytes");
  return { origin, size, root };
}

/** The ledger's own signature over a checkpoint; its key is named after the origin. */
export function signCheckpoint(
  checkpoint: Checkpoint,
  publicKey: Uint8Array,
  sign: Sign,
): NoteSignature {
  const key = ledgerKey(checkpoint.origin, publicKey);
  const signature = sign(utf8Bytes(checkpointText(checkpoint)));
  return { name: key.name, keyId: noteKeyId(key), signature };
}

/**
 * Reads a signed checkpoint and checks that it is the wanted ledger's word.
 *
 * @throws MalformedInput when it is no checkpoint.
 * @throws CheckpointRefused when it is another ledger's, or the ledger's signature is missing or
 * wrong.
 */
export function verifyCheckpoint(
  text: string,
  ledger: { readonly origin: string; readonly publicKey: Uint8Array },
): VerifiedCheckpoint {
  const note = parseSignedNote(text);
  const checkpoint = parseCheckpointText(note.text);
  if (checkpoint.origin !== ledger.origin)
    throw new CheckpointRefused(
      "CHECKPOINT_WRONG_ORIGIN",
      "Cannot accept checkpoint: it is of another ledger",
    );
  const signature = findSignature(note, ledgerKey(ledger.origin, ledger.publicKey));
  if (signature === undefined)
    throw new CheckpointRefused(
      "CHECKPOINT_UNSIGNED",
      "Cannot accept checkpoint: no signature of the ledger's key",
    );
  if (!verifyEd25519(signature.signature, utf8Bytes(note.text), ledger.publicKey))
    throw new CheckpointRefused(
      "CHECKPOINT_BAD_SIGNATURE",
      "Cannot accept checkpoint: the ledger's signature does not hold",
    );
  return { ...checkpoint, note };
}

/**
 * A device's statement that the ledger it has followed had this root at this size
 * (C2SP tlog-cosignature, v1). Only for a checkpoint that was found consistent with the last one.
 *
 * @param cosignedAtMs - Wall clock; the format keeps whole seconds.
 */
export function cosignCheckpoint(
  checkpoint: Checkpoint,
  witness: { readonly key: NoteKey; readonly cosignedAtMs: number; readonly sign: Sign },
): NoteSignature {
  const seconds = Math.floor(witness.cosignedAtMs / 1_000);
  const signature = witness.sign(cosignedMessage(checkpointText(checkpoint), seconds));
  const timestamp = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(timestamp.buffer).setBigUint64(0, BigInt(seconds));
  return {
    name: witness.key.name,
    keyId: noteKeyId(witness.key),
    signature: concatBytes(timestamp, signature),
  };
}

/**
 * When `key` cosigned the checkpoint `text` (milliseconds, whole seconds), or null where
 * `signature` is not a valid cosignature of `key` over it.
 */
export function verifyCosignature(
  text: string,
  signature: NoteSignature,
  key: NoteKey,
): number | null {
  if (key.type !== "cosignature/v1") return null;
  if (signature.name !== key.name || signature.keyId !== noteKeyId(key)) return null;
  const bytes = signature.signature;
  if (bytes.length !== TIMESTAMP_BYTES + 64) return null;
  const seconds = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  if (!Number.isSafeInteger(seconds * 1_000)) return null;
  const message = cosignedMessage(text, seconds);
  const holds = verifyEd25519(bytes.slice(TIMESTAMP_BYTES), message, key.publicKey);
  return holds ? seconds * 1_000 : null;
}

function ledgerKey(origin: string, publicKey: Uint8Array): NoteKey {
  return { name: origin, type: "ed25519", publicKey };
}

function cosignedMessage(text: string, seconds: number): Uint8Array {
  return utf8Bytes(`cosignature/v1\ntime ${seconds}\n${text}`);
}
