import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import {
  COPY_LIMITS,
  copyObjectName,
  parseCopyObjectName,
  readCopyMarker,
  readStateIndex,
  STATE_FORMAT,
  writeCopyMarker,
} from "../../src/protocol/copy-format.ts";
import { isLeftOver } from "../../src/offsite/place-names.ts";

const CLIP = "0123456789abcdef0123456789abcdef";
const ORIGIN = `doorward/${CLIP}`;

describe("names in a copy", () => {
  test.each([
    "doorward-copy.json",
    `clips/2026-11/${CLIP}/000.video.original.age`,
    `clips/2026-11/${CLIP}/1000.audio.original.17.age`,
    `clips/2026-11/${CLIP}/000.video.blurred.17.header`,
    `clips/2026-11/${CLIP}/poster.blurred.age`,
    `clips/2026-11/${CLIP}/002.video.original.age.partial`,
    `documents/${CLIP}.age`,
    "ledger/000000000000-000000000999.01234567.age",
    "state/00000012.1f3a9c4e/0000.part",
    "state/00000012.1f3a9c4e/index.json",
  ])("%s is read and given back", (name) => {
    const object = parseCopyObjectName(name);
    expect(object).not.toBeNull();
    expect(object && copyObjectName(object)).toBe(name);
    expect(isLeftOver(`${name}.0123abcd.tmp`)).toBe(true);
  });

  test.each([
    "",
    "../doorward-copy.json",
    `clips/2026-13/${CLIP}/000.video.original.age`,
    `clips/2026-11/${CLIP}/000.video.original.header`,
    `clips/2026-11/${CLIP}/000.video.original.0.age`,
    `clips/2026-11/${CLIP}/000.video.original.017.age`,
    `clips/2026-11/${CLIP}/000.text.original.age`,
    `clips/2026-11/${CLIP.toUpperCase()}/000.video.original.age`,
    "ledger/000000000009-000000000001.01234567.age",
    "ledger/0-1.01234567.age",
    "state/12.1f3a9c4e/index.json",
    "state/00000012.1f3a9c4e/index.json.tmp",
    `documents/${CLIP}.age\n`,
    "x".repeat(COPY_LIMITS.nameCharacters + 1),
  ])("%j is none of a hub's", (name) => {
    expect(parseCopyObjectName(name)).toBeNull();
    expect(isLeftOver(`${name}.0123abcd.tmp`)).toBe(false);
  });
});

test("a marker says whose copy it is, and nothing else is taken for one", () => {
  const marker = { origin: ORIGIN, ledgerKey: "0".repeat(64) };
  expect(readCopyMarker(writeCopyMarker(marker))).toMatchObject(marker);
  for (const wrong of [
    { ...marker, name: "Home" },
    { ...marker, ledgerKey: "0" },
    { origin: ORIGIN },
  ])
    expect(() => readCopyMarker(canonicalJson({ format: "doorward-copy/v1", ...wrong }))).toThrow();
});

test("an index whose parts are not the whole, or not cut where they are to be, is refused", () => {
  const whole = { sizeBytes: COPY_LIMITS.partBytes, sha256: "0".repeat(64) };
  const rest = { sizeBytes: 5, sha256: "0".repeat(64) };
  const index = (parts: (typeof rest)[], sizeBytes: number) =>
    canonicalJson({
      ...{ format: STATE_FORMAT, origin: ORIGIN, sequence: 1, writer: "01234567" },
      ...{ parts, sizeBytes, sha256: "0".repeat(64) },
    });
  const sum = whole.sizeBytes + 5;
  expect(readStateIndex(index([whole, rest], sum)).parts.length).toBe(2);
  for (const wrong of [index([whole, rest], sum + 1), index([rest, whole], sum), index([], 0)])
    expect(() => readStateIndex(wrong)).toThrow();
});
