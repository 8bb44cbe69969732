import type { TrackInit } from "../../protocol/fragment.ts";

/**
 * What this folder has to know of the hub's fragments and their files. Cameras' side has it too, so
 * it is given to both by whoever puts them together.
 */
export interface Container {
  /** Initialisation of an H.264 track from its decoder configuration record. */
  readonly init: (track: {
    readonly record: Uint8Array;
    readonly codec: string;
    readonly width: number;
    readonly height: number;
  }) => TrackInit;
  /** One picture as one `moof` + `mdat`. */
  readonly fragment: (sample: {
    readonly sequence: number;
    readonly decodeTicks: number;
    readonly durationTicks: number;
    readonly compositionTicks: number;
    readonly keyFrame: boolean;
    readonly bytes: Uint8Array;
  }) => Uint8Array;
  /** Reads what ffmpeg writes as fragmented MP4. `push` throws for what no ffmpeg writes. */
  readonly reader: (handlers: {
    readonly onTracks: (tracks: readonly EncodedTrack[]) => void;
    readonly onSample: (sample: EncodedSample) => void;
  }) => { push(chunk: Uint8Array): void };
}

export interface EncodedTrack {
  readonly timescale: number;
  /** RFC 6381. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  /** `AVCDecoderConfigurationRecord`. */
  readonly record: Uint8Array;
}

export interface EncodedSample {
  readonly decodeTicks: number;
  readonly compositionTicks: number;
  readonly keyFrame: boolean;
  /** Valid only until the callback returns. */
  readonly bytes: Uint8Array;
}
