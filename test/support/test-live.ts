import type { LivePicture, StreamRole } from "../../src/camera/live-pipe.ts";
import type { TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { encodeLiveFragment } from "../../src/protocol/live-frame.ts";

export const FRONT = parseCameraId("front");

export const VIDEO_INIT: TrackInit = {
  ...{ track: "video", codec: "avc1.64001f", timescale: 90_000, width: 640, height: 360 },
  bytes: new Uint8Array(32).fill(7),
};

export interface PictureOptions {
  readonly sequence: number;
  readonly keyFrame?: boolean;
  readonly sizeBytes?: number;
  readonly stream?: StreamRole;
  readonly track?: "video" | "audio";
}

/** A fragment as the ingest process sends it: nobody on its way looks into the media itself. */
export function pictureOf(options: PictureOptions): LivePicture {
  const { sequence, keyFrame = false, sizeBytes = 100, stream = "main", track = "video" } = options;
  const frame = encodeLiveFragment({
    ...{ track, keyFrame, sequence, wallClockMs: 1_000 + sequence * 40 },
    ...{ decodeTimeMs: sequence * 40, durationMs: 40 },
    bytes: new Uint8Array(sizeBytes).fill(sequence % 251),
  });
  return { camera: FRONT, stream, kind: "fragment", track, keyFrame, frame };
}

export function initOf(init: TrackInit = VIDEO_INIT, stream: StreamRole = "main"): LivePicture {
  return { camera: FRONT, stream, kind: "init", init };
}
