import type { MainReason, ProbedStream, SubReason } from "../../protocol/api-cameras.ts";

/** A stream as the choice looks at it. */
export type Choosable = Pick<ProbedStream, "codec" | "width" | "height" | "url"> & {
  /** The lens it comes from: a doorbell may have one for parcels. */
  readonly source: string;
};

export interface Choice {
  readonly main: number | null;
  readonly mainReason: MainReason;
  readonly sub: number | null;
  readonly subReason: SubReason;
}

const SUB_PIXELS = 640 * 360;
/** A sub stream above this costs more to look at than it saves. */
const SUB_PIXELS_MAX = 1_280 * 720;
/** H.264 is preferred down to this share of the largest picture that there is. */
const H264_SHARE_MIN = 0.5;

/**
 * Which stream to record and which to look for motion in. H.264 is recorded where its picture is at
 * least half as large as the largest: every browser plays it. The sub stream is H.264 of the same
 * lens, as near to 640x360 as there is.
 */
export function chooseStreams(streams: readonly Choosable[]): Choice {
  const usable = streams
    .map((stream, index) => ({
      ...stream,
      index,
      pixels: (stream.width ?? 0) * (stream.height ?? 0),
    }))
    .filter(({ url }) => url !== null);
  const largest = (codec: string): (typeof usable)[number] | undefined =>
    usable
      .filter((stream) => stream.codec === codec)
      .toSorted((one, other) => other.pixels - one.pixels)[0];
  const h264 = largest("H.264");
  const h265 = largest("H.265");
  const isH264 = h264 !== undefined && h264.pixels >= (h265?.pixels ?? 0) * H264_SHARE_MIN;
  const main = isH264 ? h264 : h265;
  if (!main) return { main: null, mainReason: "none", sub: null, subReason: "none" };
  const mainReason = ((): MainReason => {
    if (!isH264) return h264 === undefined ? "h265-only" : "h265-much-larger";
    return (h265?.pixels ?? 0) > main.pixels ? "h264-before-larger-h265" : "largest-h264";
  })();
  const smaller = usable.filter(
    ({ source, pixels, index }) =>
      index !== main.index && source === main.source && pixels > 0 && pixels < main.pixels,
  );
  const away = (pixels: number): number => Math.abs(Math.log(pixels / SUB_PIXELS));
  const [sub] = smaller
    .filter(({ codec, pixels }) => codec === "H.264" && pixels <= SUB_PIXELS_MAX)
    .toSorted((one, other) => away(one.pixels) - away(other.pixels));
  return {
    main: main.index,
    mainReason,
    sub: sub?.index ?? null,
    subReason: sub ? "nearest-640x360" : smaller.length > 0 ? "no-small-h264" : "none",
  };
}
