import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { verifyLedger } from "../../src/ledger/verify-ledger.ts";
import { openLedger, openTestLedger } from "./test-ledger.ts";

const script = path.join(import.meta.dirname, "append-child.ts");

/** Lets the writer run until it has acknowledged `count` more entries, then kills it at once. */
async function appendAndKill(file: string, count: number): Promise<number> {
  const writer = spawn(process.execPath, [script, file], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(writer, "exit");
  let output = "";
  let killed = false;
  for await (const chunk of writer.stdout) {
    output += String(chunk);
    if (!killed && output.split("\n").length > count) killed = writer.kill("SIGKILL");
  }
  await ended;
  return Number(output.split("\n").at(-2));
}

test("every acknowledged entry survives kill -9, and the tree still holds (invariant 8)", async () => {
  await using open = openTestLedger();
  let acknowledged = -1;
  for (let round = 0; round < 12; round++) {
    const last = await appendAndKill(open.file, 1 + round * 3);
    expect(last).toBeGreaterThan(acknowledged);
    acknowledged = last;
    await using database = openDatabase(open.file);
    const ledger = openLedger(database);
    expect(ledger.size()).toBeGreaterThan(acknowledged);
    expect(verifyLedger(database)).toMatchObject({ holds: true });
    for (const { index, entry } of ledger.entries())
      expect(entry).toEqual({ v: 1, kind: "clock", atMs: 1, jumpMs: index });
  }
  expect(acknowledged).toBeGreaterThan(100);
});
