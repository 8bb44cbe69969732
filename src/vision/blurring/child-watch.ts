import type { SandboxedChild } from "../../base/sandbox.ts";
import { HubError } from "../../protocol/errors.ts";

/** How long a child may take. */
export interface ChildLimits {
  /** Without giving or taking anything, while it is waited for. */
  readonly stallMs: number;
  /** Processor time of one child; a segment is 30 s of pictures at most. */
  readonly cpuSecondsMax: number;
  readonly memoryBytes: number;
}

export const CHILD_LIMITS: ChildLimits = {
  stallMs: 20_000,
  cpuSecondsMax: 600,
  memoryBytes: 1024 * 1024 * 1024,
};

/** Why a child was ended by us; null while it was not. */
export class ChildWatch {
  readonly #child: SandboxedChild;
  readonly #stallMs: number;
  #reason: HubError | null = null;

  constructor(child: SandboxedChild, stallMs: number) {
    this.#child = child;
    this.#stallMs = stallMs;
  }

  get reason(): HubError | null {
    return this.#reason;
  }

  /** Ends the child where `work` takes too long, which ends `work` too: it waits for the child. */
  async during<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(
      () => this.end(new HubError("VISION_TIMEOUT", "Cannot cover faces: ffmpeg stands still")),
      this.#stallMs,
    );
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  end(reason: HubError): void {
    this.#reason ??= reason;
    this.#child.kill();
  }
}

/** How a child ends that has done all that it was to do. */
export const ENDED_WELL = "code 0";

/**
 * How a child ended. Never what it said: that may be of the pictures, or what a camera has put beside
 * them, and what goes wrong is written into a log.
 */
export async function endOf(child: SandboxedChild): Promise<string> {
  return (await child.exited).inWords;
}

/** Settles when the bytes may be used again; false where the child takes nothing any more. */
export function writeTo(child: SandboxedChild, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => child.stdin.write(bytes, (error) => resolve(!error)));
}
