import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AdtsReader } from "../../src/camera/adts-reader.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";

/** Profile, rate and channels as an encoder of ours is told to make them, unless they are changed. */
function frame(content: Uint8Array, { profile = 1, rate = 3, channels = 1 } = {}): Buffer {
  const bytes = content.length + 7;
  const header = Buffer.from([
    ...[0xff, 0xf1, (profile << 6) | (rate << 2) | (channels >> 2)],
    ...[
      ((channels & 3) << 6) | (bytes >> 11),
      (bytes >> 3) & 0xff,
      ((bytes & 7) << 5) | 0x1f,
      0xfc,
    ],
  ]);
  return Buffer.concat([header, content]);
}

function read(chunks: readonly Uint8Array[]): string[] {
  const seen: string[] = [];
  const reader = new AdtsReader((found) => seen.push(Buffer.from(found).toString("hex")));
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

describe("what the sound encoder says", () => {
  test("is cut into frames, however the pipe cuts it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        (contents, size) => {
          const all = Buffer.concat(contents.map((content) => frame(content)));
          const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
            all.subarray(index * size, (index + 1) * size),
          );
          const wanted = contents.map((content) => Buffer.from(content).toString("hex"));
          expect(read(chunks)).toEqual(wanted);
          expect(read([all])).toEqual(wanted);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("holds the largest frame there can be", () => {
    const content = new Uint8Array(8_191 - 7).fill(7);
    expect(read([frame(content), frame(Uint8Array.of(1))]).map(({ length }) => length)).toEqual([
      content.length * 2,
      2,
    ]);
  });

  const content = Uint8Array.of(1, 2, 3);
  test.each([
    ["no header", Buffer.from("RIFF____WAVE")],
    ["another profile", frame(content, { profile: 0 })],
    ["another rate", frame(content, { rate: 4 })],
    ["two channels", frame(content, { channels: 2 })],
    ["nothing in it", frame(new Uint8Array())],
  ])("is refused by name: %s", (_name, bytes) => {
    expect(() => read([frame(content), bytes])).toThrow(MalformedInput);
  });

  test("damaged anywhere, it is read within its bounds or refused by name", () => {
    const good = Buffer.concat([frame(content), frame(new Uint8Array(300)), frame(content)]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        (edits) => {
          const damaged = Buffer.from(good);
          for (const [at, value] of edits) damaged[at] = value;
          try {
            for (const found of read([damaged])) expect(found.length).toBeLessThan(2 * 8_192);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedInput);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
