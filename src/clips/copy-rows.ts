import type BetterSqlite3 from "better-sqlite3";
import type { BlurReason, BlurState } from "../protocol/blur-state.ts";
import { sealedFileName, type SealedFile } from "../protocol/clip.ts";
import { parseClipId, parseSha256Hex, type ClipId } from "../protocol/ids.ts";
import type { CopyFile } from "../protocol/ledger-entry.ts";

/** Rows behind the blurred copies that the hub makes. */

export type CopyMode = "copy" | "only";

/** A file as the recorder says it. */
export type SaidCopyFile = CopyFile & Pick<SealedFile, "payloadSha256">;

export interface CopyRow {
  readonly copy_mode: CopyMode;
  readonly copy_state: BlurState["state"];
  readonly copy_reason: BlurReason | null;
  readonly copy_segments: number;
  readonly copy_whole: number;
}

interface WaitingFile {
  readonly file: string;
  readonly keyring_epoch: number;
}

export function prepareCopyStatements(database: BetterSqlite3.Database) {
  const insertListed = database.prepare<
    [
      ...[ClipId, string, number | null, string, string, number, string, number, number, string],
      ...[number, string | null],
    ]
  >(
    `INSERT INTO clip_files (clip, name, segment, track, rendition, size_bytes, payload_sha256,
       from_ms, to_ms, derived_from, entry_index, pixelated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  // What retention counts of a clip that it has taken in; it adds up the others itself.
  const addSize = database.prepare<[number, ClipId]>(
    "UPDATE clip_retention SET size_bytes = size_bytes + ? WHERE clip = ?",
  );
  return {
    begin: database.prepare<[ClipId, CopyMode]>(
      "INSERT INTO clip_copies (clip, copy_mode, copy_state) VALUES (?, ?, 'waiting')",
    ),
    row: database.prepare<[ClipId], CopyRow>("SELECT * FROM clip_copies WHERE clip = ?"),
    /** One more segment is blurred. */
    count: database.prepare<[number, ClipId]>(
      `UPDATE clip_copies SET copy_segments = copy_segments + 1, copy_whole = copy_whole + ?
       WHERE clip = ?`,
    ),
    settle: database.prepare<[BlurState["state"], string | null, number, number, ClipId]>(
      `UPDATE clip_copies SET copy_state = ?, copy_reason = ?, copy_segments = ?, copy_whole = ?
       WHERE clip = ?`,
    ),
    waitingClips: database
      .prepare<[], string>(
        "SELECT clip FROM clip_copies WHERE copy_state = 'waiting' ORDER BY clip",
      )
      .pluck(),
    addFile: database.prepare<[ClipId, string, string, number]>(
      "INSERT INTO clip_copy_files (clip, name, file, keyring_epoch) VALUES (?, ?, ?, ?)",
    ),
    files: database.prepare<[ClipId], WaitingFile>(
      "SELECT file, keyring_epoch FROM clip_copy_files WHERE clip = ? ORDER BY name",
    ),
    forgetFiles: database.prepare<[ClipId]>("DELETE FROM clip_copy_files WHERE clip = ?"),
    /** The rows of one file, in the transaction that is open. */
    listFile: (clip: ClipId, file: SaidCopyFile, entryIndex: number): void => {
      const { segment, track, rendition, sizeBytes, payloadSha256, fromMs, toMs } = file;
      insertListed.run(
        ...([clip, sealedFileName(file), segment, track, rendition, sizeBytes] as const),
        ...([payloadSha256, fromMs, toMs, file.derivedFrom, entryIndex] as const),
        file.pixelated ?? null,
      );
      addSize.run(sizeBytes, clip);
    },
    /** Names that an owner's device is sending files for. */
    sending: database
      .prepare<[ClipId], string>("SELECT name FROM rendition_uploads WHERE clip = ?")
      .pluck(),
    /** So that the next run of retention removes what came after the clip was deleted. */
    reopenDeletion: database.prepare<[ClipId]>(
      "UPDATE clip_deletions SET files_gone = 0 WHERE clip = ?",
    ),
  };
}

export type CopyStatements = ReturnType<typeof prepareCopyStatements>;

export function copyFileOf(row: WaitingFile): SaidCopyFile {
  // Written by this store from a checked event.
  const file = JSON.parse(row.file) as CopyFile;
  return { ...file, payloadSha256: parseSha256Hex(file.payloadSha256) };
}

export function waitingClips(statements: CopyStatements): readonly ClipId[] {
  return statements.waitingClips.all().map(parseClipId);
}

/** Null where no copy is made. */
export function blurStateOf(
  row: Partial<CopyRow> | { readonly copy_state: null },
): BlurState | null {
  if (!row.copy_state) return null;
  const { copy_state, copy_reason = null, copy_segments = 0, copy_whole = 0 } = row;
  return { state: copy_state, reason: copy_reason, segments: copy_segments, whole: copy_whole };
}
