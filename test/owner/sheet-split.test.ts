import fc from "fast-check";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { describe, expect, test } from "vitest";
import { generateRecovery, parseRecoverySheet, recoverySheet } from "../../src/owner/recovery.ts";
import { combineSheets, PART_WORDS, partNumber, splitSheet } from "../../src/owner/sheet-split.ts";

async function newSheet(kind: "pq" | "x25519" = "x25519"): Promise<string> {
  return recoverySheet(await generateRecovery(kind), kind);
}

const PAIRS = [
  [0, 1],
  [1, 2],
  [0, 2],
] as const;

function wordsOf(text: string): string[] {
  return [...text.matchAll(/(\d{1,2}) ([a-z]{3,8})/g)].map(([, , word]) => word ?? "");
}

function typed(words: readonly string[]): string {
  return words.map((word, index) => `${index + 1}. ${word}`).join("\n");
}

/** The bytes of a part, read by the test's own arithmetic. */
function bytesOf(text: string): number[] {
  const bits = wordsOf(text)
    .map((word) => wordlist.indexOf(word).toString(2).padStart(11, "0"))
    .join("");
  return Array.from({ length: 41 }, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2));
}

describe.each(["pq", "x25519"] as const)("a sheet of kind %s in three parts", (kind) => {
  test("comes back from any two, in either order, as it was", async () => {
    const sheet = await newSheet(kind);
    const parts = await splitSheet(sheet);
    for (const [one, other] of PAIRS) {
      expect(combineSheets([parts[one], parts[other]])).toBe(sheet);
      expect(combineSheets([parts[other], parts[one]])).toBe(sheet);
    }
    const again = await parseRecoverySheet(combineSheets([parts[0], parts[2]]));
    expect(again.reader).toEqual((await parseRecoverySheet(sheet)).reader);
    expect(parts.map(partNumber)).toEqual([1, 2, 3]);
    expect(parts.map((part) => wordsOf(part).length)).toEqual([30, 30, 30]);
  });
});

test("is read as somebody types it: other spacing, dots, capitals, one word a line", async () => {
  const sheet = await newSheet();
  const [one, two] = await splitSheet(sheet);
  expect(combineSheets([typed(wordsOf(one)), `\n${two.toUpperCase()}  `])).toBe(sheet);
});

test("any seed and any two parts, with other randomness each time", async () => {
  const { entropyToMnemonic } = await import("@scure/bip39");
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  await fc.assert(
    fc.asyncProperty(bytes, bytes, fc.constantFrom(...PAIRS), async (seed, slope, pair) => {
      const words = entropyToMnemonic(seed, wordlist).split(" ");
      const sheet = recoverySheet({ words }, "x25519");
      const parts = await splitSheet(sheet, (size) => slope.slice(0, size));
      expect(combineSheets([parts[pair[0]], parts[pair[1]]])).toBe(sheet);
    }),
    { numRuns: 40 },
  );
});

describe("one part alone says nothing", () => {
  test("for every value of a secret byte, each value of its share comes from one slope", async () => {
    const { entropyToMnemonic } = await import("@scure/bip39");
    // All 32 bytes of the seed are the same secret, and the slopes of one split are 32 of the 256.
    for (const secret of [0, 1, 0x53, 0xff]) {
      const words = entropyToMnemonic(new Uint8Array(32).fill(secret), wordlist).split(" ");
      const sheet = recoverySheet({ words }, "x25519");
      const seen = [new Set<number>(), new Set<number>(), new Set<number>()];
      for (let first = 0; first < 256; first += 32) {
        const slopes = Uint8Array.from({ length: 32 }, (_, index) => first + index);
        const parts = await splitSheet(sheet, (size) => slopes.slice(0, size));
        parts.forEach((part, index) =>
          bytesOf(part)
            .slice(5, 37)
            .forEach((value) => seen[index]?.add(value)),
        );
      }
      expect(seen.map(({ size }) => size)).toEqual([256, 256, 256]);
    }
  });

  test("it is refused alone, with what is missing", async () => {
    const [one] = await splitSheet(await newSheet());
    expect(() => combineSheets([one])).toThrow(/a second is needed/);
    await expect(parseRecoverySheet(one)).rejects.toMatchObject({ code: "MALFORMED_INPUT" });
  });
});

describe("what is handed in is refused", () => {
  test("when the parts are of different sheets, of different splits, or the same one", async () => {
    const sheet = await newSheet();
    const [one, two] = await splitSheet(sheet);
    const [, again] = await splitSheet(sheet);
    const [, other] = await splitSheet(await newSheet());
    const [, otherKind] = await splitSheet(sheet.replace("kind: x25519", "kind: pq"));
    for (const foreign of [again, other, otherKind])
      expect(() => combineSheets([one, foreign])).toThrow(/do not belong to the same sheet/);
    expect(() => combineSheets([one, one])).toThrow(/part 1 twice/);
    expect(() => combineSheets([one, two, two])).toThrow(/expected the sheet, or two parts/);
    expect(() => combineSheets([])).toThrow(/expected the sheet, or two parts/);
    expect(() => combineSheets([sheet, one])).toThrow(/whole sheet; alone it is enough/);
    expect(combineSheets([sheet])).toBe(sheet);
  });

  test("when any one word of it is another one, missing, unknown, twice or exchanged", async () => {
    const [one, two] = await splitSheet(await newSheet());
    const words = wordsOf(one);
    const wrong = (changed: readonly string[]): void => {
      expect(() => combineSheets([typed(changed), two])).toThrow(/Cannot read recovery sheet/);
    };
    for (let at = 0; at < PART_WORDS; at += 1) {
      const before = wordlist.indexOf(words[at] ?? "");
      for (const step of [1, 2, 1_024]) {
        const word = wordlist[(before + step) % wordlist.length] ?? "";
        wrong(words.with(at, word));
      }
      wrong(words.toSpliced(at, 1));
      if (at > 0 && words[at] !== words[at - 1])
        wrong(words.with(at, words[at - 1] ?? "").with(at - 1, words[at] ?? ""));
    }
    wrong(words.with(3, "notaword"));
    expect(() => combineSheets([`${typed(words)}\n7. ${words[6] ?? ""}`, two])).toThrow(/twice/);
    expect(() => combineSheets([" ".repeat(20_001), two])).toThrow(/longer than a sheet/);
  });
});
