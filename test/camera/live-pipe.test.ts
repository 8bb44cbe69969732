import { Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodePicture,
  PIPE_MESSAGE_BYTES_MAX,
  PicturePipeReader,
  readPicture,
  type LivePicture,
} from "../../src/camera/live-pipe.ts";
import { LiveSender, PIPE_BYTES_MAX } from "../../src/camera/live-sender.ts";
import { FragmentRing } from "../../src/camera/ring.ts";
import { concatBytes } from "../../src/protocol/bytes.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import { FRONT, initOf, pictureOf, VIDEO_INIT } from "../support/test-live.ts";

const messageOf = (picture: LivePicture): Uint8Array => concatBytes(...encodePicture(picture));

const anyPicture: fc.Arbitrary<LivePicture> = fc.oneof(
  fc
    .record({
      sequence: fc.nat(),
      keyFrame: fc.boolean(),
      sizeBytes: fc.integer({ min: 1, max: 500 }),
    })
    .map(pictureOf),
  fc.integer({ min: 1, max: 0xffffffff }).map((fragments) => ({
    ...{ camera: FRONT, stream: "sub" as const, kind: "skipped" as const },
    fragments,
  })),
  fc
    .uint8Array({ minLength: 8, maxLength: 300 })
    .map((bytes) => initOf({ ...VIDEO_INIT, bytes }, "sub")),
);

/** What a reader makes of bytes that come in pieces of these sizes. */
function readInPieces(bytes: Uint8Array, sizes: readonly number[]): LivePicture[] {
  const pictures: LivePicture[] = [];
  const reader = new PicturePipeReader((picture) => pictures.push(picture));
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const size = sizes[piece % sizes.length] ?? 1;
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pictures;
}

describe("the pipe for pictures", () => {
  test("hands over what was sent, in whatever pieces it arrives", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(fc.array(anyPicture, { maxLength: 8 }), sizes, (pictures, pieces) => {
        const bytes = concatBytes(...pictures.map(messageOf));
        expect(readInPieces(bytes, pieces)).toEqual(pictures);
      }),
    );
  });

  test("of any bytes is read or refused, and by nothing but a clear error", () => {
    const start = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(3), fc.nat(40));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc
        .tuple(start, fc.uint8Array({ maxLength: 120 }))
        .map(([head, rest]) => Uint8Array.of(...head, ...rest)),
    );
    fc.assert(
      fc.property(bytes, (message) => {
        try {
          readPicture(message);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedInput);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("with one byte turned is read or refused", () => {
    const message = messageOf(pictureOf({ sequence: 5, keyFrame: true }));
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const turned = message.slice();
        turned[at] = (turned[at] ?? 0) ^ flip;
        try {
          readInPieces(turned, [turned.length]);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedInput);
        }
      }),
    );
  });

  const broken = (change: (message: Uint8Array) => void): Uint8Array => {
    const message = messageOf(pictureOf({ sequence: 5 }));
    change(message);
    return message;
  };
  const length = (bytes: number): Uint8Array => {
    const out = new Uint8Array(4);
    new DataView(out.buffer).setUint32(0, bytes, true);
    return out;
  };
  test.each([
    ["a length over the limit", length(PIPE_MESSAGE_BYTES_MAX + 1)],
    ["a length of 4 GiB", length(0xffffffff)],
    ["no content", length(0)],
    ["an unknown kind", broken((message) => void (message[4] = 9))],
    ["an unknown stream", broken((message) => void (message[5] = 2))],
    ["a camera's id that is too long", broken((message) => void (message[6] = 200))],
    ["an odd camera's id", broken((message) => void (message[7] = 0x2f))],
    ["an odd live frame", broken((message) => void (message[12] = 9))],
    [
      "nothing skipped",
      messageOf({ camera: FRONT, stream: "main", kind: "skipped", fragments: 0 }),
    ],
  ])("refuses %s", (_what, bytes) => {
    expect(() => readInPieces(bytes, [bytes.length])).toThrow(MalformedInput);
  });

  test.each<Partial<TrackInit>>([
    { codec: "avc1\n" },
    { codec: "x".repeat(41) },
    { width: 20_000 },
    { timescale: 0 },
    { bytes: new Uint8Array(3) },
    { bytes: new Uint8Array(70_000) },
  ])("is not asked to carry an initialisation segment that nobody would read", (wrong) => {
    expect(() => encodePicture(initOf({ ...VIDEO_INIT, ...wrong }))).toThrow(MalformedInput);
  });

  test("keeps no more than one message, and nothing of another", () => {
    const pictures = readInPieces(
      concatBytes(messageOf(pictureOf({ sequence: 1 })), messageOf(pictureOf({ sequence: 2 }))),
      [10_000],
    );
    for (const picture of pictures)
      expect(picture.kind === "fragment" && picture.frame.buffer.byteLength).toBeLessThan(200);
  });
});

/** A pipe whose other end reads only when it is told to. */
class SlowPipe extends Writable {
  readonly pictures: LivePicture[] = [];
  readonly #reader = new PicturePipeReader((picture) => this.pictures.push(picture));
  #waiting: { chunk: Uint8Array; done: () => void } | null = null;
  isReading = true;

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.isReading) {
      this.#reader.push(chunk);
      done();
    } else this.#waiting = { chunk, done };
  }

  async readOn(): Promise<void> {
    this.isReading = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting) this._write(waiting.chunk, "", waiting.done);
    while (this.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  get sequences(): string[] {
    return this.pictures.map((picture) => {
      if (picture.kind !== "fragment") return picture.kind;
      return String(
        new DataView(picture.frame.buffer, picture.frame.byteOffset).getUint32(4, true),
      );
    });
  }
}

