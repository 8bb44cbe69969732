import type { Notice } from "../protocol/api.ts";
import { isHevc } from "../protocol/hevc-codec.ts";

/** Codec of each stream that sends pictures, null where nothing is known. */
interface Codecs {
  readonly main: string | null;
  /** Undefined where the camera has no sub stream. */
  readonly sub: string | null | undefined;
}

/** What there is to say, and to do, where a camera sends H.265. */
export function codecNotes({ main, sub }: Codecs): Notice[] {
  if (sub !== undefined && sub !== null && isHevc(sub)) return [SUB_IS_HEVC];
  if (main === null || !isHevc(main)) return [];
  return [sub === undefined ? NO_SUB : RECORDED_AS_HEVC];
}

const RECORDED_AS_HEVC: Notice = {
  code: "RECORDED_AS_HEVC",
  message:
    "Recorded in H.265 as the camera sends it; the sub stream is what is watched for motion. A browser that cannot show H.265 shows the sub stream live, and saves recordings to be played elsewhere (VLC plays them).",
};

const NO_SUB: Notice = {
  code: "HEVC_WITHOUT_SUB",
  message:
    "This camera sends H.265 and has no sub stream here. It is recorded and watched for motion, but many browsers cannot show it live. Set the sub stream to H.264 in the camera's settings, and enter its address here.",
};

const SUB_IS_HEVC: Notice = {
  code: "HEVC_SUB",
  message:
    "This camera's sub stream is H.265. It is watched for motion, but many browsers cannot show it live. Set the sub stream to H.264 in the camera's settings.",
};
