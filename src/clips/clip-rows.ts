import type BetterSqlite3 from "better-sqlite3";
import type { BlurState } from "../protocol/blur-state.ts";
import type { EventReason, ListedFile } from "../protocol/clip.ts";
import {
  parseCameraId,
  parseClipId,
  parseSha256Hex,
  type CameraId,
  type ClipId,
  type EventKind,
  type Rendition,
  type Sha256Hex,
  type Track,
} from "../protocol/ids.ts";

import { blurStateOf, type CopyRow } from "./copy-rows.ts";

/** Rows of the clip store and what they are read as. */

export type ClipState = "recording" | "closed" | "torn";

export interface StoredClip {
  readonly id: ClipId;
  /** Order in which the hub learnt of the clips; also the cursor of a list. */
  readonly sequence: number;
  readonly camera: CameraId;
  readonly kind: EventKind;
  readonly why: EventReason;
  readonly eventAtMs: number;
  readonly startedAtMs: number;
  /** Null while it is recorded. */
  readonly endedAtMs: number | null;
  /** From the start to the end, or to the last closed file while it is recorded. */
  readonly durationMs: number;
  readonly state: ClipState;
  readonly keyringHead: Sha256Hex;
  readonly keyringEpoch: number;
  /** Ledger index of the entry that lists the files; null while recording or with none whole. */
  readonly entryIndex: number | null;
  readonly renditions: readonly Rendition[];
  /** Segments that have at least one whole file. */
  readonly segments: number;
  /** How the hub's blurred copy stands; null where none is made. */
  readonly blur: BlurState | null;
}

export interface TornFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256Hex;
  readonly entryIndex: number;
}

export interface ClipRow extends Partial<CopyRow> {
  readonly sequence: number;
  readonly id: string;
  readonly camera: string;
  readonly kind: EventKind;
  readonly why: string;
  readonly event_at_ms: number;
  readonly started_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly state: ClipState;
  readonly keyring_head: string;
  readonly keyring_epoch: number;
  readonly entry_index: number | null;
  readonly last_ms: number | null;
  readonly has_original: number;
  readonly has_blurred: number;
  readonly segments: number;
}

interface FileRow {
  readonly segment: number | null;
  readonly track: Track;
  readonly rendition: Rendition;
  readonly size_bytes: number;
  readonly payload_sha256: string;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly derived_from: string | null;
  readonly pixelated: "faces" | "whole" | null;
}

interface TornRow {
  readonly name: string;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly entry_index: number;
}

export function clipOf(row: ClipRow): StoredClip {
  const endMs = row.ended_at_ms ?? row.last_ms ?? row.started_at_ms;
  const renditions: Rendition[] = [];
  if (row.has_original === 1) renditions.push("original");
  if (row.has_blurred === 1) renditions.push("blurred");
  return {
    id: parseClipId(row.id),
    sequence: row.sequence,
    camera: parseCameraId(row.camera),
    kind: row.kind,
    // Written by this store from a checked event.
    why: JSON.parse(row.why) as EventReason,
    eventAtMs: row.event_at_ms,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    durationMs: Math.max(0, endMs - row.started_at_ms),
    state: row.state,
    keyringHead: parseSha256Hex(row.keyring_head),
    keyringEpoch: row.keyring_epoch,
    entryIndex: row.entry_index,
    renditions,
    segments: row.segments,
    blur: blurStateOf(row),
  };
}

export function fileOf(row: FileRow): ListedFile {
  return {
    segment: row.segment,
    track: row.track,
    rendition: row.rendition,
    sizeBytes: row.size_bytes,
    payloadSha256: parseSha256Hex(row.payload_sha256),
    fromMs: row.from_ms,
    toMs: row.to_ms,
    ...(row.derived_from === null ? {} : { derivedFrom: parseSha256Hex(row.derived_from) }),
    ...(row.pixelated === null ? {} : { pixelated: row.pixelated }),
  };
}

export function tornOf(row: TornRow): TornFile {
  return {
    name: row.name,
    sizeBytes: row.size_bytes,
    sha256: parseSha256Hex(row.sha256),
    entryIndex: row.entry_index,
  };
}

