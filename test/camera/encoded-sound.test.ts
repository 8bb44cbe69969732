import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { systemClock } from "../../src/base/clock.ts";
import { EncodedSound, type EncodedFrame } from "../../src/camera/encoded-sound.ts";
import {
  ENCODED_SOUND,
  SoundEncoder,
  type SoundEncoderOptions,
} from "../../src/camera/sound-encoder.ts";
import { G711_SILENCE } from "../../src/protocol/g711.ts";
import { missingCommands } from "../support/requirements.ts";

const RATE = 8_000;
const TICKS_A_MS = ENCODED_SOUND.sampleRate / 1000;

/** An encoder of one byte a frame that encodes nothing: each frame shows the sample it ends with. */
function standIn() {
  const begun: { codes: number[]; options: SoundEncoderOptions; isEnded: boolean }[] = [];
  let isHanging = false;
  const startEncoder = (options: SoundEncoderOptions) => {
    const own = { codes: [] as number[], options, isEnded: false };
    let frames = 0;
    begun.push(own);
    return {
      feed: (codes: Uint8Array) => {
        own.codes.push(...codes);
        // 1,024 samples at 48 kHz.
        while (!isHanging && own.codes.length * 6 >= (frames + 1) * 1_024)
          options.onFrame(
            Uint8Array.of(own.codes[Math.floor(((frames - 1) * 1_024) / 6)] ?? 0),
            frames++,
          );
      },
      get frames() {
        return frames;
      },
      [Symbol.asyncDispose]: async () => void (own.isEnded = true),
    };
  };
  return { begun, startEncoder, hang: () => void (isHanging = true) };
}

function start(clock: Clock = systemClock) {
  const encoders = standIn();
  const frames: EncodedFrame[] = [];
  const { startEncoder } = encoders;
  const sound = new EncodedSound({
    ...{ law: "PCMU", sampleRate: RATE, clock, startEncoder },
    onFrame: (frame) => frames.push({ ...frame, bytes: frame.bytes.slice() }),
  });
  return { ...encoders, frames, sound };
}

function movingClock(): Clock & { nowMs: number } {
  const clock = { nowMs: 1_000, monotonicMs: () => clock.nowMs, wallClockMs: () => clock.nowMs };
  return clock;
}

/** Samples whose value says when they were spoken, by 10 ms. */
function spoken(fromMs: number, durationMs: number): Uint8Array {
  return Uint8Array.from(
    { length: (durationMs * RATE) / 1000 },
    (_, index) => Math.floor((fromMs + (index * 1000) / RATE) / 10) % 200,
  );
}

/** How far each frame that is not silence stands from where it was spoken. */
function offsets(frames: readonly EncodedFrame[]): number[] {
  return frames
    .filter(({ bytes }) => bytes[0] !== G711_SILENCE.PCMU)
    .map(({ decodeTicks, bytes }) => {
      const shownMs = decodeTicks / TICKS_A_MS;
      const spokenMs = (bytes[0] ?? 0) * 10;
      // The value comes again every 2 s, and covers 10 ms.
      return ((((shownMs - spokenMs + 1_000) % 2_000) + 2_000) % 2_000) - 1_000;
    });
}

function expectContiguous(frames: readonly EncodedFrame[]): void {
  for (const [index, { decodeTicks }] of frames.entries())
    if (index > 0)
      expect(decodeTicks).toBe(
        (frames[index - 1]?.decodeTicks ?? 0) + ENCODED_SOUND.samplesPerUnit,
      );
}

