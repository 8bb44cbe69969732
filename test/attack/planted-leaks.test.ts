import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { bech32 } from "@scure/base";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { CLI_ENTRY, runCli, TEST_TIMEOUT_MS } from "../support/live-hub.ts";
import { approve, typeRequest } from "../support/test-consent.ts";
import { firstClip, startTestHub } from "../support/test-hub.ts";

// `doorward attack` beside a real hub in a process of its own: nothing opens, and with a leak of
// each kind planted on purpose each of them is named.

interface AttackReport {
  readonly opened: number;
  readonly of: number;
  readonly attempts: readonly { attempt: string; opened: number; detail: string }[];
  readonly notCounted: readonly string[];
}

const isRoot = process.getuid?.() === 0;
const root = mkdtempSync(path.join(os.tmpdir(), "doorward-attack-test-"));
const data = path.join(root, "data");
const children: ChildProcess[] = [];
let identity = "";
let seed = Buffer.alloc(0);

beforeAll(async () => {
  await using hub = await startTestHub({ clips: 1, dataDirectory: data, nowMs: "system" });
  const { recipient } = await generateReader("x25519");
  const request = await typeRequest(hub, { recipient });
  await approve(hub, request, { clip: firstClip(hub), segments: [0, 0] });
  await hub.admit("viewer");
  identity = hub.owner.bundle.readers.originals ?? "";
  seed = Buffer.from(bech32.decodeToBytes(identity).bytes);
  writeFileSync(
    path.join(data, "doorward.yaml"),
    "name: Attacked\nlisten: { lan: false }\ncameras:\n  - id: front\n    name: Front\n    main: rtsp://127.0.0.1:9/none\n",
  );
});
afterAll(async () => {
  for (const child of children) {
    const ended = once(child, "exit");
    if (child.kill("SIGKILL")) await ended;
  }
  rmSync(root, { recursive: true, force: true });
});

/** A hub's own process; the rest of its tree follows. */
async function startHub(environment: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [CLI_ENTRY, "hub", "--data", data, "--port", "0", "--json"],
    { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "ignore"] },
  );
  children.push(child);
  await once(createInterface({ input: child.stdout }), "line");
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

async function attacked(...more: string[]): Promise<AttackReport & { code: number | null }> {
  const { code, stdout, stderr } = await runCli(["attack", "--data", data, "--json", ...more]);
  if (stdout === "") throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as AttackReport) };
}

/** A key in a row that was deleted, and one that only the log still has. */
function plantRows(): void {
  const file = path.join(data, "doorward.db.bak");
  const database = new BetterSqlite3(file);
  database.pragma("secure_delete = OFF");
  database.pragma("page_size = 1024");
  database.exec("CREATE TABLE keys (one BLOB, more TEXT)");
  const insert = database.prepare("INSERT INTO keys VALUES (?, ?)");
  for (let row = 0; row < 40; row += 1) insert.run(seed, "x".repeat(900));
  database.exec("DELETE FROM keys");
  database.pragma("journal_mode = WAL");
  insert.run(null, `AGE ${identity}`);
  copyFileSync(`${file}-wal`, path.join(data, "doorward.db-wal.1"));
  database.exec("DELETE FROM keys");
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
}

describe.skipIf(!isRoot)("attack", { timeout: TEST_TIMEOUT_MS }, () => {
  test("opens nothing of a hub as it is: 0 of N, and says what it does not count", async () => {
    const hub = await startHub();
    const report = await attacked();
    await stop(hub);
    expect(report.attempts.filter(({ opened }) => opened > 0)).toEqual([]);
    expect(report).toMatchObject({ code: 0, opened: 0, of: report.attempts.length });
    expect(report.of).toBeGreaterThanOrEqual(35);
    const names = new Map(report.attempts.map(({ attempt, detail }) => [attempt, detail]));
    expect(names.get("a hub started on a keyring whose reader was replaced by SQL")).toMatch(
      /does not start: KEYRING_/,
    );
    // With its policy taken out the hub does hand a bundle out; it is shut all the same.
    expect([...names].find(([name]) => name.includes("taken out"))?.[1]).toMatch(
      /bundle of \d+ bytes came out, and stays shut/,
    );
    expect(report.notCounted.join(" ")).toContain("hands over his reader");
  });

  test("names each of the leaks that were planted: exit 1", async () => {
    const hub = await startHub({ BACKUP_KEY: identity });
    plantRows();
    writeFileSync(path.join(data, "note.txt"), `seed ${seed.toString("hex")}\n`);
    mkdirSync(`${data}.old`);
    writeFileSync(path.join(`${data}.old`, "keys"), seed.toString("base64"));
    writeFileSync(path.join(data, "core.123"), `....${identity}....`);
    writeFileSync(path.join(data, "thumbnail"), Buffer.from("ffd8ffe000104a464946", "hex"));
    const report = await attacked();
    await stop(hub);
    expect(report.code).toBe(1);
    const opened = report.attempts.filter((one) => one.opened > 0).map(({ attempt }) => attempt);
    for (const sign of [
      "age identities in the memory of main.ts",
      "in settings and other files",
      "in backups (1 copies",
      "deleted rows in the database's free pages",
      "replaced pages in the write-ahead log",
      "crash dumps of the hub's processes",
      "footage in the clear in the data folder",
    ])
      expect(opened.join("\n")).toContain(sign);
    expect(report.opened).toBe(opened.length);
  });
});
