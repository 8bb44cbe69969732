import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { utf8Bytes, utf8Text } from "../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson, parseJson } from "../../src/protocol/canonical-json.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import { sharedPath } from "../support/requirements.ts";

const MALFORMED = expect.objectContaining({ code: "MALFORMED_INPUT" });
const write = (value: Json) => utf8Text(canonicalJson(value), "json");

test("the published vectors come out byte for byte (cyberphone/json-canonicalization)", () => {
  const vectors = sharedPath("vectors/jcs");
  if (vectors === null) return console.warn("skipped: the published vectors are not here");
  const names = readdirSync(path.join(vectors, "input"));
  for (const name of names) {
    const input = parseJson(readFileSync(path.join(vectors, "input", name)), name);
    const expected = readFileSync(path.join(vectors, "output", name));
    expect(Buffer.from(canonicalJson(input)).equals(expected), name).toBe(true);
    expect(parseCanonicalJson(expected, name)).toEqual(input);
  }
  expect(names.length).toBeGreaterThan(1);
});

describe("RFC 8785", () => {
  // Section 3.2.3, with the order by UTF-16 code units: the emoji's surrogates sort below U+FB33.
  test("members are sorted by UTF-16 code units", () => {
    const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, ö: 7 };
    expect(Object.values(JSON.parse(write(value)) as object)).toHaveLength(7);
    expect([...write(value).matchAll(/:(\d)/g)].map(([, digit]) => digit).join("")).toBe("2467153");
  });

  test("strings are escaped as little as JSON allows", () => {
    expect(write("\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/\b\t\f\r\u2028")).toBe(
      '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\\b\\t\\f\\r\u2028"',
    );
  });

  // Appendix B, those that are exact here: integers beyond 2^53 - 1 are refused instead.
  test.each([
    [0, "0"],
    [1e-7, "1e-7"],
    [0.000001, "0.000001"],
    [1 / 3, "0.3333333333333333"],
    [4.5, "4.5"],
    [5e-324, "5e-324"],
    [-5e-324, "-5e-324"],
    [9007199254740991, "9007199254740991"],
  ])("%d is written %s", (number, text) => {
    expect(write(number)).toBe(text);
  });

  test("numbers that other readers would not read back the same are refused", () => {
    for (const number of [Number.NaN, Infinity, -Infinity, -0, 2 ** 53, 1e21, -(2 ** 53)])
      expect(() => canonicalJson([number]), String(number)).toThrow(MALFORMED);
  });

  test("strings that are not Unicode are refused, as member names too", () => {
    expect(() => canonicalJson("\ud800")).toThrow(MALFORMED);
    expect(() => canonicalJson({ "\udead": 1 })).toThrow(MALFORMED);
  });
});

test("only the canonical spelling of a value is read", () => {
  const value = { a: [1, "é"], b: { c: null } };
  const text = write(value);
  expect(parseCanonicalJson(utf8Bytes(text), "x")).toEqual(value);
  for (const other of [
    ` ${text}`,
    `${text}\n`,
    `\ufeff${text}`,
    text.replace(",", ", "),
    text.replace("1", "1.0"),
    text.replace("1", "1e0"),
    text.replace("1", "-0"),
    text.replace("é", "\\u00e9"),
    '{"b":{"c":null},"a":[1,"é"]}',
    '{"a":[1,"é"],"a":[1,"é"],"b":{"c":null}}',
    '{"a":[1,"é"],"b":{"c":null,"__proto__":{}}}',
    text.slice(0, -1),
    "",
    "undefined",
    "NaN",
    '"\\ud800"',
    "9007199254740992",
    "[".repeat(40) + "]".repeat(40),
    "[".repeat(100_000),
  ])
    expect(() => parseCanonicalJson(utf8Bytes(other), "x"), other.slice(0, 50)).toThrow(MALFORMED);
  expect(() => parseCanonicalJson(Uint8Array.of(0x22, 0xff, 0x22), "x")).toThrow(MALFORMED);
});

test("whatever can be written reads back as itself, and is written the same again", () => {
  const json = fc.jsonValue({ maxDepth: 5, noUnicodeString: false }).filter(hasCanonicalForm);
  fc.assert(
    fc.property(json, (value) => {
      const bytes = canonicalJson(value as Json);
      const read = parseCanonicalJson(bytes, "x");
      expect(canonicalJson(read)).toEqual(bytes);
      expect(read).toEqual(value);
    }),
    { numRuns: 300 },
  );
});

test("a member that is undefined is left out", () => {
  expect(write({ a: undefined, b: 1 })).toBe('{"b":1}');
});

function hasCanonicalForm(value: unknown): boolean {
  try {
    canonicalJson(value as Json);
    return !JSON.stringify(value).includes("__proto__");
  } catch {
    return false;
  }
}
