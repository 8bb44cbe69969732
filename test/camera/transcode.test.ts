import { beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { audioInit } from "../../src/camera/fragments.ts";
import { TranscodeBudget, measureTranscode } from "../../src/camera/transcode-cost.ts";
import { maskFilter } from "../../src/camera/transcode-filter.ts";
import { MaskedStream } from "../../src/camera/transcode-gate.ts";
import { createEncodedReader } from "../../src/camera/transcode-output.ts";
import { TranscodedStream, type TranscodedStreamOptions } from "../../src/camera/transcode.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { cameraFragments, FILMED_AT_MS } from "../support/camera-fragments.ts";
import { look, MASKS, windowMedia } from "../support/masked-camera.ts";
import { missingCommands } from "../support/requirements.ts";
import { cachedMedia } from "../support/rtsp-server.ts";
import { VIDEO_INIT } from "../support/test-live.ts";

const WAIT = { timeout: 20_000 };
const FFMPEG = "/usr/bin/ffmpeg";
const ENCODER = ["-c:v", "libx264", "-preset", "fast", "-bf", "3"];

function bytesOf(fragments: readonly Fragment[]): Uint8Array {
  return Buffer.concat([
    fragments[0]?.init.bytes ?? Buffer.alloc(0),
    ...fragments.map(({ bytes }) => bytes),
  ]);
}

function open<Opened extends TranscodedStream | MaskedStream>(
  kind: { open(options: TranscodedStreamOptions): Opened },
  options: Partial<TranscodedStreamOptions> = {},
) {
  const out: Fragment[] = [];
  const states: string[] = [];
  const stream: Opened = kind.open({
    ...{ camera: parseCameraId("front"), ffmpegPath: FFMPEG, filter: maskFilter(MASKS) },
    clock: systemClock,
    onFragment: (fragment) => out.push(fragment),
    onChange: () => states.push(stream.state.name),
    timing: { stallMs: 20_000, retryFirstMs: 50, retryMaxMs: 50 },
    ...options,
  });
  return {
    ...{ out, states, stream },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

function message({ state }: TranscodedStream | MaskedStream): string {
  return state.name === "failing" ? state.message : "";
}

describe.skipIf(missingCommands("ffmpeg"))("pictures that are painted over", () => {
  let plain: Fragment[] = [];
  let reordered: Fragment[] = [];
  beforeAll(() => {
    plain = cameraFragments(windowMedia({ width: 320, height: 180 })).slice(0, 40);
    const media = cachedMedia("odd-reordered", [
      ...["-f", "lavfi", "-i", "testsrc2=size=321x181:rate=10:duration=4", ...ENCODER],
      ...["-g", "10", "-pix_fmt", "yuv444p"],
    ]);
    reordered = cameraFragments(media);
  });
  test("come out with the times they came in with, and without what is covered", async () => {
    await using masked = open(TranscodedStream);
    for (const fragment of plain) masked.stream.push(fragment);
    await expect.poll(() => masked.out.length, WAIT).toBe(plain.length);
    expect(look(bytesOf(plain)).secretPixels).toBeGreaterThan(500);
    expect(look(bytesOf(masked.out))).toEqual({ frames: plain.length, secretPixels: 0 });
    const times = ({ sequence, decodeTimeMs, durationMs, wallClockMs }: Fragment): unknown => ({
      ...{ sequence, decodeTimeMs, durationMs, wallClockMs },
    });
    expect(masked.out.map(times)).toEqual(plain.map(times));
    const keys = masked.out.filter(({ keyFrame }) => keyFrame);
    expect(keys.map(({ decodeTimeMs }) => decodeTimeMs)).toEqual([0, 2_000]);
    expect(masked.out[0]?.init).toMatchObject({ width: 320, height: 180 });
    expect(new Set(masked.out.map(({ init }) => init)).size).toBe(1);
  });

  test("of odd size, sent out of order and in other colours too", async () => {
    await using masked = open(TranscodedStream);
    for (const fragment of reordered) masked.stream.push(fragment);
    // What is shown after the last that was sent stays in the decoder.
    await expect.poll(() => masked.out.length, WAIT).toBeGreaterThan(reordered.length - 5);
    expect(masked.out[0]?.init).toMatchObject({ width: 320, height: 180 });
    for (const [index, { decodeTimeMs, sequence, wallClockMs }] of masked.out.entries()) {
      const first = masked.out[0]?.decodeTimeMs ?? 0;
      expect(sequence).toBe(index);
      expect(decodeTimeMs).toBeCloseTo(first + index * 100, 5);
      expect(wallClockMs).toBe(FILMED_AT_MS + decodeTimeMs);
    }
  });

  test("nothing comes out where the picture is not of the size that the camera says", async () => {
    const [first] = plain;
    if (!first) throw new Error("there is no picture");
    const init = { ...first.init, width: 640, height: 360 };
    await using masked = open(TranscodedStream);
    for (const fragment of plain) masked.stream.push({ ...fragment, init });
    await expect.poll(() => message(masked.stream), WAIT).toMatch(/are 320 x 180, and it says 640/);
    expect(masked.out).toEqual([]);
  });

  test("nor where its shape is another than before, until it is that again", async () => {
    await using masked = open(TranscodedStream);
    for (const fragment of plain.slice(0, 10)) masked.stream.push(fragment);
    await expect.poll(() => masked.out.length, WAIT).toBe(10);
    const [first] = plain;
    if (!first) throw new Error("there is no picture");
    const turned = { ...first.init, width: 180, height: 320 };
    for (const fragment of plain.slice(10, 30)) masked.stream.push({ ...fragment, init: turned });
    expect(message(masked.stream)).toMatch(/has another shape than before/);
    for (const fragment of plain.slice(30)) masked.stream.push(fragment);
    await expect.poll(() => masked.out.length, WAIT).toBe(20);
    expect(look(bytesOf(masked.out)).secretPixels).toBe(0);
    expect(masked.out.slice(10).map(({ decodeTimeMs }) => decodeTimeMs)[0]).toBe(3_000);
    expect(masked.out[10]?.sequence).toBeGreaterThan(10);
  });

  test("nor where the encoder hangs, dies, or is none; sound stops with the picture", async () => {
    const retryLater = { retryFirstMs: 60_000, retryMaxMs: 60_000 };
    await using missing = open(TranscodedStream, { ffmpegPath: "/nowhere/ffmpeg" });
    await using dying = open(TranscodedStream, { filter: `${maskFilter(MASKS)},scale=0:-7` });
    // A second for each picture.
    await using hanging = open(TranscodedStream, {
      filter: `${maskFilter(MASKS)},realtime=speed=0.1`,
      timing: { stallMs: 300, ...retryLater },
    });
    const all = [missing, dying, hanging];
    for (const { stream } of all) for (const fragment of plain) stream.push(fragment);
    for (const { stream } of all)
      await expect.poll(() => message(stream), WAIT).toMatch(/^Cannot hide what its masks cover/);
    expect(message(hanging.stream)).toMatch(/no picture came out for/);
    const shown = hanging.out.length;
    for (const { stream } of all) stream.push(soundAt(0));
    for (const fragment of plain) hanging.stream.push(fragment);
    expect([...missing.out, ...dying.out, ...hanging.out.slice(shown)]).toEqual([]);
    if (shown > 0) expect(look(bytesOf(hanging.out)).secretPixels).toBe(0);
  });

  test("nor before the machine is known to be able to; the reason is said", async () => {
    const admission = Promise.withResolvers<string | null>();
    let nowMs = 0;
    const asked: number[] = [];
    await using masked = open(TranscodedStream, {
      clock: { monotonicMs: () => nowMs, wallClockMs: () => nowMs },
      admit: ({ width }) => (asked.push(width) > 1 ? Promise.resolve(null) : admission.promise),
    });
    for (const fragment of plain.slice(0, 20)) masked.stream.push(fragment);
    expect(masked.stream.pid).toBe(null);
    admission.resolve("it takes 80 % of a core");
    await expect.poll(() => message(masked.stream)).toMatch(/it takes 80 % of a core/);
    for (const fragment of plain.slice(20, 30)) masked.stream.push(fragment);
    expect(masked.out).toEqual([]);
    expect(asked).toEqual([320]);
    // Asked again after a while: another camera may have gone.
    nowMs = 1_000;
    for (const fragment of plain.slice(20, 30)) masked.stream.push(fragment);
    expect(asked).toEqual([320, 320]);
    await Promise.resolve();
    for (const fragment of plain.slice(30)) masked.stream.push(fragment);
    await expect.poll(() => masked.out.length, WAIT).toBe(10);
    expect(look(bytesOf(masked.out)).secretPixels).toBe(0);
  });

  test("sound comes out with its pictures, as it was, and not before", async () => {
    await using masked = open(TranscodedStream);
    for (const fragment of plain) masked.stream.push(fragment);
    await expect.poll(() => masked.out.length, WAIT).toBe(plain.length);
    const early = soundAt(3_000);
    const late = soundAt(4_500);
    masked.stream.push(early);
    masked.stream.push(late);
    expect(masked.out.at(-1)).toBe(early);
  });
});

function soundAt(decodeTimeMs: number): Fragment {
  const init = audioInit({
    ...{ sampleRate: 48_000, channels: 1, codec: "mp4a.40.2" },
    configuration: Uint8Array.from([0x11, 0x88]),
  } as Parameters<typeof audioInit>[0]);
  return {
    ...{ camera: parseCameraId("front"), track: "audio", sequence: 0, decodeTimeMs },
    ...{
      durationMs: 21,
      keyFrame: true,
      wallClockMs: FILMED_AT_MS,
      init,
      bytes: new Uint8Array(8),
    },
  };
}

describe.skipIf(missingCommands("ffmpeg"))("a camera that hides its masks itself", () => {
  test("is passed on from a key frame on, and painted over again as soon as it does not", async () => {
    const plain = cameraFragments(windowMedia({ width: 320, height: 180 })).slice(0, 60);
    await using masked = open(MaskedStream);
    for (const fragment of plain.slice(0, 15)) masked.stream.push(fragment);
    await expect.poll(() => masked.out.length, WAIT).toBe(15);
    masked.stream.setHiddenByCamera(true);
    for (const fragment of plain.slice(15, 35)) masked.stream.push(fragment);
    expect(masked.out.at(-1)?.bytes).toBe(plain[34]?.bytes);
    expect(masked.stream.pid).toBe(null);
    const passed = masked.out.length;
    masked.stream.setHiddenByCamera(false);
    for (const fragment of plain.slice(35)) masked.stream.push(fragment);
    await expect.poll(() => masked.out.length, WAIT).toBe(passed + 20);
    expect(look(bytesOf(masked.out.slice(passed))).secretPixels).toBe(0);
    expect(masked.out[passed]?.decodeTimeMs).toBe(4_000);
    const numbers = masked.out.map(({ sequence }) => sequence);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect((numbers[passed] ?? 0) - (numbers[passed - 1] ?? 0)).toBeGreaterThan(1);
  });
});

describe("what the machine has for it", () => {
  const load = { width: 1_920, height: 1_080, framesPerSecond: 15 };
  const measured = (coreShare: number) => {
    let count = 0;
    const budget = new TranscodeBudget({
      cores: 2,
      measure: async (of) => {
        count += 1;
        return { ...of, coreShare, measuredAtMs: FILMED_AT_MS };
      },
    });
    return { budget, count: () => count };
  };

  test("half of its cores for all streams together, each size measured once, with its reason", async () => {
    const { budget, count } = measured(0.4);
    expect(await budget.admit("front main", load)).toBe(null);
    expect(await budget.admit("front main", load)).toBe(null);
    expect(await budget.admit("back main", load)).toBe(null);
    const refused = await budget.admit("side main", load);
    expect(refused).toContain(
      "takes 40 % of a core (measured on 2026-11-22), beside 80 % for other",
    );
    expect(refused).toContain("this machine has 100 % for it, half of its 2 cores");
    budget.release("back main");
    expect(await budget.admit("side main", load)).toBe(null);
    expect(count()).toBe(1);
  });

  test("two that are asked for at once do not both get the last of it", async () => {
    const { budget } = measured(0.6);
    const both = await Promise.all(["a", "b"].map((name) => budget.admit(name, load)));
    expect(both.filter((wrong) => wrong === null)).toHaveLength(1);
  });

  test("a camera that hides its masks itself gives back what it had, even what comes too late", async () => {
    const { budget } = measured(0.6);
    const keyFrame = (decodeTimeMs: number): Fragment => ({
      ...soundAt(decodeTimeMs),
      ...{ track: "video", init: VIDEO_INIT },
    });
    await using masked = open(MaskedStream, {
      admit: (of) => budget.admit("front main", of),
      release: () => budget.release("front main"),
      ffmpegPath: "/nowhere/ffmpeg",
    });
    masked.stream.push(keyFrame(0));
    expect(await budget.admit("back main", load)).not.toBe(null);
    masked.stream.setHiddenByCamera(true);
    masked.stream.push(keyFrame(40));
    expect(await budget.admit("back main", load)).toBe(null);
    budget.release("back main");
    // Asked for, and passed on before the answer.
    masked.stream.setHiddenByCamera(false);
    masked.stream.push(keyFrame(80));
    masked.stream.setHiddenByCamera(true);
    masked.stream.push(keyFrame(120));
    await budget.admit("side main", load);
    budget.release("side main");
    expect(await budget.admit("back main", load)).toBe(null);
  });

  test("forgets sizes that it has not measured for long, and no others", async () => {
    const { budget, count } = measured(0.1);
    for (let width = 100; width < 164; width += 1) await budget.costOf({ ...load, width });
    await budget.costOf({ ...load, width: 100 });
    expect(count()).toBe(64);
    await budget.costOf({ ...load, width: 164 });
    await budget.costOf({ ...load, width: 163 });
    expect(count()).toBe(65);
    await budget.costOf({ ...load, width: 100 });
    expect(count()).toBe(66);
  });

  test.skipIf(missingCommands("ffmpeg"))("a larger picture is measured to take more", async () => {
    const small = await measureTranscode(FFMPEG, { width: 160, height: 90, framesPerSecond: 5 });
    const large = await measureTranscode(FFMPEG, { width: 640, height: 360, framesPerSecond: 15 });
    expect(small.coreShare).toBeGreaterThan(0);
    expect(large.coreShare).toBeGreaterThan(small.coreShare);
    const failing = measureTranscode("/usr/bin/false", load);
    await expect(failing).rejects.toMatchObject({ code: "TRANSCODE_NOT_MEASURED" });
  });
});

test("what is no encoded picture is refused", () => {
  const reader = (): ReturnType<typeof createEncodedReader> =>
    createEncodedReader({ onParameters: () => undefined, onPicture: () => undefined });
  const head = Buffer.from("FLV\x01\x01\0\0\0\x09\0\0\0\0", "latin1");
  const tag = (data: readonly number[]): Buffer =>
    Buffer.from([9, 0, 0, data.length, 0, 0, 0, 0, 0, 0, 0, ...data, 0, 0, 0, 0]);
  for (const bytes of [
    Buffer.from("GIF89a-and-more-of-it", "latin1"),
    Buffer.concat([head, Buffer.from([9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0])]),
    Buffer.concat([head, tag([0x12, 1, 0, 0, 0, 0])]),
    Buffer.concat([head, tag([0x17, 1, 0, 0, 0, 0])]),
    Buffer.concat([head, tag([0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1e, 0xff, 0xe1, 0, 40, 0x67])]),
  ])
    expect(() => reader().push(bytes)).toThrow(/Cannot read what was encoded/);
});
