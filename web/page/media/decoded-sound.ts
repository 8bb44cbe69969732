import type { LiveFragment } from "../../../src/protocol/live-frame.ts";
import { readSample } from "./fragment-reader.ts";
import type { LiveInit } from "./live-message.ts";
import { soundDescription, type OutputHandlers, type SoundOutput } from "./sound-output.ts";

const MICROSECONDS = 1_000;
/** What the sound is held back by beyond what the way takes, so that the way may take longer. */
const SPARE_MS = 40;
/** Less than this before it must be heard is too little. */
const SPARE_LEAST_MS = 8;
/** Pieces that fit together less well than this are put where they belong. */
const SEAM_S = 0.02;
const WINDOW_MS = 2_000;
/** What is more than enough is given back in steps of at least this. */
const GIVEN_BACK_MS = 40;
const SILENT_MS = 1_000;
const ERRORS_MAX = 3;

/** WebCodecs and Web Audio: each frame is decoded as it comes and played at its time. */
export class DecodedSound implements SoundOutput {
  readonly #context: AudioContext;
  readonly #handlers: OutputHandlers;
  readonly #config: AudioDecoderConfig;
  readonly #playing = new Set<AudioBufferSourceNode>();
  #decoder: AudioDecoder | null = null;
  /** Wall clock less decode time of the newest frame. */
  #wallMs = 0;
  #lag: number | null = null;
  #leastMs = Number.NEGATIVE_INFINITY;
  /** End of what is to be played already, in the context's time. */
  #endS = 0;
  #playedAtMs = 0;
  #windowAtMs = 0;
  #spareMs = Number.POSITIVE_INFINITY;
  #errors = 0;

  /** @throws Error where the stream does not say how it is to be decoded. */
  constructor(init: LiveInit, context: AudioContext, handlers: OutputHandlers) {
    const config = decoderConfig(init);
    if (!config) throw new Error("no description of the sound");
    this.#config = config;
    this.#context = context;
    this.#handlers = handlers;
  }

  get lagMs(): number | null {
    return performance.now() - this.#playedAtMs > SILENT_MS ? null : this.#lag;
  }

  push({ bytes, wallClockMs, decodeTimeMs }: LiveFragment): void {
    try {
      const decoder = (this.#decoder ??= this.#start());
      this.#wallMs = wallClockMs - decodeTimeMs;
      const timestamp = Math.round(decodeTimeMs * MICROSECONDS);
      const data = readSample(bytes).bytes;
      decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    } catch {
      this.#failed();
    }
  }

  waitFor(lagMs: number): void {
    this.#leastMs = lagMs;
  }

  close(): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    if (decoder && decoder.state !== "closed") decoder.close();
    for (const source of this.#playing) source.stop();
    this.#playing.clear();
  }

  #start(): AudioDecoder {
    const decoder: AudioDecoder = new AudioDecoder({
      output: (data) => {
        if (decoder === this.#decoder) this.#play(data);
        data.close();
      },
      error: () => {
        if (decoder === this.#decoder) this.#failed();
      },
    });
    decoder.configure(this.#config);
    return decoder;
  }

  #failed(): void {
    this.close();
    this.#errors += 1;
    if (this.#errors > ERRORS_MAX) this.#handlers.onFailure();
  }

  #play(data: AudioData): void {
    const { numberOfChannels, numberOfFrames, sampleRate, timestamp } = data;
    if (this.#context.state !== "running" || numberOfFrames === 0) return;
    this.#errors = 0;
    const nowMs = performance.now();
    const wallClockMs = timestamp / MICROSECONDS + this.#wallMs;
    const lag = this.#lagFor(wallClockMs, nowMs);
    const wantedS = this.#contextTime(wallClockMs + lag);
    const isSeam = Math.abs(wantedS - this.#endS) < SEAM_S;
    // Two at one time would be heard as one that is louder.
    if (!isSeam && wantedS < this.#endS) return;
    const startS = isSeam ? this.#endS : wantedS;
    if (startS < this.#context.currentTime) {
      this.#endS = 0;
      return;
    }
    const buffer = this.#context.createBuffer(numberOfChannels, numberOfFrames, sampleRate);
    for (let channel = 0; channel < numberOfChannels; channel += 1)
      data.copyTo(buffer.getChannelData(channel), { planeIndex: channel, format: "f32-planar" });
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#context.destination);
    source.addEventListener("ended", () => this.#playing.delete(source));
    source.start(startS);
    this.#playing.add(source);
    this.#endS = startS + buffer.duration;
    this.#playedAtMs = nowMs;
  }

  /** As little as the way allows, and no less than the pictures have. */
  #lagFor(wallClockMs: number, nowMs: number): number {
    const leastMs = nowMs - wallClockMs + this.#outputMs();
    this.#lag ??= Math.max(leastMs + SPARE_MS, this.#leastMs);
    const spareMs = this.#lag - leastMs;
    this.#spareMs = Math.min(this.#spareMs, spareMs);
    if (spareMs < SPARE_LEAST_MS) this.#lag = leastMs + SPARE_MS;
    else if (nowMs - this.#windowAtMs > WINDOW_MS) {
      const target = Math.max(this.#lag - this.#spareMs + SPARE_MS, this.#leastMs);
      if (Math.abs(target - this.#lag) > GIVEN_BACK_MS) this.#lag = target;
      this.#windowAtMs = nowMs;
      this.#spareMs = Number.POSITIVE_INFINITY;
    }
    return this.#lag;
  }

  /** From being handed to the context to being heard. */
  #outputMs(): number {
    const { baseLatency, outputLatency } = this.#context;
    // Not every browser says both.
    return Math.max(baseLatency || 0, outputLatency || 0) * 1_000;
  }

  /** The context's time at which something has to start, to be heard at `performance.now() = atMs`. */
  #contextTime(atMs: number): number {
    const { contextTime = 0, performanceTime = 0 } = this.#context.getOutputTimestamp();
    if (performanceTime > 0) return contextTime + (atMs - performanceTime) / 1_000;
    const aheadMs = atMs - performance.now() - this.#outputMs();
    return this.#context.currentTime + aheadMs / 1_000;
  }
}

function decoderConfig({ codec, timescale, bytes }: LiveInit): AudioDecoderConfig | null {
  const description = soundDescription(bytes);
  if (!description) return null;
  // Four bits behind five of the object type and four of the rate, which is not said in full here.
  const numberOfChannels = ((description[1] ?? 0) >> 3) & 0x0f;
  return { codec, sampleRate: timescale, numberOfChannels, description };
}

/** Whether this browser decodes a stream's sound so. */
export async function canDecodeSound(init: LiveInit): Promise<boolean> {
  const config = decoderConfig(init);
  if (!("AudioDecoder" in globalThis) || !config) return false;
  return AudioDecoder.isConfigSupported(config).then(
    ({ supported }) => supported === true,
    () => false,
  );
}
