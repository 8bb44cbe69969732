import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Decrypter } from "age-encryption";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFolderPlace } from "../../src/offsite/place-folder.ts";
import { readAll } from "../../src/offsite/place.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import {
  readLedgerBatch,
  readStateIndex,
  readStateManifest,
} from "../../src/protocol/copy-format.ts";
import type { CopySettings } from "../../src/settings/copy.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const signal = new AbortController().signal;

function copyTo(folder: string, deletions: "follow" | "keep" = "follow"): CopySettings {
  return { at: { kind: "folder", folder }, bytesPerSecond: null, everyMs: 3_600_000, deletions };
}

async function hubWithCopy(folder: string, more: Parameters<typeof startTestHub>[0] = {}) {
  return startTestHub({ clips: 2, settings: { copy: copyTo(folder) }, ...more });
}

async function turn({ hub }: TestHub) {
  await hub.services.copy.now();
  return hub.services.copy.state();
}

async function filesIn(folder: string): Promise<string[]> {
  const place = openFolderPlace(folder);
  const found: string[] = [];
  for await (const { name } of place.list("", signal)) found.push(name);
  return found.toSorted();
}

async function opened(sealed: Uint8Array, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return await decrypter.decrypt(sealed);
}

describe("a copy in a folder", () => {
  const folder = temporaryFolder();
  let house: TestHub;
  beforeAll(async () => {
    house = await hubWithCopy(folder.path);
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("has every sealed file byte for byte, and says so", async () => {
    const state = await turn(house);
    expect(state).toMatchObject({ trouble: null, behind: { files: 0 }, running: false });
    for (const clip of house.clips) {
      const at = house.hub.services.clips.folderOf(clip);
      const names = await readdir(at);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const month = path.basename(path.dirname(at));
        const there = await readFile(path.join(folder.path, "clips", month, clip, name));
        expect(there.equals(await readFile(path.join(at, name)))).toBe(true);
      }
    }
  });

  test("has a state that the owner opens and age, gzip and tar read, signed, with all in it", async () => {
    const [indexName = ""] = (await filesIn(folder.path)).filter((n) => n.endsWith("index.json"));
    const index = readStateIndex(await readFile(path.join(folder.path, indexName)));
    const parts = await Promise.all(
      index.parts.map((_part, number) =>
        readFile(
          path.join(
            folder.path,
            path.dirname(indexName),
            `${String(number).padStart(4, "0")}.part`,
          ),
        ),
      ),
    );
    const sealed = new Uint8Array(Buffer.concat(parts));
    expect(sha256Hex(sealed)).toBe(index.sha256);
    const { owners, originals } = house.owner.bundle.readers;
    await expect(opened(sealed, String(originals))).rejects.toThrow();
    const archive = await opened(sealed, String(owners));
    await using out = temporaryFolder();
    execFileSync("tar", ["xzf", "-", "-C", out.path], { input: archive });
    const { manifest, isSignedBy } = readStateManifest(
      await readFile(path.join(out.path, "state.json")),
    );
    expect(isSignedBy(house.hub.services.ledger.publicKey)).toBe(true);
    expect(isSignedBy(new Uint8Array(32).fill(7))).toBe(false);
    expect(manifest.members.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["doorward.yaml", "secrets/ledger.pem", "doorward.db"]),
    );
    for (const { name, sha256 } of manifest.members)
      expect(sha256Hex(await readFile(path.join(out.path, name))), name).toBe(sha256);
    const database = new BetterSqlite3(path.join(out.path, "doorward.db"), { readonly: true });
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    const rows = database.prepare("SELECT count(*) FROM ledger_entries").pluck().get();
    expect(rows).toBe(manifest.ledger.size);
    database.close();
  });

  test("goes on with entries in batches that carry on where the last ended", async () => {
    await house.record();
    const { ledger } = house.hub.services;
    await turn(house);
    const batches = (await filesIn(folder.path)).filter((name) => name.startsWith("ledger/"));
    let next = 0;
    for (const name of batches) {
      const sealed = await readFile(path.join(folder.path, name));
      const batch = readLedgerBatch(
        await opened(sealed, String(house.owner.bundle.readers.owners)),
      );
      expect(batch.first).toBe(next);
      next += batch.entries.length;
    }
    expect(next).toBe(ledger.size());
  });

  test("keeps nothing in the clear on the hub's disk, and no plaintext at the place", async () => {
    expect(await readdir(path.join(house.dataDirectory, "copy"))).toEqual(["writer"]);
    const key = await readFile(path.join(house.dataDirectory, "secrets/ledger.pem"));
    const line = key.toString().split("\n")[1] ?? "";
    expect(line.length).toBeGreaterThan(30);
    for (const name of await filesIn(folder.path)) {
      const bytes = await readFile(path.join(folder.path, name));
      expect(bytes.includes(line), name).toBe(false);
      expect(bytes.includes("SQLite format 3"), name).toBe(false);
    }
  });

  test("follows a deletion, and puts again what the place has lost", async () => {
    const [gone, kept] = house.clips;
    if (gone === undefined || kept === undefined) throw new Error("no clips");
    house.hub.services.retention.remove(gone);
    house.clock.ranMs += 11 * 60_000;
    await house.hub.services.retention.run();
    expect(house.hub.services.clips.get(gone)).toBeNull();
    const lost = (await filesIn(folder.path)).find((name) => name.includes(kept)) ?? "";
    await rm(path.join(folder.path, lost));
    house.clock.nowMs += 25 * 3_600_000;
    await turn(house);
    const state = await turn(house);
    expect(state).toMatchObject({ stays: { files: 0 }, behind: { files: 0 }, canRemove: true });
    const names = await filesIn(folder.path);
    expect(names.filter((name) => name.includes(gone))).toEqual([]);
    expect(names).toContain(lost);
  });

  test("a copy that has gone is not begun anew in an empty folder", async () => {
    const away = `${folder.path}.away`;
    await rename(folder.path, away);
    expect((await turn(house)).trouble?.code).toBe("PLACE_MISSING");
    await mkdir(folder.path);
    expect((await turn(house)).trouble?.code).toBe("PLACE_MISSING");
    expect(await filesIn(folder.path)).toEqual([]);
    await rm(folder.path, { recursive: true });
    await rename(away, folder.path);
    expect((await turn(house)).trouble).toBeNull();
  });

  test("another household's copy stays as it is", async () => {
    const before = await filesIn(folder.path);
    await using other = await hubWithCopy(folder.path);
    const state = await turn(other);
    expect(state.trouble?.code).toBe("PLACE_OTHER_HOUSE");
    expect(state.there.files).toBe(0);
    expect(await filesIn(folder.path)).toEqual(before);
  });

  test("only owners ask for it, and it names no login", async () => {
    const adult = await house.admit("adult");
    expect((await house.call("GET", "/api/copy", { as: adult })).statusCode).toBe(403);
    // The clock ran on, and the first session with it.
    const owner = await house.logIn(house.owner.bundle);
    const answer = await house.call("GET", "/api/copy", { as: owner });
    expect(answer.json()).toMatchObject({ place: { kind: "folder", address: folder.path } });
    expect((await house.call("POST", "/api/copy/now", { as: owner })).statusCode).toBe(202);
    await house.hub.services.copy.now();
  });
});

