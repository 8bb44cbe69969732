import { createHash, randomBytes } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { HubDatabase } from "../base/database.ts";
import { inTransaction } from "../base/database.ts";
import { makePrivateDirectory, readSmallFile, writeFileDurably } from "../base/files.ts";
import { sealBytes } from "../clips/sealed-file.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { parseRecipient } from "../protocol/age-header.ts";
import { sha256Hex, toHex, utf8Bytes, utf8Text } from "../protocol/bytes.ts";
import { canonicalJson, type Json } from "../protocol/canonical-json.ts";
import {
  COPY_LIMITS,
  copyObjectName,
  parseCopyObjectName,
  STATE_FORMAT,
  stateFolder,
  type LedgerBatch,
  type StateIndex,
} from "../protocol/copy-format.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { CopyRows } from "./copy-rows.ts";
import { sealState } from "./state-archive.ts";

export interface SealedPapersOptions {
  readonly dataDirectory: string;
  readonly database: HubDatabase;
  readonly databasePath: string;
  readonly rows: CopyRows;
  readonly ledger: Ledger;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly keyring: () => Keyring;
  /** Every statement from genesis. */
  readonly statements: () => readonly unknown[];
  readonly settingsText: () => string;
  readonly version: string;
  readonly nowMs: () => number;
}

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
const WRITER_FILE = "writer";
/** Entries of these kinds say all that there is; of others the rows of the database say more. */
const SAY_ALL = [
  "clip",
  "torn",
  "deletion",
  "rendition",
  "view",
  "live",
  "talk",
  "heartbeat",
  "clock",
];

/** What the hub seals for a copy besides recordings, and where it waits: as ciphertext, `data/copy`. */
export class SealedPapers {
  readonly #options: SealedPapersOptions;
  readonly #folder: string;

  constructor(options: SealedPapersOptions) {
    this.#options = options;
    this.#folder = path.join(options.dataDirectory, "copy");
  }

