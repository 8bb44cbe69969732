import type { ClipDetail } from "../../../src/protocol/api.ts";
import type { ListedFile } from "../../../src/protocol/clip.ts";
import type { Rendition } from "../../../src/protocol/ids.ts";
import type { PlayableFile } from "../device/calls/event-calls.ts";

/** A few seconds of a clip, as they lie on the hub's disk: a picture file and perhaps its sound. */
export interface ClipPart {
  readonly segment: number;
  /** Seconds from the beginning of the clip. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly video: PlayableFile;
  readonly audio: PlayableFile | null;
  /** A stop of the hub cut it off. */
  readonly isTorn: boolean;
}

const TORN_NAME = /^(\d{3,4})\.(video|audio)\.(original|blurred)\.age(\.partial)?$/;
/** How long a torn segment is taken to be until it is opened. */
const TORN_SECONDS = 4;

/** UTC of a clip's first picture: where its own clock is zero. */
export function clipZeroMs(clip: Pick<ClipDetail, "files" | "startedAtMs">): number {
  const starts = clip.files.filter(({ track }) => track === "video").map(({ fromMs }) => fromMs);
  return starts.reduce((least, fromMs) => Math.min(least, fromMs), starts[0] ?? clip.startedAtMs);
}

/** The parts of one rendition in order of time; torn ones where nothing whole is in their place. */
export function clipParts(
  clip: Pick<ClipDetail, "files" | "torn" | "startedAtMs">,
  rendition: Rendition,
  options: { readonly sound: boolean },
): ClipPart[] {
  const zeroMs = clipZeroMs(clip);
  const sounds = new Map(
    clip.files.filter(({ track }) => track === "audio").map((file) => [file.segment, file]),
  );
  const parts = clip.files
    .filter(({ track, rendition: of }) => track === "video" && of === rendition)
    .map((file): ClipPart => {
      const sound = options.sound ? sounds.get(file.segment) : undefined;
      return {
        segment: file.segment ?? 0,
        startSeconds: (file.fromMs - zeroMs) / 1_000,
        endSeconds: (file.toMs - zeroMs) / 1_000,
        video: { is: "listed", file: file as ListedFile },
        audio: sound ? { is: "listed", file: sound as ListedFile } : null,
        isTorn: false,
      };
    })
    .toSorted((left, right) => left.segment - right.segment);
  for (const { name, sizeBytes } of clip.torn) {
    const [, segment, track, of] = TORN_NAME.exec(name) ?? [];
    if (track !== "video" || of !== rendition || sizeBytes === 0) continue;
    if (parts.some((part) => part.segment === Number(segment))) continue;
    const startSeconds = parts.at(-1)?.endSeconds ?? 0;
    parts.push({
      segment: Number(segment),
      ...{ startSeconds, endSeconds: startSeconds + TORN_SECONDS },
      ...{ video: { is: "torn", name }, audio: null, isTorn: true },
    });
  }
  return parts;
}

/** Index of the part that plays at a time; of the next one where none does, of the last at the end. */
export function partAt(parts: readonly ClipPart[], seconds: number): number {
  const found = parts.findIndex(({ endSeconds }) => endSeconds > seconds + 0.001);
  return found < 0 ? parts.length - 1 : found;
}
