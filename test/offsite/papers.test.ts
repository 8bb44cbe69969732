import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { HubCopy, type HubCopyOptions } from "../../src/hub/copy.ts";
import { openFolderPlace } from "../../src/offsite/place-folder.ts";
import { placeError, type Place } from "../../src/offsite/place.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import {
  parseCopyObjectName,
  readStateIndex,
  readStateManifest,
} from "../../src/protocol/copy-format.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { ageOpened, copyTo, copyTurn, namesAt } from "../support/test-copy.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const DAY_MS = 24 * 3_600_000;

/** A state, joined of its parts and opened. */
async function stateIn(folder: string, index: string, identity: string) {
  const { parts, sha256 } = readStateIndex(await readFile(path.join(folder, index)));
  const at = path.join(folder, path.dirname(index));
  const names = (await readdir(at)).filter((name) => name.endsWith(".part")).toSorted();
  const sealed = Buffer.concat(
    await Promise.all(names.map((name) => readFile(path.join(at, name)))),
  );
  expect([names.length, sha256Hex(new Uint8Array(sealed))]).toEqual([parts.length, sha256]);
  const archive = await ageOpened(new Uint8Array(sealed), identity);
  const member = (name: string) =>
    execFileSync("tar", ["xzOf", "-", name], { input: archive, maxBuffer: 64 << 20 });
  const { manifest } = readStateManifest(new Uint8Array(member("state.json")));
  return { manifest, member, parts: parts.length };
}

test("a state of several parts is one archive, and all its members are what it says", async () => {
  await using folder = temporaryFolder();
  await using house = await startTestHub({ settings: { copy: copyTo(folder.path) } });
  await mkdir(path.join(house.dataDirectory, "viewers"), { recursive: true });
  for (const name of ["one", "two", "three"])
    await writeFile(path.join(house.dataDirectory, "viewers", name), randomBytes(15 << 20));
  expect(await copyTurn(house)).toMatchObject({ trouble: null, behind: { files: 0 } });
  const [index = ""] = (await namesAt(folder.path)).filter((name) => name.endsWith("index.json"));
  const identity = String(house.owner.bundle.readers.owners);
  const { manifest, member, parts } = await stateIn(folder.path, index, identity);
  expect(parts).toBe(2);
  const viewers = manifest.members.filter(({ name }) => name.startsWith("viewers/"));
  expect(viewers.length).toBe(3);
  for (const { name, sha256 } of viewers) expect(sha256Hex(member(name)), name).toBe(sha256);
});

test("three states are kept, and of the ledger's batches what the oldest of them has not", async () => {
  await using folder = temporaryFolder();
  await using house = await startTestHub({ settings: { copy: copyTo(folder.path) } });
  for (let day = 0; day < 5; day += 1) {
    for (let turns = 0; turns < 2; turns += 1) {
      await house.record();
      await copyTurn(house);
    }
    house.clock.nowMs += DAY_MS;
  }
  expect(await copyTurn(house)).toMatchObject({ trouble: null, stays: { files: 0 } });
  const names = await namesAt(folder.path);
  const indexes = names.filter((name) => name.endsWith("/index.json"));
  expect(indexes.length).toBe(3);
  const inStates = names.filter((name) => name.startsWith("state/"));
  expect(new Set(inStates.map((name) => path.dirname(name))).size).toBe(3);
  const batches = names.flatMap((name) => {
    const object = parseCopyObjectName(name);
    return object?.type === "ledger" ? [object] : [];
  });
  const identity = String(house.owner.bundle.readers.owners);
  const { manifest } = await stateIn(folder.path, indexes[0] ?? "", identity);
  const [oldest] = batches;
  expect(oldest?.first).toBeGreaterThan(0);
  expect(oldest?.first).toBeLessThanOrEqual(manifest.ledger.size);
  expect(oldest?.last).toBeGreaterThanOrEqual(manifest.ledger.size);
  let next = oldest?.first ?? 0;
  for (const { first, last } of batches) {
    expect(first).toBe(next);
    next = last + 1;
  }
  expect(next).toBe(house.hub.services.ledger.size());
});

