import { availableParallelism } from "node:os";
import { spawnSandboxed } from "../base/sandbox.ts";
import { HubError } from "../protocol/errors.ts";
import { transcodeArguments } from "./transcode-child.ts";

/** Size and rate of pictures that are to be decoded, painted over and encoded again. */
export interface PictureLoad {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}

/** What one stream takes of this machine. */
export interface TranscodeCost extends PictureLoad {
  /** Of one core, 1 for the whole of it. */
  readonly coreShare: number;
  readonly measuredAtMs: number;
}

/** The rest is for looking at pictures, blurring and sealing. */
export const TRANSCODE_SHARE_MAX = 0.5;
const MEASURED_SECONDS = 2;
const TIMEOUT_MS = 30_000;
const RATE_MAX = 60;
/** More than a household's cameras have; one that invents sizes is measured again for each. */
const COSTS_MAX = 64;
const MATERIAL_BYTES_MAX = 64 * 1024 * 1024;
/** Much painted over, in one place; the time for it does not depend on its shape. */
const FILTER =
  "format=yuv420p|yuvj420p,drawbox=x=floor(iw/8):y=floor(ih/8):w=floor(iw/2):h=floor(ih/2):c=black:t=fill";

/**
 * Encodes two seconds of a noisy picture as a camera's stream is encoded, and counts the processor
 * time: unlike the clock's, it is the same while other work goes on.
 *
 * @throws HubError `TRANSCODE_NOT_MEASURED` where ffmpeg fails or takes half a minute.
 */
export async function measureTranscode(
  ffmpegPath: string,
  load: PictureLoad,
  nowMs: () => number = Date.now,
): Promise<TranscodeCost> {
  const { width, height } = load;
  const framesPerSecond = rateOf(load);
  const material = await run([
    ...[ffmpegPath, "-hide_banner", "-nostdin", "-loglevel", "error", "-threads", "1"],
    ...["-f", "lavfi", "-i", sceneOf({ width, height, framesPerSecond })],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"],
    ...["-pix_fmt", "yuv420p", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "2M"],
    ...["-video_track_timescale", "90000", "-f", "mp4"],
    ...["-movflags", "empty_moov+default_base_moof+frag_every_frame", "pipe:1"],
  ]);
  const rest = transcodeArguments(FILTER).map((word) => (word === "error" ? "info" : word));
  const encoded = await run([ffmpegPath, "-benchmark", "-nostats", ...rest], material.output);
  const times = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(encoded.said);
  const seconds = Number(times?.[1]) + Number(times?.[2]);
  if (!Number.isFinite(seconds) || encoded.output.length === 0)
    throw notMeasured("it says no time");
  const coreShare = seconds / MEASURED_SECONDS;
  return { width, height, framesPerSecond, coreShare, measuredAtMs: nowMs() };
}

/**
 * Whether the streams that are encoded again fit together into what the machine has for that: half
 * of its cores. Each size and rate is measured once.
 */
export class TranscodeBudget {
  readonly #measure: (load: PictureLoad) => Promise<TranscodeCost>;
  readonly #cores: number;
  readonly #costs = new Map<string, Promise<TranscodeCost>>();
  readonly #taken = new Map<string, TranscodeCost>();
  /** One at a time: two that are measured beside each other could both fit. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly measure: (load: PictureLoad) => Promise<TranscodeCost>;
    /** Left out: those that there are. */
    readonly cores?: number;
  }) {
    this.#measure = options.measure;
    this.#cores = options.cores ?? availableParallelism();
  }

  /** What was measured, by size and rate. */
  async costOf(load: PictureLoad): Promise<TranscodeCost> {
    const key = `${load.width}x${load.height} ${rateOf(load)}`;
    const known = this.#costs.get(key);
    if (known) return known;
    const cost = this.#measure(load);
    this.#costs.set(key, cost);
    const [oldest] = this.#costs.keys();
    if (this.#costs.size > COSTS_MAX && oldest !== undefined) this.#costs.delete(oldest);
    // What failed is tried again when it is asked for again.
    cost.catch(() => this.#costs.delete(key));
    return cost;
  }

  /**
   * Takes what a stream needs, until {@link release}; what it had before is given back first.
   *
   * @param stream - Names it, for instance `front main`.
   * @returns Null where it fits, else why not, in words for a person.
   * @throws HubError as {@link measureTranscode}.
   */
  async admit(stream: string, load: PictureLoad): Promise<string | null> {
    const turn = this.#last.then(async () => {
      this.#taken.delete(stream);
      const cost = await this.costOf(load);
      const others = [...this.#taken.values()].reduce((sum, { coreShare }) => sum + coreShare, 0);
      if (others + cost.coreShare > this.#cores * TRANSCODE_SHARE_MAX)
        return tooMuch(cost, others, this.#cores);
      this.#taken.set(stream, cost);
      return null;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  release(stream: string): void {
    this.#taken.delete(stream);
  }
}

function tooMuch(cost: TranscodeCost, others: number, cores: number): string {
  const { width, height, framesPerSecond, coreShare, measuredAtMs } = cost;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const day = new Date(measuredAtMs).toISOString().slice(0, 10);
  const beside = others === 0 ? "" : `, beside ${percent(others)} for other streams`;
  return [
    `painting over a picture of ${width} x ${height}, ${framesPerSecond} a second, takes ${percent(coreShare)} of a core`,
    `(measured on ${day})${beside}; this machine has ${percent(cores * TRANSCODE_SHARE_MAX)} for it, half of its ${cores} cores.`,
    "Hide the area in the camera itself, or set the camera to a smaller picture or fewer a second",
  ].join(" ");
}

function rateOf({ framesPerSecond }: PictureLoad): number {
  return Math.min(RATE_MAX, Math.max(1, Math.round(framesPerSecond)));
}

function sceneOf({ width, height, framesPerSecond }: PictureLoad): string {
  const scene = `testsrc2=size=${width}x${height}:rate=${framesPerSecond}:duration=${MEASURED_SECONDS}`;
  return `${scene},noise=alls=16:allf=t`;
}

async function run(
  command: readonly string[],
  input?: Uint8Array,
): Promise<{ readonly output: Buffer; readonly said: string }> {
  await using child = await spawnSandboxed({
    command,
    stdin: input === undefined ? "ignore" : "pipe",
    memoryLimitBytes: 1024 * 1024 * 1024,
  });
  const timer = setTimeout(() => child.kill(), TIMEOUT_MS);
  const parts: Buffer[] = [];
  let size = 0;
  child.stdout.on("data", (part: Buffer) => {
    size += part.length;
    if (size > MATERIAL_BYTES_MAX) child.kill();
    else parts.push(part);
  });
  if (input !== undefined) child.stdin.end(input);
  const { code, signal, inWords } = await child.exited;
  clearTimeout(timer);
  const said = child.stderrTail();
  if (code !== 0) throw notMeasured(signal ?? (said.trim().split("\n").at(-1) || inWords));
  return { output: Buffer.concat(parts), said };
}

function notMeasured(why: string): HubError {
  return new HubError(
    "TRANSCODE_NOT_MEASURED",
    `Cannot measure what painting over a picture takes: ffmpeg fails (${why.slice(0, 200)})`,
  );
}
