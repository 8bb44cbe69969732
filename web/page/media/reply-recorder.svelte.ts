import { decodeG711, encodeG711, G711_SAMPLE_RATE } from "../../../src/protocol/g711.ts";
import { MicrophoneError, openMicrophone, type Microphone } from "./microphone.ts";
import { FRAME_SAMPLES } from "./microphone-frame.ts";

/** As src/protocol/api-talk.ts has them; that file brings a schema library. */
export const REPLY_SECONDS_MAX = 15;
const FRAMES_MAX = (REPLY_SECONDS_MAX * G711_SAMPLE_RATE) / FRAME_SAMPLES;
const FRAMES_MIN = 10;

/** Records one short reply, in this page's memory only. */
export class ReplyRecorder {
  #state = $state<"idle" | "asking" | "recording" | "done">("idle");
  #frames = $state(0);
  #trouble = $state.raw<string | null>(null);
  #pieces: Uint8Array[] = [];
  #microphone: Microphone | null = null;
  #turn = 0;

  get state(): "idle" | "asking" | "recording" | "done" {
    return this.#state;
  }
  get seconds(): number {
    return (this.#frames * FRAME_SAMPLES) / G711_SAMPLE_RATE;
  }
  /** `microphone-denied` and its like, or `short`. */
  get trouble(): string | null {
    return this.#trouble;
  }
  /** G.711 mu-law. */
  get sound(): Uint8Array<ArrayBuffer> {
    const sound = new Uint8Array(this.#pieces.length * FRAME_SAMPLES);
    for (const [index, piece] of this.#pieces.entries()) sound.set(piece, index * FRAME_SAMPLES);
    return sound;
  }

  /** From a tap. */
  async start(): Promise<void> {
    this.cancel();
    const turn = this.#turn;
    this.#state = "asking";
    try {
      const microphone = await openMicrophone(
        ({ samples }) => this.#take(turn, samples),
        () => this.stop(),
      );
      if (turn !== this.#turn) {
        microphone.close();
        return;
      }
      this.#microphone = microphone;
      this.#state = "recording";
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#state = "idle";
      this.#trouble = `microphone-${error instanceof MicrophoneError ? error.trouble : "missing"}`;
    }
  }

  stop(): void {
    if (this.#state !== "recording") return;
    this.#release();
    const isShort = this.#pieces.length < FRAMES_MIN;
    this.#trouble = isShort ? "short" : null;
    this.#state = isShort ? "idle" : "done";
  }

  /** Forgets what was recorded. */
  cancel(): void {
    this.#release();
    this.#pieces = [];
    this.#frames = 0;
    this.#trouble = null;
    this.#state = "idle";
  }

  #release(): void {
    this.#turn += 1;
    this.#microphone?.close();
    this.#microphone = null;
  }

  #take(turn: number, samples: Int16Array): void {
    if (turn !== this.#turn || this.#state !== "recording") return;
    this.#pieces.push(encodeG711("PCMU", samples));
    this.#frames = this.#pieces.length;
    if (this.#frames >= FRAMES_MAX) this.stop();
  }
}

/**
 * Plays G.711 mu-law here, on this device; from a tap.
 *
 * @returns what ends it early.
 */
export function playSound(sound: Uint8Array): () => void {
  const context = new AudioContext();
  const samples = Float32Array.from(decodeG711("PCMU", sound), (sample) => sample / 32_768);
  const buffer = context.createBuffer(1, samples.length, G711_SAMPLE_RATE);
  buffer.copyToChannel(samples, 0);
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  const close = (): void => void context.close().catch(() => undefined);
  source.addEventListener("ended", close, { once: true });
  source.start();
  return close;
}
