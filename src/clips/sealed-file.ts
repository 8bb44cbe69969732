import { createCipheriv, createHash, randomBytes, type Hash } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { PARTIAL_ENDING, PRIVATE_FILE_MODE, syncDirectory } from "../base/files.ts";
import { encodeAgeHeader, encodeRecipientStanzas, type Recipient } from "../protocol/age-header.ts";
import { concatBytes } from "../protocol/bytes.ts";
import { parseSha256Hex, type Sha256Hex } from "../protocol/ids.ts";
import {
  deriveHeaderKey,
  derivePayloadKey,
  FILE_KEY_BYTES,
  PAYLOAD_NONCE_BYTES,
  wrapFileKey,
} from "./file-key.ts";
import { allocateSecret, hmacSha256, randomSecret, wipe } from "./secrets.ts";

/** Plaintext bytes in each chunk of the payload but the last (C2SP `age`, "Payload"). */
export const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
/** Ciphertext that is handed to the system at once: four chunks cost a third of one by one. */
const WRITE_BYTES = 4 * (CHUNK_BYTES + TAG_BYTES);
const COUNTER_OFFSET = 7;
const LAST_CHUNK_OFFSET = 11;

interface Opening {
  readonly header: Uint8Array;
  readonly nonce: Uint8Array;
  readonly payloadKey: Uint8Array;
}

/** Makes a file key, wraps it, derives from it, and forgets it: all before the first frame. */
function openAgeFile(recipients: readonly Recipient[]): Opening {
  const fileKey = randomSecret(FILE_KEY_BYTES);
  try {
    const macInput = encodeRecipientStanzas(wrapFileKey(fileKey, recipients));
    const headerKey = deriveHeaderKey(fileKey);
    const header = encodeAgeHeader(macInput, hmacSha256(headerKey, macInput));
    wipe(headerKey);
    const nonce = randomBytes(PAYLOAD_NONCE_BYTES);
    return { header, nonce, payloadKey: derivePayloadKey(fileKey, nonce) };
  } finally {
    wipe(fileKey);
  }
}

/** The STREAM construction of age, chunk by chunk. Owns the payload key until {@link close}. */
interface ChunkSealer {
  /** Ciphertext and tag of the next chunk; only the last may be shorter than `CHUNK_BYTES`. */
  seal(chunk: Uint8Array, isLast: boolean): readonly Uint8Array[];
  close(): void;
}

function sealChunks(payloadKey: Uint8Array): ChunkSealer {
  const nonce = Buffer.alloc(12);
  let count = 0;
  return {
    seal: (chunk, isLast) => {
      // The counter has 88 bits; 2 to the 32 chunks are 256 TiB, so the low ones are enough.
      if (count > 0xffff_ffff) throw new Error("Cannot seal: too many chunks in one file");
      nonce.writeUInt32BE(count, COUNTER_OFFSET);
      nonce[LAST_CHUNK_OFFSET] = isLast ? 1 : 0;
      count++;
      const cipher = createCipheriv("chacha20-poly1305", payloadKey, nonce, {
        authTagLength: TAG_BYTES,
      });
      const ciphertext = cipher.update(chunk);
      cipher.final();
      return [ciphertext, cipher.getAuthTag()];
    },
    close: () => wipe(payloadKey),
  };
}

/** A sealed file that is whole and on disk. */
export interface CommittedFile {
  /** Bytes of the whole file, header included. */
  readonly sizeBytes: number;
  /** SHA-256 over all bytes after the header's final newline. */
  readonly payloadSha256: Sha256Hex;
}

/**
 * Writes one age v1 file, `<finalPath>.partial` until {@link commit}. What has been written opens
 * as far as it goes at any time, in steps of 256 KiB. The file is never resumed: a second writer of
 * one payload key would repeat a nonce.
 *
 * One caller at a time: each call is awaited before the next.
 */
export class SealedFileWriter implements AsyncDisposable {
  readonly #finalPath: string;
  readonly #file: FileHandle;
  readonly #sealer: ChunkSealer;
  readonly #hash: Hash = createHash("sha256");
  readonly #chunk = allocateSecret(CHUNK_BYTES);
  #chunkUsed = 0;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #sizeBytes = 0;
  #hasFootage = false;
  #state: "open" | "failed" | "committed" | "closed" = "open";

  private constructor(finalPath: string, file: FileHandle, sealer: ChunkSealer) {
    this.#finalPath = finalPath;
    this.#file = file;
    this.#sealer = sealer;
  }

