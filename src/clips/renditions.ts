import { createHash, randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import {
  makePrivateDirectory,
  PARTIAL_ENDING,
  PRIVATE_FILE_MODE,
  syncDirectory,
} from "../base/files.ts";
import { requireAgeHeader, STANZA_TYPE } from "../protocol/age-header.ts";
import { sealedFileName } from "../protocol/clip.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import type { ClipId, DeviceId } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { DerivedFile, LedgerEntry } from "../protocol/ledger-entry.ts";
import { isDiskFull } from "./erase.ts";
import { prepareRenditionStatements, uploadedNames } from "./rendition-rows.ts";
import type { ClipStore, StoredClip } from "./store.ts";

export interface RenditionUploadsOptions {
  readonly database: BetterSqlite3.Database;
  readonly store: ClipStore;
  /** Appends to the ledger, inside the transaction that is open, and returns the entry's index. */
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
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
  readonly files: ReadonlyMap<number, DerivedFile>;
  readonly received: Set<number>;
  /** One step after the other; a dropped upload takes none. */
  tail: Promise<unknown>;
  isDropped: boolean;
  usedAtMs: number;
}

/** Owner's devices that send at the same time; each keeps files on the disk until it is done. */
const UPLOADS_MAX = 4;
/** An upload that nobody goes on with is dropped. */
const IDLE_MAX_MS = 10 * 60_000;
/** Originals reader, blurred reader, recovery. */
const STANZAS = 3;

/** A picture that is blurred needs no more room; another encoder may need somewhat more. */
const GROWTH_MAX = 4;
const GROWTH_FREE_BYTES = 2 * 1024 * 1024;

/**
 * Blurred renditions that an owner's device made of a closed clip: one sealed file for each of its
 * original video segments, which the hub cannot open. All of them are listed, with one ledger entry,
 * or none is there: files are durable first, then entry and rows in one transaction (invariant 8).
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

  /** Removes what was never listed. At the start of the hub, before orphans are looked for. */
  async removeUnfinished(): Promise<void> {
    for (const { clip, name } of uploadedNames(this.#statements)) {
      const stored = this.#options.store.get(clip);
      // Its folder went with the clip.
      if (stored !== null) {
        const file = path.join(this.#options.store.folderOf(clip), name);
        await rm(file + PARTIAL_ENDING, { force: true });
        await rm(file, { force: true });
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
   * @param files - One for each original video segment, as the ledger entry will list them.
   * @returns The upload's id.
   * @throws HubError `NOT_FOUND`, `CLIP_RECORDING`, `RENDITION_KNOWN`, `TOO_MANY_RENDITIONS`;
   * MalformedInput where a file is not made from the original of its segment.
   */
  async begin(clip: ClipId, device: DeviceId, files: readonly DerivedFile[]): Promise<string> {
    // One at a time: what a dropped upload leaves must be gone before another has its names.
    const turn = this.#beginning.then(() => this.#begin(clip, device, files));
    this.#beginning = turn.catch(() => undefined);
    return await turn;
  }

  async #begin(clip: ClipId, device: DeviceId, files: readonly DerivedFile[]): Promise<string> {
    await this.dropIdle();
    const folder = this.#options.store.folderOf(this.#requireClosed(clip).id);
    this.#requireAllSegments(clip, files);
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
      files: new Map(files.map((file) => [file.segment, file])),
      received: new Set(),
      tail: Promise.resolve(),
      isDropped: false,
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
   * @throws HubError `NOT_FOUND`, `FILE_KNOWN`, `DISK_FULL`; MalformedInput where the bytes are not
   * what was announced, or not sealed to three readers of the household's kind.
   */
  async receive(clip: ClipId, id: string, segment: number, bytes: Uint8Array): Promise<void> {
    const upload = this.#requireUpload(clip, id);
    await this.#inTurn(upload, async () => {
      const file = upload.files.get(segment);
      if (!file)
        throw new HubError("NOT_FOUND", `Cannot take file: segment ${segment} was not announced`);
      if (upload.received.has(segment))
        throw new HubError("FILE_KNOWN", `Cannot take file: segment ${segment} came before`);
      requireAnnounced(file, bytes);
      requireSealed(bytes, this.#options.keyring());
      // Its folder may have gone with the clip: nothing would ever be removed from a new one.
      this.#requireClosed(clip);
      await makePrivateDirectory(upload.folder);
      const partial = path.join(upload.folder, sealedFileName(file) + PARTIAL_ENDING);
      await writeSynced(partial, bytes);
      upload.received.add(segment);
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
    const { clip, device, folder } = upload;
    this.#requireClosed(clip);
    if (this.#options.keyring().head !== upload.keyringHead)
      throw new HubError(
        "KEYRING_CHANGED",
        "Cannot list rendition: the household's keys have changed; seal it again",
      );
    const files = [...upload.files.values()];
    for (const file of files) {
      const finalPath = path.join(folder, sealedFileName(file));
      await rename(finalPath + PARTIAL_ENDING, finalPath);
    }
    await syncDirectory(folder);
    const entryIndex = inTransaction(this.#options.database, () => {
      const atMs = this.#options.nowMs();
      const index = this.#options.appendEntry({
        ...{ v: 2, kind: "rendition", atMs, clip, device },
        files: [...files],
      });
      for (const file of files) this.#statements.listFile(clip, file, index);
      return index;
    });
    this.#uploads.delete(upload.id);
    upload.isDropped = true;
    return entryIndex;
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

  async #removeFiles({ clip, folder, files }: Upload): Promise<void> {
    for (const file of files.values()) {
      const name = sealedFileName(file);
      await rm(path.join(folder, name + PARTIAL_ENDING), { force: true });
      const isListed = this.#options.store.files(clip).some((one) => sealedFileName(one) === name);
      if (!isListed) await rm(path.join(folder, name), { force: true });
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

  #requireAllSegments(clip: ClipId, files: readonly DerivedFile[]): void {
    const listed = this.#options.store.files(clip).filter(({ track }) => track === "video");
    if (listed.some(({ rendition }) => rendition === "blurred"))
      throw new HubError("RENDITION_KNOWN", "Cannot take rendition: this clip has a blurred one");
    const originals = new Map(listed.map((file) => [file.segment, file]));
    for (const file of files) {
      const original = originals.get(file.segment);
      originals.delete(file.segment);
      if (!original || original.payloadSha256 !== file.derivedFrom)
        throw new MalformedInput(
          "derivedFrom",
          `Cannot take rendition: segment ${file.segment} is not made from what was recorded`,
        );
      if (file.sizeBytes > original.sizeBytes * GROWTH_MAX + GROWTH_FREE_BYTES)
        throw new MalformedInput(
          "sizeBytes",
          `Cannot take rendition: segment ${file.segment} is far larger than its original`,
        );
      if (original.fromMs !== file.fromMs || original.toMs !== file.toMs)
        throw new MalformedInput(
          "fromMs",
          `Cannot take rendition: segment ${file.segment} has other times than its original`,
        );
    }
    if (originals.size > 0)
      throw new MalformedInput(
        "files",
        `Cannot take rendition: ${originals.size} segments of the clip are left out`,
      );
  }
}

function gone(): HubError {
  return new HubError("NOT_FOUND", "There is no such upload; begin again");
}

function requireAnnounced(file: DerivedFile, bytes: Uint8Array): void {
  if (bytes.length !== file.sizeBytes)
    throw new MalformedInput(
      "sizeBytes",
      `Cannot take file: ${bytes.length} bytes came, ${file.sizeBytes} were announced`,
    );
  const { payloadOffset } = requireAgeHeader(bytes);
  const payload = createHash("sha256").update(bytes.subarray(payloadOffset)).digest("hex");
  if (payload !== file.payloadSha256)
    throw new MalformedInput("payloadSha256", "Cannot take file: it has another payload hash");
}

/** All that can be seen from outside: one stanza for each of three readers, of their kind. */
function requireSealed(bytes: Uint8Array, { readers }: Keyring): void {
  const { stanzas } = requireAgeHeader(bytes);
  const isOfKind = stanzas.every(({ args }) => args[0] === STANZA_TYPE[readers.kind]);
  if (stanzas.length !== STANZAS || !isOfKind)
    throw new MalformedInput(
      "age header",
      `Cannot take file: it must have ${STANZAS} stanzas of type ${STANZA_TYPE[readers.kind]}`,
    );
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(file, "w", PRIVATE_FILE_MODE);
  await handle.writeFile(bytes);
  await handle.sync();
}
