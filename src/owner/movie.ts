import { concatBytes, equalBytes } from "../protocol/bytes.ts";
import type { SealedFile } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import {
  readFragmentedMovie,
  splitInit,
  type FragmentedMovie,
  type MovieSample,
} from "./fragmented-movie.ts";

/** A segment of one track, opened. */
export interface OpenedSegment {
  readonly file: Pick<SealedFile, "segment" | "track">;
  readonly plaintext: Uint8Array;
}

/** Segments of one track that share their initialisation: they can be played one after the other. */
export interface SegmentRun {
  readonly init: Uint8Array;
  readonly segments: readonly OpenedSegment[];
  readonly fragments: readonly Uint8Array[];
}

/** One movie's worth of a clip: a camera that changes its picture in mid-clip makes several. */
export interface MovieRun {
  readonly video: SegmentRun;
  readonly audio: SegmentRun | null;
}

const MOVIE_TIMESCALE = 1_000;
const MOVIE_BYTES_MAX = 2 ** 32 - 1;

/** @throws HubError NOTHING_TO_SHOW when no access unit of the video is whole. */
export function movieRuns(segments: readonly OpenedSegment[]): MovieRun[] {
  const runs = sameInitRuns(inOrder(segments, "video"));
  if (runs.length === 0)
    throw new HubError("NOTHING_TO_SHOW", "Cannot write video: no access unit of it is whole");
  const audio = inOrder(segments, "audio");
  return runs.map((video) => {
    const own = audio.filter(({ file: { segment } }) =>
      video.segments.some((each) => each.file.segment === segment),
    );
    return { video, audio: sameInitRuns(own)[0] ?? null };
  });
}

/** The run as one fragmented MP4 of one track. */
export function fragmentedMovie(run: SegmentRun): Uint8Array {
  return concatBytes(run.init, ...run.fragments);
}

/**
 * The run as a plain MP4 (ISO/IEC 14496-12) with both tracks, whose clock starts at zero: the form
 * that every player and photo library takes. Nothing is decoded.
 *
 * @returns Parts of the file, in order.
 * @throws HubError NOT_A_MOVIE, TOO_LARGE.
 */
export function plainMovie({ video, audio }: MovieRun): Uint8Array[] {
  const tracks = [video, ...(audio ? [audio] : [])].map(readTrack);
  const startSeconds = Math.min(...tracks.map(startOf));
  const chunks = chunksOf(tracks);
  const mediaBytes = chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0);
  const fileType = box("ftyp", text("isom"), u32(0x200), text("isomiso2avc1mp41"));
  // Offsets of the chunks depend on the length of what is before them, and not the other way round.
  const head = (dataStart: number): Uint8Array =>
    movieBox(tracks, placesOf(chunks, dataStart), startSeconds);
  const dataStart = fileType.length + head(0).length + 8;
  if (dataStart + mediaBytes > MOVIE_BYTES_MAX)
    throw new HubError("TOO_LARGE", "Cannot write video: it is larger than 4 GB");
  return [
    fileType,
    head(dataStart),
    concatBytes(u32(8 + mediaBytes), text("mdat")),
    ...chunks.flatMap(({ samples }) => samples.map(({ bytes }) => bytes)),
  ];
}

function inOrder(segments: readonly OpenedSegment[], track: "video" | "audio"): OpenedSegment[] {
  return segments
    .filter(({ file }) => file.track === track)
    .toSorted((left, right) => (left.file.segment ?? 0) - (right.file.segment ?? 0));
}

function sameInitRuns(segments: readonly OpenedSegment[]): SegmentRun[] {
  const runs: { init: Uint8Array; segments: OpenedSegment[]; fragments: Uint8Array[] }[] = [];
  for (const segment of segments) {
    const { init, fragments } = splitInit(segment.plaintext);
    if (init.length === 0) continue;
    const last = runs.at(-1);
    if (last && equalBytes(last.init, init)) {
      last.segments.push(segment);
      last.fragments.push(fragments);
    } else runs.push({ init, segments: [segment], fragments: [fragments] });
  }
  return runs;
}

interface Track {
  readonly number: number;
  readonly movie: FragmentedMovie;
  /** Samples of each segment, which become one chunk. */
  readonly groups: readonly (readonly MovieSample[])[];
  readonly samples: readonly MovieSample[];
}

interface Chunk {
  readonly track: Track;
  readonly samples: readonly MovieSample[];
  readonly sizeBytes: number;
}

function readTrack(run: SegmentRun, index: number): Track {
  const movies = run.fragments.map((fragments) =>
    readFragmentedMovie(concatBytes(run.init, fragments)),
  );
  const groups = movies.map(({ samples }) => samples).filter((samples) => samples.length > 0);
  const [movie] = movies;
  if (!movie || groups.length === 0)
    throw new HubError("NOTHING_TO_SHOW", "Cannot write video: no access unit of it is whole");
  return { number: index + 1, movie, groups, samples: groups.flat() };
}

function startOf({ samples, movie }: Track): number {
  return (samples[0]?.decodeTicks ?? 0) / movie.timescale;
}

/** Sound and picture of a segment lie side by side. */
function chunksOf(tracks: readonly Track[]): Chunk[] {
  const longest = Math.max(...tracks.map(({ groups }) => groups.length));
  return Array.from({ length: longest }, (_, index) =>
    tracks.flatMap((track): Chunk[] => {
      const samples = track.groups[index];
      if (!samples) return [];
      return [
        { track, samples, sizeBytes: samples.reduce((sum, { bytes }) => sum + bytes.length, 0) },
      ];
    }),
  ).flat();
}

