import { expect, test } from "vitest";
import { equalBytes } from "../../src/protocol/bytes.ts";

test("bytes are equal when there are as many and each is the same", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(equalBytes(bytes, Uint8Array.from(bytes))).toBe(true);
  expect(equalBytes(bytes, bytes.subarray(0, 2))).toBe(false);
  expect(equalBytes(bytes.subarray(0, 2), bytes)).toBe(false);
  expect(equalBytes(bytes, Uint8Array.of(1, 2, 4))).toBe(false);
  expect(equalBytes(bytes, Uint8Array.of(0, 2, 3))).toBe(false);
  expect(equalBytes(new Uint8Array(), bytes)).toBe(false);
  expect(equalBytes(new Uint8Array(), new Uint8Array())).toBe(true);
});
