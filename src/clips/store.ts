import path from "node:path";
import { inTransaction } from "../base/database.ts";
import { PARTIAL_ENDING } from "../base/files.ts";
import {
  clipFolder,
  sealedFileName,
  type FileKey,
  type ListedFile,
  type RecorderEvent,
  type SealedFile,
} from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import type { ClipId } from "../protocol/ids.ts";
import {
  isSealedFileName,
  measureFile,
  namesIn,
  sizeOfFile,
  type MeasuredFile,
  type Recovery,
} from "./clip-folder.ts";
import {
  clipOf,
  fileOf,
  prepareClipStatements,
  tornOf,
  type StoredClip,
  type TornFile,
} from "./clip-rows.ts";
import { HubCopies } from "./hub-copies.ts";
import { settleFolders, sweepClips } from "./recovery.ts";
import {
  CLIPS_PAGE_MAX,
  type ClipsPage,
  type ClipsQuery,
  type ClipStoreOptions,
} from "./store-options.ts";

export type { Recovery } from "./clip-folder.ts";
export type { StoredClip, TornFile } from "./clip-rows.ts";
export type { ClipStoreOptions } from "./store-options.ts";

/**
 * Rows and files of the recordings, in the hub's process. A clip's row closes in the transaction
 * that appends its ledger entry, which lists every file with its hash (invariant 8).
 */
