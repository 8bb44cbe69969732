import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type { LedgerEntryKind } from "../../src/protocol/ledger-entry.ts";
import { REQUEST_EXPIRY_MS } from "../../src/protocol/limits.ts";
import { projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import {
  approve,
  decide,
  fill,
  makeForm,
  prepareApproval,
  prepareRefusal,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import { recoverOrphans } from "../clips/recover-orphans.ts";

// Invariant 8: the ledger entry comes before the effect, in a committed, fsynced transaction.

const { recipient } = await generateReader("x25519");

/** A second connection to the hub's database, as somebody else on the machine would have. */
function beside(hub: TestHub): HubDatabase {
  return openDatabase(path.join(hub.dataDirectory, "doorward.db"));
}

const FULL = "the disk is full";

/** From now on the disk refuses every entry of this kind. */
function refuseEntries(database: HubDatabase, kind: LedgerEntryKind): void {
  database.exec(
    `CREATE TRIGGER no_entry BEFORE INSERT ON ledger_entries WHEN NEW.kind = '${kind}'
     BEGIN SELECT raise(ABORT, '${FULL}'); END`,
  );
}

/** All that the hub keeps, but sessions: whoever looks needs one. */
function everythingIn(database: HubDatabase): string {
  const tables = ["requests", "forms", "clips", "clip_files", "torn_files", "keyring_statements"];
  const rows = [...tables, "device_labels", "ledger_entries"].map((table) =>
    database.prepare(`SELECT * FROM ${table}`).all(),
  );
  return JSON.stringify(rows);
}

interface Attempt {
  readonly kind: LedgerEntryKind;
  readonly what: string;
  /** Makes everything ready; what it returns says whether it had its effect. */
  readonly prepare: (hub: TestHub) => Promise<() => Promise<boolean>>;
}

const succeeds = async (answer: Promise<{ statusCode: number }>): Promise<boolean> =>
  (await answer).statusCode < 300;

const ATTEMPTS: Attempt[] = [
  {
    kind: "request",
    what: "a request is not kept, and its form not spent",
    prepare: async (hub) => {
      const body = await fill(await makeForm(hub), { recipient });
      return () => succeeds(hub.call("POST", "/api/requests/import", { as: hub.owner, body }));
    },
  },
  {
    kind: "decision",
    what: "an approval changes nothing, and its nonce is not spent",
    prepare: async (hub) => {
      const { record } = await typeRequest(hub, { recipient });
      const clip = firstClip(hub);
      const { decision } = await prepareApproval(hub, record.request, { clip });
      return () => succeeds(decide(hub, record.request, decision));
    },
  },
  {
    kind: "decision",
    what: "a refusal changes nothing",
    prepare: async (hub) => {
      const { record } = await typeRequest(hub, { recipient });
      const { decision } = await prepareRefusal(hub, record.request);
      return () => succeeds(decide(hub, record.request, decision));
    },
  },
  {
    kind: "keyring",
    what: "a device is not admitted",
    prepare: async (hub) => () => admits(hub),
  },
  {
    kind: "view",
    what: "no byte of a recording is served",
    prepare: async (hub) => {
      const clip = await hub.record();
      const [file] = hub.hub.services.clips.files(clip);
      if (!file) throw new Error("no file");
      const url = `/api/clips/${clip}/files/${sealedFileName(file)}`;
      return async () => {
        const answer = await hub.call("GET", url, { as: hub.owner });
        expect(answer.body.includes("age-encryption")).toBe(answer.statusCode === 200);
        return answer.statusCode === 200;
      };
    },
  },
  {
    kind: "access",
    what: "no byte of a bundle leaves",
    prepare: async (hub) => {
      const request = await typeRequest(hub, { recipient });
      await approve(hub, request, { clip: firstClip(hub) });
      return async () => {
        const answer = await hub.call("GET", statusPath(request));
        if (answer.statusCode !== 200) expect(answer.rawPayload.length).toBeLessThan(300);
        expect(answer.body.startsWith("PK")).toBe(answer.statusCode === 200);
        return answer.statusCode === 200;
      };
    },
  },
  {
    kind: "decision",
    what: "a request does not expire",
    prepare: async (hub) => {
      await typeRequest(hub, { recipient });
      hub.clock.nowMs += REQUEST_EXPIRY_MS;
      const { household, requests } = hub.hub.services;
      const head = household.keyring?.head;
      return async () => {
        try {
          return head !== undefined && requests.expireDue(head) > 0;
        } catch (error) {
          if (error instanceof Error && error.message === FULL) return false;
          throw error;
        }
      };
    },
  },
];

async function admits(hub: TestHub): Promise<boolean> {
  try {
    await hub.admit("owner");
    return true;
  } catch (error) {
    if (error instanceof Error && error.message === FULL) return false;
    throw error;
  }
}

describe("where the ledger refuses the entry there is no effect", () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1 });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  // The last one moves the clock past every session.
  test.each(ATTEMPTS)("$kind: $what", async ({ kind, prepare }) => {
    const attempt = await prepare(hub);
    await using database = beside(hub);
    refuseEntries(database, kind);
    const before = everythingIn(database);
    const head = hub.hub.services.household.keyring?.head;
    expect(await attempt()).toBe(false);
    expect(everythingIn(database)).toBe(before);
    expect(hub.hub.services.household.keyring?.head).toBe(head);
    expect(hub.filesOutsideTheStore()).toEqual([]);
    database.exec("DROP TRIGGER no_entry");
    // The same again, now that the disk takes it: nothing was half done.
    expect(await attempt()).toBe(true);
    expect(everythingIn(database)).not.toBe(before);
  });

  test("clip: a recording is not listed as closed", async () => {
    await using hub = await startTestHub();
    await using database = beside(hub);
    refuseEntries(database, "clip");
    await expect(hub.record()).rejects.toThrow(FULL);
    const [clip] = hub.hub.services.clips.list().clips;
    expect(clip).toMatchObject({ state: "recording", entryIndex: null });
    database.exec("DROP TRIGGER no_entry");
    await recoverOrphans(hub.hub.services.clips);
    expect(hub.hub.services.clips.list().clips[0]).toMatchObject({ state: "closed" });
  });

  test("release: an approval that was cut off here is finished by the next start, not before", async () => {
    await using folder = temporaryFolder();
    let path = "";
    let owner: TestHub["owner"]["bundle"];
    {
      await using hub = await startTestHub({ clips: 1, dataDirectory: folder.path });
      owner = hub.owner.bundle;
      const request = await typeRequest(hub, { recipient });
      path = statusPath(request);
      await using database = beside(hub);
      refuseEntries(database, "release");
      const clip = firstClip(hub);
      const { decision } = await prepareApproval(hub, request.record.request, { clip });
      await decide(hub, request.record.request, decision);
      expect(hub.ledgerKinds().at(-1)).toBe("decision");
      expect((await hub.call("GET", path)).statusCode).toBe(404);
      database.exec("DROP TRIGGER no_entry");
    }
    await using hub = await startTestHub({ dataDirectory: folder.path, owner });
    expect(hub.ledgerKinds().at(-1)).toBe("release");
    expect((await hub.call("GET", path)).statusCode).toBe(200);
  });
});

