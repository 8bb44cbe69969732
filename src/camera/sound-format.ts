import type { G711Law } from "../protocol/g711.ts";
import { readAacFormat, type AacParameters } from "./aac-depacketiser.ts";
import { CameraError } from "./camera-error.ts";
import type { SoundState } from "./connection.ts";
import type { SdpMedia } from "./sdp.ts";

/** How a camera sends sound that can be recorded: as it is, or encoded here because no browser plays it. */
export type SoundFormat =
  | { readonly kind: "aac"; readonly parameters: AacParameters }
  | { readonly kind: "g711"; readonly law: G711Law; readonly sampleRate: number };

export interface ChosenSound {
  readonly media: SdpMedia;
  readonly format: SoundFormat;
}

/** G.711 is 8,000 Hz by its standard; some cameras offer the same bytes twice as fast. */
const G711_SAMPLE_RATES: readonly number[] = [8_000, 16_000];

/** What cameras call formats that are not taken, as people and their camera's settings call them. */
const COMMON_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^G726/, "G.726"],
  [/^AAL2-G726/, "G.726"],
  [/^G722/, "G.722"],
  [/^G723/, "G.723"],
  [/^G729/, "G.729"],
  [/^L(8|16|20|24)$/, "uncompressed sound"],
  [/^MPA$/, "MPEG layer 2 or 3"],
  [/^MP4A-LATM$/, "AAC packed as LATM"],
  [/^MPEG4-GENERIC/, "another kind of AAC"],
  [/^OPUS$/, "Opus"],
];

/**
 * The sound of a stream that is recorded: AAC before G.711, since it is kept as it is.
 *
 * @returns null and why, where there is none that can be used.
 */
export function chooseSound(media: readonly SdpMedia[]): {
  readonly chosen: ChosenSound | null;
  readonly sound: SoundState;
} {
  // What only the hub may send to is the camera's loudspeaker.
  const offered = media.filter(
    ({ kind, direction }) => kind === "audio" && direction !== "sendonly",
  );
  const [first] = offered;
  if (first === undefined) return { chosen: null, sound: { state: "absent" } };
  let refusal: string | null = null;
  for (const each of offered.toSorted((left, right) => rank(left) - rank(right))) {
    const found = readSoundFormat(each);
    if (typeof found !== "string")
      return { chosen: { media: each, format: found }, sound: { state: "on", codec: "mp4a.40.2" } };
    refusal ??= found;
  }
  const message = [
    `Cannot record sound: the camera sends ${refusal ?? "none"}.`,
    "Choose AAC or G.711 (also called PCMU, PCMA, mu-law or A-law) for sound in the camera's own settings",
  ].join(" ");
  // The pictures matter more: they are recorded, and the status says why there is no sound.
  return { chosen: null, sound: { state: "unsupported", message } };
}

function rank({ encoding }: SdpMedia): number {
  if (encoding === "MPEG4-GENERIC") return 0;
  return encoding === "PCMU" || encoding === "PCMA" ? 1 : 2;
}

/** The format, or what to call it where it is none that is taken. */
function readSoundFormat(media: SdpMedia): SoundFormat | string {
  const { encoding, clockRate, channels } = media;
  if (encoding === "PCMU" || encoding === "PCMA") {
    if (G711_SAMPLE_RATES.includes(clockRate) && channels === 1)
      return { kind: "g711", law: encoding, sampleRate: clockRate };
    return `G.711 with ${clockRate} Hz and ${channels} channels (only one channel of 8000 or 16000 Hz is taken)`;
  }
  try {
    return { kind: "aac", parameters: readAacFormat(media) };
  } catch (cause) {
    if (!(cause instanceof CameraError)) throw cause;
    const name = COMMON_NAMES.find(([pattern]) => pattern.test(encoding))?.[1];
    if (encoding === "") return `a format without a name (type ${media.payloadType})`;
    return name === undefined ? encoding : `${name} (${encoding})`;
  }
}
