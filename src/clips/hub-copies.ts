import { rm } from "node:fs/promises";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import { PARTIAL_ENDING } from "../base/files.ts";
import type { BlurReason } from "../protocol/blur-state.ts";
import {
  sealedFileName,
  type FileKey,
  type ListedFile,
  type RecordedFaces,
} from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import type { ClipId } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { isSealedFileName, namesIn, parseSealedFileName, sizeOfFile } from "./clip-folder.ts";
import type { StoredClip } from "./clip-rows.ts";
import {
  copyFileOf,
  prepareCopyStatements,
  waitingClips,
  type CopyMode,
  type CopyStatements,
  type SaidCopyFile,
} from "./copy-rows.ts";

/** What the store of the clips does for its copies. */
export interface CopyGround {
  readonly database: BetterSqlite3.Database;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly nowMs: () => number;
  readonly clip: (clip: ClipId) => StoredClip | null;
  readonly files: (clip: ClipId) => readonly ListedFile[];
  readonly folderOf: (clip: StoredClip) => string;
}

/** Covered, a picture needs no more room; another encoder may need somewhat more. */
const GROWTH_MAX = 4;
const GROWTH_FREE_BYTES = 2 * 1024 * 1024;

/**
 * Blurred copies that the hub makes, as rows and entries. Each file is taken in when it is on the disk;
 * when no more come, all of them are listed with one ledger entry, in one transaction (invariant 8). All
 * calls are made in the store's turn.
 */
export class HubCopies {
  readonly #ground: CopyGround;
  readonly #statements: CopyStatements;

  constructor(ground: CopyGround) {
    this.#ground = ground;
    this.#statements = prepareCopyStatements(ground.database);
  }

  /** In the transaction that begins the clip. */
  begin(clip: ClipId, faces: RecordedFaces): void {
    if (faces === "keep") return;
    this.#statements.begin.run(clip, faces === "blur-copy" ? "copy" : "only");
  }

  modeOf(clip: ClipId): CopyMode | null {
    return this.#statements.row.get(clip)?.copy_mode ?? null;
  }

  /** A segment of a clip of which nothing but the blurred is recorded. */
  count(clip: ClipId, { track }: Pick<FileKey, "track">, pixelated: "faces" | "whole"): void {
    if (track === "video") this.#statements.count.run(pixelated === "whole" ? 1 : 0, clip);
  }

  /** Whether a file of this name is one of a copy, which is listed when all of it is there. */
  isOfCopy(clip: ClipId, name: string): boolean {
    if (this.modeOf(clip) !== "copy") return false;
    const whole = name.endsWith(PARTIAL_ENDING) ? name.slice(0, -PARTIAL_ENDING.length) : name;
    const key = parseSealedFileName(whole);
    return key !== null && (key.rendition === "blurred" || key.track === "poster");
  }

