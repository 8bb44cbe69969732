import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import BetterSqlite3 from "better-sqlite3";

/**
 * Freezes the schema of this version, as the last step before it is released:
 * `node test/deploy/freeze-schema.ts` writes test/deploy/schema-NNNN.db.gz, the database of a real
 * hub that was claimed, recorded something and was asked for it. From then on upgrade.test.ts holds
 * that every later version can go on with it. What was frozen once is never made anew.
 */
const root = path.resolve(import.meta.dirname, "../..");
const doorward = path.join(root, "doorward");
const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-freeze-"));
const data = path.join(folder, "data");
const keys = path.join(folder, "keys");
const environment = { ...process.env, DOORWARD_PASSPHRASE: "" };

const request = {
  ...{ kind: "preservation", urgency: "normal", purpose: "A frozen database" },
  requester: { name: "Test requester", contact: "requester@example.org" },
  legalBasis: { basis: "none" },
  narrative: "Written by test/deploy/freeze-schema.ts.",
  sought: {
    ...{ cameras: "unspecified", from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z" },
    ...{ tracks: ["video"], clearFaces: false },
  },
};

function owner(...words: string[]): string {
  const all = ["owner", ...words, "--keys", keys];
  return execFileSync(doorward, all, { env: environment, encoding: "utf8" });
}

const hub = spawn(doorward, ["hub", "--data", data, "--port", "0", "--json"], {
  env: environment,
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const lines = createInterface({ input: hub.stdout });
  const ready = await new Promise<string>((resolve) => lines.once("line", resolve));
  const { url, claimCode } = JSON.parse(ready) as { url: string; claimCode: string };
  owner("claim", "--hub", url, "--code", claimCode);
  for (;;) {
    const clips = JSON.parse(owner("clips", "--json")) as { state: string }[];
    if (clips.some(({ state }) => state === "closed")) break;
    await sleep(1_000);
  }
  writeFileSync(path.join(folder, "request.json"), JSON.stringify(request));
  owner("request", "--file", path.join(folder, "request.json"));
  const ended = new Promise((resolve) => hub.once("exit", resolve));
  hub.kill("SIGTERM");
  await ended;
  const database = new BetterSqlite3(path.join(data, "doorward.db"));
  const newest = database.prepare("SELECT max(number) FROM schema_migrations").pluck().get();
  const flat = path.join(folder, "flat.db");
  database.prepare("VACUUM INTO ?").run(flat);
  database.close();
  const out = path.join(root, `test/deploy/schema-${String(newest).padStart(4, "0")}.db.gz`);
  writeFileSync(out, gzipSync(readFileSync(flat), { level: 9 }), { flag: "wx" });
  console.log(out);
} finally {
  hub.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
