import type { CameraId } from "./ids.ts";

/** Ticks a second of the video track (track 1) in every fragment and segment. */
export const VIDEO_TIMESCALE = 90_000;
/** Track ids inside every initialisation segment and fragment. */
export const VIDEO_TRACK_ID = 1;
export const AUDIO_TRACK_ID = 2;

/**
 * What one track of a stream needs before its first fragment: `ftyp` + `moov` of a fragmented MP4
 * (ISO/IEC 14496-12), and the codec as RFC 6381 names it.
 */
export interface TrackInit {
  readonly track: "video" | "audio";
  /** RFC 6381, for instance `avc1.64001f` or `mp4a.40.2`. */
  readonly codec: string;
  readonly timescale: number;
  /** Pixels; 0 for audio. */
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

/**
 * The currency of the hub: one access unit as one `moof` + `mdat`. The same bytes are kept in the
 * ring, shown live and sealed.
 */
export interface Fragment {
  readonly camera: CameraId;
  readonly track: "video" | "audio";
  /** Counts up by one per track of a connection; a jump means that something was lost. */
  readonly sequence: number;
  /** Milliseconds on the track's decode time line (`tfdt`), which runs on across segments. */
  readonly decodeTimeMs: number;
  /** Milliseconds this access unit lasts. The last one of a stream repeats the one before. */
  readonly durationMs: number;
  readonly keyFrame: boolean;
  /** Wall clock of capture: RTCP sender reports where the camera sends them, else arrival. */
  readonly wallClockMs: number;
  readonly bytes: Uint8Array;
  /** The initialisation segment in force; the same object until the camera changes parameters. */
  readonly init: TrackInit;
}