  /**
   * Takes in a file that is on the disk.
   *
   * @throws HubError `CLIP_UNKNOWN`, `COPY_REFUSED`, `FILE_KNOWN`, `FILE_MISSING`.
   */
  async addFile(clip: ClipId, file: SaidCopyFile, keyringEpoch: number): Promise<void> {
    const stored = this.#ground.clip(clip);
    const row = this.#statements.row.get(clip);
    if (stored === null || row?.copy_mode !== "copy" || row.copy_state !== "waiting") {
      // Deleted meanwhile: what has just been written goes with it.
      this.#statements.reopenDeletion.run(clip);
      throw new HubError("CLIP_UNKNOWN", `Cannot list copy: nobody waits for one of clip ${clip}`);
    }
    const name = sealedFileName(file);
    const known = this.#statements.files.all(clip);
    if (known.some((each) => sealedFileName(copyFileOf(each)) === name))
      throw new HubError("FILE_KNOWN", `Cannot list ${name} of clip ${clip} twice`);
    if (known.length >= LIMITS.filesPerRendition) throw refused(clip, "it has too many files");
    this.#requireOriginal(clip, file);
    const sizeBytes = await sizeOfFile(path.join(this.#ground.folderOf(stored), name));
    if (sizeBytes !== file.sizeBytes)
      throw new HubError(
        "FILE_MISSING",
        `Cannot list ${name} of clip ${clip}: ${sizeBytes ?? "no"} bytes, not ${file.sizeBytes}`,
      );
    inTransaction(this.#ground.database, () => {
      this.#statements.addFile.run(clip, name, JSON.stringify(file), keyringEpoch);
      if (file.pixelated) this.count(clip, file, file.pixelated);
    });
  }

  /**
   * No more comes: lists what there is, with one entry. Nothing is done where nobody waits for it.
   *
   * @param reason - Why something is missing, or pixelated whole.
   */
  async close(clip: ClipId, reason: BlurReason | null): Promise<void> {
    const row = this.#statements.row.get(clip);
    if (row?.copy_state !== "waiting") return;
    const stored = this.#ground.clip(clip);
    if (stored === null) return;
    if (row.copy_mode === "only") {
      const state = row.copy_segments > 0 ? "done" : "absent";
      this.#statements.settle.run(state, reason, row.copy_segments, row.copy_whole, clip);
      return;
    }
    const rows = this.#statements.files.all(clip);
    // Sealed anew for later readers, a clip must get no file that earlier ones still open.
    const isOutdated = rows.some(({ keyring_epoch }) => keyring_epoch < stored.keyringEpoch);
    const files = isOutdated || stored.entryIndex === null ? [] : rows.map(copyFileOf);
    await this.#requireThere(stored, files);
    this.#list(clip, files, isOutdated ? "keyring-changed" : reason);
    await this.#removeUnlisted(stored);
  }

  /** After the recorder's process ended: nothing more comes of what it had. */
  async settleAll(): Promise<void> {
    for (const clip of waitingClips(this.#statements)) await this.close(clip, "stopped");
  }

  /** Removes what was written of a copy and never listed; the original is there. */
  async removeLeft(clip: ClipId, names: readonly string[]): Promise<void> {
    const stored = this.#ground.clip(clip);
    if (stored === null || this.modeOf(clip) !== "copy") return;
    if (names.some((name) => this.isOfCopy(clip, name))) await this.#removeUnlisted(stored);
  }

  /** What is still in the folder of a deleted clip goes in the next run of retention. */
  reopenDeletion(clip: ClipId): void {
    this.#statements.reopenDeletion.run(clip);
  }

  #list(clip: ClipId, files: readonly SaidCopyFile[], reason: BlurReason | null): void {
    const segments = files.filter(({ track }) => track === "video");
    const whole = segments.filter(({ pixelated }) => pixelated === "whole").length;
    const state = segments.length > 0 ? "done" : "absent";
    inTransaction(this.#ground.database, () => {
      if (files.length > 0) {
        const atMs = this.#ground.nowMs();
        const listed = { clip, files: [...files] };
        const index = this.#ground.appendEntry({ v: 3, kind: "rendition", atMs, ...listed });
        for (const file of files) this.#statements.listFile(clip, file, index);
      }
      this.#statements.forgetFiles.run(clip);
      this.#statements.settle.run(state, reason, segments.length, whole, clip);
    });
  }

  /** A file that is gone since it was taken in would be listed and never be there. */
  async #requireThere(stored: StoredClip, files: SaidCopyFile[]): Promise<void> {
    const folder = this.#ground.folderOf(stored);
    for (const file of [...files]) {
      const sizeBytes = await sizeOfFile(path.join(folder, sealedFileName(file)));
      if (sizeBytes !== file.sizeBytes) files.splice(files.indexOf(file), 1);
    }
  }

  async #removeUnlisted(stored: StoredClip): Promise<void> {
    const folder = this.#ground.folderOf(stored);
    const names = await namesIn(folder);
    const kept = new Set([
      ...this.#ground.files(stored.id).map(sealedFileName),
      // An owner's copy has the same names, and comes while recordings are looked over.
      ...this.#statements.sending.all(stored.id).flatMap((name) => [name, name + PARTIAL_ENDING]),
    ]);
    for (const name of names)
      if (isSealedFileName(name) && !kept.has(name) && this.isOfCopy(stored.id, name))
        await rm(path.join(folder, name), { force: true });
  }

  #requireOriginal(clip: ClipId, file: SaidCopyFile): void {
    const original = this.#ground
      .files(clip)
      .find(({ payloadSha256 }) => payloadSha256 === file.derivedFrom);
    if (original?.track !== "video" || original.rendition !== "original")
      throw refused(clip, "it is made from nothing that was recorded");
    const isOfPlace =
      file.track === "poster"
        ? file.fromMs >= original.fromMs && file.toMs <= original.toMs
        : file.segment === original.segment &&
          file.fromMs === original.fromMs &&
          file.toMs === original.toMs;
    if (!isOfPlace) throw refused(clip, "it is of another time than its original");
    if (file.sizeBytes > original.sizeBytes * GROWTH_MAX + GROWTH_FREE_BYTES)
      throw refused(clip, "it is far larger than its original");
  }
}

function refused(clip: ClipId, found: string): HubError {
  return new HubError("COPY_REFUSED", `Cannot list copy of clip ${clip}: ${found}`);
}