describe("telephone sound on its way to AAC", () => {
  test.each([10, 20, 30, 40])("packets of %i ms: each frame where it was spoken", (packetMs) => {
    const { sound, frames, begun } = start();
    for (let atMs = 0; atMs < 4_000; atMs += packetMs)
      sound.push(spoken(atMs, packetMs), 500 + atMs);
    expect(begun).toHaveLength(1);
    expect(frames.length).toBeGreaterThan(180);
    expectContiguous(frames);
    for (const offset of offsets(frames)) expect(Math.abs(offset - 500)).toBeLessThan(11);
  });

  test("what is lost is filled with silence, and what follows stands where it was", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 150, maxLength: 200 }), (lost) => {
        const { sound, frames, begun } = start();
        for (const [index, isLost] of lost.entries())
          if (index === 0 || !isLost) sound.push(spoken(index * 20, 20), index * 20);
        expect(begun).toHaveLength(1);
        expectContiguous(frames);
        for (const offset of offsets(frames)) expect(Math.abs(offset)).toBeLessThan(26);
      }),
      { numRuns: 50 },
    );
  });

  test("the same sound twice is heard once", () => {
    const { sound, begun } = start();
    for (const atMs of [0, 20, 20, 40, 0, 60]) sound.push(spoken(atMs, 20), atMs);
    expect(begun[0]?.codes).toEqual([...spoken(0, 80)]);
  });

  test("a camera whose sound runs slow or fast stays in step, without a hole", () => {
    for (const drift of [0.997, 1.003]) {
      const { sound, frames } = start();
      // It counts 20 ms in each packet, and they stand a little apart from that.
      for (let index = 0; index < 3_000; index += 1)
        sound.push(spoken(index * 20 * drift, 20), index * 20 * drift);
      expectContiguous(frames);
      for (const offset of offsets(frames)) expect(Math.abs(offset)).toBeLessThan(36);
      expect(frames.length / 47).toBeCloseTo(60 * drift, -1);
    }
  });

  test("sound that stops and comes back after a while begins anew, and nothing is invented between", () => {
    const { sound, frames, begun } = start();
    for (let atMs = 0; atMs < 1_000; atMs += 20) sound.push(spoken(atMs, 20), atMs);
    for (let atMs = 20_000; atMs < 21_000; atMs += 20) sound.push(spoken(atMs, 20), atMs);
    expect(begun).toHaveLength(2);
    expect(begun[0]?.isEnded).toBe(true);
    expect(frames.filter(({ isNext }) => !isNext)).toHaveLength(1);
    for (const offset of offsets(frames)) expect(Math.abs(offset)).toBeLessThan(11);
    expect(
      frames.some(({ decodeTicks }) => Math.abs(decodeTicks / TICKS_A_MS - 10_000) < 8_000),
    ).toBe(false);
  });

  test("times that make no sense cost memory for no more than five seconds of silence", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { maxLength: 40 }),
        (times) => {
          const { sound, begun } = start();
          for (const atMs of times) sound.push(spoken(0, 20), atMs);
          const fed = begun.reduce((sum, { codes }) => sum + codes.length, 0);
          expect(fed).toBeLessThanOrEqual(times.length * (5 * RATE + 160));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("an encoder that ends is said, tried again after a second, two, and forgotten when it works", () => {
    const clock = movingClock();
    const { sound, begun, frames } = start(clock);
    const speak = (durationMs: number): void => {
      for (const endMs = clock.nowMs + durationMs; clock.nowMs < endMs; clock.nowMs += 20)
        sound.push(spoken(clock.nowMs, 20), clock.nowMs);
    };
    speak(500);
    expect(sound.problem).toBeNull();
    begun[0]?.options.onEnd("it ended with SIGKILL");
    expect(sound.problem).toContain("it ended with SIGKILL");
    speak(900);
    expect(begun).toHaveLength(1);
    speak(200);
    expect(begun).toHaveLength(2);
    expect(sound.problem).toBeNull();
    const before = frames.length;
    speak(500);
    expect(frames.length).toBeGreaterThan(before + 15);
    for (const offset of offsets(frames)) expect(Math.abs(offset)).toBeLessThan(11);
  });

  test("one that gives nothing any more is ended and said", () => {
    const clock = movingClock();
    const { sound, begun, hang } = start(clock);
    hang();
    for (let count = 0; count < 200; count += 1, clock.nowMs += 20)
      sound.push(spoken(clock.nowMs, 20), clock.nowMs);
    expect(sound.problem).toContain("gives nothing any more");
    expect(begun[0]?.isEnded).toBe(true);
  });
});

describe.skipIf(missingCommands("ffmpeg"))("the encoder itself", () => {
  /** Feeds two seconds at once and gives what comes of them. */
  async function encode(codes: Uint8Array, wanted: number) {
    const frames: Buffer[] = [];
    const ended = Promise.withResolvers<string>();
    const enough = Promise.withResolvers<null>();
    const encoder = SoundEncoder.start({
      ...{ law: "PCMA", sampleRate: RATE },
      onFrame: (frame, index) => {
        expect(index).toBe(frames.length);
        frames.push(Buffer.from(frame));
        if (frames.length === wanted) enough.resolve(null);
      },
      onEnd: (reason) => ended.resolve(reason),
    });
    encoder.feed(codes);
    return { encoder, frames, ended: ended.promise, enough: enough.promise };
  }

  test("a click is heard where it was, to a millisecond", async () => {
    const codes = new Uint8Array(2 * RATE).fill(G711_SILENCE.PCMA);
    codes.fill(0xaa, RATE, RATE + 8);
    const { encoder, frames, enough } = await encode(codes, 88);
    await enough;
    await encoder[Symbol.asyncDispose]();
    const decoded = execFileSync(
      "ffmpeg",
      ["-v", "error", "-f", "aac", "-i", "pipe:0", "-f", "s16le", "-ar", "48000", "pipe:1"],
      { input: Buffer.concat(frames.map(withHeader)) },
    );
    let loudest = 0;
    for (let at = 0; at < decoded.length / 2; at += 1)
      if (Math.abs(decoded.readInt16LE(at * 2)) > Math.abs(decoded.readInt16LE(loudest * 2)))
        loudest = at;
    // Frame 0 is before the first sample.
    const heardMs = (loudest - ENCODED_SOUND.samplesPerUnit) / TICKS_A_MS;
    expect(Math.abs(heardMs - 1_000.5)).toBeLessThan(1);
  });

  test("killed, it says so once; and one that is let go says nothing", async () => {
    const { encoder, enough, ended } = await encode(new Uint8Array(RATE), 20);
    await enough;
    encoder.feed(new Uint8Array(200 * 1024));
    expect(await ended).toBe("it does not keep up");
    await encoder[Symbol.asyncDispose]();
    const other = await encode(new Uint8Array(RATE), 20);
    await other.encoder[Symbol.asyncDispose]();
    let said = "";
    void other.ended.then((reason) => (said = reason));
    await sleep(0);
    expect(said).toBe("");
  });
});

/** The header that the encoder wrote, and its reader took off. */
function withHeader(frame: Buffer): Buffer {
  const bytes = frame.length + 7;
  return Buffer.concat([
    Buffer.from([
      ...[0xff, 0xf1, 0x4c, 0x40 | (bytes >> 11), (bytes >> 3) & 0xff],
      ...[((bytes & 7) << 5) | 0x1f, 0xfc],
    ]),
    frame,
  ]);
}
