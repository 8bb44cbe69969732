import { execFileSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { systemClock } from "../../src/base/clock.ts";
import { openFfmpegSource } from "../../src/camera/ffmpeg-source.ts";
import { createMp4Reader, type Mp4Sample, type Mp4Track } from "../../src/camera/mp4-reader.ts";
import { CameraStream, type CameraSource, type CameraStatus } from "../../src/camera/stream.ts";
import { createTimeline } from "../../src/camera/timeline.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { missingCommands } from "../support/requirements.ts";
import { pictureAndTone } from "../support/rtsp-server.ts";

/** A bar that moves over a grey picture, 10 a second, as a program that draws in real time. */
const DRAW = `
  const [width, height] = [320, 180];
  let frame = 0;
  setInterval(() => {
    const picture = Buffer.alloc(width * height * 1.5, 128);
    for (let line = 40; line < 140; line += 1)
      picture.fill(230, line * width + (frame * 7) % 280, line * width + (frame * 7) % 280 + 40);
    frame += 1;
    process.stdout.write(picture);
  }, 100);
`;
const DRAWN = {
  kind: "frames",
  command: [process.execPath, "-e", DRAW],
  width: 320,
  height: 180,
  framesPerSecond: 10,
} as const;

function play(input: Extract<CameraSource, { kind: "ffmpeg" }>["input"], withSub: boolean) {
  const main: Fragment[] = [];
  const sub: Fragment[] = [];
  const statuses: CameraStatus[] = [];
  const small = { width: 160, height: 90, onFragment: (fragment: Fragment) => sub.push(fragment) };
  const stream = CameraStream.start({
    camera: parseCameraId("demo"),
    role: "main",
    source: { kind: "ffmpeg", input, audio: false, ...(withSub ? { sub: small } : {}) },
    clock: systemClock,
    onFragment: (fragment) => main.push(fragment),
    onStatus: (status) => statuses.push(status),
    timing: { silenceMs: 3_000, retryFirstMs: 300, retryMaxMs: 300 },
  });
  return {
    ...{ main, sub, statuses, stream },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

async function waitFor(isDone: () => boolean, limitMs = 20_000): Promise<void> {
  const startedMs = performance.now();
  while (!isDone()) {
    if (performance.now() - startedMs > limitMs) throw new Error("It did not happen in time");
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

function processesOf(): string {
  return execFileSync("ps", ["-o", "args=", "--ppid", String(process.pid)]).toString();
}

describe.skipIf(missingCommands("ffmpeg"))("a source read by ffmpeg", () => {
  test("pictures drawn by a program become a main and a sub stream on one time line", async () => {
    const played = play(DRAWN, true);
    await waitFor(() => played.main.length > 25 && played.sub.length > 25);
    expect(played.stream.status).toMatchObject({
      state: "streaming",
      width: 320,
      height: 180,
      fps: 10,
      wallClock: "hub",
    });
    const lateMs = Date.now() - (played.main.at(-1)?.wallClockMs ?? 0);
    await played[Symbol.asyncDispose]();
    expect(lateMs).toBeLessThan(500);
    expect(played.sub[0]?.init).toMatchObject({ width: 160, height: 90 });
    for (const fragments of [played.main, played.sub]) {
      expect(complaints(fragments)).toBe("");
      const keys = fragments.filter(({ keyFrame }) => keyFrame);
      expect(keys.map(({ decodeTimeMs }) => Math.round(decodeTimeMs))).toEqual(
        keys.map((_, index) => index * 2_000),
      );
      for (const [index, fragment] of fragments.entries()) {
        expect(fragment.sequence).toBe(index);
        expect(fragment.decodeTimeMs).toBeCloseTo(index * 100, 5);
      }
    }
    expect(processesOf()).not.toMatch(/ffmpeg|bwrap|setInterval/);
  });

  test("a file is copied, not encoded again, and loops", async () => {
    const played = play({ kind: "file", path: pictureAndTone(), loop: true }, false);
    await waitFor(() => played.main.length > 20);
    await played[Symbol.asyncDispose]();
    expect(played.main[0]?.init).toMatchObject({ codec: "avc1.42c016", width: 640, height: 360 });
    expect(complaints(played.main)).toBe("");
  });

  test("a file that is not there, or a program that ends, is said by name and tried again", async () => {
    await using missing = play({ kind: "file", path: "/nowhere/at-all.mp4", loop: true }, false);
    const ended = { ...DRAWN, command: [process.execPath, "-e", ""] };
    await using over = play(ended, false);
    for (const played of [missing, over]) {
      const attempts = (): number =>
        played.statuses.filter(({ state }) => state === "connecting").length;
      await waitFor(() => attempts() > 1);
      expect(played.statuses.find(({ state }) => state === "waiting-to-retry")).toMatchObject({
        code: "SOURCE_FAILED",
      });
    }
  });

  test("what nobody foresaw in what ffmpeg writes ends this source, and not the process", async () => {
    await using connection = await openFfmpegSource({
      ...{ input: DRAWN, sub: null, clock: systemClock, silenceMs: 3_000 },
      timeline: createTimeline(parseCameraId("odd"), systemClock, () => {
        throw new RangeError("Out of bounds");
      }),
      signal: new AbortController().signal,
    });
    expect(await connection.ended).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test("a connection that is over leaves nothing behind at its camera", async () => {
    const { signal } = new AbortController();
    const opening = openFfmpegSource({
      ...{ input: { kind: "file", path: "/nowhere/at-all.mp4", loop: true }, sub: null },
      ...{ clock: systemClock, silenceMs: 3_000, signal },
      timeline: createTimeline(parseCameraId("gone"), systemClock, () => undefined),
    });
    await expect(opening).rejects.toMatchObject({ code: "SOURCE_FAILED" });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe.skipIf(missingCommands("ffmpeg"))("a source that this machine cannot keep up with", () => {
  test("is refused with what was measured", async () => {
    // Says that it draws 20 a second, and draws 10: as if every other one came too late.
    const input = { ...DRAWN, framesPerSecond: 20 };
    await using connection = await openFfmpegSource({
      ...{ input, sub: null, clock: systemClock, silenceMs: 3_000, paceWindowMs: 1_500 },
      timeline: createTimeline(parseCameraId("slow"), systemClock, () => undefined),
      signal: new AbortController().signal,
    });
    const { code, message } = await connection.ended;
    expect(code).toBe("SOURCE_FAILED");
    const percent = /^Cannot read source: pictures come at (\d+) % of their pace: choose/.exec(
      message,
    );
    expect(Number(percent?.[1])).toBeGreaterThan(20);
    expect(Number(percent?.[1])).toBeLessThan(80);
  });
});

describe("reading the MP4 that ffmpeg writes", () => {
  const mp4 = (): Buffer =>
    execFileSync("ffmpeg", [
      ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10:duration=1"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
      ...["-movflags", "empty_moov+default_base_moof+frag_every_frame", "-f", "mp4", "pipe:1"],
    ]);

  function read(chunks: Iterable<Uint8Array>): { tracks: Mp4Track[]; samples: Mp4Sample[] } {
    const tracks: Mp4Track[] = [];
    const samples: Mp4Sample[] = [];
    const reader = createMp4Reader({
      onTracks: (found) => tracks.push(...found),
      onSample: (sample) => samples.push({ ...sample, bytes: Uint8Array.from(sample.bytes) }),
    });
    for (const chunk of chunks) reader.push(chunk);
    return { tracks, samples };
  }

  test.skipIf(missingCommands("ffmpeg"))("byte by byte gives the same as all at once", () => {
    const bytes = mp4();
    const whole = read([bytes]);
    expect(whole.tracks).toMatchObject([{ width: 64, height: 64 }]);
    expect(whole.samples).toHaveLength(10);
    expect(whole.samples.map(({ keyFrame }) => keyFrame)).toEqual([true, ...Array(9).fill(false)]);
    expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test.skipIf(missingCommands("ffmpeg"))("damage is survived or refused by name", () => {
    const bytes = mp4();
    fc.assert(
      fc.property(fc.nat(Math.min(2_000, bytes.length - 1)), fc.nat(255), (place, value) => {
        const damaged = Buffer.from(bytes);
        damaged[place] = value;
        try {
          read([damaged]);
        } catch (error) {
          expect(error).toMatchObject({ name: "CameraError" });
        }
      }),
    );
  });
});
