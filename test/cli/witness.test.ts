import { cpSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import type { DeviceBundle } from "../../src/owner/device-bundle.ts";
import { dropTriggers } from "../ledger/test-ledger.ts";
import { cliOwner, pointTo, type CliOwner } from "../support/cli-owner.ts";
import type { CommandResult } from "../support/live-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { typeRequest } from "../support/test-consent.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

/** A household whose hub is stopped, copied, and put back as it was before. */
describe("owner witness", () => {
  async function life(after: (hub: TestHub) => Promise<void>): Promise<CommandResult> {
    await using folder = temporaryFolder();
    const [data, backup] = ["data", "backup"].map((name) => path.join(folder.path, name));
    if (data === undefined || backup === undefined) throw new Error("no folders");
    let bundle: DeviceBundle | null = null;
    let owner: CliOwner | null = null;
    const running = async (work: (hub: TestHub) => Promise<void>): Promise<void> => {
      const known = bundle === null ? {} : { owner: bundle };
      await using hub = await startTestHub({ dataDirectory: data, nowMs: "system", ...known });
      bundle ??= hub.owner.bundle;
      owner ??= cliOwner(folder.path, bundle, hub.hub.url);
      pointTo(owner.keys, hub.hub.url);
      await work(hub);
    };
    const witness = (): Promise<CommandResult> => {
      if (!owner) throw new Error("nobody");
      return owner.owner("witness");
    };
    await running(async () => {
      expect((await witness()).code).toBe(0);
    });
    cpSync(data, backup, { recursive: true });
    await running(async (hub) => {
      await typeRequest(hub);
      await typeRequest(hub);
      const { code, stdout } = await witness();
      expect([code, stdout]).toEqual([0, expect.stringContaining("none changed or removed since")]);
    });
    cpSync(backup, data, { recursive: true, force: true });
    let last: CommandResult = { code: null, stdout: "", stderr: "" };
    await running(async (hub) => {
      await after(hub);
      last = await witness();
    });
    return last;
  }

  test("finds a ledger that was rolled back, and prints both checkpoints as evidence", async () => {
    const { code, stderr } = await life(async () => {});
    expect(code).toBe(1);
    expect(stderr).toContain("entries, and this device has seen");
    expect(stderr).toContain("This device saw:\ndoorward/");
    expect(stderr).toContain("The hub now shows:\ndoorward/");
  });

  test("finds one that was rolled back and has grown past what was seen with other entries", async () => {
    const { code, stderr } = await life(async (hub) => {
      for (let more = 0; more < 5; more += 1) await typeRequest(hub, { kind: "other" });
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/its first \d+ entries are not those this device has seen/);
    expect(stderr).toContain("Keep both: together they prove what was done.");
  });
});

test("owner ledger shows no entry that its checkpoint does not hold", async () => {
  await using hub = await startTestHub({ nowMs: "system" });
  await using folder = temporaryFolder();
  const owner = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
  expect((await owner.owner("ledger")).code).toBe(0);
  await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
  dropTriggers(database);
  // The tree's own hashes stay: checkpoints and proofs go on being consistent.
  const edit = `UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT), '"v":1', '"v":2') AS BLOB) WHERE idx = 2`;
  expect(database.prepare(edit).run().changes).toBe(1);
  expect((await owner.owner("witness")).code).toBe(0);
  const shown = await owner.owner("ledger");
  expect(shown.code).toBe(1);
  expect(shown.stderr).toContain("not those of its checkpoint");
  expect(shown.stdout).toBe("");
});
