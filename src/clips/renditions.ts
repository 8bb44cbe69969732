import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import { makePrivateDirectory, PARTIAL_ENDING, syncDirectory } from "../base/files.ts";
import { sealedFileName } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import type { ClipId, DeviceId } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { DerivedFile, DeviceCopyFile, LedgerEntry } from "../protocol/ledger-entry.ts";
import { isDiskFull } from "./erase.ts";
import {
  isPayloadOf,
  requireAllSegments,
  requireAnnounced,
  requireSealed,
  takePlace,
  writeSynced,
} from "./rendition-checks.ts";
import { prepareRenditionStatements, uploadedNames } from "./rendition-rows.ts";
import type { ClipStore, StoredClip } from "./store.ts";

export interface RenditionUploadsOptions {
  readonly database: BetterSqlite3.Database;
  readonly store: ClipStore;
  /** Appends to the ledger, inside the transaction that is open, and returns the entry's index. */
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  /** Payload hashes that a release names which may still be fetched, or a proposal. */
  readonly released: () => ReadonlySet<string>;
  /** UTC. */
  readonly nowMs: () => number;
}

interface Upload {
  readonly id: string;
  readonly clip: ClipId;
  readonly device: DeviceId;
  /** Files are sealed to the readers of this keyring. */
  readonly keyringHead: string;
  readonly folder: string;
  /** By their names. */
  readonly files: ReadonlyMap<string, DeviceCopyFile>;
  readonly received: Set<string>;
  readonly replaces: readonly string[];
  /** One step after the other; a dropped upload takes none. */
  tail: Promise<unknown>;
  isDropped: boolean;
  /** Its files are the hub's from now on, and stay. */
  isListed: boolean;
  usedAtMs: number;
}

/** Owner's devices that send at the same time; each keeps files on the disk until it is done. */
const UPLOADS_MAX = 4;
/** An upload that nobody goes on with is dropped. */
const IDLE_MAX_MS = 10 * 60_000;
/** What an owner's device announces. */
export interface AnnouncedCopy {
  /** One for each original video segment, and perhaps a still, as the ledger entry will list them. */
  readonly files: readonly DeviceCopyFile[];
  /** Payload hashes of all blurred files of the clip whose place they take; empty where there are none. */
  readonly replaces: readonly string[];
}

/**
 * Blurred renditions that an owner's device made of a closed clip: one sealed file for each of its
 * original video segments, which the hub cannot open. All of them are listed, with one ledger entry,
 * or none is there: files are durable first, then entry and rows in one transaction (invariant 8),
 * then they get their names. A stop in between is made good at the next start.
 *
 * A copy may take the place of an earlier one, the hub's or an owner's: somebody found a face in that.
 * What it replaces is erased, also on the disk, and can then be seen by nobody.
 */
export class RenditionUploads {
  readonly #options: RenditionUploadsOptions;
  readonly #statements: ReturnType<typeof prepareRenditionStatements>;
  readonly #uploads = new Map<string, Upload>();
  #beginning: Promise<unknown> = Promise.resolve();

  private constructor(options: RenditionUploadsOptions) {
    this.#options = options;
    this.#statements = prepareRenditionStatements(options.database);
  }

  static open(options: RenditionUploadsOptions): RenditionUploads {
    return new RenditionUploads(options);
  }

