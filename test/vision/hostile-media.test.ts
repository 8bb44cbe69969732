import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { findFfmpeg } from "../../src/base/ffmpeg.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { GreyFrames, type GreyFramesOptions } from "../../src/vision/frames.ts";
import { MotionWatch } from "../../src/vision/motion-watch.ts";
import { missingCommands } from "../support/requirements.ts";
import { fragmentsFromFfmpeg } from "./footage.ts";

const MEBIBYTE = 1024 * 1024;
/** What the test process may grow by while a child does its worst. */
const GROWTH_MAX_BYTES = 96 * MEBIBYTE;

/** What a decoder that was taken over might do. Its input is never read, and its words are not told. */
const TAKEN_OVER: readonly (readonly [name: string, python: string, problem: RegExp])[] = [
  [
    "asks for all memory",
    "import os\nheld = []\ntry:\n  while True: held.append(bytearray(1 << 24))\nexcept MemoryError: os._exit(77)",
    /ended \(code 77\)/,
  ],
  ["computes without end", "while True: pass", /no picture for/],
  ["hangs", "import time\ntime.sleep(1000)", /no picture for/],
  ["ends at once", "pass", /ended \(code 0\)/],
  ["kills itself", "import os\nos.kill(os.getpid(), 11)", /ended/],
  [
    "tries to fork without end",
    "import os\ntry:\n  while True: os.fork()\nexcept PermissionError: os._exit(78)",
    /ended \(code 78\)/,
  ],
  [
    "pours out pixels without times",
    "import os\nwhile True: os.write(1, bytes(65536))",
    /do not match/,
  ],
  [
    "tells times without pixels",
    "import os\nwhile True: os.write(3, b'0, 0, 0, 1, 57600, 0x0\\n' * 50)",
    /do not match/,
  ],
  [
    "tells times without an end of line",
    "import os\nwhile True: os.write(3, b'9' * 4096)",
    /without an end/,
  ],
  [
    "tells times that are no numbers",
    "import os\nwhile True: os.write(3, b'0, 0, NaN, 1\\n')",
    /without a time/,
  ],
  [
    "writes half a picture and no more",
    "import os, time\nos.write(1, bytes(28000))\ntime.sleep(1000)",
    /no picture for/,
  ],
  [
    "complains without end",
    "import os\nwhile True: os.write(2, b'\\x1b[2J' * 9999)",
    /no picture for/,
  ],
];

