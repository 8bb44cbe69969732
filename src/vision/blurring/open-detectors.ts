import type { BlurRules } from "../blur-footage.ts";
import { openFaceDetector, type DetectorOptions } from "../inference/face-detector.ts";
import { openObjectDetector } from "../inference/object-detector.ts";
import type { Detectors } from "./look-pass.ts";

type Finder<Found> = AsyncDisposable & {
  find(...looking: Parameters<Detectors["faces"]["find"]>): Promise<Found>;
};

export interface OpenDetectorsOptions extends DetectorOptions {
  /**
   * Called where one that has failed does not let go: a run of it goes on, with a thread of this
   * process and the picture that it was given. Nothing but the end of the process gets rid of it.
   */
  readonly onStuck?: () => void;
  /** So long a detector may take to close. */
  readonly closeMaxMs?: number;
}

const CLOSE_MAX_MS = 5_000;

/**
 * Detectors that are open once for all recordings. One that has failed is closed, and opened anew for
 * the next picture: whether it was the picture or the detector, nobody knows.
 */
export class OpenDetectors implements AsyncDisposable {
  readonly #options: OpenDetectorsOptions;
  readonly #open = new Map<string, Promise<Finder<unknown>>>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: OpenDetectorsOptions = {}) {
    this.#options = options;
  }

  /** @throws HubError `DETECTOR_FAILED` */
  async for(mode: BlurRules["mode"]): Promise<Detectors> {
    const faces = await this.#kept(`faces ${mode}`, () => openFaceDetector(mode, this.#options));
    return { faces, objects: await this.objects() };
  }

  /** @throws HubError `DETECTOR_FAILED` */
  objects(): Promise<Detectors["objects"]> {
    return this.#kept("objects", () => openObjectDetector(this.#options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#open.keys()) this.#close(name);
    await Promise.all(this.#closing);
  }

  async #kept<Found>(
    name: string,
    open: () => Promise<Finder<Found>>,
  ): Promise<Pick<Finder<Found>, "find">> {
    const opened = (this.#open.get(name) as Promise<Finder<Found>> | undefined) ?? open();
    this.#open.set(name, opened);
    const finder = await opened.catch((error: unknown) => {
      this.#open.delete(name);
      throw error;
    });
    return {
      find: async (...looking) => {
        try {
          return await finder.find(...looking);
        } catch (error) {
          if (this.#open.get(name) === opened) this.#close(name);
          throw error;
        }
      },
    };
  }

  #close(name: string): void {
    const opened = this.#open.get(name);
    this.#open.delete(name);
    if (!opened) return;
    const { onStuck, closeMaxMs = CLOSE_MAX_MS } = this.#options;
    const stuck = setTimeout(() => onStuck?.(), closeMaxMs);
    const closed = opened
      .then((finder) => finder[Symbol.asyncDispose]())
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(stuck);
        this.#closing.delete(closed);
      });
    this.#closing.add(closed);
  }
}
