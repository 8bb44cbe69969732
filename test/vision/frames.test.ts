import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { findFfmpeg } from "../../src/base/ffmpeg.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { GreyFrames, type GreyFramesOptions } from "../../src/vision/frames.ts";
import type { GreyFrame } from "../../src/vision/grey-frame.ts";
import { missingCommands } from "../support/requirements.ts";
import { FOOTAGE_STARTS_AT_MS, fragmentsFromFfmpeg } from "./footage.ts";

/** White for the odd seconds, black for the even ones. */
const BLINKING = [
  ...["-f", "lavfi", "-i"],
  "color=black:s=640x360:r=15:d=4,drawbox=color=white:t=fill:enable='mod(floor(t),2)'",
];
const GARBAGE = Buffer.alloc(40_000, "not a moving picture ");

function meanLevel({ pixels }: GreyFrame): number {
  return pixels.reduce((sum, level) => sum + level, 0) / pixels.length;
}

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("grey frames of a stream", () => {
  let fragments: Fragment[];
  let ffmpegPath: string;
  /** Stands in for a decoder that hangs: neither reads nor writes nor ends. */
  let hanging: string;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "doorward-frames-"));
    hanging = path.join(folder, "hanging");
    await writeFile(hanging, "#!/bin/sh\nexec /usr/bin/sleep 1000\n", { mode: 0o755 });
    ffmpegPath = (await findFfmpeg()).path;
    fragments = await fragmentsFromFfmpeg(["-f", "lavfi", "-i", "testsrc2=s=640x360:r=15:d=6"]);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  function open(more: Partial<GreyFramesOptions> = {}) {
    const seen: GreyFrame[] = [];
    const problems: string[] = [];
    const frames = GreyFrames.open({
      ffmpegPath,
      clock: systemClock,
      onFrame: (frame) => seen.push({ ...frame, pixels: frame.pixels.slice() }),
      onProblem: (problem) => problems.push(problem),
      ...more,
    });
    return { frames, seen, problems };
  }

  test("come five times a second, small, each with the wall clock of its access unit", async () => {
    const { frames, seen } = open();
    await using _frames = frames;
    for (const fragment of fragments) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(30);
    expect(seen.every(({ width, height }) => width === 320 && height === 180)).toBe(true);
    const times = seen.map(({ atMs }) => Math.round(atMs - FOOTAGE_STARTS_AT_MS));
    expect(times).toEqual(Array.from({ length: 30 }, (_, index) => index * 200));
  });

  test("show what the camera showed at that time", async () => {
    const { frames, seen } = open();
    await using _frames = frames;
    for (const fragment of await fragmentsFromFfmpeg(BLINKING)) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(20);
    for (const frame of seen) {
      const second = Math.floor((frame.atMs - FOOTAGE_STARTS_AT_MS) / 1000);
      const level = meanLevel(frame);
      if (second % 2 === 1) expect(level).toBeGreaterThan(200);
      else expect(level).toBeLessThan(40);
    }
  });

  test("are there within a few milliseconds of their access unit", async () => {
    const delaysMs: number[] = [];
    let startedMs = 0;
    const { frames } = open({
      onFrame: ({ atMs }) =>
        delaysMs.push(performance.now() - startedMs - (atMs - FOOTAGE_STARTS_AT_MS)),
    });
    await using _frames = frames;
    // The first ones find the decoder still starting.
    startedMs = performance.now();
    for (const fragment of fragments.slice(0, 45)) {
      await setTimeout(Math.max(0, startedMs + fragment.decodeTimeMs - performance.now()));
      frames.push(fragment);
    }
    await expect.poll(() => delaysMs.length).toBe(15);
    const later = delaysMs.slice(5).toSorted((one, other) => one - other);
    // Less than one access unit: nothing waits for the next one.
    expect(later[Math.floor(later.length / 2)]).toBeLessThan(60);
  });

  test("start at a key frame when the stream is joined in the middle", async () => {
    const { frames, seen } = open();
    await using _frames = frames;
    for (const fragment of fragments.slice(10)) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(20);
    expect(Math.round((seen[0]?.atMs ?? 0) - FOOTAGE_STARTS_AT_MS)).toBe(2_000);
    expect(frames.counts).toMatchObject({ fragmentsDropped: 20, restarts: 0 });
  });

  test("go on with a new decoder when the camera changes its parameters", async () => {
    const { frames, seen, problems } = open();
    await using _frames = frames;
    for (const fragment of fragments) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(30);
    const first = frames.decoderPid;
    const smaller = await fragmentsFromFfmpeg(
      ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=4"],
      { framesPerSecond: 10, size: "320x240" },
    );
    for (const fragment of smaller) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(50);
    expect(frames.decoderPid).not.toBe(first);
    expect(problems).toEqual([]);
  });

  test("go on with a new decoder at a key frame when one has worked for long, without a word", async () => {
    const { frames, seen, problems } = open({ renewAfterMs: 50 });
    await using _frames = frames;
    for (const fragment of fragments.slice(0, 30)) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(10);
    const first = frames.decoderPid;
    await setTimeout(60);
    for (const fragment of fragments.slice(30)) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(30);
    expect(frames.decoderPid).not.toBe(first);
    expect(existsSync(`/proc/${first}`)).toBe(false);
    expect({ problems, ...frames.counts }).toMatchObject({ problems: [], restarts: 0 });
  });

  test("come back after the decoder was killed, and the pause before that grows", async () => {
    const { frames, seen, problems } = open({ retryFirstMs: 50 });
    await using _frames = frames;
    for (const fragment of fragments.slice(0, 30)) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(10);
    process.kill(frames.decoderPid ?? 0, "SIGKILL");
    await expect.poll(() => problems).toHaveLength(1);
    await setTimeout(60);
    for (const fragment of fragments.slice(30)) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(30);
    expect(frames.counts.restarts).toBe(1);
  });

  test("survive a stream of garbage: only the child is lost, again and again", async () => {
    const { frames, seen, problems } = open({ retryFirstMs: 20, stallAfterMs: 500 });
    await using _frames = frames;
    const garbled = fragments.map((fragment) => ({ ...fragment, bytes: GARBAGE }));
    for (let round = 0; round < 2; round += 1) {
      for (const fragment of garbled) frames.push(fragment);
      await expect.poll(() => problems.length).toBeGreaterThan(round);
      await setTimeout(100);
    }
    expect(problems[0]).toMatch(/^Cannot decode for motion: .*next try in 20 ms$/);
    expect(problems[1]).toMatch(/next try in 40 ms$/);
    for (const fragment of fragments) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(30);
  });

  test("survive damage inside the pictures", async () => {
    const { frames, seen } = open({ retryFirstMs: 20 });
    await using _frames = frames;
    const damaged = fragments.map((fragment, index) => {
      if (index % 7 !== 3) return fragment;
      const bytes = Buffer.from(fragment.bytes);
      for (let at = 200; at < bytes.length; at += 50) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      return { ...fragment, bytes };
    });
    for (const fragment of damaged) frames.push(fragment);
    await expect.poll(() => seen.length).toBeGreaterThan(15);
    for (const { atMs } of seen) {
      expect(atMs).toBeGreaterThanOrEqual(FOOTAGE_STARTS_AT_MS);
      expect(atMs).toBeLessThanOrEqual(FOOTAGE_STARTS_AT_MS + 6_000);
    }
  });

  test("replace a decoder that is fed and stays silent", async () => {
    const { frames, problems } = open({ ffmpegPath: hanging, stallAfterMs: 300 });
    await using _frames = frames;
    for (const fragment of fragments) frames.push(fragment);
    await expect.poll(() => problems.length, { timeout: 5_000 }).toBeGreaterThan(0);
    expect(problems[0]).toMatch(/no picture for \d+ ms/);
  });

  test("are dropped up to a key frame rather than queued without end", async () => {
    const { frames } = open({ ffmpegPath: hanging, stallAfterMs: 60_000 });
    await using _frames = frames;
    const large = fragments.map((fragment) => ({ ...fragment, bytes: Buffer.alloc(500_000) }));
    for (const fragment of large) frames.push(fragment);
    expect(frames.counts.fragmentsDropped).toBeGreaterThan(60);
  });

  test("leave no process behind", async () => {
    const { frames, seen } = open();
    for (const fragment of fragments) frames.push(fragment);
    await expect.poll(() => seen.length).toBe(30);
    const pid = frames.decoderPid;
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await frames[Symbol.asyncDispose]();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    frames.push(fragments[0]!);
    expect(frames.decoderPid).toBeNull();
  });
});
