import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { openDatabase, type HubDatabase } from "../../base/database.ts";
import { Hub } from "../../hub/hub.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { HubError } from "../../protocol/errors.ts";
import type { LedgerEntry } from "../../protocol/ledger-entry.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";

/**
 * Copies of an installation, so that what an attacker would do to the hub's own files can be done
 * and a real hub started on the result. The installation itself is only read.
 */
export interface Copies extends AsyncDisposable {
  /**
   * Alters one copy and starts a hub on it. A hub that does not start has refused what it found.
   *
   * @returns 1 or more opened where `judge` says so.
   */
  attack(
    name: string,
    alter: (copy: Copy) => Promise<void> | void,
    judge: (hub: Hub) => Promise<Judgement> | Judgement,
  ): Promise<Attempt>;
}

export interface Copy {
  readonly folder: string;
  readonly database: HubDatabase;
}

export interface Judgement {
  readonly opened: number;
  readonly detail: string;
}

const DATABASE_FILE = "doorward.db";

export async function copyInstallation(
  target: Target,
  database: BetterSqlite3.Database,
): Promise<Copies> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), "doorward-attack-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const template = path.join(folder, "template");
  await mkdir(template, { mode: 0o700 });
  await database.backup(path.join(template, DATABASE_FILE));
  const copied = ["secrets", ...newestClip(target)];
  for (const name of copied)
    await cp(path.join(target.dataDirectory, name), path.join(template, name), { recursive: true });
  const cleanUp = stack.move();
  let count = 0;
  return {
    attack: async (name, alter, judge) => {
      count += 1;
      const copy = path.join(folder, String(count));
      await cp(template, copy, { recursive: true });
      return attackCopy(name, copy, alter, judge);
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

/** One recording is enough to see whether any comes out. */
function newestClip({ dataDirectory, sealedFiles }: Target): string[] {
  const [newest] = sealedFiles;
  return newest === undefined ? [] : [path.relative(dataDirectory, path.dirname(newest))];
}

async function attackCopy(
  name: string,
  folder: string,
  alter: (copy: Copy) => Promise<void> | void,
  judge: (hub: Hub) => Promise<Judgement> | Judgement,
): Promise<Attempt> {
  {
    await using database = openDatabase(path.join(folder, DATABASE_FILE));
    await alter({ folder, database });
  }
  let hub: Hub;
  try {
    hub = await Hub.start({
      dataDirectory: folder,
      settings: { name: "copy", port: 0, outside: null, cameras: [], text: "" },
      pageDirectory: path.join(folder, "no-page"),
      log: () => undefined,
    });
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return attempt(name, 0, `the hub does not start: ${error.code}`);
  }
  try {
    const { opened, detail } = await judge(hub);
    return attempt(name, opened, detail);
  } finally {
    await hub[Symbol.asyncDispose]();
  }
}

/** Whoever has the file does not ask the triggers that forbid changes. */
export function dropTriggers(database: BetterSqlite3.Database): void {
  const names = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    .pluck()
    .all();
  for (const name of names) database.exec(`DROP TRIGGER "${name.replaceAll('"', '""')}"`);
}

/** The ledger as whoever has its key can go on with it. */
export async function openOwnLedger({ folder, database }: Copy, origin: string): Promise<Ledger> {
  const pem = await readFile(path.join(folder, "secrets", "ledger.pem"), "utf8");
  const privateKey = createPrivateKey(pem);
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  return Ledger.open({
    ...{ database, origin, publicKey: new Uint8Array(Buffer.from(x ?? "", "base64url")) },
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  });
}

/** A new ledger under the same key, with what is left of the old one's entries. */
export async function rewriteLedger(
  copy: Copy,
  origin: string,
  entries: readonly LedgerEntry[],
): Promise<void> {
  dropTriggers(copy.database);
  const tables = copy.database
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'ledger%'",
    )
    .pluck()
    .all();
  for (const table of tables) copy.database.exec(`DELETE FROM "${table.replaceAll('"', '""')}"`);
  const ledger = await openOwnLedger(copy, origin);
  for (const entry of entries) ledger.append(entry);
}
