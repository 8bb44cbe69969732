import { cpSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import type { FromIngest } from "../../src/ingest/messages.ts";
import { IngestProcess } from "../../src/ingest/process.ts";
import { Hub } from "../../src/hub/hub.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { verifyKeyringSince } from "../../src/protocol/keyring.ts";
import {
  newDevice,
  newReaders,
  signStatement,
  statementAfter,
  testChain,
  type TestChain,
} from "../support/test-household.ts";
import { startTestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

// Invariant 9: only owners change who can read or sign.

interface StatementRow {
  readonly epoch: number;
  readonly head: string;
  readonly envelope: string;
}

const rowsOf = (database: HubDatabase): StatementRow[] =>
  database.prepare<[], StatementRow>("SELECT * FROM keyring_statements ORDER BY epoch").all();

let base: string;
let genesis: string;
beforeAll(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), "doorward-base-"));
  await using hub = await startTestHub({ dataDirectory: base });
  await hub.admit("owner");
  await hub.admit("viewer");
  ({ genesis } = hub.owner.bundle);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A hub with three devices, stopped; its database is changed by hand and it starts again. */
async function startsAfter(change: (database: HubDatabase, chain: Envelope[]) => unknown) {
  await using folder = temporaryFolder();
  cpSync(base, folder.path, { recursive: true });
  {
    await using database = openDatabase(path.join(folder.path, "doorward.db"));
    const chain = rowsOf(database).map(({ envelope }) => JSON.parse(envelope) as Envelope);
    await change(database, chain);
  }
  const settings = { name: "x", port: 0, outside: null, cameras: [], text: "" };
  const start = async (): Promise<string> => {
    await using hub = await Hub.start({ dataDirectory: folder.path, settings, log: () => {} });
    return hub.services.household.keyring?.genesis === genesis ? "as it was" : "another";
  };
  // Awaited here: the folder goes when this function returns.
  return await start().catch((error: unknown) =>
    error instanceof Error && "code" in error ? error.code : error,
  );
}

const insert = (database: HubDatabase, epoch: number, envelope: Envelope): unknown =>
  database
    .prepare("INSERT INTO keyring_statements (epoch, head, envelope) VALUES (?, ?, ?)")
    .run(epoch, String(epoch).padStart(64, "0"), JSON.stringify(envelope));

describe("a hub does not start when somebody with the database has changed who can read", () => {
  test("(control: unchanged it starts, and the household is the same)", async () => {
    expect(await startsAfter(() => {})).toBe("as it was");
  });

  test("by adding a device or a reader that he signed himself", async () => {
    const { key, change } = newDevice("owner");
    expect(
      await startsAfter(async (database, chain) => {
        const keyring = verifyKeyringSince(chain, null);
        insert(database, 3, await signStatement(statementAfter(keyring, change), [key]));
      }),
    ).toBe("KEYRING_BAD_SIGNATURE");
    expect(
      await startsAfter(async (database, chain) => {
        const keyring = verifyKeyringSince(chain, null);
        const [, second] = [...keyring.devices.keys()];
        const readers = await newReaders(keyring);
        const removal = { kind: "remove", device: second ?? "", readers } as const;
        insert(database, 3, await signStatement(statementAfter(keyring, removal), [key]));
      }),
    ).toBe("KEYRING_BAD_SIGNATURE");
  });

  test("by writing another reader or key into a signed statement", async () => {
    const { originals } = await newReaders();
    const edit = (at: number, pattern: RegExp, text: string) =>
      startsAfter((database, chain) => {
        const envelope = chain[at];
        const payload = Buffer.from(envelope?.payload ?? "", "base64").toString();
        const edited = payload.replace(pattern, text);
        expect(edited).not.toBe(payload);
        const row = { ...envelope, payload: Buffer.from(edited).toString("base64") };
        database
          .prepare("UPDATE keyring_statements SET envelope = ? WHERE epoch = ?")
          .run(JSON.stringify(row), at);
      });
    expect(await edit(0, /(?<="originals":")[^"]+/, originals)).toMatch(/^KEYRING_/);
    const stranger = toBase64(newDevice("owner").key.publicKey);
    expect(await edit(2, /(?<="signingKey":")[^"]+/, stranger)).toMatch(/^KEYRING_/);
    expect(await edit(2, /"viewer"/, `"owner"`)).toMatch(/^KEYRING_/);
  });

  test("by cutting the chain off, so that a removed device would be back", async () => {
    const cut = (from: number) =>
      startsAfter((database) =>
        database.prepare("DELETE FROM keyring_statements WHERE epoch >= ?").run(from),
      );
    expect(await cut(2)).toBe("KEYRING_ROLLED_BACK");
    expect(await cut(1)).toBe("KEYRING_ROLLED_BACK");
    // With nothing left, anybody with the console's code could have claimed the house.
    expect(await cut(0)).toBe("KEYRING_ROLLED_BACK");
  });

  test("by putting a whole other household in its place", async () => {
    const other = await testChain();
    const replaced = await startsAfter((database) => {
      database.exec("DELETE FROM keyring_statements");
      for (const [epoch, envelope] of other.statements.entries()) insert(database, epoch, envelope);
    });
    expect(replaced).toBe("FOREIGN_HOUSEHOLD");
  });

  test("by swapping two statements or leaving one out", async () => {
    const reorder = (order: readonly number[]) =>
      startsAfter((database, chain) => {
        database.exec("DELETE FROM keyring_statements");
        for (const [epoch, from] of order.entries())
          insert(database, epoch, chain[from] as Envelope);
      });
    expect(await reorder([0, 2, 1])).toBe("KEYRING_BROKEN_CHAIN");
    expect(await reorder([0, 2])).toBe("KEYRING_BROKEN_CHAIN");
  });
});

