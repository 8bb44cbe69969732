import type { Polygon } from "../../protocol/picture-areas.ts";
import { CameraError } from "../camera-error.ts";
import type { StreamRole } from "../live-pipe.ts";
import { OnvifDevice, type OnvifOptions } from "./device.ts";
import { readMasksInCamera, type MasksInCamera } from "./masks.ts";

export interface MasksWatchOptions {
  readonly device: Omit<OnvifOptions, "signal">;
  readonly masks: readonly Polygon[];
  readonly onChange: (found: MasksFound) => void;
  /** For tests. */
  readonly everyMs?: number;
}

/** What a camera last said that it hides by itself. */
export interface MasksFound extends MasksInCamera {
  /** Streams of which it said so since they are there; none where {@link isHidden} is false. */
  readonly hidden: ReadonlySet<StreamRole>;
}

/** So long may a camera show what its own masks no longer cover before it is noticed. */
export const MASKS_READ_EVERY_MS = 5_000;
/** The same again for a camera that is slow to answer. */
const READ_TIMEOUT_MS = 5_000;
const NOT_KNOWN: MasksFound = { isHidden: false, why: null, hidden: new Set() };

/**
 * Keeps reading what a camera hides by itself: when a stream of it connects or breaks off, and
 * regularly from then on. A stream counts as hidden only after the camera has said so while that
 * stream was there, and not any more as soon as the camera says otherwise or does not answer, or that
 * stream breaks off. Another one of the same camera that fails takes nothing from it.
 */
export class MasksWatch implements AsyncDisposable {
  readonly #options: MasksWatchOptions;
  readonly #closing = new AbortController();
  #device: OnvifDevice | null = null;
  #timer: NodeJS.Timeout | null = null;
  #reading: Promise<void> | null = null;
  /** Something changed that the answer which is waited for may not know of. */
  #isDue = false;
  /** Streams that are there, each with its connection: an answer to an earlier one is none. */
  readonly #connections = new Map<StreamRole, symbol>();
  #told: MasksFound = NOT_KNOWN;

  constructor(options: MasksWatchOptions) {
    this.#options = options;
  }

  /** A stream is there that was not. */
  connected(role: StreamRole): void {
    this.lost(role);
    this.#connections.set(role, Symbol(role));
    this.#read();
  }

  /**
   * A stream is gone: a camera that was set back to what it was in the factory starts anew, too. So
   * where another one is still there, the camera is asked at once.
   */
  lost(role: StreamRole): void {
    if (!this.#connections.delete(role)) return;
    this.#device = null;
    const hidden = new Set([...this.#told.hidden].filter((other) => other !== role));
    this.#tell(hidden.size === 0 ? NOT_KNOWN : { ...this.#told, hidden });
    if (this.#connections.size > 0) this.#read();
    else this.#stopTimer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#connections.clear();
    this.#stopTimer();
    await this.#reading;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #read(): void {
    this.#stopTimer();
    this.#isDue = true;
    this.#reading ??= this.#readWhileDue().finally(() => {
      this.#reading = null;
      if (this.#connections.size === 0) return;
      if (this.#isDue) return this.#read();
      const everyMs = this.#options.everyMs ?? MASKS_READ_EVERY_MS;
      this.#timer = setTimeout(() => this.#read(), everyMs).unref();
    });
  }

  /** Whatever was asked is believed of the streams that were there then and still are. */
  async #readWhileDue(): Promise<void> {
    while (this.#isDue && this.#connections.size > 0) {
      this.#isDue = false;
      const asked = new Map(this.#connections);
      const found = await this.#ask();
      const roles = [...asked.keys()].filter(
        (role) => this.#connections.get(role) === asked.get(role),
      );
      if (roles.length > 0) this.#tell({ ...found, hidden: new Set(found.isHidden ? roles : []) });
    }
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

  #tell(found: MasksFound): void {
    const before = this.#told;
    this.#told = found;
    const isSame =
      before.isHidden === found.isHidden &&
      before.why === found.why &&
      before.hidden.size === found.hidden.size &&
      [...before.hidden].every((role) => found.hidden.has(role));
    if (!isSame && !this.#closing.signal.aborted) this.#options.onChange(found);
  }
}