  /** Of this installation: in no state, so that one that was restored has another. */
  async writer(): Promise<string> {
    const file = path.join(this.#folder, WRITER_FILE);
    const known = await readSmallFile(file, 64);
    const text = known === null ? "" : utf8Text(known, "writer").trim();
    if (/^[0-9a-f]{8}$/.test(text)) return text;
    const writer = randomBytes(4).toString("hex");
    await makePrivateDirectory(this.#folder);
    await writeFileDurably(file, utf8Bytes(`${writer}\n`));
    return writer;
  }

  pathOf(spooled: string): string {
    return path.join(this.#folder, spooled);
  }

  /** Puts entries that came since into batches. */
  async spoolEntries(writer: string): Promise<void> {
    const { rows, ledger } = this.#options;
    for (;;) {
      const from = rows.place()?.ledger_size ?? 0;
      const records = ledger.entries({ from, limit: COPY_LIMITS.entriesPerBatch });
      const last = records.at(-1);
      if (last === undefined) return;
      // A checkpoint is signed for all there is: the last batch carries it.
      const isAll = last.index + 1 === ledger.size();
      await this.#spoolBatch(
        writer,
        from,
        last.index,
        records.map(({ entry }) => entry),
      );
      if (isAll) return;
    }
  }

  async #spoolBatch(
    writer: string,
    first: number,
    last: number,
    entries: LedgerEntry[],
  ): Promise<void> {
    const { rows, ledger, keyring, statements } = this.#options;
    // Also what the newest state has: whoever goes on from one before it needs them.
    const changes = entries.flatMap((entry) => (entry.kind === "keyring" ? [entry.epoch] : []));
    const since = Math.min(rows.place()?.state_statements ?? 0, ...changes);
    const batch: LedgerBatch = {
      ...{ v: 1, origin: ledger.origin, first, entries, checkpoint: ledger.checkpoint() },
      keyring: { from: since, statements: [...statements().slice(since)] },
    };
    const { owners, recovery } = keyring().readers;
    const sealed = sealBytes(canonicalJson(batch as Json), [owners, recovery].map(parseRecipient));
    const name = copyObjectName({ type: "ledger", first, last, writer });
    const file = path.basename(name);
    await makePrivateDirectory(this.#folder);
    await writeFileDurably(this.pathOf(file), sealed);
    inTransaction(this.#options.database, () => {
      rows.add({
        ...{ name, clip: null, file, revision: 0, content: "spool", spool_from: 0 },
        ...{ size_bytes: sealed.length, sha256: sha256Hex(sealed) },
      });
      rows.set({ ledger_size: last + 1 });
    });
  }

  /** True where a state is due: where what was lost without one is more than entries say. */
  isStateDue(): boolean {
    const { rows, ledger, statements, nowMs } = this.#options;
    const place = rows.place();
    if (!place) return false;
    // Nobody could restore it: what is there and the entries since are worth more.
    if (statSync(this.#options.databasePath).size > COPY_LIMITS.databaseBytes) return false;
    if (place.state_at_ms === null) return true;
    const ageMs = Math.abs(nowMs() - place.state_at_ms);
    if (statements().length !== place.state_statements) return true;
    if (ledger.size() === place.state_ledger_size || ageMs < HOUR_MS) return false;
    if (ageMs >= DAY_MS) return true;
    for (let from = place.state_ledger_size; ;) {
      const records = ledger.entries({ from });
      if (records.some(({ entry }) => !SAY_ALL.includes(entry.kind))) return true;
      if (records.length === 0) return false;
      from += records.length;
    }
  }

  /** Seals a state and queues its parts, index last. */
  async spoolState(writer: string, sequence: number): Promise<void> {
    const { ledger, keyring, statements, version, nowMs, rows, database } = this.#options;
    const file = `state-${sequence}.${writer}`;
    const finalPath = this.pathOf(file);
    await makePrivateDirectory(this.#folder);
    await rm(`${finalPath}.partial`, { force: true });
    await rm(finalPath, { force: true });
    const { owners, recovery } = keyring().readers;
    let size = 0;
    let known = 0;
    const manifest = await sealState({
      ...this.#options,
      finalPath,
      settingsText: this.#options.settingsText(),
      recipients: [owners, recovery].map(parseRecipient),
      describe: () => {
        size = ledger.size();
        known = statements().length;
        return {
          ...{ format: STATE_FORMAT, origin: ledger.origin, ledgerKey: toHex(ledger.publicKey) },
          ...{ sequence, writer, atMs: nowMs(), version },
          ledger: { size, root: toHex(ledger.root(size)) },
          keyring: { epoch: keyring().epoch, head: keyring().head },
        };
      },
    });
    const index = await indexOf(finalPath, { origin: ledger.origin, sequence, writer });
    const indexBytes = canonicalJson(index);
    const indexFile = `${file}.index`;
    await writeFileDurably(this.pathOf(indexFile), indexBytes);
    inTransaction(database, () => {
      index.parts.forEach((part, number) =>
        rows.add({
          name: copyObjectName({ type: "state-part", sequence, writer, part: number }),
          ...{ clip: null, file, revision: 0, content: "spool", size_bytes: part.sizeBytes },
          ...{ spool_from: number * COPY_LIMITS.partBytes, sha256: part.sha256 },
        }),
      );
      rows.add(
        {
          name: copyObjectName({ type: "state-index", sequence, writer }),
          ...{ clip: null, file: indexFile, revision: 0, content: "spool", spool_from: 0 },
          ...{ size_bytes: indexBytes.length, sha256: sha256Hex(indexBytes) },
        },
        size,
      );
      rows.set({
        ...{ state_sequence: sequence, state_ledger_size: size, state_statements: known },
        state_at_ms: manifest.atMs,
      });
    });
  }

  /** True while the newest state is half there: over a slow line none would ever be whole otherwise. */
  isUnderWay(writer: string): boolean {
    const { rows, nowMs } = this.#options;
    const place = rows.place();
    if (!place || place.state_at_ms === null) return false;
    if (Math.abs(nowMs() - place.state_at_ms) >= DAY_MS) return false;
    const folder = stateFolder({ sequence: place.state_sequence, writer });
    const isWhole = rows.byName(`${folder}/index.json`)?.state !== "waiting";
    return !isWhole && rows.byName(`${folder}/0000.part`)?.state === "there";
  }

  /**
   * Gives up states that never came to be whole there, as at a place that is full for weeks, and removes
   * what nothing waits for any more: they would fill the hub's own disk.
   */
  async tidy(writer: string): Promise<void> {
    const { rows, database } = this.#options;
    const newest = rows.place()?.state_sequence ?? 0;
    inTransaction(database, () => {
      for (const { name, state } of rows.states(writer)) {
        const object = parseCopyObjectName(name);
        if (state !== "waiting" || object?.type !== "state-index") continue;
        const isWanted = this.isUnderWay(writer) || !this.isStateDue();
        if (object.sequence >= newest && isWanted) continue;
        rows.giveUpWaiting(`${stateFolder(object)}/*`);
        rows.letGoNamed(`${stateFolder(object)}/*`);
      }
    });
    const waiting = new Set([WRITER_FILE, ...rows.spoolFiles()]);
    for (const name of await readdir(this.#folder)) {
      // A state waits as long as its index does.
      const isWaited = waiting.has(name) || waiting.has(`${name}.index`);
      if (!isWaited) await this.forget(name);
    }
  }

  /** Removes what waited and is there now. */
  async forget(spooled: string): Promise<void> {
    await rm(this.pathOf(spooled), { force: true });
  }
}

async function indexOf(
  file: string,
  of: Pick<StateIndex, "origin" | "sequence" | "writer">,
): Promise<StateIndex> {
  const whole = createHash("sha256");
  let part = createHash("sha256");
  const parts: { sizeBytes: number; sha256: string }[] = [];
  let [sizeBytes, partBytes] = [0, 0];
  const close = (): void => {
    if (partBytes > 0) parts.push({ sizeBytes: partBytes, sha256: part.digest("hex") });
    [part, partBytes] = [createHash("sha256"), 0];
  };
  // Divides the size of a part.
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 });
  for await (const chunk of stream as AsyncIterable<Buffer>)
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.subarray(at, at + COPY_LIMITS.partBytes - partBytes);
      whole.update(bytes);
      part.update(bytes);
      at += bytes.length;
      sizeBytes += bytes.length;
      partBytes += bytes.length;
      if (partBytes === COPY_LIMITS.partBytes) close();
    }
  close();
  return { format: STATE_FORMAT, ...of, sizeBytes, sha256: whole.digest("hex"), parts };
}
