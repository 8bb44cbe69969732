import { expect, test } from "vitest";
import { equalBytes, fromBase64, fromHex, utf8Bytes, utf8Text } from "../../src/protocol/bytes.ts";

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

test("text is read as it was written or not at all", () => {
  expect(utf8Text(utf8Bytes("\ufeffé"), "name")).toBe("\ufeffé");
  for (const wrong of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80]])
    expect(() => utf8Text(Uint8Array.from(wrong), "name")).toThrow(/name: not well-formed/);
  expect(fromBase64("AQ==", "key")).toEqual(Uint8Array.of(1));
  for (const wrong of ["AQ", "AR==", "AQ==\n", "A-=="])
    expect(() => fromBase64(wrong, "key")).toThrow(/key: not canonical base64/);
  expect(() => fromHex("abc", "key")).toThrow(/key: not hexadecimal/);
});
