import { open } from "node:fs/promises";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import { systemErrorCode } from "../base/files.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import { sealedFileName } from "../protocol/clip.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { parseClipId, type ClipId } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { verifyRewrap, type VerifiedRewrap } from "../protocol/rewrap.ts";
import { isDiskFull } from "./erase.ts";
import { readHeader, replaceHeaders, type NewHeader } from "./replace-headers.ts";
import { prepareRewrapStatements, sealedBeforeOf, type ClipSealedBefore } from "./rewrap-rows.ts";
import type { ClipStore, StoredClip } from "./store.ts";

export interface RewrapsOptions {
  readonly database: BetterSqlite3.Database;
  readonly store: ClipStore;
  /** Appends to the ledger, inside the transaction that is open, and returns the entry's index. */
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  /** UTC. */
  readonly nowMs: () => number;
  readonly log: (level: "info" | "warn", message: string) => void;
}

export const SEALED_BEFORE_MAX = 500;
/** Files that are open at the same time, twice. */
const BATCH_FILES = 16;

/**
 * Recordings that an owner's device seals anew, for the readers that are in force. The hub never
 * sees a file key: it takes headers that an owner signed for, and puts them before payloads that stay
 * as they are. The ledger's entry comes first (invariant 8); from then on the headers are in the
 * database until they are on the disk, whatever stops in between.
 */
export class Rewraps {
  readonly #options: RewrapsOptions;
  readonly #statements: ReturnType<typeof prepareRewrapStatements>;
  #trouble = "";

  private constructor(options: RewrapsOptions) {
    this.#options = options;
    this.#statements = prepareRewrapStatements(options.database);
  }

  static open(options: RewrapsOptions): Rewraps {
    return new Rewraps(options);
  }