describe("what the place does not allow", () => {
  test("a deletion that stays is counted, where the settings keep it", async () => {
    await using folder = temporaryFolder();
    await using house = await hubWithCopy(folder.path, {
      settings: { copy: copyTo(folder.path, "keep") },
    });
    await turn(house);
    const [gone] = house.clips;
    if (gone === undefined) throw new Error("no clip");
    house.hub.services.retention.remove(gone);
    house.clock.ranMs += 11 * 60_000;
    await house.hub.services.retention.run();
    const state = await turn(house);
    expect(state.stays.files).toBeGreaterThan(0);
    expect((await filesIn(folder.path)).filter((name) => name.includes(gone))).not.toEqual([]);
  });

  test("what was altered there is noticed, and never overwritten", async () => {
    await using folder = temporaryFolder();
    await using house = await hubWithCopy(folder.path, { clips: 1 });
    await turn(house);
    const name = (await filesIn(folder.path)).find((each) => each.startsWith("clips/")) ?? "";
    await chmod(path.join(folder.path, name), 0o600);
    await writeFile(path.join(folder.path, name), "something else");
    house.clock.nowMs += 25 * 3_600_000;
    const state = await turn(house);
    expect(state.trouble).toMatchObject({ code: "COPY_INCOMPLETE" });
    expect(await readFile(path.join(folder.path, name), "utf8")).toBe("something else");
  });

  test("a hub that was stopped goes on where it was", async () => {
    await using folder = temporaryFolder();
    const house = await hubWithCopy(folder.path);
    const copy = house.hub.services.copy.now();
    await house.hub[Symbol.asyncDispose]();
    await copy;
    await using again = await startTestHub({
      dataDirectory: house.dataDirectory,
      owner: house.owner.bundle,
      settings: { copy: copyTo(folder.path) },
    });
    const state = await turn(again);
    expect(state).toMatchObject({ trouble: null, behind: { files: 0 } });
    const place = openFolderPlace(folder.path);
    expect((await readAll(place, "doorward-copy.json", 4_096, signal)).length).toBeGreaterThan(10);
    expect((await filesIn(folder.path)).filter((n) => n.startsWith("clips/")).length).toBe(
      state.there.files -
        (await filesIn(folder.path)).filter((n) => /^(state|ledger)/.test(n)).length,
    );
    await rm(house.dataDirectory, { recursive: true, force: true });
  });
});
