import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inTransaction, openDatabase } from "../../src/base/database.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { typeRequest } from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub({ clips: 3 });
});
afterAll(() => hub[Symbol.asyncDispose]());

interface Listed {
  readonly index: number;
  readonly entry: string;
}

const get = (url: string) => hub.call("GET", url, { as: hub.owner });
const kindOf = ({ entry }: Listed): string =>
  (JSON.parse(Buffer.from(entry, "base64").toString()) as { kind: string }).kind;
const indexes = async (query: string): Promise<number[]> =>
  (await get(`/api/ledger/entries?${query}`)).json<Listed[]>().map(({ index }) => index);

describe("pages of the ledger", () => {
  test("come newest first, down to the first entry, each entry once", async () => {
    const size = hub.hub.services.ledger.size();
    const found: number[] = [];
    for (let before = ""; ;) {
      const page = await indexes(`newest=true&limit=2${before}`);
      if (page.length === 0) break;
      found.push(...page);
      before = `&before=${page.at(-1)}`;
    }
    expect(found).toEqual([...Array(size).keys()].toReversed());
    expect(await indexes("limit=1000")).toEqual([...Array(size).keys()]);
    expect(await indexes("before=0")).toEqual([]);
  });

  test("of one kind have that kind alone, in both directions", async () => {
    const clips = (await get("/api/ledger/entries?kind=clip")).json<Listed[]>();
    expect(clips.map(kindOf)).toEqual(["clip", "clip", "clip"]);
    const newest = (await get("/api/ledger/entries?kind=clip&newest=true")).json<Listed[]>();
    expect(newest).toEqual(clips.toReversed());
    for (const wrong of ["kind=clips", "kind=", "before=-1", "newest=maybe", "limit=1001"])
      expect((await get(`/api/ledger/entries?${wrong}`)).statusCode, wrong).toBe(422);
  });
});

describe("the ledger's counts", () => {
  test("go up with every entry, decisions by what was decided", async () => {
    const counts = async () => (await get("/api/ledger/counts")).json<Record<string, number>>();
    const before = await counts();
    expect(before).toMatchObject({ asked: 0, refused: 0, views: 0, released: 0 });
    const { ledger } = hub.hub.services;
    const decided = {
      v: 1,
      kind: "decision",
      atMs: 1,
      request: "0".repeat(32),
      decisionSha256: null,
      keyringHead: "0".repeat(64),
    } as const;
    for (const outcome of [
      "refused",
      "refused",
      "expired",
      "approved",
      "approved_in_part",
    ] as const)
      ledger.append({ ...decided, outcome });
    await typeRequest(hub);
    await get(`/api/clips/${firstClip(hub)}/files/poster.original.age`);
    expect(await counts()).toEqual({
      ...before,
      entries: ledger.size(),
      ...{ asked: 1, refused: 2, expired: 1, approved: 2, withdrawn: 0 },
      views: before["views"],
    });
  });

  test("an entry that is undone was never counted", async () => {
    const { ledger } = hub.hub.services;
    const before = [...ledger.counts()];
    await using folder = temporaryFolder();
    await using own = openDatabase(path.join(folder.path, "doorward.db"));
    const insert = (index: number) =>
      own
        .prepare("INSERT INTO ledger_entries VALUES (?, 'clock', 1, NULL, ?, ?)")
        .run(index, Buffer.from("{}"), Buffer.alloc(32));
    insert(0);
    expect(() =>
      inTransaction(own, () => {
        insert(1);
        throw new Error("undone");
      }),
    ).toThrow("undone");
    expect(own.prepare("SELECT * FROM ledger_counts").all()).toEqual([{ name: "clock", count: 1 }]);
    expect([...ledger.counts()]).toEqual(before);
  });

  test("of a ledger that is older than they are, are filled in", async () => {
    await using folder = temporaryFolder();
    const older = path.join(folder.path, "migrations");
    const own = path.join(projectRoot, "src/base/migrations");
    mkdirSync(older);
    for (const name of readdirSync(own).filter((each) => each < "0070"))
      copyFileSync(path.join(own, name), path.join(older, name));
    const file = path.join(folder.path, "doorward.db");
    {
      await using database = openDatabase(file, { migrationsFolder: older });
      const insert = database.prepare(
        "INSERT INTO ledger_entries VALUES (?, ?, 1, NULL, ?, zeroblob(32))",
      );
      const entries: [string, string][] = [
        ["view", "{}"],
        ["view", "{}"],
        ["decision", '{"outcome":"refused"}'],
        ["decision", "not JSON"],
      ];
      for (const [index, [kind, text]] of entries.entries())
        insert.run(index, kind, Buffer.from(text));
    }
    await using database = openDatabase(file);
    expect(database.prepare("SELECT * FROM ledger_counts ORDER BY name").all()).toEqual([
      { name: "decision", count: 1 },
      { name: "decision refused", count: 1 },
      { name: "view", count: 2 },
    ]);
  });
});

describe("who has seen a recording", () => {
  test("is told to those who may see it themselves, newest first", async () => {
    const clip = firstClip(hub);
    const adult = await hub.admit("adult");
    const name = sealedFileName(
      hub.hub.services.clips.files(clip)[0] ?? {
        segment: 0,
        track: "video",
        rendition: "original",
      },
    );
    for (const as of [hub.owner, adult]) {
      hub.clock.nowMs += 1_000;
      const fetched = await hub.call("GET", `/api/clips/${clip}/files/${name}`, { as });
      expect(fetched.statusCode).toBe(200);
    }
    const answer = await get(`/api/clips/${clip}/views`);
    expect(answer.json()).toEqual([
      { device: adult.key.device, atMs: hub.clock.nowMs },
      { device: hub.owner.key.device, atMs: hub.clock.nowMs - 1_000 },
    ]);
    const [, other = ""] = hub.clips;
    expect((await get(`/api/clips/${other}/views`)).json()).toEqual([]);
    expect((await get(`/api/clips/${"0".repeat(32)}/views`)).statusCode).toBe(404);
    const viewer = await hub.admit("viewer");
    const refused = await hub.call("GET", `/api/clips/${clip}/views`, { as: viewer });
    expect(refused.statusCode).toBe(403);
  });

  test("is the newest 200 at most, and found without a walk through the ledger", async () => {
    const [, , clip] = hub.clips;
    if (!clip) throw new Error("no third clip");
    const { ledger } = hub.hub.services;
    const { device } = hub.owner.key;
    for (let atMs = 0; atMs < 250; atMs += 1)
      ledger.append({ v: 1, kind: "view", atMs, clip, device });
    const listed = (await get(`/api/clips/${clip}/views`)).json<{ atMs: number }[]>();
    expect(listed.map(({ atMs }) => atMs)).toEqual(
      [...Array(200).keys()].map((count) => 249 - count),
    );
  });
});