export class ClipStore {
  readonly #options: ClipStoreOptions;
  readonly #statements: ReturnType<typeof prepareClipStatements>;
  readonly #copies: HubCopies;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(options: ClipStoreOptions) {
    this.#options = options;
    this.#statements = prepareClipStatements(options.database);
    this.#copies = new HubCopies({
      ...options,
      clip: (clip) => this.get(clip),
      files: (clip) => this.files(clip),
      folderOf: (clip) => this.#folderOf(clip),
    });
  }

  static open(options: ClipStoreOptions): ClipStore {
    return new ClipStore(options);
  }

  /**
   * Takes in what the recorder says, one after the other.
   *
   * @param event - As `readRecorderEvent` has let it in: what it says of the disk is not yet believed.
   * @returns Resolves when it is on the disk.
   * @throws HubError `CLIP_UNKNOWN`, `CLIP_KNOWN`, `CLIP_ENDED`,
   * `FILE_KNOWN`, `FILE_MISSING` (or of another size than said), `COPY_REFUSED`.
   */
  async apply(event: RecorderEvent): Promise<void> {
    await this.#inTurn(async () => {
      switch (event.type) {
        case "clip-started":
          this.#start(event);
          return;
        case "clip-rang": {
          const { id } = this.#requireRecording(event.clip);
          this.#statements.ringClip.run(JSON.stringify(event.why), event.eventAtMs, id);
          return;
        }
        case "clip-named": {
          const { id } = this.#requireRecording(event.clip);
          this.#statements.nameClip.run(event.why.kind, JSON.stringify(event.why), id);
          return;
        }
        case "file-closed":
          await this.#addFile(event.clip, event.file);
          if (event.pixelated) this.#copies.count(event.clip, event.file, event.pixelated);
          return;
        case "copy-file":
          await this.#copies.addFile(event.clip, event.file, event.keyringEpoch);
          return;
        case "blur-closed":
          await this.#copies.close(event.clip, event.reason);
          return;
        case "clip-closed":
          await this.#end(this.#requireRecording(event.clip), event.endedAtMs);
      }
    });
  }

  /** @throws RangeError when `limit` is not between 1 and 500. */
  list(query: ClipsQuery = {}): ClipsPage {
    const { before = Number.MAX_SAFE_INTEGER, limit = 100 } = query;
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > CLIPS_PAGE_MAX)
      throw new RangeError(`Cannot list clips: a limit of ${limit}`);
    const rows = this.#statements.page.all(before, limit + 1);
    const clips = rows.slice(0, limit).map(clipOf);
    return { clips, next: rows.length > limit ? (clips.at(-1)?.sequence ?? null) : null };
  }

  get(clip: ClipId): StoredClip | null {
    const row = this.#statements.clip.get(clip);
    return row === undefined ? null : clipOf(row);
  }

  /** Number of clips in each state. */
  counts(): { recording: number; closed: number; torn: number } {
    const counts = { recording: 0, closed: 0, torn: 0 };
    for (const { state, count } of this.#statements.counts.all()) counts[state] = count;
    return counts;
  }

  /** The whole files of a clip, by name; none for an unknown clip. */
  files(clip: ClipId): readonly ListedFile[] {
    return this.#statements.files.all(clip).map(fileOf);
  }

  /** The unfinished files of a clip that were recorded as torn. */
  tornFiles(clip: ClipId): readonly TornFile[] {
    return this.#statements.torn.all(clip).map(tornOf);
  }

  /**
   * Path of a listed file, put together from checked ids only.
   *
   * @throws HubError `CLIP_UNKNOWN`, `FILE_UNKNOWN`.
   */
  pathOf(clip: ClipId, file: FileKey): string {
    const folder = this.#folderOf(this.#require(clip));
    const name = sealedFileName(file);
    if (!this.files(clip).some((listed) => sealedFileName(listed) === name))
      throw new HubError("FILE_UNKNOWN", `Cannot find file: clip ${clip} lists no ${name}`);
    return path.join(folder, name);
  }

  /**
   * Path of a file that was recorded as torn.
   *
   * @throws HubError `CLIP_UNKNOWN`, `FILE_UNKNOWN`.
   */
  tornPathOf(clip: ClipId, name: string): string {
    const folder = this.#folderOf(this.#require(clip));
    const torn = this.tornFiles(clip).find((file) => file.name === name);
    if (torn === undefined)
      throw new HubError("FILE_UNKNOWN", `Cannot find file: clip ${clip} has no such torn file`);
    return path.join(folder, torn.name);
  }

  /**
   * Index of the ledger entry that lists the files of a clip.
   *
   * @throws HubError `CLIP_UNKNOWN`, `CLIP_UNLISTED` while it is recorded or with no whole file.
   */
  entryIndexOf(clip: ClipId): number {
    const { entryIndex } = this.#require(clip);
    if (entryIndex === null)
      throw new HubError("CLIP_UNLISTED", `Cannot prove clip ${clip}: no entry lists its files`);
    return entryIndex;
  }

  /** Indexes of the ledger entries that list what was made of a clip after it was recorded. */
  renditionEntriesOf(clip: ClipId): readonly number[] {
    return this.#statements.renditionEntries.all(clip);
  }

  /**
   * Index of the ledger entry that lists this file: the clip's own, or a rendition's.
   *
   * @throws HubError as {@link entryIndexOf}.
   */
  entryIndexOfFile(clip: ClipId, file: FileKey): number {
    const ofRendition = this.#statements.entryOfFile.get(clip, sealedFileName(file));
    return ofRendition ?? this.entryIndexOf(clip);
  }

  /** Folder in which the files of a clip are, absolute. @throws HubError `CLIP_UNKNOWN`. */
  folderOf(clip: ClipId): string {
    return this.#folderOf(this.#require(clip));
  }

  /**
   * What was being recorded, copies that were being made, and folders of which no row tells: to be
   * called at the start, and again after the recorder's process ended, never while one runs.
   * Nothing is removed.
   *
   * @returns the clips in which an unfinished file was recorded as torn.
   */
  async settleRecorder(): Promise<readonly ClipId[]> {
    return await this.#inTurn(async () => {
      const { database, clipsDirectory } = this.#options;
      const before = this.#statements.recording.all().map(clipOf);
      for (const clip of before) await this.#end(clip, this.#lastSeenMs(clip));
      await this.#copies.settleAll();
      const unlisted = await settleFolders(database, clipsDirectory, (clip, folder) =>
        this.#settleFolder(clip, folder),
      );
      const unfinished = before.map(({ id }) => id).filter((id) => this.get(id)?.state === "torn");
      return [...new Set([...unlisted, ...unfinished])];
    });
  }

  /**
   * Looks over every recording that has ended, while everything else goes on: for files that are
   * missing, and such as a power cut left beside what is listed. `signal` ends it early.
   */
  async sweep(signal?: AbortSignal): Promise<Recovery> {
    return await sweepClips(this.#options.database, this.#options.clipsDirectory, {
      signal,
      has: (clip) => this.get(clip) !== null,
      settle: (clip, folder) => this.#inTurn(() => this.#settleFolder(clip, folder)),
    });
  }

  /** Records what no row lists of a folder as torn; returns whether there was any. In turn. */
  async #settleFolder(clip: ClipId, folder: string): Promise<boolean> {
    const absolute = path.join(this.#options.clipsDirectory, folder);
    const names = (await namesIn(absolute)).filter(isSealedFileName);
    // What its entry says is gone is no torn file, whether or not it has been removed yet.
    if (this.#statements.deletion.get(clip) !== undefined) {
      if (names.length > 0) this.#copies.reopenDeletion(clip);
      return false;
    }
    await this.#copies.removeLeft(clip, names);
    const unfinished = await this.#unlisted(clip, absolute, names);
    if (unfinished.length > 0)
      inTransaction(this.#options.database, () => this.#recordTorn(clip, unfinished));
    return unfinished.length > 0;
  }

  /** Runs `work` while the store does nothing else: neither takes events in nor settles the past. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await this.#inTurn(work);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work);
    this.#tail = turn.catch(() => undefined);
    return await turn;
  }

  #require(clip: ClipId): StoredClip {
    const stored = this.get(clip);
    if (stored === null)
      throw new HubError("CLIP_UNKNOWN", `Cannot find clip: ${clip} is not in the store`);
    return stored;
  }

  #requireRecording(clip: ClipId): StoredClip {
    const stored = this.#require(clip);
    if (stored.state !== "recording")
      throw new HubError("CLIP_ENDED", `Cannot change clip ${clip}: it is ${stored.state}`);
    return stored;
  }

  #folderOf(clip: StoredClip): string {
    return path.join(this.#options.clipsDirectory, clipFolder(clip.id, clip.startedAtMs));
  }

  #lastSeenMs(clip: StoredClip): number {
    return clip.startedAtMs + clip.durationMs;
  }

  #start(event: RecorderEvent & { readonly type: "clip-started" }): void {
    if (this.get(event.clip) !== null)
      throw new HubError("CLIP_KNOWN", `Cannot start clip ${event.clip}: it is in the store`);
    inTransaction(this.#options.database, () => {
      this.#statements.insertClip.run(
        event.clip,
        event.camera,
        event.kind,
        JSON.stringify(event.why),
        event.eventAtMs,
        event.startedAtMs,
        event.keyringHead,
        event.keyringEpoch,
      );
      this.#copies.begin(event.clip, event.faces);
    });
  }

  async #addFile(clip: ClipId, file: SealedFile): Promise<void> {
    const name = sealedFileName(file);
    const folder = this.#folderOf(this.#requireRecording(clip));
    const sizeBytes = await sizeOfFile(path.join(folder, name));
    if (sizeBytes !== file.sizeBytes)
      throw new HubError(
        "FILE_MISSING",
        `Cannot list ${name} of clip ${clip}: ${sizeBytes ?? "no"} bytes, not ${file.sizeBytes}`,
      );
    if (this.files(clip).some((listed) => sealedFileName(listed) === name))
      throw new HubError("FILE_KNOWN", `Cannot list ${name} of clip ${clip} twice`);
    const { segment, track, rendition, payloadSha256, fromMs, toMs } = file;
    this.#statements.insertFile.run(
      clip,
      name,
      segment,
      track,
      rendition,
      sizeBytes,
      payloadSha256,
      fromMs,
      toMs,
    );
  }

  /** Closes the row, with the entries for its whole and its unfinished files. */
  async #end(clip: StoredClip, endedAtMs: number): Promise<void> {
    const folder = this.#folderOf(clip);
    const unfinished = await this.#unlisted(clip.id, folder, await namesIn(folder));
    const files = this.files(clip.id);
    const toMs = Math.max(endedAtMs, clip.startedAtMs); // A wall clock may have been set back.
    inTransaction(this.#options.database, () => {
      this.#recordTorn(clip.id, unfinished);
      const isWhole = unfinished.length === 0 && files.length > 0;
      const entryIndex = files.length === 0 ? null : this.#appendClip(clip, toMs, files);
      this.#statements.endClip.run(isWhole ? "closed" : "torn", toMs, entryIndex, clip.id);
    });
  }

  #appendClip(clip: StoredClip, toMs: number, files: readonly SealedFile[]): number {
    return this.#options.appendEntry({
      v: 1,
      kind: "clip",
      atMs: this.#options.nowMs(),
      clip: clip.id,
      camera: clip.camera,
      event: clip.kind,
      fromMs: clip.startedAtMs,
      toMs,
      keyringHead: clip.keyringHead,
      files: [...files],
    });
  }

  /** Files that no row lists yet: partial ones, and whole ones whose row was never written. */
  async #unlisted(
    clip: ClipId,
    folder: string,
    names: readonly string[],
  ): Promise<readonly MeasuredFile[]> {
    const known = new Set([
      ...this.files(clip).map(sealedFileName),
      ...this.tornFiles(clip).map(({ name }) => name),
      // What an owner's device is sending is not torn: it is listed whole, or removed.
      ...this.#statements.uploading.all({ clip }).flatMap((name) => [name, name + PARTIAL_ENDING]),
    ]);
    const measured: MeasuredFile[] = [];
    for (const name of names)
      if (isSealedFileName(name) && !known.has(name) && !this.#copies.isOfCopy(clip, name))
        measured.push(await measureFile(folder, name));
    return measured;
  }

  #recordTorn(clip: ClipId, files: readonly MeasuredFile[]): void {
    if (files.length === 0) return;
    const entryIndex = this.#options.appendEntry({
      v: 1,
      kind: "torn",
      atMs: this.#options.nowMs(),
      clip,
      files: [...files],
    });
    for (const { name, sizeBytes, sha256 } of files)
      this.#statements.insertTorn.run(clip, name, sizeBytes, sha256, entryIndex);
  }
}
