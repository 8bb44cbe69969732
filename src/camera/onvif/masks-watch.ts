import type { Polygon } from "../../protocol/picture-areas.ts";
import { CameraError } from "../camera-error.ts";
import { OnvifDevice, type OnvifOptions } from "./device.ts";
import { readMasksInCamera, type MasksInCamera } from "./masks.ts";

export interface MasksWatchOptions {
  readonly device: Omit<OnvifOptions, "signal">;
  readonly masks: readonly Polygon[];
  /** Whether the camera is known to hide all of them by itself, and else why not. */
  readonly onChange: (found: MasksInCamera) => void;
  /** For tests. */
  readonly everyMs?: number;
}

/** So long may a camera show what its own masks no longer cover before it is noticed. */
export const MASKS_READ_EVERY_MS = 5_000;
/** The same again for a camera that is slow to answer. */
const READ_TIMEOUT_MS = 5_000;
const NOT_KNOWN: MasksInCamera = { isHidden: false, why: null };

/**
 * Keeps reading what a camera hides by itself: when its stream connects, and regularly from then on.
 * It counts as hiding only after it has said so on this connection, and not any more as soon as it
 * says otherwise, does not answer, or its stream breaks off.
 */
export class MasksWatch implements AsyncDisposable {
  readonly #options: MasksWatchOptions;
  readonly #closing = new AbortController();
  #device: OnvifDevice | null = null;
  #timer: NodeJS.Timeout | null = null;
  #reading: Promise<void> = Promise.resolve();
  /** Counts connections, so that an answer to an earlier one is none. */
  #connection = 0;
  #told: MasksInCamera = NOT_KNOWN;

  constructor(options: MasksWatchOptions) {
    this.#options = options;
  }

  /** Its stream is there. */
  connected(): void {
    this.lost();
    this.#read(this.#connection);
  }

  /** Its stream is gone: a camera that was set back to what it was in the factory starts anew, too. */
  lost(): void {
    this.#connection += 1;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#device = null;
    this.#tell(NOT_KNOWN);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.lost();
    await this.#reading;
  }

  #read(connection: number): void {
    this.#reading = this.#reading.then(async () => {
      if (connection !== this.#connection || this.#closing.signal.aborted) return;
      const found = await this.#ask();
      if (connection !== this.#connection || this.#closing.signal.aborted) return;
      this.#tell(found);
      const everyMs = this.#options.everyMs ?? MASKS_READ_EVERY_MS;
      this.#timer = setTimeout(() => this.#read(connection), everyMs).unref();
    });
  }

  async #ask(): Promise<MasksInCamera> {
    const { device, masks } = this.#options;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    try {
      this.#device ??= await OnvifDevice.open({ ...device, signal });
      return await readMasksInCamera(this.#device, masks, signal);
    } catch (error) {
      this.#device = null;
      if (error instanceof CameraError || signal.aborted)
        return { isHidden: false, why: error instanceof Error ? error.message : "it is silent" };
      throw error;
    }
  }

  #tell(found: MasksInCamera): void {
    const before = this.#told;
    this.#told = found;
    const isSame = before.isHidden === found.isHidden && before.why === found.why;
    if (!isSame && !this.#closing.signal.aborted) this.#options.onChange(found);
  }
}