function placesOf(chunks: readonly Chunk[], dataStart: number): Map<Track, number[]> {
  const places = new Map<Track, number[]>();
  let at = dataStart;
  for (const { track, sizeBytes } of chunks) {
    places.set(track, [...(places.get(track) ?? []), at]);
    at += sizeBytes;
  }
  return places;
}

function movieBox(
  tracks: readonly Track[],
  places: ReadonlyMap<Track, readonly number[]>,
  startSeconds: number,
): Uint8Array {
  const lengths = tracks.map((track) => {
    const delayMs = Math.round((startOf(track) - startSeconds) * MOVIE_TIMESCALE);
    const lastsMs = Math.round((durationTicks(track) / track.movie.timescale) * MOVIE_TIMESCALE);
    return { delayMs, lastsMs };
  });
  const durationMs = Math.max(...lengths.map(({ delayMs, lastsMs }) => delayMs + lastsMs));
  return box(
    "moov",
    box(
      "mvhd",
      u32(0, 0, 0, MOVIE_TIMESCALE, durationMs, 0x10000, 0x01000000, 0, 0),
      u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000),
      new Uint8Array(24),
      u32(tracks.length + 1),
    ),
    ...tracks.map((track, index) =>
      trackBox(track, places.get(track) ?? [], lengths[index] ?? { delayMs: 0, lastsMs: 0 }),
    ),
  );
}

function trackBox(
  track: Track,
  places: readonly number[],
  { delayMs, lastsMs }: { readonly delayMs: number; readonly lastsMs: number },
): Uint8Array {
  const { boxes, timescale, track: kind } = track.movie;
  const wide = boxes.tkhd[0] === 1;
  // After the times and ids; layer, volume, matrix and size are the camera's.
  const rest = boxes.tkhd.subarray(wide ? 36 : 24);
  const edits = [
    ...(delayMs > 0 ? [u32(delayMs, 0xffffffff, 0x10000)] : []),
    u32(lastsMs, Math.max(0, presentationTicks(track)), 0x10000),
  ];
  return box(
    "trak",
    box("tkhd", u32(3, 0, 0, track.number, 0, delayMs + lastsMs), rest),
    box("edts", box("elst", u32(0, edits.length), ...edits)),
    box(
      "mdia",
      box("mdhd", u32(0, 0, 0, timescale, durationTicks(track), 0x55c40000)),
      box("hdlr", boxes.hdlr),
      box(
        "minf",
        box(kind === "video" ? "vmhd" : "smhd", boxes.mediaHeader),
        box("dinf", boxes.dinf),
        sampleTable(track, places),
      ),
    ),
  );
}

function sampleTable({ samples, groups, movie }: Track, places: readonly number[]): Uint8Array {
  const keys = samples.flatMap(({ isKey }, index) => (isKey ? [index + 1] : []));
  // An edit cannot begin before the first sample: pictures that do are all moved instead.
  const early = Math.min(0, presentationTicks({ samples }));
  const compositions = runLengths(samples.map(({ compositionTicks }) => compositionTicks - early));
  const isComposed = compositions.some(([, ticks]) => ticks !== 0);
  return box(
    "stbl",
    box("stsd", movie.boxes.stsd),
    table("stts", 0, runLengths(durationsOf(samples))),
    ...(isComposed ? [table("ctts", 1, compositions)] : []),
    ...(movie.track === "video"
      ? [
          table(
            "stss",
            0,
            keys.map((key) => [key]),
          ),
        ]
      : []),
    box("stsz", u32(0, 0, samples.length), numbers(samples.map(({ bytes }) => bytes.length))),
    table(
      "stsc",
      0,
      groups.map((group, index) => [index + 1, group.length, 1]),
    ),
    table(
      "stco",
      0,
      places.map((place) => [place]),
    ),
  );
}

/** What is missing between two samples is shown as the one before, so that sound stays in step. */
function durationsOf(samples: readonly MovieSample[]): number[] {
  return samples.map(({ decodeTicks, durationTicks: own }, index) => {
    const next = samples[index + 1];
    return next && next.decodeTicks > decodeTicks ? next.decodeTicks - decodeTicks : own;
  });
}

function durationTicks({ samples }: Track): number {
  return durationsOf(samples).reduce((sum, ticks) => sum + ticks, 0);
}

/** From the first sample's decode time to the first picture that is shown. */
function presentationTicks({ samples }: Pick<Track, "samples">): number {
  const first = samples[0]?.decodeTicks ?? 0;
  const shown = samples.map(({ decodeTicks, compositionTicks }) => decodeTicks + compositionTicks);
  return shown.reduce((least, ticks) => Math.min(least, ticks), Infinity) - first;
}

function runLengths(values: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.[1] === value) last[0] += 1;
    else runs.push([1, value]);
  }
  return runs;
}

function table(type: string, version: 0 | 1, rows: readonly (readonly number[])[]): Uint8Array {
  return box(type, u32(version << 24, rows.length), numbers(rows.flat()));
}

function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...parts);
  return concatBytes(u32(8 + body.length), text(type), body);
}

function text(word: string): Uint8Array {
  return Uint8Array.from(word, (character) => character.charCodeAt(0));
}

function u32(...values: readonly number[]): Uint8Array {
  return numbers(values);
}

function numbers(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setUint32(index * 4, value >>> 0));
  return bytes;
}
