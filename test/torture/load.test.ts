import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import { missingCommands } from "../support/requirements.ts";
import { group, loadHub, loadResults, SHORT_LOAD } from "./load.ts";

test.skipIf(missingCommands(...group.needs))(
  "under log-ins and posts of others no segment is lost, and neither ledger nor notices fill up",
  { timeout: 400_000 },
  async () => {
    await using folder = temporaryFolder();
    const found = await loadHub(SHORT_LOAD, {
      ...{ directory: folder.path, say: () => undefined, signal: AbortSignal.timeout(390_000) },
    });
    // How long an owner waits is for a machine that does nothing else: `doorward torture load`.
    const others = loadResults(found, SHORT_LOAD).filter(({ name }) => name !== "load.owner");
    expect(others.filter(({ holds }) => !holds)).toEqual([]);
    expect(found.ownerRefused).toBe(0);
    expect(found.ownerMs.length).toBeGreaterThan(0);
    expect(found.intake["200"]).toBe(1);
    expect(found.attempts["asked"]).toBeGreaterThan(0);
  },
);
