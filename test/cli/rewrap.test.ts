import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { combineSheets } from "../../src/owner/sheet-split.ts";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { removeAndRotate } from "../support/test-rewrap.ts";

describe("an owner whose household has removed a device", () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), "doorward-rewrap-"));
  let hub: TestHub;
  let removed: TestDevice;
  let owner: CliOwner;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 2, nowMs: "system" });
    removed = await hub.admit("adult");
    const after = await removeAndRotate(hub, removed.key.device);
    owner = cliOwner(directory, after.bundle, hub.hub.url);
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test("is told what it could still open, and nothing is done", async () => {
    const { code, stdout } = await owner.owner("rewrap", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^2 recordings, \d+ MB, could still be opened by a device of role adult$/m,
    );
    expect(await owner.json("rewrap", "--dry-run")).toMatchObject({
      clips: 2,
      changes: [{ devices: [removed.key.device], opens: "everything", clips: 2 }],
    });
    expect(hub.ledgerKinds()).not.toContain("rewrap");
  });

  test("deletes it, and takes that back", async () => {
    const { retention } = hub.hub.services;
    await retention.run();
    expect(await owner.json("rewrap", "--delete", "--yes")).toEqual({ done: 2, failed: [] });
    const going = () => hub.clips.map((clip) => retention.marksOf(clip).goesInMs !== null);
    expect(going()).toEqual([true, true]);
    expect(await owner.json("rewrap", "--undelete")).toEqual({ done: 2, failed: [] });
    expect(going()).toEqual([false, false]);
  });

  test("seals a part of it anew, then the rest, and then nothing is left", async () => {
    const { clips } = hub.hub.services;
    const [, second] = hub.clips;
    const startedAtMs = second && clips.get(second)?.startedAtMs;
    const from = new Date(startedAtMs ?? 0).toISOString();
    expect(await owner.json("rewrap", "--from", from)).toEqual({ done: 1, failed: [] });
    const rest = await owner.owner("rewrap");
    expect([rest.code, rest.stdout.split("\n").at(-2)]).toEqual([0, "1 recording sealed anew."]);
    const { stdout } = await owner.owner("rewrap");
    expect(stdout).toBe("Nothing is left that keys of before could open.\n");
    expect(hub.ledgerKinds().filter((kind) => kind === "rewrap").length).toBe(2);
  });

  test("splits the recovery sheet, and any two files give it back", async () => {
    if (!hub.recovery) throw new Error("there is no sheet");
    const sheet = path.join(directory, "sheet.txt");
    const text = recoverySheet(hub.recovery, "x25519");
    writeFileSync(sheet, text);
    const { files } = await owner.json<{ files: string[] }>("sheet", "--split", "--sheet", sheet);
    expect(files.length).toBe(3);
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
    const [one = "", two = "", three = ""] = files.map((file) => readFileSync(file, "utf8"));
    for (const pair of [
      [one, two],
      [three, two],
      [one, three],
    ])
      expect(combineSheets(pair)).toBe(text);
    const again = await owner.owner("sheet", "--split", "--sheet", sheet);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("there already")]);
    writeFileSync(sheet, text.replace("kind: x25519", "kind: pq"));
    const other = await owner.owner("sheet", "--split", "--sheet", sheet, "--out", directory);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("in force")]);
    expect(readdirSync(directory).filter((name) => name.startsWith("recovery-part"))).toEqual([]);
  });
});
