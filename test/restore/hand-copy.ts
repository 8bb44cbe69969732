import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openLedgerKey } from "../../src/keys/hub-keys.ts";
import { sealState } from "../../src/offsite/state-archive.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { sha256Hex, toHex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../src/protocol/canonical-json.ts";
import {
  COPY_MARKER,
  copyObjectName,
  STATE_FORMAT,
  writeCopyMarker,
} from "../../src/protocol/copy-format.ts";
import { openDatabase } from "../../src/base/database.ts";
import type { TestHub } from "../support/test-hub.ts";

/** A copy in a folder, laid down byte for byte as the format says, of a hub that runs. */
export class HandCopy {
  readonly folder: string;
  readonly writer: string;
  #sequence = 0;
  /** Entries that the newest state has. */
  #copied = 0;

  constructor(folder: string, writer = randomBytes(4).toString("hex")) {
    this.folder = folder;
    this.writer = writer;
    mkdirSync(folder, { recursive: true });
  }

  async state(hub: TestHub): Promise<void> {
    const { ledger, household } = hub.hub.services;
    const { keyring } = household;
    if (!keyring) throw new Error("nobody");
    const key = await openLedgerKey(path.join(hub.dataDirectory, "secrets"));
    const { origin } = keyring;
    this.#sequence += 1;
    const [sequence, writer] = [this.#sequence, this.writer];
    this.#put(COPY_MARKER, writeCopyMarker({ origin, ledgerKey: toHex(key.publicKey) }));
    const databasePath = path.join(hub.dataDirectory, "doorward.db");
    await using database = openDatabase(databasePath);
    const finalPath = path.join(this.folder, "..", `state-${sequence}.age`);
    rmSync(finalPath, { force: true });
    await sealState({
      ...{ dataDirectory: hub.dataDirectory, database, databasePath, finalPath },
      settingsText: "name: Test hub\n",
      recipients: [keyring.readers.owners, keyring.readers.recovery].map(parseRecipient),
      sign: (message) => key.sign(message),
      describe: () => ({
        ...{ format: STATE_FORMAT, origin, ledgerKey: toHex(key.publicKey), sequence, writer },
        ...{ atMs: hub.clock.nowMs, version: "0.0.0" },
        ledger: { size: ledger.size(), root: toHex(ledger.root()) },
        keyring: { epoch: keyring.epoch, head: keyring.head },
      }),
    });
    const sealed = readFileSync(finalPath);
    rmSync(finalPath);
    const [sizeBytes, sha256] = [sealed.length, sha256Hex(sealed)];
    this.#put(copyObjectName({ type: "state-part", sequence, writer, part: 0 }), sealed);
    this.#put(
      copyObjectName({ type: "state-index", sequence, writer }),
      canonicalJson({
        ...{ format: STATE_FORMAT, origin, sequence, writer, sizeBytes, sha256 },
        parts: [{ sizeBytes, sha256 }],
      }),
    );
    this.#copied = ledger.size();
    this.files(hub);
  }

  /** Ledger entries since the state, in one batch, and the files that have come. */
  batch(hub: TestHub): void {
    const { ledger, household } = hub.hub.services;
    const { keyring } = household;
    if (!keyring) throw new Error("nobody");
    const first = this.#copied;
    const entries = ledger
      .entries({ from: first })
      .map(({ bytes }) => parseCanonicalJson(bytes, "entry"));
    const batch = canonicalJson({
      ...{ v: 1, origin: keyring.origin, first, entries, checkpoint: ledger.checkpoint() },
      keyring: { from: keyring.epoch + 1, statements: [] },
    });
    const recipients = [keyring.readers.owners, keyring.readers.recovery].map(parseRecipient);
    const last = first + entries.length - 1;
    const name = copyObjectName({ type: "ledger", first, last, writer: this.writer });
    this.#put(name, sealBytes(batch, recipients));
    this.files(hub);
  }

  files(hub: TestHub): void {
    cpSync(path.join(hub.dataDirectory, "clips"), path.join(this.folder, "clips"), {
      recursive: true,
    });
  }

  names(): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: "utf8" }).toSorted();
  }

  #put(name: string, bytes: Uint8Array): void {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

export function sheetFile(folder: string, text: string): string {
  const file = path.join(folder, "sheet.txt");
  writeFileSync(file, utf8Bytes(text), { mode: 0o600 });
  return file;
}
