import type { ClipId } from "../protocol/ids.ts";

/** Disk work of one camera, one after the other, and how much plaintext waits for it. */
export class DiskQueue {
  readonly #onFailure: (clip: ClipId | null, error: unknown) => void;
  #bytes = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(onFailure: (clip: ClipId | null, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Of the work that has not been done yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Does `work` after all that was asked for before.
   *
   * @param sizeBytes - Plaintext that it holds until it is done.
   * @param clip - Named where it fails.
   */
  add(sizeBytes: number, clip: ClipId | null, work: () => Promise<void>): void {
    this.#bytes += sizeBytes;
    this.#tail = this.#tail.then(async () => {
      try {
        await work();
      } catch (error) {
        this.#onFailure(clip, error);
      } finally {
        this.#bytes -= sizeBytes;
      }
    });
  }

  /** Resolves when all that was asked for so far is done, or was reported as failed. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
