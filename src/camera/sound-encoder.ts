import { findFfmpeg } from "../base/ffmpeg.ts";
import { spawnSandboxed, type SandboxedChild } from "../base/sandbox.ts";
import { HubError } from "../protocol/errors.ts";
import type { G711Law } from "../protocol/g711.ts";
import { AdtsReader } from "./adts-reader.ts";
import type { AacParameters } from "./aac-depacketiser.ts";

/** What every encoder of ours gives: AAC-LC, one channel of 48,000 Hz. */
export const ENCODED_SOUND: AacParameters = {
  configuration: Uint8Array.of(0x11, 0x88),
  codec: "mp4a.40.2",
  sampleRate: 48_000,
  channels: 1,
  samplesPerUnit: 1_024,
};

export interface SoundEncoderOptions {
  readonly law: G711Law;
  readonly sampleRate: number;
  /**
   * One raw AAC frame, valid until this returns. Frame n holds the 1,024 samples before sample
   * n x 1,024 of what was fed (at 48,000 Hz): frame 0 is only what the encoder begins with.
   */
  readonly onFrame: (frame: Uint8Array, index: number) => void;
  /** It ended by itself; called at most once, never after it was disposed of. */
  readonly onEnd: (reason: string) => void;
}

const MEMORY_LIMIT_BYTES = 384 * 1024 * 1024;
/** Some hours of work; who needs that many at once is no encoder. It is then begun anew. */
const CPU_SECONDS_MAX = 7_200;
/** Sixteen seconds of 8 kHz sound that the child has not taken. */
const WAITING_BYTES_MAX = 128 * 1024;
/**
 * ffmpeg reads 1/25 s at a time of what it takes for the rate of its input. Told a fourth of the
 * truth, which is put right by the first filter, it reads 10 ms: sound is 30 ms less late.
 */
const RATE_DIVISOR = 4;

/** One sandboxed ffmpeg that turns telephone sound into AAC as it comes, without a file or clock. */
export class SoundEncoder implements AsyncDisposable {
  readonly #options: SoundEncoderOptions;
  readonly #reader: AdtsReader;
  readonly #started: Promise<void>;
  #child: SandboxedChild | null = null;
  /** What came before the child was there; null once it is. */
  #early: Uint8Array[] | null = [];
  #earlyBytes = 0;
  #frames = 0;
  #isOver = false;

  private constructor(options: SoundEncoderOptions) {
    this.#options = options;
    this.#reader = new AdtsReader((frame) => options.onFrame(frame, this.#frames++));
    this.#started = this.#start();
  }

  /** Returns at once; what is fed meanwhile is kept for the child. */
  static start(options: SoundEncoderOptions): SoundEncoder {
    return new SoundEncoder(options);
  }

  get frames(): number {
    return this.#frames;
  }

  /** @param codes - Copied, since the pipe may take it later. */
  feed(codes: Uint8Array): void {
    if (this.#isOver) return;
    const waiting = this.#early === null ? this.#child?.stdin.writableLength : this.#earlyBytes;
    if ((waiting ?? 0) + codes.length > WAITING_BYTES_MAX) {
      this.#fail("it does not keep up");
      return;
    }
    if (this.#early === null) this.#child?.stdin.write(Uint8Array.from(codes));
    else {
      this.#early.push(Uint8Array.from(codes));
      this.#earlyBytes += codes.length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#early = [];
    this.#child?.kill();
    await this.#started;
    await this.#child?.[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    try {
      const { path } = await findFfmpeg();
      if (this.#isOver) return;
      const child = await spawnSandboxed({
        command: [path, ...encoderArguments(this.#options)],
        memoryLimitBytes: MEMORY_LIMIT_BYTES,
        cpuSecondsMax: CPU_SECONDS_MAX,
        stdin: "pipe",
      });
      this.#child = child;
      if (this.#isOver) {
        child.kill();
        return;
      }
      this.#listen(child);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#fail(error.message);
    }
  }

  #listen(child: SandboxedChild): void {
    child.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    void child.exited.then(({ inWords }) => {
      const said = child.stderrTail().trim().split("\n").at(-1) ?? "";
      this.#fail(`it ended with ${inWords}${said === "" ? "" : `: ${said}`}`);
    });
    for (const codes of this.#early ?? []) child.stdin.write(codes);
    this.#early = null;
  }

  #read(chunk: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      // Out of here it would end the process, and with it every camera.
      this.#fail(error instanceof HubError ? error.message : "what it wrote cannot be read");
    }
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#early = [];
    this.#child?.kill();
    this.#options.onEnd(reason);
  }
}

function encoderArguments({ law, sampleRate }: SoundEncoderOptions): string[] {
  const { sampleRate: encodedRate } = ENCODED_SOUND;
  return [
    ...["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe"],
    ...["-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0", "-threads", "1"],
    ...["-f", law === "PCMU" ? "mulaw" : "alaw", "-ar", String(sampleRate / RATE_DIVISOR)],
    ...["-ac", "1", "-i", "pipe:0", "-filter_threads", "1"],
    ...["-af", `asetrate=${sampleRate},aresample=${encodedRate}`],
    // Nothing of the telephone's band is above the half of its rate: bits are not spent there.
    ...["-c:a", "aac", "-b:a", "48k", "-cutoff", String(sampleRate / 2), "-threads", "1"],
    ...["-flush_packets", "1", "-f", "adts", "pipe:1"],
  ];
}
