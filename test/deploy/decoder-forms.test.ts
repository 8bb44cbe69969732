import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { findFfmpeg } from "../../src/base/ffmpeg.ts";
import { openFfmpegSource } from "../../src/camera/ffmpeg-source.ts";
import type { FfmpegInput } from "../../src/camera/ffmpeg-inputs.ts";
import type { DeviceHttp } from "../../src/camera/device-http.ts";
import type { RtmpClient } from "../../src/camera/rtmp-client.ts";
import { SoundEncoder } from "../../src/camera/sound-encoder.ts";
import { createTimeline } from "../../src/camera/timeline.ts";
import { TranscodeChild } from "../../src/camera/transcode-child.ts";
import { measureTranscode } from "../../src/camera/transcode-cost.ts";
import { maskFilter } from "../../src/camera/transcode-filter.ts";
import type { TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { Polygon } from "../../src/protocol/picture-areas.ts";
import type { Colours } from "../../src/vision/blurring/colours.ts";
import { PictureDecoder, type PictureForm } from "../../src/vision/blurring/picture-decoder.ts";
import { stillOf } from "../../src/vision/blurring/poster.ts";
import { SegmentEncoder } from "../../src/vision/blurring/segment-encoder.ts";
import { GreyDecoder } from "../../src/vision/grey-decoder.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";

/** Every command that was about to be started, whether it is then, and what a camera answers. */
const noted = vi.hoisted(() => ({
  commands: [] as (readonly string[])[],
  isStarted: false,
  type: "",
}));

vi.mock(import("../../src/base/sandbox.ts"), async (original) => {
  const real = await original();
  const { CameraError } = await import("../../src/camera/camera-error.ts");
  return {
    ...real,
    spawnSandboxed: async (options) => {
      noted.commands.push(options.command);
      if (noted.isStarted) return real.spawnSandboxed(options);
      // After it, a source tries its other form too.
      throw new CameraError("SOURCE_FAILED", "noted");
    },
  };
});
// Which one is installed is asked once: each source asks anew.
vi.mock(import("../../src/base/ffmpeg.ts"), async (original) => {
  const real = await original();
  let found: ReturnType<typeof real.findFfmpeg> | undefined;
  return { ...real, findFfmpeg: () => (found ??= real.findFfmpeg()) };
});
// There is no USB camera here, and no camera that speaks HTTP or RTMP.
vi.mock(import("node:fs"), async (original) => {
  const real = await original();
  return { ...real, existsSync: (file) => file === "/dev/video7" || real.existsSync(file) };
});
vi.mock(import("../../src/camera/device-http.ts"), async (original) => ({
  ...(await original()),
  DeviceHttp: class {
    readonly open = async () => ({
      ...{ status: 200, headers: new Map([["content-type", [noted.type]]]), chunks: [] },
      [Symbol.asyncDispose]: async () => undefined,
    });
  } as unknown as typeof DeviceHttp,
}));
vi.mock(import("../../src/camera/rtmp-client.ts"), async (original) => ({
  ...(await original()),
  RtmpClient: {
    open: async () => ({
      ended: new Promise(() => undefined),
      [Symbol.asyncDispose]: async () => undefined,
    }),
  } as unknown as typeof RtmpClient,
}));

const LAUNCHER = readFileSync(path.join(projectRoot, "src/base/decoder-launcher.pl"), "utf8");
/** The launcher's own list, without what waits for a connection. */
const LIST = LAUNCHER.slice(0, LAUNCHER.indexOf("\nsub receive {"));

/** What the launcher says to each command; empty where it would start it. */
function answers(commands: readonly (readonly string[])[]): string[] {
  const asked = `
    binmode STDIN;
    local $/;
    for my $command (split /\\0\\0/, <STDIN>) {
      my ($program, @arguments) = split /\\0/, $command, -1;
      print wrong_with(@arguments) // '', "\\n";
    }`;
  const input = commands.map((words) => words.join("\0")).join("\0\0");
  const said = execFileSync("perl", ["-e", `${LIST}\n${asked}`], { input, encoding: "utf8" });
  return said.split("\n").slice(0, -1);
}

const init: TrackInit = {
  ...{ track: "video", codec: "avc1.64001f", timescale: 90_000, width: 1919, height: 1081 },
  bytes: new Uint8Array(8),
};
const size = { width: 640, height: 360 };
const ffmpegPath = "/usr/bin/ffmpeg";
const corner: Polygon = [
  [0, 0],
  [0.4, 0],
  [0.4, 0.3],
];
const colours: Colours = {
  ...{ isPlain: true, isFullRange: true, matrix: "smpte170m", primaries: "bt470bg" },
  ...{ transfer: "iec61966-2-1", aspect: [64, 45] },
};

async function source(input: FfmpegInput): Promise<void> {
  const timeline = createTimeline(parseCameraId("front"), systemClock, () => undefined);
  const common = { input, clock: systemClock, timeline, silenceMs: 1_000 };
  const { signal } = new AbortController();
  const sub = { width: 640, height: 360, timeline };
  for (const more of [{ sub: null }, { sub }, { sub, filter: maskFilter([corner]) }]) {
    const before = noted.commands.length;
    await expect(openFfmpegSource({ ...common, ...more, signal })).rejects.toThrow("noted");
    expect(noted.commands.length).toBeGreaterThan(before);
  }
}

async function httpSource(type: string): Promise<void> {
  noted.type = type;
  await source({ kind: "http", url: "http://192.0.2.1/", credentials: null });
}

async function decoded(form: PictureForm): Promise<void> {
  const footage = { segment: 0, init, fragments: [] };
  const started = PictureDecoder.start({ ffmpegPath, footage, pictures: 1, form });
  await expect(started).rejects.toThrow("noted");
}

async function encoded(shown: typeof size, of: Colours | null): Promise<void> {
  const started = SegmentEncoder.start({
    ...{ ffmpegPath, size, shownSize: shown, colours: of, pictures: 10, bytesMax: 1e6 },
    container: { init: () => init, fragment: () => init.bytes, reader: () => ({ push() {} }) },
    ...{ bitsPerSecond: 1_234_567, framesPerSecond: 14.985 },
  });
  await expect(started).rejects.toThrow("noted");
}

async function still(of: Colours | null): Promise<void> {
  const planes = new Uint8Array(8);
  await expect(stillOf({ ffmpegPath, planes, size, colours: of })).rejects.toThrow("noted");
}

const wish = { width: 1280, height: 720, framesPerSecond: 29.97 };
const monotonicMs = (): number => 0;

/** By the file that starts it: all that it may ask for. */
const PLACES: Readonly<Record<string, () => Promise<unknown>>> = {
  "src/vision/grey-decoder.ts": () =>
    new Promise((resolve) =>
      GreyDecoder.start({
        ...{ ffmpegPath, init, width: 320, height: 180, monotonicMs },
        ...{ onFrame: () => undefined, onEnd: resolve },
      }),
    ),
  "src/vision/blurring/picture-decoder.ts": async () => {
    await decoded({ kind: "rgb", size });
    for (const isPlain of [true, false]) await decoded({ kind: "planes", size, isPlain });
  },
  "src/vision/blurring/segment-encoder.ts": async () => {
    await encoded(size, null);
    await encoded({ width: 1280, height: 720 }, colours);
  },
  "src/vision/blurring/poster.ts": async () => {
    for (const each of [null, colours, { ...colours, isPlain: false }]) await still(each);
  },
  "src/camera/sound-encoder.ts": async () => {
    for (const law of ["PCMU", "PCMA"] as const)
      await new Promise((resolve) =>
        SoundEncoder.start({ law, sampleRate: 8_000, onFrame: () => undefined, onEnd: resolve }),
      );
  },
  "src/camera/transcode-child.ts": () =>
    new Promise((resolve) =>
      TranscodeChild.start({
        ...{ ffmpegPath, init, filter: maskFilter([corner]), monotonicMs },
        ...{ onPicture: () => undefined, onEnd: resolve },
      }),
    ),
  // Its second command has need of what its first one gives.
  "src/camera/transcode-cost.ts": async () => {
    noted.isStarted = true;
    const { path: installed } = await findFfmpeg();
    await measureTranscode(installed, { width: 64, height: 48, framesPerSecond: 5 });
  },
  "src/camera/ffmpeg-source.ts": async () => {
    await source({ kind: "file", path: "/srv/my films/front door's (1).mp4", loop: true });
    await source({ kind: "frames", command: ["true"], ...size, framesPerSecond: 15 });
    for (const each of [null, wish])
      await source({ kind: "device", path: "/dev/video7", wish: each });
    await source({ kind: "board", camera: 0, wish, program: "true" });
    for (const type of ["multipart/x-mixed-replace; boundary=x", "video/x-flv", "video/mp2t"])
      await httpSource(type);
    await source({ kind: "rtmp", url: "rtmp://192.0.2.1/live/front" });
  },
};

beforeEach(() => {
  noted.commands.length = 0;
  noted.isStarted = false;
});

test("the list of places that start a decoder is whole", () => {
  const files = readdirSync(path.join(projectRoot, "src"), { recursive: true, encoding: "utf8" });
  const found = files
    .filter((file) => file.endsWith(".ts") && file !== "base/sandbox.ts")
    .map((file) => `src/${file}`)
    .filter((file) =>
      /\bspawnSandboxed\(/.test(readFileSync(path.join(projectRoot, file), "utf8")),
    );
  expect(found.toSorted()).toEqual(Object.keys(PLACES).toSorted());
});

describe.skipIf(missingCommands("perl", "ffmpeg"))("the unit for decoders starts", () => {
  test.each(Object.entries(PLACES))("what %s asks for", async (_, ask) => {
    await ask();
    expect(noted.commands.length).toBeGreaterThan(0);
    const said = answers(noted.commands);
    expect(said).toHaveLength(noted.commands.length);
    expect(noted.commands.filter((_command, index) => said[index] !== "")).toEqual([]);
  });

  test("and of everything else it says what it does not take", () => {
    const input = ["/usr/bin/ffmpeg", "-protocol_whitelist", "pipe", "-i", "pipe:0"];
    expect(answers([input, [...input, "-report", "x"], [...input, "-f", "tee"]])).toEqual([
      "",
      "-report is not known",
      "-f has a value that is not known",
    ]);
  });
});
