import path from "node:path";
import { makePrivateDirectory } from "../base/files.ts";
import type { Recipient } from "../protocol/age-header.ts";
import { sealedFileName, type FileKey, type SealedFile } from "../protocol/clip.ts";
import type { Fragment } from "../protocol/fragment.ts";
import { SealedFileWriter } from "./sealed-file.ts";

/** What a waiting fragment takes beside its bytes. */
const FRAGMENT_OVERHEAD_BYTES = 512;

/** What a fragment takes while it waits for the disk. */
export function countedBytes(bytes: Uint8Array): number {
  return bytes.length + FRAGMENT_OVERHEAD_BYTES;
}

/**
 * One track of one segment while it is recorded: the track's initialisation bytes, then fragments.
 * Created on disk with the first fragment. One call at a time.
 */
export class SegmentFile implements AsyncDisposable {
  readonly #key: FileKey;
  readonly #finalPath: string;
  readonly #recipients: readonly Recipient[];
  #writer: SealedFileWriter | null = null;
  #fromMs = 0;
  #toMs = 0;

  private constructor(key: FileKey, finalPath: string, recipients: readonly Recipient[]) {
    this.#key = key;
    this.#finalPath = finalPath;
    this.#recipients = recipients;
  }

  static create(input: {
    readonly key: FileKey;
    readonly folder: string;
    readonly recipients: readonly Recipient[];
  }): SegmentFile {
    const finalPath = path.join(input.folder, sealedFileName(input.key));
    return new SegmentFile(input.key, finalPath, input.recipients);
  }

  /** @throws The operating system's error; the file is then only good for disposal. */
  async append(fragment: Fragment): Promise<void> {
    if (this.#writer === null) {
      await makePrivateDirectory(path.dirname(this.#finalPath));
      this.#writer = await SealedFileWriter.create(this.#finalPath, this.#recipients);
      this.#fromMs = fragment.wallClockMs;
      await this.#writer.write(fragment.init.bytes);
    }
    await this.#writer.write(fragment.bytes);
    const endMs = Math.round(fragment.wallClockMs + fragment.durationMs);
    // A wall clock that was set back must not make a file end before it began.
    this.#toMs = Math.max(this.#toMs, endMs, this.#fromMs);
  }

  /** @returns null where no fragment came: then there is no file either. */
  async commit(): Promise<SealedFile | null> {
    if (this.#writer === null) return null;
    const committed = await this.#writer.commit();
    this.#writer = null;
    return {
      ...this.#key,
      ...committed,
      fromMs: Math.round(this.#fromMs),
      toMs: Math.round(this.#toMs),
    };
  }

  /** Without {@link commit}, what was written stays as `.partial`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
    this.#writer = null;
  }
}
