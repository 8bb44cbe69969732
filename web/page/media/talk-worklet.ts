import { FRAME_SAMPLES, type MicrophoneFrame } from "./microphone-frame.ts";
import { Resampler } from "./resampler.ts";

/** What a worklet's own scope has, which the DOM's types do not. */
interface WorkletScope {
  readonly sampleRate: number;
  registerProcessor(name: string, processor: new () => object): void;
  readonly AudioWorkletProcessor: new () => { readonly port: MessagePort };
}
const scope = globalThis as unknown as WorkletScope;

/** The microphone's sound in frames of 20 ms, at 8,000 Hz and 16 bits, and how loud each is. */
class MicrophoneFrames extends scope.AudioWorkletProcessor {
  readonly #resampler = new Resampler(scope.sampleRate);
  #frame = new Int16Array(FRAME_SAMPLES);
  #size = 0;
  #squares = 0;

  process([input]: readonly (readonly Float32Array[])[]): boolean {
    const samples = input?.[0];
    if (samples) for (const sample of this.#resampler.push(samples)) this.#take(sample);
    return true;
  }

  #take(sample: number): void {
    const bounded = Math.max(-1, Math.min(1, sample));
    this.#squares += bounded * bounded;
    this.#frame[this.#size] = Math.round(bounded * 32_767);
    this.#size += 1;
    if (this.#size < FRAME_SAMPLES) return;
    const frame: MicrophoneFrame = {
      samples: this.#frame,
      level: Math.sqrt(this.#squares / FRAME_SAMPLES),
    };
    this.port.postMessage(frame, [this.#frame.buffer]);
    this.#frame = new Int16Array(FRAME_SAMPLES);
    this.#size = 0;
    this.#squares = 0;
  }
}

scope.registerProcessor("microphone-frames", MicrophoneFrames);