  /**
   * @param recipients - Who can open the file; all of one kind.
   * @throws HubError as {@link wrapFileKey}; the operating system's error where `.partial` is
   * already there (a file is never written twice) or cannot be made.
   */
  static async create(
    finalPath: string,
    recipients: readonly Recipient[],
  ): Promise<SealedFileWriter> {
    const opening = openAgeFile(recipients);
    const sealer = sealChunks(opening.payloadKey);
    let file: FileHandle | undefined;
    try {
      file = await open(finalPath + PARTIAL_ENDING, "wx", PRIVATE_FILE_MODE);
      const writer = new SealedFileWriter(finalPath, file, sealer);
      writer.#wait(opening.header, opening.nonce);
      writer.#hash.update(opening.nonce);
      await writer.#flush();
      return writer;
    } catch (error) {
      sealer.close();
      if (file !== undefined) {
        await file.close();
        await rm(finalPath + PARTIAL_ENDING, { force: true });
      }
      throw error;
    }
  }

  /** Bytes on disk so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Seals `plaintext`; up to 64 KiB of it, and less than 256 KiB sealed, wait in memory.
   *
   * @throws The operating system's error (`ENOSPC`, `EIO`). The writer is then only good for
   * disposal.
   */
  async write(plaintext: Uint8Array): Promise<void> {
    this.#requireOpen();
    for (let offset = 0; offset < plaintext.length;) {
      // A full chunk waits for one more byte, since the last chunk of a file is marked as such
      // and may be empty only in an empty file.
      if (this.#chunkUsed === CHUNK_BYTES) this.#sealChunk(false);
      if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
      const part = plaintext.subarray(offset, offset + CHUNK_BYTES - this.#chunkUsed);
      this.#chunk.set(part, this.#chunkUsed);
      this.#chunkUsed += part.length;
      offset += part.length;
    }
  }

  /**
   * Ends the file and gives it its name: last chunk, fsync, rename, fsync of the folder. No key of
   * it is left in memory (invariant 2).
   *
   * @throws The operating system's error; what was written stays as `.partial`.
   */
  async commit(): Promise<CommittedFile> {
    this.#requireOpen();
    this.#sealChunk(true);
    await this.#flush();
    this.#forget();
    this.#state = "failed";
    // Before the rename: after a power cut the final name must never point at missing bytes.
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#finalPath + PARTIAL_ENDING, this.#finalPath);
    this.#state = "committed";
    await syncDirectory(path.dirname(this.#finalPath));
    const payloadSha256 = parseSha256Hex(this.#hash.digest("hex"));
    return { sizeBytes: this.#sizeBytes, payloadSha256 };
  }

  /**
   * Without {@link commit}, a `.partial` that holds footage stays where it is, since nothing that
   * was recorded is removed in silence: the clip store records it as torn.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget();
    if (this.#state === "committed" || this.#state === "closed") return;
    try {
      if (this.#state === "open") await this.#flush();
    } finally {
      this.#state = "closed";
      await this.#file.close();
      if (!this.#hasFootage) await rm(this.#finalPath + PARTIAL_ENDING, { force: true });
    }
  }

  #requireOpen(): void {
    if (this.#state !== "open")
      throw new Error(`Cannot write to ${this.#finalPath}: the writer is ${this.#state}`);
  }

  #forget(): void {
    this.#sealer.close();
    wipe(this.#chunk);
    this.#chunkUsed = 0;
  }

  #sealChunk(isLast: boolean): void {
    const sealed = this.#sealer.seal(this.#chunk.subarray(0, this.#chunkUsed), isLast);
    this.#chunkUsed = 0;
    for (const part of sealed) this.#hash.update(part);
    this.#wait(...sealed);
    this.#hasFootage = true;
  }

  #wait(...parts: readonly Uint8Array[]): void {
    this.#waiting.push(...parts);
    for (const part of parts) this.#waitingBytes += part.length;
  }

  async #flush(): Promise<void> {
    const parts = this.#waiting;
    const sizeBytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    // Until it is known that every byte arrived, nothing may follow.
    this.#state = "failed";
    const { bytesWritten } = await this.#file.writev(parts);
    this.#sizeBytes += bytesWritten;
    if (bytesWritten !== sizeBytes) await this.#writeRest(concatBytes(...parts), bytesWritten);
    this.#state = "open";
  }

  /** A short write is how a full disk announces itself: the next one has the error. */
  async #writeRest(bytes: Uint8Array, offset: number): Promise<void> {
    for (let done = offset; done < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, done);
      done += bytesWritten;
      this.#sizeBytes += bytesWritten;
    }
  }
}

/**
 * A whole age v1 file in memory, for small records.
 *
 * @throws HubError as {@link wrapFileKey}.
 */
export function sealBytes(plaintext: Uint8Array, recipients: readonly Recipient[]): Uint8Array {
  const { header, nonce, payloadKey } = openAgeFile(recipients);
  const sealer = sealChunks(payloadKey);
  const parts = [header, nonce];
  try {
    for (let offset = 0; ; offset += CHUNK_BYTES) {
      const isLast = offset + CHUNK_BYTES >= plaintext.length;
      parts.push(...sealer.seal(plaintext.subarray(offset, offset + CHUNK_BYTES), isLast));
      if (isLast) return concatBytes(...parts);
    }
  } finally {
    sealer.close();
  }
}