describe.skipIf(missingCommands("ffmpeg", "bwrap", "python3"))("hostile media", () => {
  let folder: string;
  let ffmpegPath: string;
  let fragments: Fragment[];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "doorward-hostile-"));
    ffmpegPath = (await findFfmpeg()).path;
    fragments = await fragmentsFromFfmpeg(["-f", "lavfi", "-i", "testsrc2=s=640x360:r=15:d=6"]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function open(more: Partial<GreyFramesOptions> = {}) {
    const seen: number[] = [];
    const problems: { problem: string; inARow: number }[] = [];
    const frames = GreyFrames.open({
      ffmpegPath,
      clock: systemClock,
      onFrame: ({ atMs }) => seen.push(atMs),
      onProblem: (problem, inARow) => problems.push({ problem, inARow }),
      retryFirstMs: 20,
      ...more,
    });
    return { frames, seen, problems };
  }

  async function program(python: string): Promise<string> {
    const file = path.join(folder, `taken-over-${Math.random().toString(36).slice(2)}`);
    await writeFile(file, `#!/usr/bin/python3 -IS\n${python}\n`, { mode: 0o755 });
    return file;
  }

  test.each(TAKEN_OVER)(
    "that makes a decoder which %s costs that decoder only",
    async (_name, python, problem) => {
      const stallAfterMs = String(problem).includes("no picture") ? 600 : 15_000;
      const hostile = open({ ffmpegPath: await program(python), stallAfterMs });
      const neighbour = open();
      await using _hostile = hostile.frames;
      await using _neighbour = neighbour.frames;
      const before = process.memoryUsage().rss;
      for (const fragment of fragments) {
        hostile.frames.push(fragment);
        neighbour.frames.push(fragment);
      }
      await expect.poll(() => hostile.problems.length, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(hostile.problems[0]?.problem).toMatch(problem);
      expect(hostile.problems[0]?.problem).toMatch(/^[\x20-\x7e]{1,400}$/);
      await expect.poll(() => neighbour.seen.length, { timeout: 20_000 }).toBe(30);
      expect(neighbour.problems).toEqual([]);
      expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_MAX_BYTES);
    },
  );

  test("that ends its decoder again and again is counted, and tried less and less often", async () => {
    const { frames, problems } = open({ ffmpegPath: await program("pass") });
    await using _frames = frames;
    for (let failures = 1; failures <= 4; failures += 1) {
      await expect
        .poll(
          () => {
            for (const fragment of fragments.slice(0, 1)) frames.push(fragment);
            return problems.length;
          },
          { timeout: 10_000 },
        )
        .toBeGreaterThanOrEqual(failures);
    }
    expect(problems.slice(0, 4).map(({ inARow }) => inARow)).toEqual([1, 2, 3, 4]);
    expect(
      problems.slice(0, 4).map(({ problem }) => /next try in (\d+) ms/.exec(problem)?.[1]),
    ).toEqual(["20", "40", "80", "160"]);
  });

  test("stops nobody else who takes the same fragments, and is not slept through", async () => {
    const hostile = await program("import os\nos.write(1, bytes(999))\nos.kill(os.getpid(), 11)");
    const problems: string[] = [];
    await using watch = MotionWatch.open({
      pictures: (onFrame) =>
        GreyFrames.open({
          ffmpegPath: hostile,
          clock: systemClock,
          onFrame,
          onProblem: (problem) => problems.push(problem),
          retryFirstMs: 20,
        }),
      onEvent: () => expect.unreachable("nothing was seen"),
    });
    let taken = 0;
    // In the order in which a camera's pipeline hands them on: what is thrown here would stop it.
    await expect
      .poll(
        () => {
          for (const fragment of fragments) {
            watch.push(fragment);
            taken += 1;
          }
          return problems.length;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(1);
    expect(watch.counts.fragments).toBe(taken);
    expect(watch.isAsleep).toBe(false);
  });

  test("that keeps its decoder busy for ever is cut off after its processor time", async () => {
    const busy = await program("while True: pass");
    const { frames, problems } = open({ ffmpegPath: busy, cpuSecondsMax: 1, stallAfterMs: 60_000 });
    await using _frames = frames;
    frames.push(fragments[0]!);
    await expect.poll(() => problems.length, { timeout: 20_000 }).toBe(1);
    expect(problems[0]?.problem).toMatch(/ended \((SIGXCPU|SIGKILL|code (137|152))\)/);
  });

  test("of a picture that is too large to be true is refused by the decoder", async () => {
    const bomb = await fragmentsFromFfmpeg(["-f", "lavfi", "-i", "color=black:s=16x16:r=2:d=1"], {
      framesPerSecond: 2,
      size: "8192x4320",
      encoder: ["-c:v", "libx264", "-preset", "ultrafast", "-g", "2"],
    });
    const { frames, seen, problems } = open({ stallAfterMs: 1_500 });
    await using _frames = frames;
    for (const fragment of bomb) frames.push(fragment);
    await expect.poll(() => problems.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(seen).toEqual([]);
  });

  test("with a megabyte of supplemental information in every unit is decoded or given up", async () => {
    const { frames, seen } = open();
    await using _frames = frames;
    const filler = Buffer.alloc(1_000_000, 0xff);
    const sei = Buffer.concat([Buffer.from([6]), filler]);
    for (const fragment of fragments.slice(0, 30)) frames.push(withUnitBefore(fragment, sei));
    // Whatever came of it, the stream goes on when the camera behaves.
    await expect.poll(() => feedAgain(frames, fragments, seen), { timeout: 20_000 }).toBe(true);
  });

  test("of real pictures with random damage never costs more than decoders", async () => {
    const { frames, seen } = open({ stallAfterMs: 1_000 });
    await using _frames = frames;
    let state = 20_261_122;
    const chance = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 12; round += 1) {
      for (const fragment of fragments) {
        const bytes = Buffer.from(fragment.bytes);
        // The later rounds also damage box headers and lengths.
        const from = round < 6 ? 130 : 0;
        for (let count = chance(6); count > 0; count -= 1)
          bytes[from + chance(bytes.length - from)] = chance(256);
        frames.push({ ...fragment, bytes });
      }
      await setTimeout(1);
    }
    await expect.poll(() => feedAgain(frames, fragments, seen), { timeout: 20_000 }).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_MAX_BYTES);
  });
});

/** Feeds the whole good stream once more, and tells whether pictures of it come. */
async function feedAgain(
  frames: GreyFrames,
  fragments: readonly Fragment[],
  seen: readonly number[],
): Promise<boolean> {
  const before = seen.length;
  for (const fragment of fragments) frames.push(fragment);
  for (let waits = 0; waits < 40 && seen.length < before + 20; waits += 1) await setTimeout(25);
  return seen.length >= before + 20;
}

/** The same fragment with one more NAL unit in front; sizes in its boxes are made to fit. */
function withUnitBefore(fragment: Fragment, unit: Buffer): Fragment {
  const bytes = Buffer.from(fragment.bytes);
  const mdat = bytes.indexOf("mdat") - 4;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(unit.length);
  const body = Buffer.concat([length, unit, bytes.subarray(mdat + 8)]);
  const head = Buffer.from(bytes.subarray(0, mdat));
  const sampleSize = bytes.length - mdat - 8;
  for (let at = 0; at + 4 <= head.length; at += 1)
    if (head.readUInt32BE(at) === sampleSize) head.writeUInt32BE(body.length, at);
  const mdatHead = Buffer.alloc(8);
  mdatHead.writeUInt32BE(body.length + 8);
  mdatHead.write("mdat", 4, "latin1");
  return { ...fragment, bytes: Buffer.concat([head, mdatHead, body]) };
}
