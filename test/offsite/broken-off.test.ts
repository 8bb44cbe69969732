import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openWebDavPlace } from "../../src/offsite/place-webdav.ts";
import { openFolderPlace } from "../../src/offsite/place-folder.ts";
import { readAll, type Place } from "../../src/offsite/place.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import {
  parseCopyObjectName,
  readLedgerBatch,
  readStateIndex,
} from "../../src/protocol/copy-format.ts";
import { DAV_LOGIN, freePort, runWebDav } from "../support/copy-places.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import {
  ageOpened,
  COPY_ENVIRONMENT,
  copyTo,
  copyTurn,
  filesOfClip,
  namesAt,
} from "../support/test-copy.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const signal = new AbortController().signal;
const readIn = async (place: Place, name: string) => readAll(place, name, 64 << 20, signal);

/** Everything is there once, and is what it says it is. */
async function expectWhole(house: TestHub, place: Place, identity: string): Promise<void> {
  const names = await namesAt(place);
  expect(names.filter((name) => parseCopyObjectName(name) === null)).toEqual([]);
  const wanted: string[] = [];
  for (const clip of house.hub.services.clips.list({ limit: 50 }).clips.map(({ id }) => id))
    for (const [name, bytes] of Object.entries(await filesOfClip(house, clip))) {
      wanted.push(name);
      expect(bytes.equals(await readIn(place, name)), name).toBe(true);
    }
  expect(wanted.length).toBeGreaterThan(0);
  expect(names.filter((name) => name.startsWith("clips/"))).toEqual(wanted.toSorted());
  let next = 0;
  for (const name of names.filter((each) => each.startsWith("ledger/"))) {
    const batch = readLedgerBatch(await ageOpened(await readIn(place, name), identity));
    expect(batch.first).toBe(next);
    next += batch.entries.length;
  }
  expect(next).toBe(house.hub.services.ledger.size());
  const indexes = names.filter((name) => name.endsWith("/index.json"));
  expect(indexes.length).toBeGreaterThan(0);
  for (const name of indexes) {
    const index = readStateIndex(await readIn(place, name));
    const parts = names.filter((each) => each.startsWith(path.dirname(name)) && each !== name);
    expect(parts.length).toBe(index.parts.length);
    const bytes = await Promise.all(parts.map(async (part) => readIn(place, part)));
    expect(sha256Hex(new Uint8Array(Buffer.concat(bytes)))).toBe(index.sha256);
    await ageOpened(new Uint8Array(Buffer.concat(bytes)), identity);
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

async function counted(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
}

test("a hub that is killed in the middle of it goes on: all is there once, and whole", async () => {
  await using data = temporaryFolder();
  await using folder = temporaryFolder();
  const dataDirectory = path.join(data.path, "data");
  const first = await startTestHub({ clips: 3, dataDirectory, nowMs: "system" });
  const { bundle } = first.owner;
  await first[Symbol.asyncDispose]();
  const args = ["test/offsite/copy-child.ts", dataDirectory, folder.path, "150000"];
  let before = -1;
  for (let kills = 0; kills < 3; kills += 1) {
    const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: ["ignore", "pipe", 2] });
    const ended = once(child, "exit");
    // Counts what is half written too: that is where it is stopped.
    await until(async () => (await counted(folder.path)) > before + 1);
    child.kill("SIGKILL");
    const [, by] = (await ended) as [number | null, string | null];
    expect(by).toBe("SIGKILL");
    before = await counted(folder.path);
  }
  await using house = await startTestHub({
    ...{ dataDirectory, owner: bundle, nowMs: "system" },
    settings: { copy: copyTo(folder.path) },
  });
  await copyTurn(house);
  const state = await copyTurn(house);
  expect(state).toMatchObject({ trouble: null, behind: { files: 0 }, stays: { files: 0 } });
  await expectWhole(house, openFolderPlace(folder.path), String(bundle.readers.owners));
  expect(await readdir(path.join(dataDirectory, "copy"))).toEqual(["writer"]);
}, 120_000);

test.skipIf(missingCommands("rclone"))(
  "a server that goes away in the middle of it, and comes back: all is there once, and whole",
  async () => {
    await using folder = temporaryFolder();
    const port = await freePort();
    const running = await runWebDav(folder.path, port);
    const { url } = running;
    const at = { kind: "webdav", url: `${url}/` } as const;
    await using house = await startTestHub({
      ...{ clips: 2, environment: COPY_ENVIRONMENT },
      settings: { copy: copyTo(at, { bytesPerSecond: 60_000 }) },
    });
    const turn = house.hub.services.copy.now();
    await until(async () => (await counted(running.directory)) >= 2);
    await running[Symbol.asyncDispose]();
    await turn;
    expect(house.hub.services.copy.state().trouble?.code).toBe("PLACE_UNREACHABLE");
    expect((await copyTurn(house)).trouble?.code).toBe("PLACE_UNREACHABLE");
    await using _again = await runWebDav(folder.path, port);
    house.clock.nowMs += 25 * 3_600_000;
    await copyTurn(house);
    expect(await copyTurn(house)).toMatchObject({ trouble: null, behind: { files: 0 } });
    await using place = openWebDavPlace(url, DAV_LOGIN);
    const serversOwn = (name: string): boolean => name.endsWith(".partial");
    const left = await namesAt(place);
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
    for (const name of left.filter(serversOwn)) await place.remove(name, signal);
    await expectWhole(house, place, String(house.owner.bundle.readers.owners));
    expect(await readFile(path.join(running.directory, "doorward-copy.json"), "utf8")).toContain(
      house.owner.bundle.origin,
    );
  },
  120_000,
);
