import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { runCli, type CommandResult } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";
import { typeRequest } from "../support/test-consent.ts";

describe.skipIf(missingCommands("ffmpeg"))("a second device", () => {
  const folder = temporaryFolder();
  let hub: TestHub;
  let first: CliOwner;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1, footage: "real", kind: "pq", nowMs: "system" });
    first = cliOwner(path.join(folder.path, "first"), hub.owner.bundle, hub.hub.url);
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const keysOf = (name: string): string => path.join(folder.path, name, "keys");
  const asDevice = (name: string, command: string, ...args: string[]): Promise<CommandResult> =>
    runCli(["owner", command, ...args, "--keys", keysOf(name)], folder.path);

  async function pair(name: string, role: string): Promise<[CommandResult, CommandResult]> {
    const join = ["owner", "join", "--hub", hub.hub.url, "--keys", keysOf(name), "--label", name];
    return Promise.all([runCli(join, folder.path), first.owner("pair", "--role", role, "--yes")]);
  }

  test("shows the same three words as the one that admits it, and is an owner's", async () => {
    const [joined, paired] = await pair("phone", "owner");
    expect([joined.code, paired.code], joined.stderr + paired.stderr).toEqual([0, 0]);
    expect(joined.stdout).toBe(paired.stdout);
    expect(joined.stdout.trim().split(" ")).toHaveLength(3);
    expect(joined.stderr).toContain("This device is an owner's");
    const devices = await first.json<{ label: string; role: string }[]>("devices");
    expect(devices.map(({ label, role }) => `${label} ${role}`)).toEqual([
      "founder owner",
      "phone owner",
    ]);
  });

  test("opens what was recorded before it came", async () => {
    const out = path.join(folder.path, "clip.mp4");
    const { code, stderr } = await asDevice("phone", "open", firstClip(hub), "--out", out);
    expect(code, stderr).toBe(0);
    expect(statSync(out).size).toBeGreaterThan(10_000);
  });

  test("signs by itself", async () => {
    const request = await typeRequest(hub);
    const { code, stderr } = await asDevice("phone", "refuse", request.record.request);
    expect(code, stderr).toBe(0);
    const [asked] = await first.json<{ state: string }[]>("requests");
    expect(asked?.state).toBe("refused");
  });

  test("checks the ledger from where the first one was", async () => {
    const { code, stdout } = await asDevice("phone", "witness", "--json");
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { consistentWith: number }).consistentWith).toBeGreaterThan(0);
  });

  test("of role viewer lists recordings, opens no original and decides nothing", async () => {
    const [joined] = await pair("tablet", "viewer");
    expect(joined.code, joined.stderr).toBe(0);
    expect((await asDevice("tablet", "clips")).code).toBe(0);
    const out = path.join(folder.path, "never.mp4");
    const opened = await asDevice("tablet", "open", firstClip(hub), "--out", out);
    expect(opened.code).toBe(1);
    expect(existsSync(out)).toBe(false);
    const request = await typeRequest(hub);
    const refused = await asDevice("tablet", "refuse", request.record.request);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("no right to sign");
  });
});
