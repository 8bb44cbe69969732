import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClipSummary, RetentionAnswer } from "../../src/protocol/api.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const DAY_MS = 24 * 3_600_000;

describe("an owner who looks after space", () => {
  let hub: TestHub;
  let owner: CliOwner;
  let first: ClipId;
  let second: ClipId;
  const directory = mkdtempSync(path.join(os.tmpdir(), "doorward-retention-"));
  beforeAll(async () => {
    const rules = { motionMs: 23 * 3_600_000, bellMs: 90 * DAY_MS, spaceBytes: null };
    hub = await startTestHub({ clips: 2, nowMs: "system", settings: { retention: rules } });
    owner = cliOwner(directory, hub.owner.bundle, hub.hub.url);
    const [one, two] = hub.clips;
    if (!one || !two) throw new Error("two were recorded");
    [first, second] = [one, two];
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const clips = async (): Promise<ClipSummary[]> => owner.json<ClipSummary[]>("clips");

  test("is told what goes tonight, and nothing has gone", async () => {
    const { code, stdout } = await owner.owner("retention");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Motion stays 23 h, bells 90 d, and may take the whole disk\.$/m);
    expect(stdout).toMatch(/^Tonight: 2 clips, \d+\.\d kB\.$/m);
    const answer = await owner.json<RetentionAnswer>("retention");
    expect(answer.going.clips).toBe(2);
    expect(answer.first.map(({ clip, reason }) => [clip, reason])).toEqual([
      [first, "age"],
      [second, "age"],
    ]);
    expect(answer.freeBytes).toBeGreaterThan(0);
    expect((await clips()).length).toBe(2);
  });

  test("holds a recording: it does not go tonight, nor by a deletion", async () => {
    const held = await owner.json<{ untilMs: number }>("hold", first, "--until", "30d");
    expect((await clips()).find(({ id }) => id === first)?.heldUntilMs).toBe(held.untilMs);
    const { first: going } = await owner.json<RetentionAnswer>("retention");
    expect(going.map(({ clip }) => clip)).toEqual([second]);
    const refused = await owner.owner("delete", first);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("it is held");
    const tooLong = await owner.owner("hold", first, "--until", "91d");
    expect(tooLong.code).toBe(1);
    expect(tooLong.stderr).toContain("at most 90 days");
    expect((await owner.owner("hold", first, "--until", "soon")).code).toBe(2);
  });

  test("lets the hold go, deletes, and takes the deletion back", async () => {
    expect((await owner.owner("hold", first, "--off")).stdout).toContain("The hold is over");
    const deleted = await owner.owner("delete", first);
    expect(deleted.stdout).toContain(`goes for good in 10 min`);
    expect((await clips()).find(({ id }) => id === first)?.goesInMs).toBeGreaterThan(500_000);
    await hub.hub.services.retention.run();
    expect((await clips()).length).toBe(2);
    expect((await owner.owner("undelete", first)).stdout).toBe("It stays.\n");
    expect((await clips()).find(({ id }) => id === first)).not.toHaveProperty("goesInMs");
    expect((await owner.owner("undelete", first)).code).toBe(1);
    expect(hub.ledgerKinds().filter((kind) => kind === "hold").length).toBe(2);
    expect(hub.ledgerKinds()).not.toContain("deletion");
  });

  test("others of the household may see what goes, and change nothing", async () => {
    const adult = await hub.admit("adult");
    const call = async (method: "GET" | "POST" | "DELETE", url: string, body?: unknown) =>
      (await hub.call(method, url, { as: adult, body })).statusCode;
    expect(await call("GET", "/api/retention")).toBe(200);
    expect(await call("POST", `/api/clips/${first}/hold`, { untilMs: null })).toBe(403);
    expect(await call("POST", `/api/clips/${first}/restore`, {})).toBe(403);
    expect(await call("DELETE", `/api/clips/${first}`)).toBe(403);
  });
});
