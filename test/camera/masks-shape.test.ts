import { expect, test } from "vitest";
import { MasksShape } from "../../src/camera/masks-shape.ts";

const WIDE = { width: 1_920, height: 1_080 };
const OLD = { width: 640, height: 480 };

test("masks are for the shape that they were drawn on, on both streams, from the first picture on", () => {
  const decided: string[] = [];
  const shape = new MasksShape(1.778, (role) => decided.push(role));
  for (const role of ["main", "sub"] as const) {
    const wrong = shape.of(role);
    expect(wrong(OLD)).toMatch(
      /640 x 480 has another shape than the one its masks were drawn on \(1\.778 : 1\).*set this stream.*draw its masks anew/,
    );
    // A whole number of blocks: 2.3 % wider.
    for (const size of [WIDE, { width: 640, height: 352 }, { width: 641, height: 361 }])
      expect(wrong(size)).toBe(null);
    expect(wrong({ width: 1_080, height: 1_920 })).not.toBe(null);
    expect(wrong({ width: 640, height: 345 })).not.toBe(null);
    for (const size of [
      { width: 0, height: 0 },
      { width: 640, height: 0 },
    ])
      expect(wrong(size)).not.toBe(null);
  }
  expect(decided).toEqual([]);
});

test("where nobody said it, the first picture decides, of the main stream for both", () => {
  const decided: string[] = [];
  const shape = new MasksShape(null, (role, { width }) => decided.push(`${role} ${width}`));
  const [main, sub] = [shape.of("main"), shape.of("sub")];
  expect(sub(OLD)).toBe(null);
  expect(sub(WIDE)).toMatch(/another shape than before \(1\.333 : 1\)/);
  expect(main(WIDE)).toBe(null);
  expect(sub(OLD)).toMatch(/another shape than before \(1\.778 : 1\)/);
  expect(sub(WIDE)).toBe(null);
  expect(main(OLD)).not.toBe(null);
  expect(decided).toEqual(["sub 640", "main 1920"]);
});
