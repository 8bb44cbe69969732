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

/** In one printable line, how a child ended and what it said last. */
export async function lastWords(child: SandboxedChild): Promise<string> {
  const { code, signal } = await child.exited;
  const said = child.stderrTail().trim().split("\n").at(-1)?.slice(0, 200) || "no message";
  return `${signal ?? `code ${code}`}: ${said}`;
}

/** Settles when the bytes may be used again; false where the child takes nothing any more. */
export function writeTo(child: SandboxedChild, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => child.stdin.write(bytes, (error) => resolve(!error)));
}
