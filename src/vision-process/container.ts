import { fragmentBytes, videoInitFromRecord } from "../camera/fragments.ts";
import { createMp4Reader } from "../camera/mp4-reader.ts";
import type { Container } from "../vision/blurring/container.ts";

/** The hub's fragments, as cameras' side writes them and blurring has to. */
export const fragmentContainer: Container = {
  init: videoInitFromRecord,
  fragment: (sample) => fragmentBytes("video", sample),
  reader: createMp4Reader,
};
