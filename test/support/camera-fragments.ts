import { execFileSync } from "node:child_process";
import type { Clock } from "../../src/base/clock.ts";
import { videoInitFromRecord } from "../../src/camera/fragments.ts";
import { createMp4Reader, type Mp4Sample } from "../../src/camera/mp4-reader.ts";
import { createTimeline } from "../../src/camera/timeline.ts";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";

/** When the first picture was taken, of all that {@link cameraFragments} makes. */
export const FILMED_AT_MS = Date.UTC(2026, 10, 22, 9);

/** A file's H.264 as fragments of a camera, from the beginning of the time line. */
export function cameraFragments(file: string, camera = "front"): Fragment[] {
  const mp4 = execFileSync(
    "ffmpeg",
    [
      ...["-v", "error", "-i", file, "-c", "copy", "-an", "-video_track_timescale", "90000"],
      ...["-movflags", "empty_moov+default_base_moof+frag_every_frame", "-use_editlist", "0"],
      ...["-f", "mp4", "pipe:1"],
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  const inits: TrackInit[] = [];
  const samples: Mp4Sample[] = [];
  createMp4Reader({
    onTracks: (tracks) => inits.push(...tracks.map(videoInitFromRecord)),
    onSample: (sample) => samples.push({ ...sample, bytes: Uint8Array.from(sample.bytes) }),
  }).push(mp4);
  const fragments: Fragment[] = [];
  const clock: Clock = { monotonicMs: () => 0, wallClockMs: () => FILMED_AT_MS };
  const timeline = createTimeline(parseCameraId(camera), clock, (each) => fragments.push(each));
  const [init] = inits;
  if (!init) throw new Error(`There is no picture in ${file}`);
  for (const sample of samples)
    timeline.write({
      ...{ ...sample, init, lostBefore: 0 },
      wallClockMs: FILMED_AT_MS + Math.round((sample.decodeTicks + sample.compositionTicks) / 90),
    });
  return fragments;
}