function fragment(sequence: number, sizeBytes = 10, init = VIDEO_INIT): Fragment {
  return {
    ...{ camera: FRONT, track: "video", sequence, keyFrame: sequence % 5 === 0, init },
    ...{ decodeTimeMs: sequence * 40, durationMs: 40, wallClockMs: 1_000 + sequence * 40 },
    bytes: new Uint8Array(sizeBytes),
  };
}

function filled(ring: FragmentRing, from: number, to: number, sizeBytes?: number): FragmentRing {
  for (let each = from; each <= to; each += 1) ring.push(fragment(each, sizeBytes));
  return ring;
}

describe("the ingest process", () => {
  test("sends nothing that was not asked for, and then from the last key frame on", () => {
    const pipe = new SlowPipe();
    const sender = new LiveSender(pipe);
    const ring = filled(new FragmentRing(), 0, 12);
    sender.offer(FRONT, "main", ring);
    filled(ring, 13, 13);
    expect(pipe.pictures).toEqual([]);
    sender.watch(FRONT, "sub", true);
    expect(pipe.pictures).toEqual([]);
    sender.watch(FRONT, "main", true);
    sender.watch(FRONT, "main", true);
    filled(ring, 14, 15);
    expect(pipe.sequences).toEqual(["init", "10", "11", "12", "13", "14", "15"]);
    sender.watch(FRONT, "main", false);
    filled(ring, 16, 20);
    expect(pipe.sequences).toHaveLength(7);
    sender.watch(FRONT, "main", true);
    expect(pipe.sequences.slice(7)).toEqual(["init", "20"]);
  });

  test("sends no sound while nobody listens", () => {
    const pipe = new SlowPipe();
    const sender = new LiveSender(pipe);
    const ring = new FragmentRing();
    sender.offer(FRONT, "main", ring);
    sender.watch(FRONT, "main", true);
    const sound = (sequence: number): Fragment => ({
      ...fragment(sequence, 10, { ...VIDEO_INIT, track: "audio" }),
      track: "audio",
    });
    const tracks = (): string[] =>
      pipe.pictures.flatMap((picture) => (picture.kind === "fragment" ? [picture.track] : []));
    filled(ring, 0, 0);
    ring.push(sound(0));
    sender.watch(FRONT, "main", true, true);
    ring.push(sound(1));
    sender.watch(FRONT, "main", true);
    ring.push(sound(2));
    filled(ring, 1, 1);
    expect(tracks()).toEqual(["video", "audio", "video"]);
    // Nor of what came before the first picture that a new viewer is sent.
    sender.watch(FRONT, "main", false);
    sender.watch(FRONT, "main", true);
    expect(tracks().slice(3)).toEqual(["video", "video"]);
  });

  test("says what changes, and goes on with a camera that was begun anew", () => {
    const pipe = new SlowPipe();
    const sender = new LiveSender(pipe);
    sender.watch(FRONT, "main", true);
    const first = new FragmentRing();
    using _first = sender.offer(FRONT, "main", first);
    filled(first, 0, 1);
    first.push(fragment(5, 10, { ...VIDEO_INIT, width: 320 }));
    const second = new FragmentRing();
    const ending = sender.offer(FRONT, "main", second);
    filled(first, 6, 6);
    filled(second, 0, 0);
    expect(pipe.sequences).toEqual(["init", "0", "1", "init", "5", "init", "0"]);
    ending[Symbol.dispose]();
    filled(second, 1, 1);
    expect(pipe.sequences).toHaveLength(7);
  });

  test("waits for no hub: it leaves out whole groups of pictures, and says how many", async () => {
    const pipe = new SlowPipe();
    const sender = new LiveSender(pipe);
    const ring = new FragmentRing();
    sender.offer(FRONT, "main", ring);
    sender.watch(FRONT, "main", true);
    const sizeBytes = 1024 * 1024;
    filled(ring, 0, 1, sizeBytes);
    pipe.isReading = false;
    for (let each = 2; each <= 62; each += 1) {
      ring.push(fragment(each, sizeBytes));
      expect(pipe.writableLength).toBeLessThanOrEqual(PIPE_BYTES_MAX + 1_000);
    }
    await pipe.readOn();
    filled(ring, 63, 66, sizeBytes);
    const sequences = pipe.sequences;
    const at = sequences.indexOf("skipped");
    const [before, after] = [Number(sequences[at - 1]), Number(sequences[at + 1])];
    expect(after).toBe(65);
    expect(pipe.pictures[at]).toMatchObject({ fragments: after - before - 1 });
    expect(sequences.slice(at + 1)).toEqual(["65", "66"]);
    expect(ring.length).toBeGreaterThan(0);
  });

  test("leaves out what no viewer would read", () => {
    const pipe = new SlowPipe();
    const sender = new LiveSender(pipe);
    const ring = new FragmentRing();
    sender.offer(FRONT, "main", ring);
    sender.watch(FRONT, "main", true);
    ring.push(fragment(0, 9 * 1024 * 1024));
    filled(ring, 1, 5);
    ring.push(fragment(10, 10, { ...VIDEO_INIT, bytes: new Uint8Array(70_000) }));
    filled(ring, 11, 15);
    expect(pipe.sequences).toEqual(["skipped", "init", "5", "skipped", "15"]);
  });
});
