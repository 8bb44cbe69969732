import { describe, expect, test } from "vitest";
import { concatBytes, utf8Bytes } from "../../src/protocol/bytes.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { AwaitedAnswers } from "../../src/vision-process/answers.ts";
import type { FromVision, ToVision } from "../../src/vision-process/messages.ts";
import { encodeFootage, fromVisionReader, toVisionReader } from "../../src/vision-process/pipe.ts";
import { testBox, testFootage, testFragment, testPicture } from "../support/test-footage.ts";

type Segment = Extract<FromVision, { type: "segment" }>;

/** Job 1 with segment 0 awaited, and what is taken of what is said. */
function listening() {
  const answers = new AwaitedAnswers();
  answers.begin(1);
  answers.expect(1, testFootage(0));
  const taken: FromVision[] = [];
  const reader = fromVisionReader(
    (head, bytes) => answers.accept(head, bytes),
    (message) => void (answers.take(message) && taken.push(message)),
  );
  return { answers, taken, say: (bytes: Uint8Array) => reader.push(bytes) };
}

const bytesOf = (message: FromVision | ToVision): Uint8Array =>
  concatBytes(...encodeFootage(message));

const honest: Segment = {
  ...{ type: "segment", job: 1, outcome: "blurred", reason: null, frames: 3, framesLooked: 3 },
  ...testFootage(0),
};
const still = { type: "poster", job: 1, atMs: 1_100 } as const;
const jpeg = Uint8Array.from([0xff, 0xd8, ...Array<number>(200).fill(1), 0xff, 0xd9]);

test("what is written is read again, in whatever pieces it comes", () => {
  const messages: ToVision[] = [
    {
      ...{ type: "begin", job: 1, camera: parseCameraId("front") },
      rules: { cover: "persons", plates: true, mode: "thorough" },
    },
    { type: "segment", job: 1, ...testFootage(3) },
    { type: "end", job: 1 },
  ];
  const bytes = concatBytes(...messages.map(bytesOf));
  for (const pieceBytes of [1, 7, 1_000, bytes.length]) {
    const read: ToVision[] = [];
    const reader = toVisionReader((message) => read.push(message));
    for (let at = 0; at < bytes.length; at += pieceBytes)
      reader.push(bytes.subarray(at, at + pieceBytes));
    expect(read).toEqual(
      messages.map((each) =>
        "fragments" in each
          ? {
              ...each,
              init: { ...each.init, bytes: Uint8Array.from(each.init.bytes) },
              fragments: each.fragments.map((one) => ({
                ...one,
                bytes: Uint8Array.from(one.bytes),
              })),
            }
          : each,
      ),
    );
  }
});

test("what was asked for is taken, once", () => {
  const { taken, say, answers } = listening();
  say(bytesOf({ ...still, rendition: "blurred", pixelated: "faces", jpeg }));
  say(bytesOf(honest));
  expect(taken.map(({ type }) => type)).toEqual(["poster", "segment"]);
  expect(answers.isAwaiting).toBe(false);
});

const HUGE = 1 << 20;
const withBytes = (bytes: Uint8Array): Segment => ({
  ...honest,
  fragments: honest.fragments.map((each) => ({ ...each, bytes })),
});
/** The last of the three is this picture. */
const withPicture = (picture: Uint8Array): Segment => ({
  ...honest,
  fragments: honest.fragments.with(2, {
    ...{ keyFrame: false, decodeTimeMs: 200, durationMs: 100, wallClockMs: 1_200 },
    bytes: testFragment(picture),
  }),
});
/** One whose bytes from `at` on are others. */
const spoiled = (at: number, ...bytes: readonly number[]): Uint8Array => {
  const picture = testPicture(false);
  picture.set(bytes, at);
  return picture;
};
const raw = (head: string, bodyBytes: number, body = new Uint8Array(0)): Uint8Array => {
  const lengths = new DataView(new ArrayBuffer(8));
  lengths.setUint32(0, head.length, true);
  lengths.setUint32(4, bodyBytes, true);
  return concatBytes(new Uint8Array(lengths.buffer), utf8Bytes(head), body);
};