  /** Removes what was never listed, and names what was. At the start, before orphans are looked for. */
  async settleUnfinished(): Promise<void> {
    for (const { clip, name } of uploadedNames(this.#statements)) {
      const { store } = this.#options;
      // Its folder went with the clip.
      if (store.get(clip) !== null) {
        const file = path.join(store.folderOf(clip), name);
        const listed = store.files(clip).find((one) => sealedFileName(one) === name);
        if (listed && (await isPayloadOf(file + PARTIAL_ENDING, listed))) await takePlace(file);
        await rm(file + PARTIAL_ENDING, { force: true });
        if (!listed) await rm(file, { force: true });
        await syncDirectory(path.dirname(file)).catch(() => undefined);
      }
      this.#statements.forgetName.run(clip, name);
    }
  }

  /** Drops uploads that nobody goes on with. */
  async dropIdle(): Promise<void> {
    const nowMs = this.#options.nowMs();
    for (const upload of this.#uploads.values())
      if (Math.abs(nowMs - upload.usedAtMs) > IDLE_MAX_MS) await this.#drop(upload);
  }

  /**
   * Begins an upload. One that is open for the same clip is dropped.
   *
   * @returns The upload's id.
   * @throws HubError `NOT_FOUND`, `CLIP_RECORDING`, `RENDITION_WAITING`, `RENDITION_KNOWN`,
   * `RENDITION_RELEASED`, `RENDITION_INCOMPLETE`, `TOO_MANY_RENDITIONS`; MalformedInput where a file is
   * not made from the original of its segment.
   */
  async begin(clip: ClipId, device: DeviceId, copy: AnnouncedCopy): Promise<string> {
    // One at a time: what a dropped upload leaves must be gone before another has its names.
    const turn = this.#beginning.then(() => this.#begin(clip, device, copy));
    this.#beginning = turn.catch(() => undefined);
    return await turn;
  }

  async #begin(clip: ClipId, device: DeviceId, copy: AnnouncedCopy): Promise<string> {
    await this.dropIdle();
    const { files, replaces } = copy;
    const folder = this.#options.store.folderOf(this.#requireClosed(clip).id);
    this.#requireReplaceable(clip, copy);
    requireAllSegments(this.#options.store.files(clip), files);
    for (const other of this.#uploads.values()) if (other.clip === clip) await this.#drop(other);
    if (this.#uploads.size >= UPLOADS_MAX)
      throw new HubError(
        "TOO_MANY_RENDITIONS",
        "Cannot take rendition: other devices are sending; try again in some minutes",
      );
    const id = randomBytes(16).toString("hex");
    this.#uploads.set(id, {
      ...{ id, clip, device, folder },
      keyringHead: this.#options.keyring().head,
      files: new Map(files.map((file) => [sealedFileName(file), file])),
      received: new Set(),
      replaces,
      tail: Promise.resolve(),
      isDropped: false,
      isListed: false,
      usedAtMs: this.#options.nowMs(),
    });
    inTransaction(this.#options.database, () => {
      for (const file of files) this.#statements.addName.run(clip, sealedFileName(file));
    });
    return id;
  }

  /**
   * Takes one file in. It stays `.partial` until {@link close}.
   *
   * @param segment - Null for the still.
   * @throws HubError `NOT_FOUND`, `FILE_KNOWN`, `DISK_FULL`; MalformedInput where the bytes are not
   * what was announced, or not sealed to three readers of the household's kind.
   */
  async receive(
    clip: ClipId,
    id: string,
    segment: number | null,
    bytes: Uint8Array,
  ): Promise<void> {
    const upload = this.#requireUpload(clip, id);
    await this.#inTurn(upload, async () => {
      const track = segment === null ? "poster" : "video";
      const name = sealedFileName({ segment, track, rendition: "blurred" });
      const file = upload.files.get(name);
      if (!file) throw new HubError("NOT_FOUND", `Cannot take file: ${name} was not announced`);
      if (upload.received.has(name))
        throw new HubError("FILE_KNOWN", `Cannot take file: ${name} came before`);
      requireAnnounced(file, bytes);
      requireSealed(bytes, this.#options.keyring());
      // Its folder may have gone with the clip: nothing would ever be removed from a new one.
      this.#requireClosed(clip);
      await makePrivateDirectory(upload.folder);
      await writeSynced(path.join(upload.folder, name + PARTIAL_ENDING), bytes);
      upload.received.add(name);
    });
  }

