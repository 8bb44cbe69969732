import { createDecipheriv } from "node:crypto";
import { readFile } from "node:fs/promises";
import { systemErrorCode } from "../../base/files.ts";
import { attempt, type Attempt } from "./attempt.ts";
import { addIdentities, noCandidates, tryCandidates } from "./candidates.ts";
import type { Lock } from "./lock.ts";

/**
 * Browsers' storage on the hub's machine. A device without a passkey is sealed by a key that the
 * browser never gives to a page; but it lies in the profile's files, and whoever has these has it.
 */

const STORAGE = /\/(IndexedDB|Local Storage|Session Storage|storage\/default)\//;
const STORAGE_FILE = /\.(log|ldb|sqlite|sqlite-wal)$/;
const READ_MAX_BYTES = 64 * 1024 * 1024;
/** V8's serialisation (`ValueSerializer`): a one-byte string, an array buffer, a host object. */
const STRING_TAG = 0x22;
const ARRAY_BUFFER_TAG = 0x42;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** A key stands this near its name, and a field this near another of its record. */
const KEY_WITHIN_BYTES = 256;
const RECORD_MAX_BYTES = 64 * 1024;
/** LevelDB cuts a log into blocks, each piece of a record with 7 bytes before it. */
const LOG_BLOCK_BYTES = 32_768;
const LOG_PIECE_HEADER_BYTES = 7;

export function isBrowserStorage(file: string): boolean {
  return STORAGE.test(file) && STORAGE_FILE.test(file);
}

export async function attackBrowserFiles(files: readonly string[], lock: Lock): Promise<Attempt> {
  const candidates = noCandidates();
  let devices = 0;
  for (const file of files) {
    const bytes = await readStorage(file);
    addIdentities(candidates, bytes.toString("latin1"));
    for (const sealed of sealedDevices(file.endsWith(".log") ? joinLog(bytes) : bytes)) {
      devices += 1;
      const opened = openSealedDevice(sealed);
      if (opened !== null) addIdentities(candidates, opened.toString("latin1"));
    }
  }
  return attempt(
    "devices and readers in browsers' storage",
    await tryCandidates(candidates, lock),
    `${files.length} files, ${devices} sealed devices, ${candidates.identities.size} age identities`,
  );
}

async function readStorage(file: string): Promise<Buffer> {
  try {
    return (await readFile(file)).subarray(0, READ_MAX_BYTES);
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    return Buffer.alloc(0);
  }
}

/** The records of a LevelDB log without what separates its pieces (leveldb, log_format.md). */
function joinLog(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let block = 0; block < bytes.length; block += LOG_BLOCK_BYTES) {
    const end = Math.min(block + LOG_BLOCK_BYTES, bytes.length);
    for (let at = block; at + LOG_PIECE_HEADER_BYTES < end;) {
      const length = bytes.readUInt16LE(at + 4);
      if (length === 0) break;
      const start = at + LOG_PIECE_HEADER_BYTES;
      pieces.push(bytes.subarray(start, Math.min(start + length, end)));
      at = start + length;
    }
  }
  return Buffer.concat(pieces);
}

interface SealedDevice {
  /** Bytes in which the key stands, wherever exactly. */
  readonly near: Buffer;
  readonly iv: Buffer;
  readonly sealed: Buffer;
}

/** Records with the fields `key`, `iv` and `sealed`, as `web/page/device/device-store.ts` has them. */
function* sealedDevices(bytes: Buffer): Generator<SealedDevice> {
  const nameOf = (text: string): Buffer =>
    Buffer.concat([Buffer.from([STRING_TAG, text.length]), Buffer.from(text)]);
  for (let at = bytes.indexOf(nameOf("sealed")); at >= 0;) {
    const sealed = arrayBufferAt(bytes, at + nameOf("sealed").length);
    const ivAt = bytes.lastIndexOf(nameOf("iv"), at);
    const keyAt = bytes.lastIndexOf(nameOf("key"), at);
    const iv = ivAt < 0 ? null : arrayBufferAt(bytes, ivAt + nameOf("iv").length);
    if (sealed && iv?.length === IV_BYTES && at - ivAt < RECORD_MAX_BYTES) {
      const hasKey = keyAt >= 0 && at - keyAt < RECORD_MAX_BYTES;
      const near = hasKey ? bytes.subarray(keyAt, keyAt + KEY_WITHIN_BYTES) : Buffer.alloc(0);
      yield { near, iv, sealed };
    }
    at = bytes.indexOf(nameOf("sealed"), at + 1);
  }
}

/** The array buffer that begins at `at`, after padding; null where there is none. */
function arrayBufferAt(bytes: Buffer, at: number): Buffer | null {
  let offset = at;
  while (bytes[offset] === 0) offset += 1;
  if (bytes[offset] !== ARRAY_BUFFER_TAG) return null;
  let length = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    offset += 1;
    const byte = bytes[offset] ?? 0;
    length |= (byte & 0x7f) << shift;
    if ((byte & 0x80) === 0) break;
  }
  const content = bytes.subarray(offset + 1, offset + 1 + length);
  return content.length === length && length <= RECORD_MAX_BYTES ? content : null;
}

function openSealedDevice({ near, iv, sealed }: SealedDevice): Buffer | null {
  const split = sealed.length - TAG_BYTES;
  if (split <= 0) return null;
  for (let at = 0; at + KEY_BYTES <= near.length; at += 1) {
    const decipher = createDecipheriv("aes-256-gcm", near.subarray(at, at + KEY_BYTES), iv);
    decipher.setAuthTag(sealed.subarray(split));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, split)), decipher.final()]);
    } catch {
      // Not these 32 bytes.
    }
  }
  return null;
}
