/** How the numbers of a picture are to be read as colours (ISO/IEC 23091-2), by ffmpeg's names. */
export interface Colours {
  /** Whether the planes can be handed on as they are: 8 bits, colours halved both ways. */
  readonly isPlain: boolean;
  readonly isFullRange: boolean;
  readonly matrix: string | null;
  readonly primaries: string | null;
  readonly transfer: string | null;
  /** Width to height of one pixel, where it is not square. */
  readonly aspect: readonly [number, number] | null;
}

/** Names that the encoder knows by the same word or by another. */
const MATRICES: Readonly<Record<string, string>> = {
  ...{ bt709: "bt709", fcc: "fcc", bt470bg: "bt470bg", smpte170m: "smpte170m" },
  ...{ smpte240m: "smpte240m", bt2020nc: "bt2020nc" },
};
const PRIMARIES: Readonly<Record<string, string>> = {
  ...{ bt709: "bt709", bt470m: "bt470m", bt470bg: "bt470bg", smpte170m: "smpte170m" },
  ...{ smpte240m: "smpte240m", film: "film", bt2020: "bt2020" },
};
const TRANSFERS: Readonly<Record<string, string>> = {
  ...{ bt709: "bt709", bt470m: "bt470m", bt470bg: "bt470bg", smpte170m: "smpte170m" },
  ...{ smpte240m: "smpte240m", linear: "linear", "iec61966-2-1": "iec61966-2-1" },
  ...{ "bt2020-10": "bt2020-10", "bt2020-12": "bt2020-12" },
};
const ASPECT_MAX = 255;

/**
 * What ffmpeg's filter `showinfo` says of a picture. Everything in it that is not one of the words
 * looked for is passed over: a camera has chosen some of it.
 *
 * @returns Null where it does not say it; then pictures are to be converted to what is known.
 */
export function readColours(said: string): Colours | null {
  const format = /\] n: *\d+ .*? fmt:(\w+) /.exec(said)?.[1];
  const [, range, matrix = "", primaries = "", transfer = ""] =
    /\] color_range:(\w+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)/.exec(said) ?? [];
  if (format === undefined || range === undefined) return null;
  return {
    isPlain: format === "yuv420p" || format === "yuvj420p",
    isFullRange: format === "yuvj420p" || range === "pc",
    matrix: MATRICES[matrix] ?? null,
    primaries: PRIMARIES[primaries] ?? null,
    transfer: TRANSFERS[transfer] ?? null,
    aspect: aspectOf(said),
  };
}

function aspectOf(said: string): readonly [number, number] | null {
  const [, width, height] = / sar:(\d{1,5})\/(\d{1,5}) /.exec(said) ?? [];
  const aspect = [Number(width), Number(height)] as const;
  const isUsable = aspect.every((side) => side >= 1 && side <= ASPECT_MAX);
  return isUsable && aspect[0] !== aspect[1] ? aspect : null;
}

/** What an H.264 stream says of itself, as parameters of x264. */
export function encoderColours(colours: Colours | null): string {
  if (!colours) return "fullrange=off";
  const { isPlain, isFullRange, matrix, primaries, transfer, aspect } = colours;
  return [
    // What is not plain is converted to the limited range.
    `fullrange=${isPlain && isFullRange ? "on" : "off"}`,
    ...(matrix === null ? [] : [`colormatrix=${matrix}`]),
    ...(primaries === null ? [] : [`colorprim=${primaries}`]),
    ...(transfer === null ? [] : [`transfer=${transfer}`]),
    ...(aspect === null ? [] : [`sar=${aspect[0]}/${aspect[1]}`]),
  ].join(":");
}