  /**
   * Clips that are listed in the ledger and whose headers were made under a keyring before
   * `beforeEpoch`, newest first.
   *
   * @param before - `next` of the page before.
   * @throws RangeError when `limit` is not between 1 and 500.
   */
  sealedBefore(
    beforeEpoch: number,
    { before = Number.MAX_SAFE_INTEGER, limit = 100 }: { before?: number; limit?: number } = {},
  ): { readonly clips: readonly ClipSealedBefore[]; readonly next: number | null } {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > SEALED_BEFORE_MAX)
      throw new RangeError(`Cannot list clips: a limit of ${limit}`);
    const rows = this.#statements.sealedBefore(before, beforeEpoch, limit + 1);
    const clips = rows.slice(0, limit).map(sealedBeforeOf);
    return { clips, next: rows.length > limit ? (clips.at(-1)?.sequence ?? null) : null };
  }

  /**
   * Enters an owner's statement, then gives the files of its clip their new headers.
   *
   * @param headers - Base64, in the order of the statement's files.
   * @returns Index of the ledger entry.
   * @throws HubError `NOT_FOUND`, `CLIP_RECORDING`, `KEYRING_CHANGED`, `REWRAP_REFUSED`,
   * `FILE_MISSING`, `FILE_DAMAGED`; `DISK_FULL` where it is entered and done as soon as there is
   * room; MalformedInput.
   */
  async apply(clip: ClipId, statement: Envelope, headers: readonly string[]): Promise<number> {
    // Neither retention nor an owner's rendition comes in between.
    const entryIndex = await this.#options.store.exclusively(async () => {
      const stored = this.#requireListed(clip);
      const keyring = this.#options.keyring();
      const listed = this.#options.store.files(clip);
      const verified = verifyRewrap(statement, headers, { keyring, clip, listed });
      const files = await this.#requireSameLengths(stored, verified);
      return this.#enter(verified, clip, keyring, statement, files);
    });
    await this.#finishClip(clip);
    return entryIndex;
  }

  /** Does what is entered and not on the disk. At the start, before orphans are looked for, and later. */
  async finish(): Promise<void> {
    for (const clip of this.#statements.waitingClips.all()) {
      try {
        await this.#finishClip(parseClipId(clip));
        this.#trouble = "";
      } catch (error) {
        const trouble = `clip ${clip} is not sealed anew yet: ${error instanceof Error ? error.message : "?"}`;
        // Tried again every few seconds; said once.
        if (trouble !== this.#trouble) this.#options.log("warn", trouble);
        this.#trouble = trouble;
      }
    }
  }

  #enter(
    { rewrap, device }: VerifiedRewrap,
    clip: ClipId,
    keyring: Keyring,
    statement: Envelope,
    files: readonly NewHeader[],
  ): number {
    const { keyringHead } = rewrap;
    return inTransaction(this.#options.database, () => {
      const atMs = this.#options.nowMs();
      const index = this.#options.appendEntry({
        ...{ v: 1, kind: "rewrap", atMs, clip, device, keyringHead },
        files: [...rewrap.files],
      });
      this.#statements.insert(clip, keyring, index, canonicalJson(statement), files);
      return index;
    });
  }

  /** In turns of a few files, so that what is being recorded does not wait for a whole clip. */
  async #finishClip(clip: ClipId): Promise<void> {
    for (;;) {
      const isDone = await this.#options.store.exclusively(async () => {
        const waiting = this.#statements.waiting.all(clip).slice(0, BATCH_FILES);
        // Also where the clip was deleted meanwhile: its rows went with it.
        if (waiting.length === 0) return true;
        await this.#replace(clip, waiting);
        inTransaction(this.#options.database, () => {
          for (const { name } of waiting) this.#statements.done.run(clip, name);
        });
        return false;
      });
      if (isDone) return;
    }
  }

  async #replace(clip: ClipId, waiting: readonly NewHeader[]): Promise<void> {
    const folder = this.#options.store.folderOf(clip);
    const files: NewHeader[] = [];
    for (const file of waiting)
      if (await hasHeaderOfLength(path.join(folder, file.name), file.header.length))
        files.push(file);
      else this.#options.log("warn", `${clip}/${file.name} was damaged and is not sealed anew`);
    try {
      for await (const _step of replaceHeaders(folder, files));
    } catch (error) {
      if (isDiskFull(error))
        throw new HubError(
          "DISK_FULL",
          "Cannot finish: the disk is full. The new headers are entered and are written when there is room",
          { cause: error },
        );
      throw error;
    }
  }

  /** Of another length a file would have another size than every entry, row and approval says. */
  async #requireSameLengths(
    stored: StoredClip,
    { rewrap, headers }: VerifiedRewrap,
  ): Promise<NewHeader[]> {
    const folder = this.#options.store.folderOf(stored.id);
    const files: NewHeader[] = [];
    for (const [index, file] of rewrap.files.entries()) {
      const name = sealedFileName(file);
      const header = headers[index] ?? new Uint8Array();
      await using handle = await open(path.join(folder, name), "r").catch((cause: unknown) => {
        if (systemErrorCode(cause) !== "ENOENT") throw cause;
        throw new HubError("FILE_MISSING", `Cannot seal anew: ${name} is not on the disk`);
      });
      const found = await readHeader(handle);
      if (found === null)
        throw new HubError("FILE_DAMAGED", `Cannot seal anew: ${name} ends inside its header`);
      if (found.payloadOffset !== header.length)
        throw new HubError(
          "REWRAP_REFUSED",
          `Cannot seal anew: the new header of ${name} has ${header.length} bytes, not ${found.payloadOffset}`,
        );
      files.push({ name, header });
    }
    return files;
  }

  #requireListed(clip: ClipId): StoredClip {
    const stored = this.#options.store.get(clip);
    if (stored === null) throw new HubError("NOT_FOUND", "There is no clip of this id");
    if (stored.entryIndex === null)
      throw new HubError("CLIP_RECORDING", "Cannot seal anew: no entry lists this clip yet");
    return stored;
  }
}

/** False where the file is gone or damaged since its new header was entered. */
async function hasHeaderOfLength(file: string, length: number): Promise<boolean> {
  try {
    await using handle = await open(file, "r");
    return (await readHeader(handle))?.payloadOffset === length;
  } catch (error) {
    if (error instanceof MalformedInput || systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}
