import { HubError } from "../../../src/protocol/errors.ts";
import type { VideoSample, VideoTrack } from "./mp4-samples.ts";

/** Decoded pictures of a segment, in the order in which they are shown. Nothing is stored. */

/** Waiting for the decoder, and decoded but not taken yet. */
const QUEUE_MAX = 6;

/** Frames of a segment as they are shown: sample, and time as the decoder is told it. */
export interface ShownFrame {
  readonly ticks: number;
  readonly durationTicks: number;
  /** Whole microseconds, as WebCodecs has it. */
  readonly timestamp: number;
}

export function shownFrames({ samples, timescale }: VideoTrack): ShownFrame[] {
  const sorted = samples.toSorted((left, right) => left.ticks - right.ticks);
  return sorted.map(({ ticks, durationTicks }, index) => {
    const next = sorted[index + 1];
    return {
      ticks,
      // From picture to picture, whatever order they were coded in.
      durationTicks: next ? next.ticks - ticks : durationTicks,
      timestamp: timestampOf(ticks, timescale),
    };
  });
}

const timestampOf = (ticks: number, timescale: number): number =>
  Math.round((ticks * 1_000_000) / timescale);

/**
 * Decodes `samples`, which begin with a key frame. Whoever takes a frame closes it.
 *
 * @throws HubError `SEGMENT_UNREADABLE` where one does not decode; DOMException `AbortError`.
 */
export async function* decoded(
  track: VideoTrack,
  samples: readonly VideoSample[],
  signal: AbortSignal,
): AsyncGenerator<VideoFrame> {
  const frames: VideoFrame[] = [];
  const state: { error: unknown; isFlushed: boolean } = { error: null, isFlushed: false };
  let wake = (): void => undefined;
  const onChange = (): void => wake();
  const fail = (error: unknown): void => {
    state.error ??= error;
    wake();
  };
  const decoder = new VideoDecoder({
    output: (frame) => {
      frames.push(frame);
      wake();
    },
    error: fail,
  });
  decoder.addEventListener("dequeue", onChange);
  signal.addEventListener("abort", onChange);
  let next = 0;
  try {
    decoder.configure({ codec: track.codec, description: track.record });
    for (;;) {
      signal.throwIfAborted();
      if (state.error !== null) throw unreadable(state.error);
      const frame = frames.shift();
      if (frame) {
        yield frame;
        continue;
      }
      if (state.isFlushed) return;
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      for (; next < samples.length && decoder.decodeQueueSize < QUEUE_MAX; next++)
        decoder.decode(chunkOf(samples[next], track));
      if (next === samples.length) {
        next += 1;
        decoder.flush().then(() => {
          state.isFlushed = true;
          wake();
        }, fail);
      }
      if (frames.length === 0 && state.error === null && !state.isFlushed) await changed;
    }
  } catch (error) {
    throw error instanceof DOMException && error.name !== "AbortError" ? unreadable(error) : error;
  } finally {
    signal.removeEventListener("abort", onChange);
    if (decoder.state !== "closed") decoder.close();
    for (const frame of frames) frame.close();
  }
}

function chunkOf(sample: VideoSample | undefined, { timescale }: VideoTrack): EncodedVideoChunk {
  if (!sample) throw new Error("a sample that is not there");
  return new EncodedVideoChunk({
    type: sample.isKey ? "key" : "delta",
    timestamp: timestampOf(sample.ticks, timescale),
    data: sample.bytes,
  });
}

function unreadable(cause: unknown): HubError {
  const found = cause instanceof Error ? cause.message : "unknown";
  return new HubError("SEGMENT_UNREADABLE", `Cannot decode recording: ${found}`, { cause });
}

/** The samples from the key frame before the frame that is shown `wanted`th, up to the next one. */
export function groupAround({ samples }: VideoTrack, wantedTicks: number): readonly VideoSample[] {
  const start = samples.findLastIndex(({ isKey, ticks }) => isKey && ticks <= wantedTicks);
  if (start < 0) throw unreadable(new Error("no key frame before this picture"));
  const end = samples.findIndex(({ isKey }, index) => isKey && index > start);
  return samples.slice(start, end < 0 ? samples.length : end);
}
