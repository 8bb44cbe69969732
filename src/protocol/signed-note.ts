import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, fromBase64, fromHex, toBase64, toHex, utf8Bytes } from "./bytes.ts";
import { MalformedInput } from "./errors.ts";

/** Longest note read: an owner's household has a handful of signers, not thousands. */
const NOTE_CHARACTERS_MAX = 65_536;
const SIGNATURES_MAX = 64;
const NAME_CHARACTERS_MAX = 255;

/**
 * What a signature line's key signs with (C2SP signed-note, signature types 0x01 and 0x04):
 * `ed25519` signs the note's text, `cosignature/v1` the time and the text.
 */
export type NoteKeyType = "ed25519" | "cosignature/v1";

const TYPE_BYTES: Readonly<Record<NoteKeyType, number>> = { ed25519: 0x01, "cosignature/v1": 0x04 };

/** A key that a verifier was given beforehand; nothing in a note itself makes a key known. */
export interface NoteKey {
  /** Not empty, no white space, no `+`. */
  readonly name: string;
  readonly type: NoteKeyType;
  /** Raw Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  /** First four bytes of a hash over name, type and key, big-endian: an identifier, no proof. */
  readonly keyId: number;
  readonly signature: Uint8Array;
}

/** A text and the signatures on it (C2SP signed-note). Reading one verifies nothing. */
export interface SignedNote {
  /** The signed text with its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Signs `message` with the private half of a key that stays with the caller. */
export type Sign = (message: Uint8Array) => Uint8Array;

/** Identifier of a key in signature lines (C2SP signed-note, Signatures). */
export function noteKeyId(key: NoteKey): number {
  const typeByte = Uint8Array.of(TYPE_BYTES[key.type]);
  const hash = sha256(concatBytes(utf8Bytes(`${key.name}\n`), typeByte, key.publicKey));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
}

/** Verifier key as one line of text: `name+hash+base64(type and key)`. */
export function formatNoteKey(key: NoteKey): string {
  requireKeyName(key.name);
  const typed = concatBytes(Uint8Array.of(TYPE_BYTES[key.type]), key.publicKey);
  return `${key.name}+${keyIdHex(noteKeyId(key))}+${toBase64(typed)}`;
}

/** @throws MalformedInput when the text is no verifier key of a known type, or its hash is wrong. */
export function parseNoteKey(text: string): NoteKey {
  // Base64 may hold a plus sign of its own; names may not.
  const [name = "", hash = "", ...rest] = text.split("+");
  requireKeyName(name);
  const typed = fromBase64(rest.join("+"), "verifier key");
  const type = (["ed25519", "cosignature/v1"] as const).find(
    (candidate) => TYPE_BYTES[candidate] === typed[0],
  );
  if (type === undefined || typed.length !== 33)
    throw new MalformedInput("verifier key", "Cannot read verifier key: not a known Ed25519 type");
  const key: NoteKey = { name, type, publicKey: typed.slice(1) };
  if (hash !== keyIdHex(noteKeyId(key)))
    throw new MalformedInput("verifier key", "Cannot read verifier key: its hash does not match");
  return key;
}

/** One signature line, without its newline. */
export function formatSignatureLine(signature: NoteSignature): string {
  requireKeyName(signature.name);
  const keyId = fromHex(keyIdHex(signature.keyId), "key id");
  return `— ${signature.name} ${toBase64(concatBytes(keyId, signature.signature))}`;
}

/** @throws MalformedInput unless `line` is exactly one signature line without its newline. */
export function parseSignatureLine(line: string): NoteSignature {
  const [dash, name = "", encoded = "", ...rest] = line.split(" ");
  if (dash !== "—" || rest.length > 0 || hasControlCharacter(line))
    throw new MalformedInput("signature", "Cannot read signature line: not three words after —");
  requireKeyName(name);
  const bytes = fromBase64(encoded, "signature");
  if (bytes.length <= 4)
    throw new MalformedInput("signature", "Cannot read signature line: too short");
  const keyId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, keyId, signature: bytes.slice(4) };
}

export function formatSignedNote(note: SignedNote): string {
  const lines = note.signatures.map((signature) => `${formatSignatureLine(signature)}\n`);
  return `${note.text}\n${lines.join("")}`;
}

/**
 * Reads a note (C2SP signed-note, Format): well-formed text, a blank line, one to 64 signature
 * lines, of which no two are of the same key.
 *
 * @throws MalformedInput naming what is wrong.
 */
export function parseSignedNote(note: string): SignedNote {
  if (note.length > NOTE_CHARACTERS_MAX)
    throw new MalformedInput("note", "Cannot read note: longer than 65,536 characters");
  if (!note.isWellFormed() || hasControlCharacter(note.replaceAll("\n", "")))
    throw new MalformedInput("note", "Cannot read note: it has characters that no note may have");
  const blankLine = note.lastIndexOf("\n\n");
  if (blankLine < 1 || !note.endsWith("\n"))
    throw new MalformedInput("note", "Cannot read note: text, blank line and signatures expected");
  const lines = note.slice(blankLine + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX)
    throw new MalformedInput("note", `Cannot read note: more than ${SIGNATURES_MAX} signatures`);
  const signatures = lines.map(parseSignatureLine);
  const signers = new Set(signatures.map(({ name, keyId }) => `${keyId} ${name}`));
  if (signers.size !== signatures.length)
    throw new MalformedInput("note", "Cannot read note: two signatures of one key");
  return { text: note.slice(0, blankLine + 1), signatures };
}

/** The signature in `note` that says it is of `key`, or undefined. Verifies nothing. */
export function findSignature(note: SignedNote, key: NoteKey): NoteSignature | undefined {
  const keyId = noteKeyId(key);
  return note.signatures.find(
    (signature) => signature.name === key.name && signature.keyId === keyId,
  );
}

function requireKeyName(name: string): void {
  const isGood =
    name.length > 0 &&
    name.length <= NAME_CHARACTERS_MAX &&
    name.isWellFormed() &&
    !/[\p{White_Space}+]/u.test(name) &&
    !hasControlCharacter(name);
  if (!isGood)
    throw new MalformedInput(
      "key name",
      "Cannot read key name: empty, too long, or has a space or +",
    );
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < " ");
}

function keyIdHex(keyId: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, keyId);
  return toHex(bytes);
}
