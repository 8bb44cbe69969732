import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../support/requirements.ts";
import type { ModelRun } from "./model.ts";

// Invariants 4 to 9 as one machine: whatever people, requesters, clocks and power cuts do in
// whatever order, the consent core does what a reference of a hundred lines does.

const MINUTE_MS = 60_000;

async function run(sequences: number, seed: number): Promise<ModelRun> {
  const script = path.join(projectRoot, "test/model/run.ts");
  const args = [script, `--sequences=${sequences}`, `--seed=${seed}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  return JSON.parse(output) as ModelRun;
}

describe("requests, decisions, proposals, revocations, holds, clocks, restarts, new keyrings", () => {
  test("10,000 sequences do what the reference does", { timeout: 10 * MINUTE_MS }, async () => {
    // Two halves side by side; other seeds than yesterday's, and printed where they differ.
    const seed = Math.floor(Date.now() / 86_400_000);
    const halves = await Promise.all([run(5_000, seed), run(5_000, seed + 1_000_000)]);
    for (const { difference } of halves) expect(difference, difference ?? "").toBeNull();
    expect(halves.reduce((sum, { sequences }) => sum + sequences, 0)).toBe(10_000);
    expect(halves.reduce((sum, { commands }) => sum + commands, 0)).toBeGreaterThan(100_000);
    // What is never reached is not compared.
    for (const kind of ["release", "access", "revocation", "hold", "assurance"])
      for (const { entries } of halves) expect(entries[kind], kind).toBeGreaterThan(50);
    for (const { states } of halves)
      expect(Object.keys(states).toSorted()).toEqual(
        [
          ...["accessed", "approved", "expired", "held", "lapsed", "packaged", "received"],
          ...["refused", "revoked", "withdrawn"],
        ].toSorted(),
      );
  });

  test("and so do 400 of one fixed seed", { timeout: MINUTE_MS }, async () => {
    const { difference, sequences } = await run(400, 7);
    expect(difference, difference ?? "").toBeNull();
    expect(sequences).toBe(400);
  });
});
