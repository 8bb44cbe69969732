import type { BlurReason } from "./blur-state.ts";
import type { CameraId, ClipId, EventKind, Rendition, Sha256Hex, Track } from "./ids.ts";
import type { CopyFile } from "./ledger-entry.ts";

/** A segment is cut at the first key frame after this long, ... */
export const SEGMENT_TARGET_MS = 4_000;
/** ... and at the latest after this long, ... */
export const SEGMENT_MAX_MS = 30_000;
/** ... or at this many plaintext bytes, key frame or not. */
export const SEGMENT_MAX_BYTES = 16 * 1024 * 1024;
/** How much from before an event its clip holds. */
export const PRE_ROLL_MS = 10_000;
/** How long a clip goes on after its event has ended. */
export const POST_ROLL_MS = 5_000;
/** A longer event goes on in a further clip, so that a clip's ledger entry stays small. */
export const CLIP_MAX_MS = 300_000;

/** Which sealed file of a clip: a poster has no segment. */
export interface FileKey {
  readonly segment: number | null;
  readonly track: Track;
  readonly rendition: Rendition;
}

/** A closed sealed file, as clip rows, ledger entries and terms name it. */
export interface SealedFile extends FileKey {
  /** Bytes of the whole age file on disk. */
  readonly sizeBytes: number;
  /** SHA-256 over all bytes after the age header's final newline. */
  readonly payloadSha256: Sha256Hex;
  /** Wall clock of the first access unit, and of the end of the last; equal for a poster. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A sealed file as the store and the ledger list it. */
export interface ListedFile extends SealedFile {
  /** Payload hash of the original that this was made from; absent on what was recorded. */
  readonly derivedFrom?: Sha256Hex;
  /** What the hub covered where it made this; absent where an owner's device did, and on originals. */
  readonly pixelated?: "faces" | "whole";
}

/** Why the hub recorded: what an owner is shown, never who or what somebody looked like. */
export interface EventReason {
  readonly kind: EventKind;
  readonly zone: string;
  /** Share of the zone's area that changed, 0 to 1; 0 where no picture was looked at. */
  readonly areaShare: number;
  /** 0 to 1. */
  readonly score: number;
}

/**
 * What is recorded of faces. `keep`: what is seen. `blur-copy`: that, and beside it a copy in which they
 * are covered. `blur-only`: such a copy, and nothing else.
 */
export type RecordedFaces = "keep" | "blur-copy" | "blur-only";

/** What the recorder tells the hub, in this order for each clip; a copy follows when it is made. */
export type RecorderEvent =
  | {
      readonly type: "clip-started";
      readonly clip: ClipId;
      readonly camera: CameraId;
      readonly faces: RecordedFaces;
      readonly kind: EventKind;
      readonly why: EventReason;
      /** Wall clock of the event itself; the recording starts up to `PRE_ROLL_MS` before it. */
      readonly eventAtMs: number;
      readonly startedAtMs: number;
      /** SHA-256 of the keyring statement in force, and its epoch. */
      readonly keyringHead: Sha256Hex;
      readonly keyringEpoch: number;
    }
  /** Somebody rang while it was recorded: it is the recording of a bell from then on. */
  | {
      readonly type: "clip-rang";
      readonly clip: ClipId;
      readonly why: EventReason;
      readonly eventAtMs: number;
    }
  /** It was seen what moves, while it was recorded; the recording of a bell stays one. */
  | { readonly type: "clip-named"; readonly clip: ClipId; readonly why: EventReason }
  | {
      readonly type: "file-closed";
      readonly clip: ClipId;
      readonly file: SealedFile;
      /** How it was covered, where nothing but the blurred is recorded. */
      readonly pixelated?: "faces" | "whole";
    }
  /** A file of the blurred copy is on the disk; it is listed when there are no more. */
  | {
      readonly type: "copy-file";
      readonly clip: ClipId;
      readonly file: CopyFile & Pick<SealedFile, "payloadSha256">;
      /** Where the keyring stood whose readers it is sealed to. */
      readonly keyringEpoch: number;
    }
  /** No more comes. `reason`: the first why something is missing or pixelated whole. */
  | {
      readonly type: "blur-closed";
      readonly clip: ClipId;
      readonly reason: BlurReason | null;
    }
  | { readonly type: "clip-closed"; readonly clip: ClipId; readonly endedAtMs: number };

/** File name of a sealed file inside its clip's folder: `003.video.original.age`. */
export function sealedFileName(file: FileKey): string {
  const name = `${file.track}.${file.rendition}.age`;
  return file.segment === null ? name : `${String(file.segment).padStart(3, "0")}.${name}`;
}

/** Folder of a clip below `data/clips`, by the UTC month in which it started: `2026-11/<clip>`. */
export function clipFolder(clip: ClipId, startedAtMs: number): string {
  return `${new Date(startedAtMs).toISOString().slice(0, 7)}/${clip}`;
}
