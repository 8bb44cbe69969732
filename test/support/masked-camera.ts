import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { PicturePipeReader } from "../../src/camera/live-pipe.ts";
import { LiveSender } from "../../src/camera/live-sender.ts";
import { TranscodeBudget, type PictureLoad } from "../../src/camera/transcode-cost.ts";
import type { ClipCopy } from "../../src/clips/blur-queue.ts";
import type { IngestBlur } from "../../src/ingest/blur.ts";
import type { FromIngest, StreamReport } from "../../src/ingest/messages.ts";
import { endCamera, startCamera, type Pipeline } from "../../src/ingest/pipeline.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { readLiveFragment } from "../../src/protocol/live-frame.ts";
import type { Polygon } from "../../src/protocol/picture-areas.ts";
import { blurOf } from "../../src/settings/blur.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { makeReader, openAge } from "../clips/age-oracle.ts";
import { cachedMedia } from "./rtsp-server.ts";

/** Of the neighbour's window: nowhere else in the picture is this colour. */
const SECRET = "magenta";

/** The window lies in here, and the upper right quarter of the picture is masked. */
export const MASKS: readonly Polygon[] = [
  [
    [0.5, 0],
    [1, 0],
    [1, 0.5],
    [0.5, 0.5],
  ],
];

/** A moving grey picture with a window that is nobody's business, and a tone; 20 s. */
export function windowMedia(
  size: { readonly width: number; readonly height: number },
  encoder: readonly string[] = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"],
): string {
  const { width, height } = size;
  return cachedMedia(`window-${width}`, [
    ...["-f", "lavfi", "-i", `color=gray:size=${width}x${height}:rate=10:duration=20`],
    ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=20"],
    "-vf",
    `noise=alls=8:allf=t,drawbox=x=iw*0.6:y=ih*0.1:w=iw*0.3:h=ih*0.3:c=${SECRET}:t=fill,drawbox=x=mod(t*40\\,iw*0.3):y=ih*0.6:w=20:h=20:c=white:t=fill`,
    ...[...encoder, "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-shortest"],
  ]);
}

/** What a decoder shows of one piece of footage. */
export interface Shown {
  readonly frames: number;
  /** Pixels of the window's colour in the frame that has most of them. */
  readonly secretPixels: number;
}

const LOOK = { width: 160, height: 90 };

/** @param input - A file, or footage. */
export function look(input: string | Uint8Array): Shown {
  const isFile = typeof input === "string";
  const { stdout, status, stderr } = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-i", isFile ? input : "pipe:0", "-an"],
      ...["-vf", `scale=${LOOK.width}:${LOOK.height}:flags=area`, "-fps_mode", "passthrough"],
      ...["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"],
    ],
    { ...(isFile ? {} : { input }), maxBuffer: 512 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`Cannot look at footage: ${String(stderr)}`);
  const size = LOOK.width * LOOK.height * 3;
  let secretPixels = 0;
  for (let frame = 0; frame + size <= stdout.length; frame += size) {
    let count = 0;
    for (let at = frame; at < frame + size; at += 3) {
      const green = (stdout[at + 1] ?? 0) + 40;
      if ((stdout[at] ?? 0) > green && (stdout[at + 2] ?? 0) > green) count += 1;
    }
    secretPixels = Math.max(secretPixels, count);
  }
  return { frames: stdout.length / size, secretPixels };
}

/** Everything that came out of a camera's pipeline. */
export interface MaskedCamera extends AsyncDisposable {
  readonly pipeline: Pipeline;
  readonly sender: LiveSender;
  /** What blurred copies and posters would be made of. */
  readonly forCopies: Fragment[];
  /** Newest report of each stream. */
  readonly troubles: string[];
  readonly reports: { readonly main: StreamReport[]; readonly sub: StreamReport[] };
  /** What crossed the pipe for live pictures. */
  readonly live: {
    readonly main: LiveTrack[];
    readonly sub: LiveTrack[];
  };
  /** Closes what is recorded, and opens it. */
  recorded(): Promise<readonly Uint8Array[]>;
}

export interface LiveTrack {
  readonly track: "video" | "audio";
  readonly init: Uint8Array;
  readonly fragments: { readonly bytes: Uint8Array; readonly decodeTimeMs: number }[];
}

