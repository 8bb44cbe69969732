import type BetterSqlite3 from "better-sqlite3";
import { sealedFileName, type FileKey } from "../protocol/clip.ts";
import { parseClipId, type ClipId } from "../protocol/ids.ts";
import type { DeviceCopyFile } from "../protocol/ledger-entry.ts";

/** Rows behind renditions that owners' devices send. */

interface NameRow {
  readonly clip: string;
  readonly name: string;
}

export function prepareRenditionStatements(database: BetterSqlite3.Database) {
  const insertFile = database.prepare<
    [ClipId, string, number | null, string, number, string, number, number, string, number]
  >(
    `INSERT INTO clip_files (clip, name, segment, track, rendition, size_bytes, payload_sha256,
       from_ms, to_ms, derived_from, entry_index)
     VALUES (?, ?, ?, ?, 'blurred', ?, ?, ?, ?, ?, ?)`,
  );
  const removeFile = database.prepare<[ClipId, string]>(
    "DELETE FROM clip_files WHERE clip = ? AND name = ? AND rendition = 'blurred'",
  );
  const forgetName = database.prepare<[ClipId, string]>(
    "DELETE FROM rendition_uploads WHERE clip = ? AND name = ?",
  );
  // What retention counts of a clip that it has taken in; it adds up the others itself.
  const addSize = database.prepare<[number, ClipId]>(
    "UPDATE clip_retention SET size_bytes = size_bytes + ? WHERE clip = ?",
  );
  return {
    forgetName,
    names: database.prepare<[], NameRow>("SELECT * FROM rendition_uploads ORDER BY clip, name"),
    addName: database.prepare<[ClipId, string]>(
      "INSERT OR IGNORE INTO rendition_uploads (clip, name) VALUES (?, ?)",
    ),
    /** The rows of one file, in the transaction that is open. */
    listFile: (clip: ClipId, file: DeviceCopyFile, entryIndex: number): void => {
      const { segment, track, sizeBytes, payloadSha256, fromMs, toMs, derivedFrom } = file;
      const name = sealedFileName(file);
      insertFile.run(
        clip,
        name,
        segment,
        track,
        sizeBytes,
        payloadSha256,
        fromMs,
        toMs,
        derivedFrom,
        entryIndex,
      );
      addSize.run(sizeBytes, clip);
    },
    /** What there is now is an owner's; no row where faces are kept. */
    settleCopy: database.prepare<[number, ClipId]>(
      `UPDATE clip_copies
       SET copy_state = 'done', copy_reason = NULL, copy_segments = ?, copy_whole = 0
       WHERE clip = ?`,
    ),
    /** A file that another takes the place of, in the transaction that is open. */
    unlistFile: (clip: ClipId, file: FileKey & { readonly sizeBytes: number }): void => {
      removeFile.run(clip, sealedFileName(file));
      addSize.run(-file.sizeBytes, clip);
    },
  };
}

/** Names that an upload was to fill, or had just been listed under, when the hub stopped. */
export function uploadedNames(
  statements: ReturnType<typeof prepareRenditionStatements>,
): readonly { readonly clip: ClipId; readonly name: string }[] {
  return statements.names.all().map(({ clip, name }) => ({ clip: parseClipId(clip), name }));
}
