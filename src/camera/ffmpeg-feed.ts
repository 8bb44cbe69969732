import { spawn, type ChildProcessByStdio } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { findOnPath } from "../base/ffmpeg.ts";
import { CameraError } from "./camera-error.ts";
import { DeviceHttp, hostOfUrl, type DeviceStream } from "./device-http.ts";
import { BOARD_PROGRAMS, type FfmpegInput } from "./ffmpeg-inputs.ts";
import { createReadAllowance } from "./read-allowance.ts";
import { parseRtmpUrl, RtmpClient } from "./rtmp-client.ts";

/**
 * How ffmpeg comes by an input. It has no network in its sandbox: what comes over one is fetched
 * here, with the password, and goes in by its input.
 */
export interface Feed extends AsyncDisposable {
  /** Of ffmpeg, in front of its outputs. Without a credential. */
  readonly arguments: readonly string[];
  /** False where it is known not to be H.264. */
  readonly mayBeCopied: boolean;
  /** As it is told, null where it is not. */
  readonly framesPerSecond: number | null;
  readonly readOnlyPaths: readonly string[];
  readonly devicePaths: readonly string[];
  /** Null where ffmpeg reads by itself. */
  readonly pump: ((to: Writable) => void) | null;
  /** Resolves with the reason when nothing more comes. Never rejects. */
  readonly ended: Promise<CameraError>;
}