export const SELECT_CLIP = `
  SELECT clips.*, clip_copies.copy_state, copy_reason, copy_segments, copy_whole,
    (SELECT max(to_ms) FROM clip_files WHERE clip = clips.id) AS last_ms,
    EXISTS (SELECT 1 FROM clip_files
            WHERE clip = clips.id AND rendition = 'original' AND track = 'video') AS has_original,
    EXISTS (SELECT 1 FROM clip_files
            WHERE clip = clips.id AND rendition = 'blurred' AND track = 'video') AS has_blurred,
    (SELECT count(DISTINCT segment) FROM clip_files WHERE clip = clips.id) AS segments
  FROM clips LEFT JOIN clip_copies ON clip_copies.clip = clips.id`;

export function prepareClipStatements(database: BetterSqlite3.Database) {
  return {
    insertClip: database.prepare<
      [ClipId, CameraId, EventKind, string, number, number, Sha256Hex, number]
    >(
      `INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, state, keyring_head,
         keyring_epoch) VALUES (?, ?, ?, ?, ?, ?, 'recording', ?, ?)`,
    ),
    ringClip: database.prepare<[string, number, ClipId]>(
      "UPDATE clips SET kind = 'bell', why = ?, event_at_ms = ? WHERE id = ?",
    ),
    nameClip: database.prepare<[EventKind, string, ClipId]>(
      "UPDATE clips SET kind = ?, why = ? WHERE id = ? AND kind <> 'bell'",
    ),
    endClip: database.prepare<[ClipState, number, number | null, ClipId]>(
      "UPDATE clips SET state = ?, ended_at_ms = ?, entry_index = ? WHERE id = ?",
    ),
    clip: database.prepare<[ClipId], ClipRow>(`${SELECT_CLIP} WHERE id = ?`),
    page: database.prepare<[number, number], ClipRow>(
      `${SELECT_CLIP} WHERE sequence < ? ORDER BY sequence DESC LIMIT ?`,
    ),
    recording: database.prepare<[], ClipRow>(
      `${SELECT_CLIP} WHERE state = 'recording' ORDER BY sequence`,
    ),
    counts: database.prepare<[], { readonly state: ClipState; readonly count: number }>(
      "SELECT state, count FROM clip_counts",
    ),
    insertFile: database.prepare<
      [ClipId, string, number | null, Track, Rendition, number, Sha256Hex, number, number]
    >(
      `INSERT INTO clip_files (clip, name, segment, track, rendition, size_bytes, payload_sha256,
         from_ms, to_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    files: database.prepare<[ClipId], FileRow>(
      `SELECT segment, track, rendition, size_bytes, payload_sha256, from_ms, to_ms, derived_from,
         pixelated FROM clip_files WHERE clip = ? ORDER BY name`,
    ),
    renditionEntries: database
      .prepare<[ClipId], number>(
        `SELECT DISTINCT entry_index FROM clip_files
         WHERE clip = ? AND entry_index IS NOT NULL ORDER BY entry_index`,
      )
      .pluck(),
    entryOfFile: database
      .prepare<[ClipId, string], number | null>(
        "SELECT entry_index FROM clip_files WHERE clip = ? AND name = ?",
      )
      .pluck(),
    /** Names under which a file or its `.partial` is just coming: as a rendition, or sealed anew. */
    uploading: database
      .prepare<[{ clip: ClipId }], string>(
        `SELECT name FROM rendition_uploads WHERE clip = @clip
         UNION SELECT name FROM rewrap_files WHERE clip = @clip`,
      )
      .pluck(),
    deletion: database.prepare<[ClipId], { readonly entry_index: number }>(
      "SELECT entry_index FROM clip_deletions WHERE clip = ?",
    ),
    insertTorn: database.prepare<[ClipId, string, number, Sha256Hex, number]>(
      "INSERT INTO torn_files VALUES (?, ?, ?, ?, ?)",
    ),
    torn: database.prepare<[ClipId], TornRow>(
      "SELECT name, size_bytes, sha256, entry_index FROM torn_files WHERE clip = ? ORDER BY name",
    ),
  };
}
