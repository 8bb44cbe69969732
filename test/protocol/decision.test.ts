import { describe, expect, test } from "vitest";
import {
  fileName,
  filesOfTerms,
  impliedRedactions,
  releaseHash,
  termsHash,
  type Terms,
  type TermsClip,
  type TermsFile,
} from "../../src/protocol/decision.ts";

const file = (change: Partial<TermsFile> = {}): TermsFile => ({
  segment: 0,
  track: "video",
  rendition: "original",
  sizeBytes: 100,
  payloadSha256: "a".repeat(64),
  fromMs: 0,
  toMs: 4_000,
  ...change,
});

const clip = (...files: TermsFile[]): TermsClip => ({
  clip: "c".repeat(32),
  camera: "front",
  fromMs: 0,
  toMs: 4_000,
  files,
});

const terms: Terms = {
  v: 1,
  origin: "doorward/test",
  request: "d".repeat(32),
  requestSha256: "1".repeat(64),
  outcome: "approved",
  clips: [clip(file())],
  redactions: { faces: "clear", audio: "left_out" },
  recipient: "age1x",
  recipientWords: [],
  purpose: "a test",
  notBeforeMs: 1,
  notAfterMs: 2,
  nonce: "2".repeat(64),
  checkpoint: { size: 1, root: "3".repeat(64) },
  keyringEpoch: 0,
  keyringHead: "4".repeat(64),
};

describe("what a decision says of faces and sound follows from its files", () => {
  const sound = file({ track: "audio" });
  const blurred = file({ rendition: "blurred" });
  const cases: [string, TermsFile[], Terms["redactions"]][] = [
    ["nothing", [], { faces: "none", audio: "left_out" }],
    ["original video", [file()], { faces: "clear", audio: "left_out" }],
    ["original video with sound", [file(), sound], { faces: "clear", audio: "included" }],
    ["blurred video", [blurred], { faces: "blurred", audio: "left_out" }],
    ["blurred video with sound", [blurred, sound], { faces: "blurred", audio: "included" }],
    ["both", [file(), blurred], { faces: "mixed", audio: "left_out" }],
    ["sound alone", [sound], { faces: "none", audio: "included" }],
    [
      "a blurred video with a clear poster",
      [blurred, file({ segment: null, track: "poster" })],
      { faces: "mixed", audio: "left_out" },
    ],
  ];
  test.each(cases)("%s", (_what, files, expected) => {
    expect(impliedRedactions(files.length === 0 ? [] : [clip(...files)])).toEqual(expected);
    // One clear file in any clip is enough to say so.
    expect(impliedRedactions(files.map((each) => clip(each)))).toEqual(expected);
  });
});

describe("what headers are derived from", () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const releaseOf = (change: Partial<Terms>): string => hex(releaseHash({ ...terms, ...change }));

  test("does not change with a label: the request's wording, and the ledger root that follows", () => {
    expect(releaseOf({ requestSha256: "9".repeat(64) })).toBe(releaseOf({}));
    expect(releaseOf({ checkpoint: { size: 9, root: "9".repeat(64) } })).toBe(releaseOf({}));
  });

  test("changes with everything else that is signed", () => {
    const others: Partial<Terms>[] = [
      { origin: "doorward/other" },
      { request: "e".repeat(32) },
      { outcome: "approved_in_part" },
      { clips: [clip(file({ segment: 1 }))] },
      { redactions: { faces: "none", audio: "left_out" } },
      { recipient: "age1y" },
      { recipientWords: ["abandon"] },
      { purpose: "another" },
      { notBeforeMs: 0 },
      { notAfterMs: 3 },
      { nonce: "0".repeat(64) },
      { keyringEpoch: 1 },
      { keyringHead: "0".repeat(64) },
    ];
    const covered = new Set(others.flatMap((other) => Object.keys(other)));
    const uncovered = Object.keys(terms).filter((name) => !covered.has(name));
    expect(uncovered).toEqual(["v", "requestSha256", "checkpoint"]);
    const hashes = [{}, ...others].map(releaseOf);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test("is not what a passkey asserts, which covers the whole of the terms", () => {
    expect(hex(termsHash(terms))).not.toBe(releaseOf({}));
    expect(hex(termsHash({ ...terms, requestSha256: "9".repeat(64) }))).not.toBe(
      hex(termsHash(terms)),
    );
  });
});

test("a file has one name, and no two files of a decision share it", () => {
  const names = filesOfTerms({
    ...terms,
    clips: [
      clip(file(), file({ track: "audio" }), file({ rendition: "blurred" }), file({ segment: 1 })),
      { ...clip(file(), file({ segment: null, track: "poster" })), clip: "e".repeat(32) },
    ],
  }).map((each) => fileName(each.clip.clip, each.file));
  expect(new Set(names).size).toBe(6);
  expect(names[5]).toBe(`${"e".repeat(32)}/-/poster/original`);
});
