import { expect, test } from "vitest";
import { clipFolder, sealedFileName } from "../../src/protocol/clip.ts";
import { parseClipId } from "../../src/protocol/ids.ts";

test("a clip lies in the folder of the UTC month in which it began", () => {
  const id = "0a".repeat(16);
  const clip = parseClipId(id);
  expect(clipFolder(clip, Date.UTC(2026, 10, 1))).toBe(`2026-11/${id}`);
  expect(clipFolder(clip, Date.UTC(2026, 10, 1) - 1)).toBe(`2026-10/${id}`);
});

test("a file's name says its segment, track and rendition", () => {
  const video = { track: "video", rendition: "original" } as const;
  expect(sealedFileName({ ...video, segment: 3 })).toBe("003.video.original.age");
  expect(sealedFileName({ ...video, segment: 149 })).toBe("149.video.original.age");
  expect(sealedFileName({ ...video, segment: null })).toBe("video.original.age");
});