  /**
   * Lists the rendition: all of its files, with one ledger entry.
   *
   * @returns The entry's index.
   * @throws HubError `NOT_FOUND`, `RENDITION_INCOMPLETE`, `KEYRING_CHANGED`, `DISK_FULL`. But for
   * the second, the upload is gone then.
   */
  async close(clip: ClipId, id: string): Promise<number> {
    const upload = this.#requireUpload(clip, id);
    return this.#inTurn(upload, async () => {
      if (upload.received.size !== upload.files.size)
        throw new HubError(
          "RENDITION_INCOMPLETE",
          `Cannot list rendition: ${upload.received.size} of ${upload.files.size} files came`,
        );
      try {
        // Neither retention nor the recorder's events come in between.
        return await this.#options.store.exclusively(() => this.#list(upload));
      } catch (error) {
        await this.#forget(upload);
        throw error;
      }
    });
  }

  /** Gives an upload up; nothing of it stays. @throws HubError `NOT_FOUND`. */
  async drop(clip: ClipId, id: string): Promise<void> {
    await this.#drop(this.#requireUpload(clip, id));
  }

  async #list(upload: Upload): Promise<number> {
    const { clip, folder } = upload;
    this.#requireClosed(clip);
    await syncDirectory(folder);
    const entryIndex = this.#enter(upload);
    upload.isListed = true;
    this.#uploads.delete(upload.id);
    upload.isDropped = true;
    for (const name of upload.files.keys()) await takePlace(path.join(folder, name));
    await syncDirectory(folder);
    for (const name of upload.files.keys()) this.#statements.forgetName.run(clip, name);
    return entryIndex;
  }

  /**
   * Entry and rows; the names are remembered until the files have them. Nothing is awaited between what
   * is asked here and what is written: a decision in between would name a file that is then erased.
   */
  #enter(upload: Upload): number {
    const { clip, device, files, replaces } = upload;
    this.#requireClosed(clip);
    if (this.#options.keyring().head !== upload.keyringHead)
      throw new HubError(
        "KEYRING_CHANGED",
        "Cannot list rendition: the household's keys have changed; seal it again",
      );
    this.#requireReplaceable(clip, { files: [...files.values()], replaces });
    const gone = this.#options.store
      .files(clip)
      .filter(({ payloadSha256 }) => replaces.includes(payloadSha256));
    return inTransaction(this.#options.database, () => {
      const atMs = this.#options.nowMs();
      const made = [...files.values()];
      const videos = made.filter((file): file is DerivedFile => file.track === "video");
      const common = { kind: "rendition", atMs, clip, device } as const;
      const isFirst = replaces.length === 0 && videos.length === made.length;
      const index = this.#options.appendEntry(
        isFirst
          ? { v: 2, ...common, files: videos }
          : { v: 4, ...common, files: made, replaces: [...replaces] },
      );
      for (const file of gone) this.#statements.unlistFile(clip, file);
      for (const file of made) this.#statements.listFile(clip, file, index);
      this.#statements.settleCopy.run(videos.length, clip);
      return index;
    });
  }

  async #drop(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id);
    upload.isDropped = true;
    await upload.tail;
    await this.#removeFiles(upload);
  }

  /** {@link #drop} from within the upload's own turn. */
  async #forget(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id);
    upload.isDropped = true;
    await this.#removeFiles(upload);
  }

  async #removeFiles({ clip, folder, files, isListed }: Upload): Promise<void> {
    if (isListed) return;
    for (const name of files.keys()) {
      await rm(path.join(folder, name + PARTIAL_ENDING), { force: true });
      this.#statements.forgetName.run(clip, name);
    }
  }

  async #inTurn<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    const turn = upload.tail.then(async () => {
      if (upload.isDropped) throw gone();
      upload.usedAtMs = this.#options.nowMs();
      return work();
    });
    upload.tail = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      await this.#drop(upload);
      throw new HubError("DISK_FULL", "Cannot take rendition: the hub's disk is full", {
        cause: error,
      });
    }
  }

  #requireUpload(clip: ClipId, id: string): Upload {
    const upload = this.#uploads.get(id);
    if (upload?.clip !== clip) throw gone();
    return upload;
  }

  #requireClosed(clip: ClipId): StoredClip {
    const stored = this.#options.store.get(clip);
    if (stored === null) throw new HubError("NOT_FOUND", "There is no clip of this id");
    if (stored.entryIndex === null)
      throw new HubError("CLIP_RECORDING", "Cannot take rendition: no entry lists this clip yet");
    return stored;
  }

  /** All that is blurred goes, or nothing: two copies of one recording would be shown as one. */
  #requireReplaceable(clip: ClipId, { files, replaces }: AnnouncedCopy): void {
    const stored = this.#options.store.get(clip);
    if (stored?.blur?.state === "waiting")
      throw new HubError(
        "RENDITION_WAITING",
        "Cannot take rendition: the hub is still making its own; wait until it is done",
      );
    const blurred = this.#options.store
      .files(clip)
      .filter(({ rendition }) => rendition === "blurred");
    const known = new Set<string>(blurred.map(({ payloadSha256 }) => payloadSha256));
    if (known.size !== replaces.length || !replaces.every((payload) => known.has(payload)))
      throw new HubError(
        "RENDITION_KNOWN",
        "Cannot take rendition: this clip has another blurred one; look at it again",
      );
    const names = new Set(files.map(sealedFileName));
    if (!blurred.every((file) => names.has(sealedFileName(file))))
      throw new HubError(
        "RENDITION_INCOMPLETE",
        "Cannot take rendition: it has no file for one whose place it takes",
      );
    const released = this.#options.released();
    if (replaces.some((payload) => released.has(payload)))
      throw new HubError(
        "RENDITION_RELEASED",
        "Cannot take rendition: an approval names the copy that it would replace; take that back first",
      );
  }
}

function gone(): HubError {
  return new HubError("NOT_FOUND", "There is no such upload; begin again");
}
