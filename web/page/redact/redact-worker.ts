import { HubError } from "../../../src/protocol/errors.ts";
import { openDetector } from "./detector.ts";
import { codingRate, coveredFrame, makeBlurred } from "./blurred-segment.ts";
import { boxesOfFrame, type Corrections } from "./corrections.ts";
import type { Face } from "../../../src/blur/boxes.ts";
import type {
  Findings,
  FromRedactor,
  MadeSegment,
  OpenedVideo,
  Picture,
  RedactCallName,
  ToRedactor,
} from "./messages.ts";
import { startMotion } from "./motion.ts";
import { readVideoTrack, type VideoTrack } from "./mp4-samples.ts";
import { decoded, groupAround, shownFrames } from "./pictures.ts";
import { weakestFrames, type FrameNotes } from "./review.ts";
import { tracksOf, unsureFrames, type Track } from "../../../src/blur/tracks.ts";

/**
 * Looks for faces and makes blurred segments, in a thread and under a policy of its own. Pictures are
 * in this thread's memory only, a few at a time.
 */

interface Segment {
  readonly segment: number;
  readonly track: VideoTrack;
  readonly firstFrame: number;
  readonly frameCount: number;
}

interface Work {
  readonly segments: readonly Segment[];
  readonly frameCount: number;
  tracks: readonly Track[] | null;
}

interface CallContext {
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

/** A worker's own scope, which the DOM's types do not have. */
const scope = globalThis as unknown as {
  postMessage(message: FromRedactor, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToRedactor>) => void): void;
};

const running = new Map<number, AbortController>();
let work: Work | null = null;

scope.addEventListener("message", ({ data }) => {
  if (data.type === "cancel") running.get(data.id)?.abort();
  else void run(data);
});

type Call = Extract<ToRedactor, { type: "call" }>;

async function run(call: Call): Promise<void> {
  const { id } = call;
  const controller = new AbortController();
  running.set(id, controller);
  const progress: CallContext["progress"] = (done, total) =>
    scope.postMessage({ type: "progress", id, done, total });
  try {
    const value = await answer(call, { signal: controller.signal, progress });
    const transfer = "bitmap" in value ? [value.bitmap] : [];
    scope.postMessage({ type: "result", id, value }, transfer);
  } catch (error) {
    const code = error instanceof HubError ? error.code : nameOf(error);
    const message = error instanceof Error ? error.message : "unknown";
    scope.postMessage({ type: "error", id, code, message });
  } finally {
    running.delete(id);
  }
}

function nameOf(error: unknown): string {
  return error instanceof DOMException && error.name === "AbortError" ? "CANCELLED" : "FAILED";
}

async function answer(
  call: Call,
  context: CallContext,
): Promise<Findings | Picture | MadeSegment[] | MadeSegment> {
  switch (call.name) {
    case "look":
      return look(call.value.segments, context);
    case "picture":
      return picture(call.value.frame, call.value.width, context.signal);
    case "make":
      return make(call.value.corrections, context);
    case "still":
      return still(call.value.segment, call.value.corrections, context.signal);
  }
  return unknownCall(call);
}

function unknownCall({ name }: { readonly name: never }): never {
  throw new Error(`no call of the name ${String(name satisfies RedactCallName)}`);
}

function openWork(videos: readonly OpenedVideo[]): Work {
  const segments: Segment[] = [];
  let frameCount = 0;
  for (const { segment, bytes } of videos) {
    const track = readVideoTrack(bytes);
    segments.push({ segment, track, firstFrame: frameCount, frameCount: track.samples.length });
    frameCount += track.samples.length;
  }
  return { segments, frameCount, tracks: null };
}

/** @throws HubError `CODEC_NOT_SHOWN` before the detector's 15 MB are fetched for nothing. */
async function requireDecoder({ codec, record }: VideoTrack): Promise<void> {
  const found = await VideoDecoder.isConfigSupported({ codec, description: record });
  if (found.supported !== true)
    throw new HubError(
      "CODEC_NOT_SHOWN",
      `Cannot cover faces: this browser does not show ${codec}`,
    );
}

async function look(videos: readonly OpenedVideo[], context: CallContext): Promise<Findings> {
  work = null;
  const opened = openWork(videos);
  const [first] = opened.segments;
  if (!first) throw new HubError("SEGMENT_UNREADABLE", "Cannot look for faces: nothing to look at");
  await requireDecoder(first.track);
  const faces: Face[][] = [];
  const notes: FrameNotes[] = [];
  let detectMs = 0;
  await using detector = await openDetector();
  for (const { track } of opened.segments) {
    const motion = startMotion();
    for await (const frame of decoded(track, track.samples, context.signal)) {
      try {
        const startMs = performance.now();
        faces.push(await detector.find(frame, track));
        detectMs += performance.now() - startMs;
        notes.push({ motion: motion.shareOf(frame) });
      } finally {
        frame.close();
      }
      context.progress(faces.length, opened.frameCount);
    }
  }
  if (faces.length !== opened.frameCount)
    throw new HubError("SEGMENT_UNREADABLE", "Cannot decode recording: pictures are missing");
  const timesMs = timesOf(opened.segments);
  const framesPerSecond = rateOf(timesMs);
  const { width, height } = first.track;
  const tracks = trackSegments(opened.segments, faces, framesPerSecond);
  opened.tracks = tracks;
  work = opened;
  return {
    ...{ width, height, frameCount: opened.frameCount, framesPerSecond, timesMs, tracks },
    weakest: weakestFrames(tracks, notes, unsureFrames(faces), framesPerSecond),
    detectMs: detectMs / faces.length,
  };
}

