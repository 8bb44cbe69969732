import { describe, expect, test } from "vitest";
import {
  approvalTerms,
  chooseFiles,
  defaultRendition,
  type Choice,
} from "../../src/owner/decide.ts";
import { BUNDLE_MAX_BYTES } from "../../src/protocol/bundle.ts";
import type { HubError } from "../../src/protocol/errors.ts";
import { approvalCase } from "../support/test-approval.ts";
import { NOW_MS } from "../support/test-household.ts";

const { clip } = await approvalCase();

function chosen(change: Partial<Choice> = {}): string[] {
  const choice = { clip, rendition: "original" as const, audio: false, fromMs: null, toMs: null };
  return chooseFiles({ ...choice, ...change }).files.map(
    ({ segment, track }) => `${segment} ${track}`,
  );
}

function refusal(change: Partial<Choice>): string {
  try {
    chosen(change);
  } catch (error) {
    return (error as HubError).code;
  }
  return "chosen";
}

describe("what is chosen for a release", () => {
  test("is the video of the whole clip, without sound unless it is named", () => {
    expect(chosen()).toEqual(["0 video", "1 video", "2 video"]);
    expect(chosen({ audio: true })).toEqual([
      "0 audio",
      "0 video",
      "1 audio",
      "1 video",
      "2 audio",
      "2 video",
    ]);
  });

  test.each([
    [0, 12_000, ["0 video", "1 video", "2 video"]],
    [0, 4_000, ["0 video"]],
    [4_000, 8_000, ["1 video"]],
    [3_999, 8_001, ["0 video", "1 video", "2 video"]],
    [4_001, 4_002, ["1 video"]],
    [8_000, 1e9, ["2 video"]],
  ])("from %i to %i ms is every segment that overlaps, and no neighbour", (from, to, expected) => {
    expect(chosen({ fromMs: NOW_MS + from, toMs: NOW_MS + to })).toEqual(expected);
  });

  test("states the range of its files, not the range that was asked for", () => {
    const choice = { clip, rendition: "original" as const, audio: true };
    const terms = chooseFiles({ ...choice, fromMs: NOW_MS + 5_000, toMs: NOW_MS + 6_000 });
    expect([terms.fromMs, terms.toMs]).toEqual([NOW_MS + 4_000, NOW_MS + 8_000]);
  });

  test("is nothing where the range is elsewhere, turned round, or of a rendition not there", () => {
    expect(refusal({ fromMs: NOW_MS + 12_000 })).toBe("NOTHING_CHOSEN");
    expect(refusal({ toMs: NOW_MS })).toBe("NOTHING_CHOSEN");
    expect(refusal({ fromMs: NOW_MS + 9_000, toMs: NOW_MS + 1_000 })).toBe("NOTHING_CHOSEN");
    expect(refusal({ rendition: "blurred" })).toBe("NOTHING_CHOSEN");
    // Sound alone is never what somebody means.
    expect(refusal({ rendition: "blurred", audio: true })).toBe("NOTHING_CHOSEN");
  });
});

describe("what is more than one bundle carries", () => {
  const sized = async (sizeBytes: number) => {
    const big = { ...clip, files: clip.files.map((file) => ({ ...file, sizeBytes })) };
    const choice = { clip: big, rendition: "original" as const, audio: false };
    const { ground } = await approvalCase();
    return () =>
      approvalTerms(ground, {
        clips: [chooseFiles({ ...choice, fromMs: null, toMs: null })],
        recipient: ground.request.record.asked.recipient ?? "",
        ...{ purpose: "a test", isPart: false },
      });
  };

  test("is told before anything is signed, and to the byte", async () => {
    const third = Math.floor(BUNDLE_MAX_BYTES / 3);
    expect((await sized(third))().clips[0]?.files).toHaveLength(3);
    expect(await sized(third + 1)).toThrow(/1025 MiB leave at once, and at most 1024 may/);
  });
});

describe("where nobody has said with which faces", () => {
  const blur = (state: "waiting" | "done" | "absent") =>
    ({ state, reason: null, segments: 0, whole: 0 }) as const;

  test("the blurred copy leaves, and of a camera that has none the recording", () => {
    expect(defaultRendition({ ...clip, renditions: ["original", "blurred"], blur: null })).toBe(
      "blurred",
    );
    expect(defaultRendition({ ...clip, renditions: ["original"], blur: null })).toBe("original");
  });

  test.each([
    ["waiting", "BLUR_WAITING"],
    ["absent", "NO_BLURRED_COPY"],
    ["done", "NO_BLURRED_COPY"],
  ] as const)("nothing leaves while a copy that is to be there is %s", (state, code) => {
    const without = { ...clip, renditions: ["original" as const], blur: blur(state) };
    expect(() => defaultRendition(without)).toThrow(expect.objectContaining({ code }));
  });
});