interface FeedOptions {
  /** Try the form that a camera encodes by itself, where it has one. */
  readonly isCopy: boolean;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 5_000;
/** What may wait in front of ffmpeg: some seconds of a main stream. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** Of HTTP: a camera may send its pictures a byte at a time. */
const CHUNK_COST_BYTES = 256;
const PIXELS_MAX = 16_800_000;
const GROUP_SECONDS = 2;

const COMMON = [
  "-hide_banner",
  "-nostdin",
  "-loglevel",
  "error",
  "-max_pixels",
  String(PIXELS_MAX),
];
const PIPE = ["-protocol_whitelist", "pipe"];
/** Cameras send their parameters soon; what is looked at for longer comes late for ever. */
const LIVE = ["-probesize", "1000000", "-analyzeduration", "2000000"];
const BY_ARRIVAL = ["-use_wallclock_as_timestamps", "1"];

/** Containers of films. Lists, which name other files and hosts, are none. */
const FILE_FORMATS =
  "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,mjpeg,mxf,y4m,yuv4mpegpipe";

/** Forms that are taken over HTTP, by how the camera names them. */
const HTTP_FORMS: readonly { readonly name: RegExp; readonly form: "jpeg" | "flv" | "mpegts" }[] = [
  { name: /^multipart\/x-mixed-replace\b/i, form: "jpeg" },
  { name: /^(video\/(x-)?(motion-?)?m?jpe?g|image\/jpeg)\b/i, form: "jpeg" },
  { name: /^video\/(x-)?flv\b/i, form: "flv" },
  { name: /^video\/mp2t\b/i, form: "mpegts" },
];

/** @throws CameraError naming what is wrong. */
export async function openFeed(input: FfmpegInput, options: FeedOptions): Promise<Feed> {
  switch (input.kind) {
    case "file":
      return {
        ...byItself([
          ...["-protocol_whitelist", "file", "-format_whitelist", FILE_FORMATS],
          ...["-re", "-stream_loop", "-1"],
          ...["-i", `file:${input.path}`],
        ]),
        readOnlyPaths: [input.path],
      };
    case "device":
      return openDevice(input, options.isCopy);
    case "frames":
      return programFeed(input.command, {
        mayBeCopied: false,
        framesPerSecond: input.framesPerSecond,
        arguments: [
          ...["-f", "rawvideo", "-pix_fmt", "yuv420p"],
          ...["-video_size", `${input.width}x${input.height}`],
          ...["-framerate", String(input.framesPerSecond)],
        ],
      });
    case "board":
      return openBoard(input);
    case "http":
      return openHttp(input, options.signal);
    case "rtmp":
      return openRtmp(input.url, options.signal);
  }
}

function byItself(inputArguments: readonly string[]): Feed {
  return {
    arguments: [...COMMON, ...inputArguments],
    mayBeCopied: true,
    framesPerSecond: null,
    readOnlyPaths: [],
    devicePaths: [],
    pump: null,
    ended: new Promise(() => undefined),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function openDevice(
  { path, wish }: Extract<FfmpegInput, { kind: "device" }>,
  isCopy: boolean,
): Feed {
  if (!existsSync(path)) throw sourceFailed(`there is no ${path} on this machine`);
  const size = wish === null ? [] : ["-video_size", `${wish.width}x${wish.height}`];
  const rate = wish === null ? [] : ["-framerate", String(wish.framesPerSecond)];
  return {
    ...byItself([
      ...["-protocol_whitelist", "file", "-f", "video4linux2"],
      ...(isCopy ? ["-input_format", "h264"] : []),
      ...[...size, ...rate, "-i", path],
    ]),
    framesPerSecond: wish?.framesPerSecond ?? null,
    devicePaths: [path],
  };
}

async function openBoard(input: Extract<FfmpegInput, { kind: "board" }>): Promise<Feed> {
  const { wish, camera } = input;
  const found = await Promise.all(BOARD_PROGRAMS.map((name) => findOnPath(name)));
  const program = input.program ?? found.find((path) => path !== null);
  if (program === undefined)
    throw sourceFailed(
      `neither ${BOARD_PROGRAMS.join(" nor ")} is installed (apt-get install rpicam-apps)`,
    );
  const command = [
    ...[program, "--timeout", "0", "--nopreview", "--codec", "h264", "--inline"],
    ...["--camera", String(camera), "--framerate", String(wish.framesPerSecond)],
    ...["--width", String(wish.width), "--height", String(wish.height)],
    ...["--intra", String(wish.framesPerSecond * GROUP_SECONDS), "--output", "-"],
  ];
  return programFeed(command, {
    mayBeCopied: true,
    framesPerSecond: wish.framesPerSecond,
    arguments: [...LIVE, "-f", "h264", "-framerate", String(wish.framesPerSecond)],
  });
}

/** The program is the machine's own and trusted; only ffmpeg, which parses, is locked in. */
function programFeed(
  [name = "", ...rest]: readonly string[],
  feed: Pick<Feed, "arguments" | "mayBeCopied" | "framesPerSecond">,
): Feed {
  const program: ChildProcessByStdio<null, Readable, null> = spawn(name, rest, {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const gone = new Promise((resolve) => program.once("close", resolve));
  const ended = new Promise<CameraError>((resolve) => {
    program.once("error", () => resolve(sourceFailed("its program does not start")));
    program.once("exit", (code, signal) =>
      resolve(sourceFailed(`its program ended with ${signal ?? `code ${code}`}`)),
    );
  });
  return {
    ...byItself([...PIPE, ...feed.arguments, "-i", "pipe:0"]),
    mayBeCopied: feed.mayBeCopied,
    framesPerSecond: feed.framesPerSecond,
    pump: (to) => void program.stdout.pipe(to),
    ended,
    [Symbol.asyncDispose]: async () => {
      program.kill("SIGKILL");
      program.stdout.destroy();
      if (program.pid !== undefined) await gone;
    },
  };
}

async function openHttp(
  { url, credentials }: Extract<FfmpegInput, { kind: "http" }>,
  signal: AbortSignal,
): Promise<Feed> {
  const client = new DeviceHttp({ host: hostOfUrl(new URL(url)), credentials });
  const stream = await client.open({ url, signal });
  try {
    const form = requireForm(stream);
    const bytes = createQueue();
    return {
      ...byItself([...PIPE, ...LIVE, ...formArguments(form), "-i", "pipe:0"]),
      mayBeCopied: form !== "jpeg",
      pump: (to) => {
        bytes.to(to);
        void forward(stream, bytes);
      },
      ended: bytes.ended,
      [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
    };
  } catch (cause) {
    await stream[Symbol.asyncDispose]();
    throw cause;
  }
}

function requireForm({ status, headers }: DeviceStream): "jpeg" | "flv" | "mpegts" {
  if (status === 404 || status === 410)
    throw new CameraError("NO_SUCH_STREAM", `Cannot open stream: the camera answered ${status}`);
  if (status < 200 || status > 299)
    throw new CameraError("PROTOCOL_ERROR", `Cannot open stream: the camera answered ${status}`);
  const type = headers.get("content-type")?.[0] ?? "";
  const found = HTTP_FORMS.find(({ name }) => name.test(type));
  if (found !== undefined) return found.form;
  const said = /^[\w.+/-]{1,60}/.exec(type)?.[0] ?? "nothing";
  throw new CameraError(
    "UNSUPPORTED_CODEC",
    `Cannot use video: the camera names ${said}; MJPEG, FLV and MPEG-TS are taken`,
  );
}

function formArguments(form: "jpeg" | "flv" | "mpegts"): string[] {
  // JPEG pictures carry no time: what counts is when they come.
  return form === "jpeg" ? [...BY_ARRIVAL, "-f", "mjpeg"] : ["-f", form];
}

async function forward({ chunks }: DeviceStream, queue: Queue): Promise<void> {
  const allowance = createReadAllowance();
  try {
    for await (const chunk of chunks) {
      queue.write(chunk);
      const pauseMs = allowance.take(chunk.length + CHUNK_COST_BYTES, performance.now());
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
    queue.end(new CameraError("UNREACHABLE", "Cannot keep stream: the camera ended it"));
  } catch (cause) {
    queue.end(
      cause instanceof CameraError
        ? cause
        : new CameraError("UNREACHABLE", "Cannot keep stream: the connection broke off", { cause }),
    );
  }
}

async function openRtmp(url: string, signal: AbortSignal): Promise<Feed> {
  const address = parseRtmpUrl(url);
  if (address === null) throw sourceFailed("its address is no RTMP address");
  const bytes = createQueue();
  const client = await RtmpClient.open({
    ...{ address, signal, timeoutMs: TIMEOUT_MS },
    onFlv: (part) => bytes.write(part),
  });
  void client.ended.then((reason) => bytes.end(reason));
  return {
    ...byItself([...PIPE, ...LIVE, "-f", "flv", "-i", "pipe:0"]),
    pump: (to) => bytes.to(to),
    ended: bytes.ended,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

interface Queue {
  readonly ended: Promise<CameraError>;
  write(bytes: Uint8Array): void;
  /** What came before it is written first. */
  to(writable: Writable): void;
  end(reason: CameraError): void;
}

/** A camera does not wait: where ffmpeg cannot keep up, that is said and the stream is ended. */
function createQueue(): Queue {
  const { promise: ended, resolve: end } = Promise.withResolvers<CameraError>();
  let early: Uint8Array[] = [];
  let earlyBytes = 0;
  let output: Writable | null = null;
  return {
    ended,
    end,
    to(writable) {
      output = writable;
      for (const bytes of early) writable.write(bytes);
      early = [];
    },
    write(bytes) {
      const waiting = output === null ? earlyBytes : output.writableLength;
      if (waiting + bytes.length > QUEUE_BYTES_MAX)
        return end(
          sourceFailed(
            `${Math.round(waiting / 1024)} KiB wait for ffmpeg: this machine is too slow for it`,
          ),
        );
      if (output !== null) return void output.write(bytes);
      early.push(bytes);
      earlyBytes += bytes.length;
    },
  };
}

export function sourceFailed(what: string): CameraError {
  return new CameraError("SOURCE_FAILED", `Cannot read source: ${what}`);
}