/** Faces are followed across segments, but not across a change of the picture's size. */
function trackSegments(
  segments: readonly Segment[],
  faces: readonly (readonly Face[])[],
  framesPerSecond: number,
): Track[] {
  const tracks: Track[] = [];
  for (let start = 0; start < segments.length;) {
    const first = segments[start];
    if (!first) break;
    const { width, height } = first.track;
    const isOther = ({ track }: Segment): boolean =>
      track.width !== width || track.height !== height;
    const change = segments.findIndex((one, index) => index > start && isOther(one));
    const end = change < 0 ? segments.length : change;
    const to = segments[end]?.firstFrame ?? faces.length;
    const rules = { framesPerSecond, size: { width, height } };
    for (const { boxes } of tracksOf(faces.slice(first.firstFrame, to), rules))
      tracks.push({
        id: tracks.length,
        boxes: new Map([...boxes].map(([frame, box]) => [frame + first.firstFrame, box])),
      });
    start = end;
  }
  return tracks;
}

function timesOf(segments: readonly Segment[]): number[] {
  const times = segments.flatMap(({ track }) =>
    shownFrames(track).map(({ timestamp }) => timestamp / 1_000),
  );
  return times.map((timeMs) => timeMs - (times[0] ?? 0));
}

function rateOf(timesMs: readonly number[]): number {
  const seconds = ((timesMs.at(-1) ?? 0) - (timesMs[0] ?? 0)) / 1_000;
  const rate = seconds > 0 ? (timesMs.length - 1) / seconds : 10;
  return Math.min(120, Math.max(1, rate));
}

function requireWork(): Work & { readonly tracks: readonly Track[] } {
  const { tracks } = work ?? { tracks: null };
  if (!work || !tracks)
    throw new HubError("NOT_LOOKED", "Cannot go on: nothing has been looked through yet");
  return { ...work, tracks };
}

async function picture(wanted: number, width: number, signal: AbortSignal): Promise<Picture> {
  const { segments } = requireWork();
  const segment = segments.find(
    ({ firstFrame, frameCount }) => wanted >= firstFrame && wanted < firstFrame + frameCount,
  );
  const shown = segment && shownFrames(segment.track)[wanted - segment.firstFrame];
  if (!segment || !shown) throw new HubError("NO_SUCH_FRAME", `Cannot show frame ${wanted}`);
  for await (const frame of decoded(segment.track, groupAround(segment.track, shown.ticks), signal))
    try {
      if (frame.timestamp === shown.timestamp)
        return {
          bitmap: await createImageBitmap(frame, {
            resizeWidth: Math.min(width, segment.track.width),
            resizeQuality: "medium",
          }),
          ...{ width: segment.track.width, height: segment.track.height },
        };
    } finally {
      frame.close();
    }
  throw new HubError("SEGMENT_UNREADABLE", `Cannot show frame ${wanted}: it does not decode`);
}

const STILL_WIDTH_MAX = 640;

async function still(
  wanted: number,
  corrections: Corrections,
  signal: AbortSignal,
): Promise<MadeSegment> {
  const { segments, tracks } = requireWork();
  const segment = segments.find((one) => one.segment === wanted);
  const shown = segment && shownFrames(segment.track)[0];
  if (!segment || !shown) throw new HubError("NO_SUCH_FRAME", `Cannot show segment ${wanted}`);
  const { track, firstFrame } = segment;
  for await (const frame of decoded(track, groupAround(track, shown.ticks), signal))
    try {
      if (frame.timestamp !== shown.timestamp) continue;
      const boxes = boxesOfFrame(firstFrame, tracks, corrections);
      const covered = await coveredFrame(frame, boxes);
      try {
        return { segment: wanted, bytes: await jpegOf(covered) };
      } finally {
        covered.close();
      }
    } finally {
      frame.close();
    }
  throw new HubError("SEGMENT_UNREADABLE", `Cannot show segment ${wanted}: it does not decode`);
}

async function jpegOf(frame: VideoFrame): Promise<Uint8Array> {
  const { displayWidth, displayHeight } = frame;
  const width = Math.min(STILL_WIDTH_MAX, displayWidth);
  const height = Math.max(1, Math.round((displayHeight / displayWidth) * width));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.drawImage(frame, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
  // What was opened does not stay in a canvas.
  canvas.width = 0;
  return new Uint8Array(await blob.arrayBuffer());
}

async function make(corrections: Corrections, context: CallContext): Promise<MadeSegment[]> {
  const { segments, tracks, frameCount } = requireWork();
  const made: MadeSegment[] = [];
  const rate = codingRate(segments.map(({ track }) => track));
  let done = 0;
  for (const { segment, track, firstFrame } of segments) {
    const bytes = await makeBlurred({
      ...{ track, rate },
      boxesOf: (index) => boxesOfFrame(firstFrame + index, tracks, corrections),
      signal: context.signal,
      onFrame: () => {
        done += 1;
        context.progress(done, frameCount);
      },
    });
    made.push({ segment, bytes });
  }
  return made;
}