describe("the order of entries", () => {
  test("is the order of what happened, and each is there before what follows from it", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub), segments: [0, 0] });
    requireOk(await hub.call("GET", statusPath(request)));
    requireOk(await hub.call("GET", statusPath(request)));
    expect(hub.ledgerKinds()).toEqual([
      "genesis",
      "keyring",
      "software",
      "settings",
      "clip",
      "request",
      "view",
      "decision",
      "release",
      "access",
      "access",
    ]);
  });

  test("the access is committed when the first byte of the bundle arrives", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub) });
    await using database = beside(hub);
    const accesses = database
      .prepare<[], number>("SELECT count(*) FROM ledger_entries WHERE kind = 'access'")
      .pluck();
    expect(accesses.get()).toBe(0);
    const answer = await fetch(`${hub.hub.url}${statusPath(request)}`);
    // Headers have arrived, and nothing of the body was read yet.
    expect(accesses.get()).toBe(1);
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(10_000);
  });
});

describe("committed means on the disk", () => {
  test("the hub opens its database in one place, with synchronous=FULL and a write-ahead log", async () => {
    const opening = readdirSync(path.join(projectRoot, "src"), {
      recursive: true,
      encoding: "utf8",
    })
      .filter((file) => file.endsWith(".ts"))
      .filter((file) =>
        readFileSync(path.join(projectRoot, "src", file), "utf8").includes("new BetterSqlite3("),
      );
    // One is a lock, which holds no row; the attack reads, and alters copies only; a restore looks at
    // a copied database in memory; the copy elsewhere reads, and who ends a copy from before an upgrade.
    expect(opening.toSorted()).toEqual([
      "base/database.ts",
      "base/upgrade-backup.ts",
      "cli/attack/database.ts",
      "cli/restore-state.ts",
      "hub/running-hub.ts",
      "offsite/state-archive.ts",
    ]);
    await using hub = await startTestHub();
    await using database = beside(hub);
    expect(database.pragma("synchronous", { simple: true })).toBe(2);
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
  });
});