const MISDEEDS: Readonly<Record<string, Uint8Array>> = {
  "an unknown job": bytesOf({ ...honest, job: 2 }),
  "an unknown segment": bytesOf({ ...honest, segment: 1 }),
  "an answer twice": concatBytes(bytesOf(honest), bytesOf(honest)),
  "a picture less": bytesOf({ ...honest, fragments: honest.fragments.slice(0, -1) }),
  "another count": bytesOf({ ...honest, frames: 4, framesLooked: 4 }),
  "a picture that was not looked at": bytesOf({ ...honest, framesLooked: 2 }),
  "pixelated whole for no reason": bytesOf({ ...honest, outcome: "whole" }),
  "absent for no reason": bytesOf({ ...honest, outcome: "absent", init: null, fragments: [] }),
  "absent with footage": bytesOf({ ...honest, outcome: "absent", reason: "timed-out" }),
  "far larger than the original": bytesOf(withBytes(new Uint8Array(HUGE))),
  "no boxes": bytesOf(withBytes(new Uint8Array(64))),
  "something behind its boxes": bytesOf(
    withBytes(concatBytes(testBox("moof", 60), testBox("mdat", 10), new Uint8Array(1))),
  ),
  "another box between": bytesOf(
    withBytes(concatBytes(testBox("moof", 60), testBox("free", 60), testBox("mdat", 10))),
  ),
  "a picture that is none": bytesOf(withPicture(new Uint8Array(500))),
  "a picture without anything in it": bytesOf(withPicture(new Uint8Array(0))),
  "a picture longer than it says": bytesOf(withPicture(spoiled(0, 0, 0, 1, 0))),
  "a picture shorter than it says": bytesOf(withPicture(spoiled(0, 0, 0, 2, 0))),
  "a picture with a part of nothing": bytesOf(
    withPicture(concatBytes(testPicture(false), new Uint8Array(4))),
  ),
  "a picture of a kind that H.264 does not have": bytesOf(withPicture(spoiled(4, 0x1f))),
  "a picture of supplements only": bytesOf(withPicture(spoiled(4, 0x06))),
  "a picture without its beginning": bytesOf(withPicture(spoiled(5, 0x08))),
  "a key frame that is said to be none": bytesOf(withPicture(testPicture(true))),
  "a key frame that is none": bytesOf({
    ...honest,
    fragments: honest.fragments.map((each) => ({ ...each, keyFrame: true })),
  }),
  "no key frame to begin with": bytesOf({
    ...honest,
    fragments: honest.fragments.toSpliced(0, 1).concat(honest.fragments.slice(2)),
  }),
  "a clear still as a covered one": bytesOf({
    ...{ ...still, rendition: "blurred", pixelated: null, jpeg },
  }),
  "a still that is none": bytesOf({
    ...{ ...still, rendition: "blurred", pixelated: "faces", jpeg: new Uint8Array(200) },
  }),
  "a still twice": concatBytes(
    ...[1, 2].map(() => bytesOf({ ...still, rendition: "original", pixelated: null, jpeg })),
  ),
  "a head that is no JSON": raw("{{", 0),
  "a head that is endless": Uint8Array.of(0, 0, 0, 0x70, 0, 0, 0, 0),
  "a body that is endless": Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0x70),
  "a body of another length than its head says": raw('{"type":"segment"}', 77),
  "a box of a face": raw(JSON.stringify({ type: "faces", job: 1, boxes: [[1, 2, 3, 4]] }), 0),
};

describe("what nobody asked for is refused", () => {
  test.each(Object.entries(MISDEEDS))("%s", (_name, bytes) => {
    const { say } = listening();
    expect(() => say(bytes)).toThrow(expect.objectContaining({ code: "MALFORMED_INPUT" }));
  });

  test("a body is not taken in for a head that nobody waits for", () => {
    const { say } = listening();
    const bytes = bytesOf({ ...honest, job: 2 });
    const headEnd = 8 + new DataView(bytes.buffer).getUint32(0, true);
    expect(() => say(bytes.subarray(0, headEnd))).toThrow(
      expect.objectContaining({ field: "job" }),
    );
  });

  test("what was dropped may still be answered, and is not taken", () => {
    const { answers, taken, say } = listening();
    answers.drop(1);
    say(bytesOf(honest));
    expect(taken).toEqual([]);
  });
});
