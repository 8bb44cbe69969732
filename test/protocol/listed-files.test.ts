import { expect, test } from "vitest";
import { checkShape } from "../../src/protocol/check.ts";
import { LEDGER_ENTRY_SCHEMAS, type LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { listedFiles } from "../../src/protocol/listed-files.ts";

// What entries together say of a clip: the recording, what the hub made of it, what an owner made.

const CLIP = "c".repeat(32);
const hash = (character: string): string => character.repeat(64);
const original = (segment: number) => ({
  ...({ segment, track: "video", rendition: "original", sizeBytes: 900 } as const),
  ...{
    payloadSha256: hash(String(segment)),
    fromMs: segment * 4_000,
    toMs: segment * 4_000 + 4_000,
  },
});
const copy = (segment: number, payload: string, pixelated: "faces" | "whole" = "faces") => ({
  ...original(segment),
  ...({
    rendition: "blurred",
    payloadSha256: hash(payload),
    derivedFrom: hash(String(segment)),
  } as const),
  pixelated,
});
const still = (rendition: "original" | "blurred", payload: string) => ({
  ...({
    segment: null,
    track: "poster",
    rendition,
    sizeBytes: 90,
    derivedFrom: hash("0"),
  } as const),
  ...{ payloadSha256: hash(payload), fromMs: 1_000, toMs: 1_000 },
  ...(rendition === "blurred" ? { pixelated: "faces" as const } : {}),
});
const ownStill = (() => {
  const { pixelated: _, ...file } = still("blurred", "f");
  return { ...file, rendition: "blurred" as const };
})();
const ofDevice = (segment: number, payload: string) => {
  const { pixelated: _, ...file } = copy(segment, payload);
  return file;
};

const recorded: LedgerEntry = {
  ...{ v: 1, kind: "clip", atMs: 0, clip: CLIP, camera: "front", event: "bell" },
  ...{ fromMs: 0, toMs: 8_000, keyringHead: hash("9"), files: [original(0), original(1)] },
};
type HubFiles = Extract<LedgerEntry, { kind: "rendition"; v: 3 }>["files"];
const byHub = (files: HubFiles): LedgerEntry => ({
  ...{ v: 3, kind: "rendition", atMs: 1, clip: CLIP, files },
});
const made = byHub([
  copy(0, "a"),
  copy(1, "b", "whole"),
  still("original", "d"),
  still("blurred", "e"),
]);
const better: LedgerEntry = {
  ...{ v: 4, kind: "rendition", atMs: 2, clip: CLIP, device: hash("8") },
  files: [ofDevice(0, "2"), ofDevice(1, "3"), ownStill],
  replaces: [hash("a"), hash("b"), hash("e")],
};
const found = (...entries: LedgerEntry[]): string[] =>
  (listedFiles(CLIP, entries)?.files ?? []).map(
    ({ segment, track, rendition, payloadSha256, pixelated }) =>
      `${segment ?? track} ${rendition} ${payloadSha256[0]} ${pixelated ?? "-"}`,
  );

test("a copy of the hub's is listed with what was made from what, and what of it is pixelated whole", () => {
  const originals = ["0 original 0 -", "1 original 1 -"];
  expect(found(recorded, made)).toEqual([
    ...originals,
    ...["0 blurred a faces", "1 blurred b whole", "poster original d -", "poster blurred e faces"],
  ]);
  expect(found(recorded)).toEqual(originals);
  expect(listedFiles(CLIP, [made])).toBeNull();
});

test("an owner's better copy takes the place of the hub's, in whatever order the entries come", () => {
  const after = ["0 blurred 2 -", "1 blurred 3 -", "poster blurred f -"];
  for (const entries of [
    [recorded, made, better],
    [better, made, recorded],
  ])
    expect(found(...entries).filter((file) => file.includes("blurred"))).toEqual(after);
  // What was recorded, and the clear still, stay whatever an entry says that it takes the place of.
  const all = [hash("0"), hash("1"), ...(better as { replaces: string[] }).replaces];
  expect(found(recorded, made, { ...better, replaces: all } as LedgerEntry)).toContain(
    "0 original 0 -",
  );
  // A bundle holds the entries of its own files and no other.
  expect(found(recorded, better)).toContain("0 blurred 2 -");
  expect(found(recorded, made)).toContain("0 blurred a faces");
});

test.each<[string, LedgerEntry[]]>([
  ["that the hub lists twice", [recorded, made, byHub([copy(0, "7")])]],
  [
    "beside which an owner's is, in no place of it",
    [recorded, made, { ...better, replaces: [] } as LedgerEntry],
  ],
  [
    "made from a segment that was not recorded",
    [recorded, byHub([{ ...copy(0, "a"), derivedFrom: hash("5") }])],
  ],
  ["made from another segment's", [recorded, byHub([{ ...copy(0, "a"), derivedFrom: hash("1") }])]],
  ["of another time", [recorded, byHub([{ ...copy(0, "a"), toMs: 4_001 }])]],
  [
    "of a moment that its segment does not have",
    [recorded, byHub([{ ...still("blurred", "e"), fromMs: 5_000, toMs: 5_000 }])],
  ],
  [
    "that does not say what was covered",
    [recorded, byHub([{ ...copy(0, "a"), pixelated: undefined } as never])],
  ],
  [
    "that is a clear still and says that it is covered",
    [recorded, byHub([{ ...still("original", "d"), pixelated: "faces" }])],
  ],
  ["that is the recording under another name", [recorded, byHub([copy(0, "0")])]],
  ["that is one of the others under another name", [recorded, byHub([copy(0, "a"), copy(1, "a")])]],
  ["that is a clear copy", [recorded, byHub([{ ...copy(0, "a"), rendition: "original" }])]],
])("a file is refused %s", (_what, entries) => {
  expect(() => listedFiles(CLIP, entries)).toThrow("Cannot accept rendition entry");
});

test("a rendition that does not say what it was made from is no entry", () => {
  const { derivedFrom: _, pixelated: __, ...file } = copy(0, "a");
  const entry = { v: 1, kind: "rendition", atMs: 1, clip: CLIP, files: [file] };
  expect(() => checkShape(LEDGER_ENTRY_SCHEMAS.rendition, entry, "rendition entry")).toThrow(
    "rendition entry",
  );
  expect(checkShape(LEDGER_ENTRY_SCHEMAS.rendition, made, "rendition entry")).toEqual(made);
});
