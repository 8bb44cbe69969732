import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openDatabase, requireSchemaOfMigrations } from "../../src/base/database.ts";
import { programsIn } from "../../src/cli/restore-choice.ts";
import { restore } from "../../src/cli/restore.ts";
import { tooLarge } from "../../src/hub/copy.ts";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { utf8Bytes } from "../../src/protocol/bytes.ts";
import { parseCopyObjectName } from "../../src/protocol/copy-format.ts";
import { inProcess } from "../support/cli-in-process.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
}

/** Their numbers, the lowest first. */
function statesIn(copy: string): number[] {
  return namesIn(copy).flatMap((name) => {
    const object = parseCopyObjectName(name);
    return object?.type === "state-index" ? [object.sequence] : [];
  });
}

function put(file: string, bytes: Uint8Array): void {
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}

function altered(bytes: Uint8Array, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

describe("a restore", () => {
  const folder = temporaryFolder();
  const copy = path.join(folder.path, "copy");
  let house: TestHub;
  let keys: string;
  let sheet: string;
  beforeAll(async () => {
    mkdirSync(copy);
    const at = { kind: "folder" as const, folder: copy };
    house = await startTestHub({
      ...{ nowMs: "system", clips: 1 },
      settings: { copy: { at, bytesPerSecond: null, everyMs: 3_600_000, deletions: "follow" } },
    });
    ({ keys } = cliOwner(folder.path, house.owner.bundle, house.hub.url));
    if (!house.recovery) throw new Error("no sheet");
    sheet = path.join(folder.path, "sheet.txt");
    writeFileSync(sheet, utf8Bytes(recoverySheet(house.recovery, "x25519")));
    await house.hub.services.copy.now();
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const run = async (...args: string[]) => inProcess(restore, "--from", copy, "--json", ...args);
  const drill = async (...args: string[]) => run("--drill", ...args);

  test("with an owner's keys says what is missing or was changed, and goes on where it was stopped", async () => {
    const [changed = ""] = namesIn(copy).filter((name) => name.endsWith(".video.original.age"));
    const bytes = readFileSync(path.join(copy, changed));
    const broken = altered(bytes, bytes.length - 1);
    put(path.join(copy, changed), broken);
    const found = await drill("--keys", keys);
    expect(found.code).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({ missingFiles: 1, missing: [changed] });
    put(path.join(copy, changed), bytes);
    // As a stop leaves it: a mark, and a file that is not whole.
    const data = path.join(folder.path, "fresh");
    mkdirSync(path.join(data, path.dirname(changed)), { recursive: true });
    writeFileSync(path.join(data, changed), broken);
    const { origin } = house.owner.bundle;
    const begun = { v: 1, origin, sequence: 1, writer: "00000000" };
    writeFileSync(path.join(data, "restoring.json"), JSON.stringify(begun));
    const options = { dataDirectory: data, owner: house.owner.bundle };
    await expect(startTestHub(options)).rejects.toMatchObject({ code: "RESTORE_UNFINISHED" });
    const restored = await run("--keys", keys, "--data", data, "--yes");
    expect([restored.code, restored.stderr]).toEqual([0, ""]);
    expect(readFileSync(path.join(data, changed)).equals(bytes)).toBe(true);
    expect(readdirSync(data)).not.toContain("restoring.json");
    // Not twice, and not over it.
    const again = await run("--keys", keys, "--data", data);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("it is not empty")]);
  });

  test("takes no state that was altered, that another sheet opens, or whose number stands twice", async () => {
    await using other = await startTestHub({ nowMs: "system" });
    if (!other.recovery) throw new Error("no sheet");
    const theirs = path.join(folder.path, "theirs.txt");
    writeFileSync(theirs, utf8Bytes(recoverySheet(other.recovery, "x25519")));
    const wrong = await drill("--sheet", theirs);
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining("do not open this state"),
    ]);
    expect((await drill("--sheet", sheet)).code).toBe(0);
    const part = path.join(copy, namesIn(copy).find((name) => name.endsWith(".part")) ?? "");
    const bytes = readFileSync(part);
    put(part, altered(bytes, bytes.length >> 1));
    const damaged = await drill("--sheet", sheet);
    expect([damaged.code, damaged.stderr]).toEqual([
      1,
      expect.stringContaining("not what its index says"),
    ]);
    put(part, bytes);
    // As two hubs leave it that write side by side.
    const state = path.dirname(part);
    const twin = `${state.slice(0, -8)}00000000`;
    mkdirSync(twin);
    writeFileSync(path.join(twin, "index.json"), readFileSync(path.join(state, "index.json")));
    const two = await drill("--sheet", sheet);
    expect([two.code, two.stderr]).toEqual([1, expect.stringContaining("--writer 00000000")]);
    expect((await drill("--sheet", sheet, "--writer", state.slice(-8))).code).toBe(0);
    const named = await drill("--sheet", sheet, "--writer", "00000000");
    expect([named.code, named.stderr]).toEqual([
      1,
      expect.stringContaining("its index is of another state"),
    ]);
    rmSync(twin, { recursive: true });
  });

  test("takes all of many entries, or none that the ledger has not signed for", async () => {
    const { ledger, copy: desk } = house.hub.services;
    const before = ledger.size();
    for (let count = 0; count < 1_200; count += 1)
      ledger.append({
        v: 1,
        kind: "heartbeat",
        atMs: Date.now(),
        everyMs: 3_600_000,
        first: false,
      });
    await desk.now();
    const batches = namesIn(copy).filter((name) => parseCopyObjectName(name)?.type === "ledger");
    const [, ...many] = batches;
    expect(many.length).toBe(2);
    const whole = JSON.parse((await drill("--keys", keys)).stdout) as object;
    expect(whole).toMatchObject({ ledger: { entries: before + 1_200 } });
    const last = path.join(copy, many[1] ?? "");
    const bytes = readFileSync(last);
    put(last, altered(bytes, bytes.length - 1));
    const cut = await drill("--keys", keys);
    expect(JSON.parse(cut.stdout)).toMatchObject({
      ...{ ledger: { entries: before, added: 0 }, gaps: [] },
      refused: [{ name: many[1], reason: expect.stringContaining("do not open them") as string }],
    });
    expect([cut.code, cut.stderr]).toEqual([1, expect.stringContaining("are not taken")]);
    put(last, bytes);
    // As a place does that holds one back.
    const first = path.join(copy, many[0] ?? "");
    const held = readFileSync(first);
    rmSync(first);
    const hole = await drill("--keys", keys);
    expect([hole.code, JSON.parse(hole.stdout)]).toMatchObject([
      1,
      { gaps: [{ first: before, last: before + 999 }], refused: [] },
    ]);
    const data = path.join(folder.path, "held-back");
    const refused = await run("--keys", keys, "--data", data, "--yes");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("--as-far-as-it-goes"),
    ]);
    expect(readdirSync(folder.path)).not.toContain("held-back");
    writeFileSync(first, held, { mode: 0o600 });
  });

  test("tells of a newer state that is damaged, and takes the one that is named", async () => {
    const { copy: desk, ledger } = house.hub.services;
    await house.admit("adult");
    await expect
      .poll(() => statesIn(copy).length, { timeout: 30_000, interval: 100 })
      .toBeGreaterThan(1);
    await desk.now();
    const [older = 0, newest = 0] = statesIn(copy).slice(-2);
    const epoch = house.hub.services.household.keyring?.epoch ?? 0;
    const facts = JSON.parse((await drill("--sheet", sheet)).stdout) as object;
    expect(facts).toMatchObject({
      state: { sequence: newest, keyringEpoch: epoch, programs: [] },
      olderState: { sequence: older, keyringEpoch: epoch - 1 },
    });
    const named = await drill("--sheet", sheet, "--state", String(older));
    expect(JSON.parse(named.stdout)).toMatchObject({ state: { sequence: older }, refused: [] });
    // Who has seen the keyring that only a batch has: it is in force, though in no state.
    const witnessed = await drill("--keys", keys, "--state", String(older));
    expect(JSON.parse(witnessed.stdout)).toMatchObject({ ledger: { entries: ledger.size() } });
    const part = path.join(copy, namesIn(copy).findLast((name) => name.endsWith(".part")) ?? "");
    const bytes = readFileSync(part);
    put(part, altered(bytes, bytes.length >> 1));
    const damaged = await drill("--sheet", sheet);
    expect([damaged.code, JSON.parse(damaged.stdout)]).toMatchObject([
      1,
      { state: { sequence: older }, refused: [{ name: expect.stringContaining("index.json") }] },
    ]);
    put(part, bytes);
  });

  test("takes no state that somebody else made with the hub's own key, nor starts programs unasked", async () => {
    await using database = openDatabase(path.join(folder.path, "schema.db"));
    database.exec("CREATE TRIGGER odd AFTER INSERT ON sessions BEGIN DELETE FROM clip_holds; END");
    expect(() => requireSchemaOfMigrations(database)).toThrow("triggers or views");
    database.exec("DROP TRIGGER odd");
    expect(() => requireSchemaOfMigrations(database)).not.toThrow();
    expect(tooLarge(1.5 * 2 ** 30)).toMatchObject({ code: "STATE_TOO_LARGE" });
    expect(tooLarge(2 ** 31).message).toContain("Cannot copy the hub's state");
    const data = path.join(folder.path, "unasked");
    const answer = Object.assign(Readable.from(["n\n"]), { isTTY: true }) as typeof process.stdin;
    const typed = vi.spyOn(process, "stdin", "get").mockReturnValue(answer);
    const unasked = await run("--sheet", sheet, "--data", data);
    typed.mockRestore();
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining("with --yes")]);
    expect(unasked.stderr).toMatch(/Taken: state \d+ of [0-9a-f]{8}, made on .*keyring \d+/);
    expect(readdirSync(folder.path)).not.toContain("unasked");
    const yaml = "cameras: [{ id: door, bells: [{ via: command, command: [/bin/ring, -x] }] }]";
    expect(programsIn([{ name: "doorward.yaml", bytes: utf8Bytes(yaml) }])).toEqual([
      '["/bin/ring","-x"]',
    ]);
  });

  test("of a hub whose keyring has just changed knows the change", async () => {
    const states = (): number => namesIn(copy).filter((name) => name.endsWith("index.json")).length;
    const known = states();
    await house.admit("adult");
    // By itself, and long before the next turn is due.
    await expect.poll(states, { timeout: 30_000, interval: 100 }).toBe(known + 1);
    await house.hub.services.copy.now();
    const found = JSON.parse((await drill("--sheet", sheet)).stdout) as object;
    expect(found).toMatchObject({ ledger: { entries: house.hub.services.ledger.size() } });
  });
});