/** @param source - Streams of a camera, or a file that is played. */
export async function startMaskedCamera(
  source:
    | {
        readonly main: string;
        readonly sub: string | null;
        readonly audio?: boolean;
        readonly onvif?: string;
      }
    | { readonly file: string },
  masks: readonly Polygon[] = MASKS,
): Promise<MaskedCamera> {
  const clipsDirectory = await mkdtemp(path.join(os.tmpdir(), "doorward-masked-"));
  const [owner, recovery] = await Promise.all([makeReader("x25519"), makeReader("x25519")]);
  const common = {
    id: "front",
    name: "Front",
    faces: "keep",
    motion: { objects: false },
    masks,
  } as const;
  const settings: CameraSettings =
    "file" in source
      ? { ...common, source: "ffmpeg", audio: false, input: source.file }
      : {
          ...{ ...common, source: "rtsp", main: source.main, sub: source.sub },
          ...{ audio: source.audio ?? false, allowBasic: false, username: null, password: null },
          ...(source.onvif === undefined ? {} : { onvif: source.onvif }),
        };
  const reports = { main: [] as StreamReport[], sub: [] as StreamReport[] };
  const live = { main: [] as LiveTrack[], sub: [] as LiveTrack[] };
  const reader = new PicturePipeReader((picture) => {
    const tracks = live[picture.stream];
    if (picture.kind === "init")
      tracks.push({ track: picture.init.track, init: picture.init.bytes, fragments: [] });
    if (picture.kind === "fragment") {
      const { decodeTimeMs, bytes } = readLiveFragment(picture.frame);
      const of = tracks.findLast(({ track }) => track === picture.track);
      of?.fragments.push({ bytes: Uint8Array.from(bytes), decodeTimeMs });
    }
  });
  const sender = new LiveSender(
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        reader.push(Buffer.from(chunk));
        done();
      },
    }),
  );
  const camera = parseCameraId("front");
  for (const stream of ["main", "sub"] as const) sender.watch(camera, stream, true, true);
  const troubles: string[] = [];
  const forCopies: Fragment[] = [];
  const copy: ClipCopy = {
    add: (fragment) => void forCopies.push(fragment),
    cut: () => null,
    ...{ push: () => undefined, lose: () => undefined, close: () => undefined },
  };
  const pipeline = startCamera(settings, {
    blur: {
      of: () => ({
        faces: () => "blur-copy",
        rules: () => blurOf(settings),
        copies: { open: () => copy },
      }),
      vision: { look: () => ({ push: () => undefined, end: () => undefined }) },
    } as unknown as Pick<IngestBlur, "of" | "vision">,
    ...{ clipsDirectory, live: sender, ffmpegPath: "/usr/bin/ffmpeg", isStopping: () => false },
    budget: new TranscodeBudget({
      measure: async (load: PictureLoad) => ({ ...load, coreShare: 0.01, measuredAtMs: 0 }),
    }),
    readers: () => ({
      recipients: [owner.recipient, recovery.recipient],
      ...{ keyringHead: sha256Hex(new Uint8Array()), keyringEpoch: 0 },
    }),
    send: (message: FromIngest) => {
      if (message.type === "trouble") troubles.push(message.code);
      if (message.type === "camera") reports[message.role].push(message.report);
    },
  });
  let isEnded = false;
  const end = async (): Promise<void> => {
    if (isEnded) return;
    isEnded = true;
    await pipeline.recorder[Symbol.asyncDispose]();
    await endCamera(pipeline);
  };
  return {
    ...{ pipeline, sender, forCopies, reports, live, troubles },
    async recorded() {
      await end();
      const files = readdirSync(clipsDirectory, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith("video.original.age"))
        .toSorted();
      return Promise.all(
        files.map((file) => openAge(readFileSync(path.join(clipsDirectory, file)), owner.identity)),
      );
    },
    async [Symbol.asyncDispose]() {
      await end();
      await rm(clipsDirectory, { recursive: true, force: true });
    },
  };
}

/** The footage of each set of parameters that was shown live. */
export function shownLive(tracks: readonly LiveTrack[]): Shown[] {
  return tracks
    .filter(({ track, fragments }) => track === "video" && fragments.length > 0)
    .map(({ init, fragments }) =>
      look(Buffer.concat([init, ...fragments.map(({ bytes }) => bytes)])),
    );
}

/** Process ids of the encoders below this process. */
export function encoders(): number[] {
  const all = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, words = ""]) => ({ pid: Number(pid), parent: Number(parent), words }));
  const below = (parent: number): typeof all =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)]);
  return below(process.pid)
    .filter(({ words }) => /^\S*ffmpeg .*-flvflags/.test(words))
    .map(({ pid }) => pid);
}
