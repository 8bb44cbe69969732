import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { systemErrorCode } from "../base/files.ts";
import { readHeader } from "../clips/replace-headers.ts";
import { sha256Hex, toHex } from "../protocol/bytes.ts";
import {
  COPY_LIMITS,
  COPY_MARKER,
  parseCopyObjectName,
  readCopyMarker,
  writeCopyMarker,
} from "../protocol/copy-format.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import type { CopyObjectRow, CopyRows } from "./copy-rows.ts";
import { letOldPapersGo } from "./old-papers.ts";
import type { Pace } from "./pace.ts";
import { isLeftOver } from "./place-names.ts";
import { SequenceSet } from "./sequence-set.ts";
import { isPlaceError, placeError, readAll, type Place, type PlaceContent } from "./place.ts";
import type { SealedPapers } from "./sealed-papers.ts";

export interface CopierOptions {
  readonly rows: CopyRows;
  readonly papers: SealedPapers;
  readonly dataDirectory: string;
  readonly house: { readonly origin: string; readonly ledgerKey: Uint8Array };
  readonly nowMs: () => number;
}

export interface TurnOptions {
  readonly place: Place;
  readonly pace: Pace;
  readonly deletions: "follow" | "keep";
  readonly signal: AbortSignal;
}

const BATCH = 50;
const SAMPLE = 3;
const READ_BACK_BYTES_MAX = 8 * 1024 * 1024;
const LOOK_ALL_MS = 24 * 3_600_000;
const READ_BYTES = 64 * 1024;

/**
 * Brings what must be elsewhere there, one object after the other, each looked at before it counts.
 * Whatever stops it, the next turn goes on where the rows say.
 */
export class Copier {
  readonly #options: CopierOptions;

  constructor(options: CopierOptions) {
    this.#options = options;
  }

  /**
   * One whole turn.
   *
   * @returns What stands in the way of single objects, for the owner; null where nothing does.
   * @throws HubError of the place, or where the place is another household's; what was put stays.
   */
  async turn(turn: TurnOptions): Promise<string | null> {
    const { rows, papers } = this.#options;
    await this.#requireOwn(turn);
    while (rows.queueSome()) await breathe(turn.signal);
    rows.queueDocuments();
    await this.#queueTorn();
    const writer = await papers.writer();
    await papers.tidy(writer);
    if (papers.isStateDue() && !papers.isUnderWay(writer))
      await papers.spoolState(writer, await this.#nextSequence(turn, writer));
    await papers.spoolEntries(writer);
    const last = rows.lastSequence();
    const problems: string[] = [];
    await this.#putSpool(turn, problems);
    if (turn.deletions === "follow") letOldPapersGo(rows, writer);
    await this.#putRecordings(turn, problems);
    this.#followHeaders(turn);
    await this.#removeGone(turn);
    await this.#lookAgain(turn, problems);
    // What came meanwhile is for the next turn: where much is recorded, something always waits.
    if (!rows.isWaiting(last)) rows.set({ finished_at_ms: this.#options.nowMs() });
    const [first] = problems;
    if (first === undefined) return null;
    return problems.length === 1 ? first : `${first} (and ${problems.length - 1} more)`;
  }

  /** Nothing is put where another household's copy is, or where this one's has gone. */
  async #requireOwn({ place, signal }: TurnOptions): Promise<void> {
    const { rows, house } = this.#options;
    const marker = writeCopyMarker({
      ...{ origin: house.origin, ledgerKey: toHex(house.ledgerKey) },
    });
    const found = await markerAt(place, signal);
    if (found === null) {
      if (rows.place()?.is_marked === 1)
        throw placeError(
          "PLACE_MISSING",
          `Cannot copy to ${place.address}: the copy that was there is gone. Connect its disk; or, for a new copy there, take copy out of the settings and put it in again`,
        );
      await place.put(COPY_MARKER, contentOf(marker), signal);
      if ((await markerAt(place, signal)) === null)
        throw placeError(
          "PLACE_LIES",
          `Cannot copy to ${place.address}: it says that it took a file, and does not have it`,
        );
    } else if (found !== toHex(house.ledgerKey))
      throw placeError(
        "PLACE_OTHER_HOUSE",
        `Cannot copy to ${place.address}: another household's copy is there. Nothing was changed; choose another folder`,
      );
    rows.set({ is_marked: 1 });
  }

  /** Above every state that lies there, whoever put it. */
  async #nextSequence({ place, signal }: TurnOptions, writer: string): Promise<number> {
    const { rows } = this.#options;
    let highest = rows.place()?.state_sequence ?? 0;
    let others = 0;
    for await (const { name } of place.list("state/", signal)) {
      const object = parseCopyObjectName(name);
      if (object?.type !== "state-index") continue;
      highest = Math.max(highest, object.sequence);
      if (object.writer !== writer) others = Math.max(others, object.sequence);
    }
    const known = rows.place()?.others_sequence ?? null;
    if (known === null) rows.set({ others_sequence: others });
    else if (others > known)
      throw placeError(
        "PLACE_TAKEN",
        `Cannot copy to ${place.address}: another hub of this household writes there too. Stop one of the two, or give one another folder`,
      );
    return highest + 1;
  }

  async #putSpool(turn: TurnOptions, problems: string[]): Promise<void> {
    const { rows, papers } = this.#options;
    for (let after = 0; ;) {
      const waiting = rows.spool(after, BATCH);
      if (waiting.length === 0) break;
      for (const row of waiting) {
        after = row.sequence;
        await this.#put(turn, row, problems);
        if (!(rows.byName(row.name)?.state === "there")) continue;
        const object = parseCopyObjectName(row.name);
        if (object?.type === "ledger") await papers.forget(row.file ?? "");
        if (object?.type !== "state-index") continue;
        await papers.forget(row.file ?? "");
        await papers.forget((row.file ?? "").replace(/\.index$/, ""));
      }
    }
  }