describe("the ingest process checks the chain for itself", () => {
  async function ingestWith(chain: TestChain) {
    const folder = temporaryFolder();
    const refusals: string[] = [];
    let ready = (): void => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const ingest = IngestProcess.start({
      greet: () => [
        { type: "configure", clipsDirectory: folder.path, cameras: [] },
        { type: "keyring", statements: [...chain.statements] },
      ],
      onMessage: (message: FromIngest) => {
        if (message.type === "ready") ready();
        if (message.type === "keyring-refused") refusals.push(message.message);
      },
      onPicture: () => {
        throw new Error("a picture that nobody asked for");
      },
      onMalformed: (reason) => {
        throw new Error(reason);
      },
      onExit: async () => {},
    });
    await isReady;
    return {
      /** What it says to a chain, after it has said all it has to say to the ones before. */
      offer: async (statements: readonly Envelope[]): Promise<string> => {
        const before = refusals.length;
        ingest.send({ type: "keyring", statements: [...statements] });
        // Something that it surely refuses: its answer comes after the one that is waited for.
        ingest.send({ type: "keyring", statements: [] });
        while (!refusals.slice(before).some((each) => each.includes("no statement")))
          await new Promise((resolve) => setTimeout(resolve, 10));
        const [first = ""] = refusals.slice(before);
        return first.includes("no statement") ? "accepted" : first;
      },
      [Symbol.asyncDispose]: async () => {
        await ingest[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  test("it takes a chain that has grown, and refuses everything else", async () => {
    const chain = await testChain();
    await chain.add(newDevice("owner").change);
    await using ingest = await ingestWith(chain);
    const grown = [...chain.statements, await chain.sign(newDevice("viewer").change)];
    const stranger = newDevice("owner");
    const forged = [...chain.statements, await chain.sign(stranger.change, [stranger.key])];
    const fork = [
      ...chain.statements.slice(0, 1),
      await signStatement(
        statementAfter(verifyKeyringSince(chain.statements.slice(0, 1), null), stranger.change),
        [chain.founder],
      ),
    ];
    expect(await ingest.offer(chain.statements)).toBe("accepted");
    expect(await ingest.offer(forged)).toMatch(/no owner in force/);
    expect(await ingest.offer(chain.statements.slice(0, 1))).toMatch(/no longer holds/);
    expect(await ingest.offer((await testChain()).statements)).toMatch(/no longer holds/);
    expect(await ingest.offer(fork)).toMatch(/no longer holds/);
    expect(await ingest.offer(grown)).toBe("accepted");
    expect(await ingest.offer(chain.statements)).toMatch(/no longer holds/);
  });
});

describe("no request over HTTP adds a reader or a device", () => {
  test("a viewer's session cannot, and an owner's cannot without the owner's signature", async () => {
    await using hub = await startTestHub();
    const viewer = await hub.admit("viewer");
    const before = hub.hub.services.household.keyring?.head;
    const url = `/api/pairings/${"0".repeat(32)}/admit`;
    const statement = hub.hub.services.household.statements()[0];
    for (const as of [viewer, hub.owner, null]) {
      const answer = await hub.call("POST", url, { as, body: { statement, sealed: "x" } });
      expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    }
    expect(hub.hub.services.household.keyring?.head).toBe(before);
  });

  test("and every clip's ledger entry carries the head that was in force", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const first = hub.hub.services.household.keyring?.head;
    await hub.admit("viewer");
    await hub.record();
    const heads = hub.hub.services.ledger
      .entries({ kind: "clip" })
      .map(({ entry }) => (entry.kind === "clip" ? entry.keyringHead : ""));
    expect(heads).toEqual([first, hub.hub.services.household.keyring?.head]);
    expect(heads[0]).not.toBe(heads[1]);
  });
});

test("a challenge is nobody's key: an unknown device with a valid signature gets no session", async () => {
  await using hub = await startTestHub();
  const stranger = { ...hub.owner.bundle, signingSeed: toBase64(new Uint8Array(32).fill(5)) };
  await expect(hub.logIn(stranger)).rejects.toThrow(/LOGIN_REFUSED/);
});
