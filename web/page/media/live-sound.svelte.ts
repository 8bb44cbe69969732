import type { LiveFragment } from "../../../src/protocol/live-frame.ts";
import { canDecodeSound, DecodedSound } from "./decoded-sound.ts";
import type { LiveInit } from "./live-message.ts";
import type { LiveListener } from "./live-view.svelte.ts";
import type { SoundOutput } from "./sound-output.ts";
import { canStreamSound, StreamedSound } from "./streamed-sound.ts";

const STEER_MS = 250;
/** A second or two of pictures, for the one in their middle. */
const PICTURES_MAX = 40;
/** Pictures and sound that are off by less are in step. */
const STEP_MS = 15;
/** Pictures are held back for sound by no more than this. */
const HELD_MAX_MS = 400;
const HELD_MAX = 600;
const PATIENCE_MS = 2_500;

interface Held {
  readonly fragment: LiveFragment;
  readonly show: (fragment: LiveFragment) => void;
  readonly dueMs: number;
}

/**
 * The sound of one live picture. Sound takes longer on its way, since it is encoded in frames and
 * played without a break: while it is on, pictures wait for it, so that lips and words agree.
 */
export class LiveSound implements LiveListener {
  /** - `silent`: nothing comes; - `unsupported`: this browser cannot play what comes. */
  state = $state<"starting" | "playing" | "silent" | "unsupported">("starting");
  /** How much later than its picture sound is heard; null while that cannot be said. */
  apartMs = $state<number | null>(null);

  readonly #context: AudioContext;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #startedMs = performance.now();
  /** How late pictures would be if they did not wait. */
  #pictures: number[] = [];
  /** How long those on their way have waited, by their wall clock. */
  readonly #waits = new Map<number, number>();
  #output: SoundOutput | null = null;
  #init: LiveInit | null = null;
  #hasDecoderFailed = false;
  #holdMs = 0;
  #held: Held[] = [];
  #release: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /** @param context - Made where somebody tapped: elsewhere browsers keep it silent. */
  constructor(context: AudioContext) {
    this.#context = context;
    this.#timer = setInterval(() => this.#steer(), STEER_MS);
  }

  begin(init: LiveInit): void {
    void this.#begin(init);
  }

  take(fragment: LiveFragment, show: (fragment: LiveFragment) => void): void {
    if (fragment.track === "audio") {
      this.#output?.push(fragment);
      return;
    }
    if (this.#holdMs < STEP_MS && this.#held.length === 0) {
      show(fragment);
      return;
    }
    const nowMs = performance.now();
    // In their order, also when they are to wait less than those before them.
    const dueMs = Math.max(nowMs + this.#holdMs, this.#held.at(-1)?.dueMs ?? 0);
    if (this.#waits.size < HELD_MAX) this.#waits.set(fragment.wallClockMs, dueMs - nowMs);
    this.#held.push({ fragment, show, dueMs });
    if (this.#held.length > HELD_MAX) this.#letGo(Number.POSITIVE_INFINITY);
    else this.#plan();
  }

  painted(wallClockMs: number): void {
    const lateMs = performance.now() - wallClockMs - (this.#waits.get(wallClockMs) ?? 0);
    this.#pictures = [...this.#pictures, lateMs].slice(-PICTURES_MAX);
    for (const atMs of this.#waits.keys()) if (atMs <= wallClockMs) this.#waits.delete(atMs);
  }

  /** What is held of a stream that broke off would only be shown late. */
  lost(): void {
    this.#held = [];
    this.#waits.clear();
    this.#pictures = [];
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#release);
    this.#letGo(Number.POSITIVE_INFINITY);
    this.#output?.close();
    void this.#context.close();
  }

  async #begin(init: LiveInit): Promise<void> {
    this.#init = init;
    const isDecoded = !this.#hasDecoderFailed && (await canDecodeSound(init));
    if (this.#isClosed || init !== this.#init) return;
    this.#output?.close();
    this.#output = null;
    try {
      if (isDecoded)
        this.#output = new DecodedSound(init, this.#context, {
          onFailure: () => {
            this.#hasDecoderFailed = true;
            void this.#begin(init);
          },
        });
      else if (canStreamSound(init))
        this.#output = new StreamedSound(init, { onFailure: () => this.#fail() });
      else this.#fail();
    } catch {
      this.#fail();
    }
  }

  #fail(): void {
    this.#output?.close();
    this.#output = null;
    this.state = "unsupported";
  }

  /** Whichever is sooner waits for the other. */
  #steer(): void {
    const sound = this.#output?.lagMs ?? null;
    const sorted = this.#pictures.toSorted((one, other) => one - other);
    const shown = sorted[sorted.length >> 1] ?? null;
    if (this.state !== "unsupported") {
      const isEarly = performance.now() - this.#startedMs < PATIENCE_MS;
      this.state = sound !== null ? "playing" : isEarly ? "starting" : "silent";
    }
    if (sound === null) this.#holdMs = 0;
    if (sound === null || shown === null) {
      this.apartMs = null;
      return;
    }
    this.#output?.waitFor(shown);
    const holdMs = Math.min(HELD_MAX_MS, Math.max(0, sound - shown));
    if (Math.abs(holdMs - this.#holdMs) > STEP_MS) this.#holdMs = holdMs;
    this.apartMs = sound - shown - this.#holdMs;
  }

  #plan(): void {
    const [next] = this.#held;
    if (!next) return;
    clearTimeout(this.#release);
    this.#release = setTimeout(
      () => this.#letGo(performance.now()),
      next.dueMs - performance.now(),
    );
  }

  #letGo(nowMs: number): void {
    while (this.#held[0] && this.#held[0].dueMs <= nowMs + 1) {
      const next = this.#held.shift();
      next?.show(next.fragment);
    }
    if (!this.#isClosed) this.#plan();
  }
}