  async #putRecordings(turn: TurnOptions, problems: string[]): Promise<void> {
    const { rows } = this.#options;
    for (let before = Number.MAX_SAFE_INTEGER; ;) {
      const waiting = rows.waiting(before, false, BATCH);
      if (waiting.length === 0) return;
      for (const row of waiting) {
        before = row.sequence;
        await this.#put(turn, row, problems);
      }
    }
  }

  /** What is wrong with one object keeps no other from going; what is wrong with the place ends the turn. */
  async #put(turn: TurnOptions, row: CopyObjectRow, problems: string[]): Promise<void> {
    const { rows } = this.#options;
    const { place, pace, signal } = turn;
    signal.throwIfAborted();
    const content = await this.#contentOf(row);
    if (content === null) {
      if (row.content === "spool") this.#losePaper(row);
      return void problems.push(`${row.name} is not on the hub's disk`);
    }
    rows.read(row.sequence, content.sizeBytes, content.sha256);
    const paced = { ...content, open: () => pace.pass(content.open(), signal) };
    try {
      await place.put(row.name, paced, signal);
    } catch (error) {
      if (!isPlaceError(error, "PLACE_TAKEN") && !isChanged(error)) throw error;
      problems.push(error instanceof Error ? error.message : row.name);
      return;
    }
    const there = await place.look(row.name, signal);
    const isWhole =
      there?.sizeBytes === content.sizeBytes &&
      (there.sha256 === null || there.sha256 === content.sha256);
    if (!isWhole)
      throw placeError(
        "PLACE_LIES",
        `Cannot trust ${place.address}: it took ${row.name} and has ${there === null ? "nothing" : "something else"}`,
      );
    const isThere = rows.setThere(row.sequence);
    const isLatest = row.content === "whole" && row.revision > 0;
    if (isThere && isLatest && turn.deletions === "follow") rows.supersede(row);
  }

  /** Its whole file comes after a header: with the next turn, and only where what it replaces can go. */
  #followHeaders({ deletions }: TurnOptions): void {
    const { rows } = this.#options;
    const canRemove = rows.place()?.can_remove ?? null;
    if (deletions === "keep" || canRemove === 0) return;
    rows.followHeaders(canRemove === null ? 1 : Number.MAX_SAFE_INTEGER);
  }

  async #removeGone({ place, deletions, signal }: TurnOptions): Promise<void> {
    const { rows } = this.#options;
    if (deletions === "follow" && rows.place()?.can_remove !== 0) rows.tryStaying();
    for (let after = 0; ;) {
      const going = rows.going(after, BATCH);
      if (going.length === 0) return;
      for (const { sequence, name } of going) {
        signal.throwIfAborted();
        after = sequence;
        const isGone =
          deletions === "follow" &&
          (await place.remove(name, signal)) &&
          (await place.look(name, signal)) === null;
        if (deletions === "follow") rows.set({ can_remove: isGone ? 1 : 0 });
        if (isGone) rows.drop(sequence);
        else rows.setState(sequence, "stays");
      }
    }
  }

  /** A few each time, and all names once a day. */
  async #lookAgain(turn: TurnOptions, problems: string[]): Promise<void> {
    const { rows, nowMs } = this.#options;
    const { place, signal } = turn;
    for (const row of rows.sample(SAMPLE)) {
      const there = await place.look(row.name, signal);
      if (there === null) {
        if (row.content === "spool") this.#losePaper(row);
        else rows.setState(row.sequence, "waiting");
        problems.push(`The copy has lost ${row.name}`);
        continue;
      }
      const said = there.sha256 ?? (await this.#readBack(turn, row));
      if (there.sizeBytes !== row.size_bytes || said !== row.sha256)
        problems.push(`The copy has ${row.name} otherwise than it was put`);
    }
    const lookedAtMs = rows.place()?.looked_at_ms ?? null;
    if (lookedAtMs !== null && Math.abs(nowMs() - lookedAtMs) < LOOK_ALL_MS) return;
    await this.#lookAtAll(turn, problems);
  }

  /** Sealed anew it is other bytes: the next turn makes a new state, in which all of it is. */
  #losePaper({ sequence }: CopyObjectRow): void {
    const { rows } = this.#options;
    rows.drop(sequence);
    rows.set({ state_at_ms: null });
  }

  async #readBack({ place, signal }: TurnOptions, row: CopyObjectRow): Promise<string | null> {
    if (row.size_bytes > READ_BACK_BYTES_MAX) return row.sha256;
    return sha256Hex(await readAll(place, row.name, row.size_bytes, signal));
  }

  async #lookAtAll({ place, signal }: TurnOptions, problems: string[]): Promise<void> {
    const { rows, nowMs } = this.#options;
    const atMs = nowMs();
    const seen = new SequenceSet(rows.lastSequence());
    for await (const { name, sizeBytes } of place.list("", signal)) {
      if (isLeftOver(name)) await place.remove(name, signal);
      const row = rows.byName(name);
      if (row?.state !== "there") continue;
      seen.add(row.sequence);
      if (row.size_bytes !== sizeBytes)
        problems.push(`The copy has ${name} with another size than it was put with`);
    }
    let missing = 0;
    for (let there = rows.there(0); there.length > 0;) {
      const lost = there.filter(({ sequence }) => !seen.has(sequence));
      rows.lost(lost);
      if (lost.some(({ content }) => content === "spool")) rows.set({ state_at_ms: null });
      missing += lost.length;
      await breathe(signal);
      there = rows.there(there.at(-1)?.sequence ?? 0);
    }
    if (missing > 0) problems.push(`The copy had lost ${missing} files; they are put again`);
    rows.set({ looked_at_ms: atMs });
  }

  async #queueTorn(): Promise<void> {
    const { rows, dataDirectory } = this.#options;
    const torn = rows.unqueuedTorn(BATCH);
    if (torn.length === 0) return;
    const months = await readdir(path.join(dataDirectory, "clips"));
    for (const { clip, name: file, size_bytes } of torn)
      for (const month of months) {
        const name = `clips/${month}/${clip}/${file}`;
        const found = await lstat(path.join(dataDirectory, name)).catch(() => null);
        if (!found?.isFile() || parseCopyObjectName(name) === null) continue;
        rows.add({
          ...{ name, clip, file, revision: 0, content: "whole", spool_from: 0 },
          ...{ size_bytes, sha256: null },
        });
      }
  }

  async #contentOf(row: CopyObjectRow): Promise<PlaceContent | null> {
    try {
      if (row.content === "header") return await this.#headerOf(row);
      const file = this.#fileOf(row);
      const from = row.spool_from;
      const isPart = row.content === "spool";
      const span = isPart ? { start: from, end: from + row.size_bytes - 1 } : {};
      const openFile = (): AsyncIterable<Uint8Array> =>
        createReadStream(file, { ...span, highWaterMark: READ_BYTES });
      const hash = createHash("sha256");
      let sizeBytes = 0;
      for await (const part of openFile()) {
        hash.update(part);
        sizeBytes += part.length;
      }
      if (sizeBytes === 0 || sizeBytes > COPY_LIMITS.objectBytes) return null;
      return { sizeBytes, sha256: hash.digest("hex"), open: openFile };
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return null;
      throw error;
    }
  }

  async #headerOf(row: CopyObjectRow): Promise<PlaceContent | null> {
    await using handle = await open(this.#fileOf(row), "r");
    const header = await readHeader(handle);
    return header && contentOf(header.headerBytes);
  }

  #fileOf({ content, name, file, clip }: CopyObjectRow): string {
    const { dataDirectory, papers } = this.#options;
    if (content === "spool") return papers.pathOf(file ?? "");
    if (content === "document") return path.join(dataDirectory, "documents", file ?? "");
    const [, month = ""] = name.split("/");
    return path.join(dataDirectory, "clips", month, clip ?? "", file ?? "");
  }
}

/** Lets the hub answer others between two slices of a long piece of work. */
async function breathe(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}

/** The ledger key that a marker names, or null where there is none. */
async function markerAt(place: Place, signal: AbortSignal): Promise<string | null> {
  try {
    const bytes = await readAll(place, COPY_MARKER, COPY_LIMITS.markerBytes, signal);
    return readCopyMarker(bytes).ledgerKey;
  } catch (error) {
    if (isPlaceError(error, "PLACE_OBJECT_MISSING")) return null;
    if (!(error instanceof MalformedInput)) throw error;
    throw placeError(
      "PLACE_TAKEN",
      `Cannot copy to ${place.address}: its ${COPY_MARKER} is not one of a hub. Nothing was changed; choose another folder`,
    );
  }
}

function contentOf(bytes: Uint8Array): PlaceContent {
  return {
    ...{ sizeBytes: bytes.length, sha256: sha256Hex(bytes) },
    open: async function* () {
      yield bytes;
    },
  };
}

function isChanged(error: unknown): boolean {
  return error instanceof HubError && error.code === "FILE_CHANGED";
}
