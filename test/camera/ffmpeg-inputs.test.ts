import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { sandboxState, spawnSandboxed } from "../../src/base/sandbox.ts";
import { openFeed } from "../../src/camera/ffmpeg-feed.ts";
import type { FfmpegInput } from "../../src/camera/ffmpeg-inputs.ts";
import { CameraStream, type CameraStatus } from "../../src/camera/stream.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import {
  film,
  jpegPictures,
  PASSWORD,
  startPictureServer,
  startRtmpPeer,
  startTrap,
  USER,
} from "../support/input-peers.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

function play(input: FfmpegInput, silenceMs = 2_000) {
  const fragments: Fragment[] = [];
  const statuses: CameraStatus[] = [];
  const stream = CameraStream.start({
    camera: parseCameraId("other"),
    role: "main",
    source: { kind: "ffmpeg", input, audio: false },
    clock: systemClock,
    onFragment: (fragment) => fragments.push(fragment),
    onStatus: (status) => statuses.push(status),
    timing: { silenceMs, retryFirstMs: 300, retryMaxMs: 300 },
  });
  return {
    ...{ fragments, statuses, stream },
    async whole(count: number): Promise<Fragment[]> {
      await waitFor(() => fragments.length >= count, statuses);
      await stream[Symbol.asyncDispose]();
      return fragments;
    },
    async problem() {
      await waitFor(() => statuses.some(({ state }) => state === "waiting-to-retry"), statuses);
      const found = statuses.find((status) => status.state === "waiting-to-retry");
      return { code: found?.code, message: found?.message ?? "" };
    },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

async function waitFor(isDone: () => boolean, said: readonly unknown[] = []): Promise<void> {
  const startedMs = performance.now();
  while (!isDone()) {
    if (performance.now() - startedMs > 25_000)
      throw new Error(`It did not happen in time: ${JSON.stringify(said)}`);
    await sleep(20);
  }
}

/** What ffmpeg says while it decodes everything; nothing is what it should say. */
function complaints(fragments: readonly Fragment[]): string {
  const init = fragments[0]?.init.bytes ?? new Uint8Array();
  const joined = Buffer.concat([init, ...fragments.map(({ bytes }) => bytes)]);
  const options = ["-v", "error", "-xerror", "-f", "mp4", "-i", "pipe:0", "-f", "null", "-"];
  return execFileSync("ffmpeg", options, {
    input: joined,
    stdio: ["pipe", "pipe", "pipe"],
  }).toString();
}

function programs(): string {
  return execFileSync("ps", ["-eo", "args="]).toString();
}

const http = (url: string, credentials: { username: string; password: string } | null) =>
  ({
    kind: "http",
    url,
    credentials: credentials && { ...credentials, allowBasic: false },
  }) as const;
const RIGHT = { username: USER, password: PASSWORD };

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("a film of this machine", () => {
  test.each(["mkv", "ts", "flv", "avi", "webm", "mov"] as const)("%s plays", async (name) => {
    const played = play({ kind: "file", path: film(name), loop: true });
    const fragments = await played.whole(7);
    expect(fragments[0]?.init).toMatchObject({ width: 320, height: 180 });
    expect(fragments[0]?.init.codec).toMatch(/^avc1\./);
    expect(fragments[0]?.keyFrame).toBe(true);
    expect(complaints(fragments)).toBe("");
  });

  test("a list that names another file and another host reaches neither", async () => {
    await using trap = await startTrap();
    await using folder = temporaryFolder();
    const list = path.join(folder.path, "door.m3u8");
    const parts = [`http://127.0.0.1:${trap.port}/a.ts`, `file://${film("ts")}`, film("ts")];
    const lines = parts.flatMap((part) => ["#EXTINF:4,", part]);
    writeFileSync(list, ["#EXTM3U", "#EXT-X-TARGETDURATION:4", ...lines, ""].join("\n"));
    await using played = play({ kind: "file", path: list, loop: true });
    const { code } = await played.problem();
    expect(code).toBe("SOURCE_FAILED");
    expect(played.fragments).toEqual([]);
    expect(trap.connections()).toBe(0);
    // Without bubblewrap only ffmpeg's own list of protocols stands in the way of other files.
    expect((await sandboxState()).inForce).toBe(true);
  });
});

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("JPEG pictures over HTTP", () => {
  const pictures = jpegPictures();

  test.each<{ what: string; hasLengths?: boolean; contentType?: string }>([
    { what: "in parts with lengths", hasLengths: true },
    { what: "in parts without lengths", hasLengths: false },
    { what: "one after the other", contentType: "video/x-motion-jpeg" },
  ])("$what: come out as H.264, when they came in", async ({ hasLengths, contentType }) => {
    await using server = await startPictureServer({
      pictures,
      ...(hasLengths === undefined ? {} : { hasLengths }),
      ...(contentType === undefined ? {} : { contentType }),
    });
    const played = play(http(server.url, RIGHT));
    await waitFor(() => played.fragments.length > 15, played.statuses);
    const lateMs = Date.now() - (played.fragments.at(-1)?.wallClockMs ?? 0);
    const seen = programs();
    const fragments = await played.whole(15);
    expect(complaints(fragments)).toBe("");
    const lastsMs = (fragments.at(-1)?.decodeTimeMs ?? 0) - (fragments[0]?.decodeTimeMs ?? 0);
    expect(lastsMs / (fragments.length - 1)).toBeGreaterThan(70);
    expect(lastsMs / (fragments.length - 1)).toBeLessThan(170);
    expect(lateMs).toBeLessThan(1_500);
    // One connection that asks, with the password in no list of programs.
    expect(server.shown.filter((header) => header !== "")).toHaveLength(1);
    expect(server.shown.join("")).not.toContain(PASSWORD);
    expect(seen).toContain("-f mjpeg -i pipe:0");
    expect(seen).not.toContain(PASSWORD);
    expect(seen).not.toContain(`127.0.0.1:${server.port}`);
  });

  test.each([
    { name: "flv", contentType: "video/x-flv" },
    { name: "ts", contentType: "video/MP2T" },
  ] as const)("$name over HTTP is copied, not encoded again", async ({ name, contentType }) => {
    const bytes = readFileSync(film(name));
    const size = Math.ceil(bytes.length / 40);
    const pieces = Array.from({ length: 40 }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    await using server = await startPictureServer({ pictures: pieces, contentType });
    const played = play(http(server.url, RIGHT), 5_000);
    await waitFor(() => played.fragments.length > 10, played.statuses);
    const seen = programs();
    const fragments = await played.whole(10);
    expect(fragments[0]?.init).toMatchObject({ width: 320, height: 180 });
    expect(complaints(fragments)).toBe("");
    const form = name === "ts" ? "mpegts" : name;
    const own = seen.split("\n").filter((line) => line.includes(`-f ${form} -i pipe:0`));
    expect(own.join("\n")).toContain("-c:v copy");
  });

  test("what is wrong is said by name, and nobody else is told the password", async () => {
    await using trap = await startTrap();
    await using server = await startPictureServer({ pictures });
    await using page = await startPictureServer({ pictures, contentType: "text/html" });
    await using other = await startPictureServer({
      pictures,
      redirectTo: `http://127.0.0.1:${trap.port}/video.mjpg`,
    });
    const problem = async (input: FfmpegInput) => {
      await using played = play(input);
      return await played.problem();
    };
    const wrong = { ...RIGHT, password: "wrong" };
    expect((await problem(http(server.url, wrong))).code).toBe("WRONG_PASSWORD");
    expect((await problem(http(server.url, null))).code).toBe("WRONG_PASSWORD");
    expect(await problem(http(page.url, RIGHT))).toEqual({
      code: "UNSUPPORTED_CODEC",
      message: "Cannot use video: the camera names text/html; MJPEG, FLV and MPEG-TS are taken",
    });
    expect((await problem(http(other.url, RIGHT))).code).toBe("REDIRECT_REFUSED");
    expect((await problem(http(`http://127.0.0.1:1/`, null))).code).toBe("UNREACHABLE");
    expect(trap.connections()).toBe(0);
  });

  test("what it sends is read no faster than a camera sends", async () => {
    const MIB = 1024 * 1024;
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "image/jpeg" }).end(Buffer.alloc(32 * MIB));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { signal } = new AbortController();
    const input = http(`http://127.0.0.1:${port}/`, null);
    await using feed = await openFeed(input, { isCopy: true, signal });
    const startMs = performance.now();
    let bytes = 0;
    feed.pump?.(
      new Writable({
        write(chunk: Uint8Array, _encoding, done) {
          bytes += chunk.length;
          done();
        },
      }),
    );
    expect(await feed.ended).toMatchObject({ code: "UNREACHABLE" });
    expect(bytes).toBe(32 * MIB);
    // 16 MiB at once, and the rest in a second.
    expect(performance.now() - startMs).toBeGreaterThan(900);
    server.close();
  });

  test("a camera that falls silent is given up and tried again", async () => {
    await using server = await startPictureServer({ pictures });
    await using played = play(http(server.url, RIGHT), 1_500);
    await waitFor(() => played.fragments.length > 3, played.statuses);
    server.hush();
    expect(await played.problem()).toEqual({
      code: "SILENT",
      message: "Cannot keep stream: no frame for 1.5 s",
    });
    await waitFor(() => server.connections() > 2, played.statuses);
  });
});

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("RTMP", () => {
  test("a film served by ffmpeg is copied, with no address in ffmpeg's own arguments", async () => {
    await using peer = await startRtmpPeer(film("flv"));
    const played = play({ kind: "rtmp", url: peer.url }, 5_000);
    await waitFor(() => played.fragments.length > 20, played.statuses);
    const seen = programs();
    const fragments = await played.whole(20);
    expect(played.statuses.find(({ state }) => state === "streaming")).toMatchObject({
      width: 320,
      height: 180,
    });
    expect(complaints(fragments)).toBe("");
    const own = seen.split("\n").filter((line) => line.includes("-f flv -i pipe:0"));
    expect(own.length).toBeGreaterThan(0);
    expect(own.join("\n")).not.toContain("rtmp:");
    expect(own.join("\n")).toContain("-c:v copy");
  });
});

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("cameras of this machine", () => {
  /** What `rpicam-vid` does as far as it matters: asked in its words, it writes H.264 as it films. */
  const FAKE = `
    const { readFileSync } = require("node:fs");
    const { spawn } = require("node:child_process");
    const value = (name) => process.argv[process.argv.indexOf(name) + 1];
    const size = value("--width") + "x" + value("--height");
    if (value("--codec") !== "h264" || value("--output") !== "-") process.exit(2);
    const rate = value("--framerate");
    spawn("ffmpeg", ["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=" + rate,
      "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", value("--intra"),
      "-pix_fmt", "yuv420p", "-f", "h264", "-"], { stdio: ["ignore", "inherit", "inherit"] });
  `;

  test("a board camera's program is asked for what is wished, and copied", async () => {
    await using folder = temporaryFolder();
    const program = path.join(folder.path, "rpicam-vid");
    writeFileSync(program, `#!${process.execPath}\n${FAKE}`, { mode: 0o700 });
    const wish = { width: 640, height: 360, framesPerSecond: 10 };
    const played = play({ kind: "board", camera: 0, wish, program }, 5_000);
    const fragments = await played.whole(30);
    expect(fragments[0]?.init).toMatchObject({ width: 640, height: 360 });
    expect(complaints(fragments)).toBe("");
    const keys = fragments.filter(({ keyFrame }) => keyFrame);
    expect((keys[1]?.decodeTimeMs ?? 0) - (keys[0]?.decodeTimeMs ?? 0)).toBeCloseTo(2_000, 0);
  });

  test("a USB camera is asked for H.264 first, and is all of /dev that ffmpeg sees", async () => {
    // No machine that tests has a camera: a device that is there stands for it as far as ffmpeg's start.
    const wish = { width: 640, height: 480, framesPerSecond: 10 };
    const signal = new AbortController().signal;
    const asked = async (isCopy: boolean): Promise<string> => {
      const input = { kind: "device", path: "/dev/full", wish } as const;
      await using feed = await openFeed(input, { isCopy, signal });
      expect(feed).toMatchObject({ devicePaths: ["/dev/full"], readOnlyPaths: [], pump: null });
      return feed.arguments.join(" ");
    };
    const end = "-video_size 640x480 -framerate 10 -i /dev/full";
    expect(await asked(true)).toContain(`-f video4linux2 -input_format h264 ${end}`);
    expect(await asked(false)).toContain(`-f video4linux2 ${end}`);
    const seen = async (devicePaths: readonly string[]): Promise<string> => {
      const command = ["/usr/bin/ls", "/dev"];
      await using child = await spawnSandboxed({ command, stdin: "ignore", devicePaths });
      const listed = await text(child.stdout);
      return listed.trim().split(/\s+/).toSorted().join(" ");
    };
    expect(await seen([])).toBe("null urandom zero");
    expect(await seen(["/dev/full"])).toBe("full null urandom zero");
  });

  test("where the program or the device is not there, that is said", async () => {
    await using device = play({ kind: "device", path: "/dev/video999", wish: null });
    expect(await device.problem()).toEqual({
      code: "SOURCE_FAILED",
      message: "Cannot read source: there is no /dev/video999 on this machine",
    });
    const wish = { width: 640, height: 360, framesPerSecond: 10 };
    await using board = play({ kind: "board", camera: 0, wish });
    expect((await board.problem()).message).toContain("apt-get install rpicam-apps");
  });
});
