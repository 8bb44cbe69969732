import type BetterSqlite3 from "better-sqlite3";
import { sealedFileName } from "../protocol/clip.ts";
import { parseClipId, type ClipId } from "../protocol/ids.ts";
import type { DerivedFile } from "../protocol/ledger-entry.ts";

/** Rows behind renditions that owners' devices send. */

interface NameRow {
  readonly clip: string;
  readonly name: string;
}

export function prepareRenditionStatements(database: BetterSqlite3.Database) {
  const insertFile = database.prepare<
    [ClipId, string, number, number, string, number, number, string, number]
  >(
    `INSERT INTO clip_files (clip, name, segment, track, rendition, size_bytes, payload_sha256,
       from_ms, to_ms, derived_from, entry_index)
     VALUES (?, ?, ?, 'video', 'blurred', ?, ?, ?, ?, ?, ?)`,
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
    listFile: (clip: ClipId, file: DerivedFile, entryIndex: number): void => {
      const { segment, sizeBytes, payloadSha256, fromMs, toMs, derivedFrom } = file;
      const name = sealedFileName(file);
      insertFile.run(
        clip,
        name,
        segment,
        sizeBytes,
        payloadSha256,
        fromMs,
        toMs,
        derivedFrom,
        entryIndex,
      );
      forgetName.run(clip, name);
      addSize.run(sizeBytes, clip);
    },
  };
}

/** Names that an upload was to fill when the hub stopped. */
export function uploadedNames(
  statements: ReturnType<typeof prepareRenditionStatements>,
): readonly { readonly clip: ClipId; readonly name: string }[] {
  return statements.names.all().map(({ clip, name }) => ({ clip: parseClipId(clip), name }));
}