test("what is left of a clip that has no row is copied too, from the month it lies in", async () => {
  await using folder = temporaryFolder();
  await using house = await startTestHub({ clips: 1, settings: { copy: copyTo(folder.path) } });
  await copyTurn(house);
  const clip = "0123456789abcdef0123456789abcdef";
  const name = `clips/2026-10/${clip}/000.video.original.age.partial`;
  const file = path.join(house.dataDirectory, name);
  await mkdir(path.dirname(file), { recursive: true });
  const bytes = randomBytes(5_000);
  await writeFile(file, bytes);
  await using database = openDatabase(path.join(house.dataDirectory, "doorward.db"));
  database
    .prepare("INSERT INTO torn_files VALUES (?, ?, ?, ?, ?)")
    .run(clip, path.basename(name), bytes.length, sha256Hex(new Uint8Array(bytes)), 0);
  expect(await copyTurn(house)).toMatchObject({ trouble: null, behind: { files: 0 } });
  expect((await readFile(path.join(folder.path, name))).equals(bytes)).toBe(true);
  database.prepare("DELETE FROM torn_files WHERE clip = ?").run(clip);
  await copyTurn(house);
  expect(await namesAt(folder.path)).not.toContain(name);
});

test("without a place, asking for a copy is refused, and says why", async () => {
  await using house = await startTestHub();
  const answer = await house.call("POST", "/api/copy/now", { as: house.owner });
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toMatchObject({ code: "NO_COPY" });
  const state = await house.call("GET", "/api/copy", { as: house.owner });
  expect(state.json()).toMatchObject({ place: null, running: false, behind: { files: 0 } });
});

describe("a place that fails", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  function copyOf(house: TestHub, openPlace: NonNullable<HubCopyOptions["openPlace"]>) {
    const databasePath = path.join(house.dataDirectory, "doorward.db");
    const database = openDatabase(databasePath);
    const copy = new HubCopy({
      ...{ database, databasePath, dataDirectory: house.dataDirectory, environment: {} },
      settings: { current: { copy: copyTo("/nowhere"), text: "name: x\n" } },
      ...{ sign: () => new Uint8Array(64), version: "1", nowMs: () => house.clock.nowMs },
      ...{ services: () => house.hub.services, openPlace, log: () => undefined },
    });
    return { copy, database };
  }

  test("without an answer does not keep the hub from stopping", async () => {
    await using house = await startTestHub({ clips: 1 });
    const never = new Promise<never>(() => undefined);
    let asked = 0;
    // As a disk that was pulled out: system calls that never come back, whoever gives up on them.
    const hanging: Place = {
      ...{ kind: "folder", address: "/mnt/pulled" },
      put: async () => never,
      look: async () => never,
      list: async function* () {
        yield await never;
      },
      read: async function* () {
        asked += 1;
        yield await never;
      },
      remove: async () => never,
      [Symbol.asyncDispose]: async () => never,
    };
    const { copy, database } = copyOf(house, async () => hanging);
    copy.configure();
    void copy.now();
    await vi.waitFor(() => expect(asked).toBe(1));
    await copy[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  test("is tried again after one minute, two and four, and its trouble is said since when", async () => {
    await using house = await startTestHub();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    let tried = 0;
    const { copy, database } = copyOf(house, async () => {
      tried += 1;
      throw placeError("PLACE_UNREACHABLE", "Cannot reach it: nobody is there");
    });
    copy.configure();
    const sinceMs = house.clock.nowMs;
    for (const [afterMs, times] of [
      [20_000, 1],
      [59_000, 1],
      [1_000, 2],
      [119_000, 2],
      [1_000, 3],
      [240_000, 4],
      [8 * 60_000, 5],
    ] as const) {
      house.clock.nowMs += afterMs;
      await vi.advanceTimersByTimeAsync(afterMs);
      expect(tried).toBe(times);
    }
    expect(copy.state().trouble).toMatchObject({ code: "PLACE_UNREACHABLE" });
    expect(copy.state().trouble?.sinceMs).toBe(sinceMs + 20_000);
    await copy[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  test("because it is full for weeks does not fill the hub's own disk", async () => {
    await using folder = temporaryFolder();
    await using house = await startTestHub();
    const { copy, database } = copyOf(house, async () => {
      const place = openFolderPlace(folder.path);
      const put: Place["put"] = async (name, content, signal) => {
        if (name.startsWith("state/")) throw placeError("PLACE_FULL", "Cannot put: no room");
        return place.put(name, content, signal);
      };
      return Object.assign(Object.create(place) as Place, {
        ...{ address: place.address, kind: place.kind, put, list: place.list.bind(place) },
        ...{ look: place.look.bind(place), read: place.read.bind(place) },
        ...{ remove: place.remove.bind(place) },
        [Symbol.asyncDispose]: async () => undefined,
      });
    });
    copy.configure();
    for (let day = 0; day < 6; day += 1) {
      await house.record();
      await copy.now();
      expect(copy.state().trouble?.code).toBe("PLACE_FULL");
      house.clock.nowMs += DAY_MS;
    }
    const waiting = await readdir(path.join(house.dataDirectory, "copy"));
    expect(waiting.filter((name) => name.startsWith("state-")).length).toBe(2);
    await copy[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
});
