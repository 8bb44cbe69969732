import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { replaceHeaders } from "../../src/clips/replace-headers.ts";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { openFileKey } from "../../src/owner/release.ts";
import { headerFor, openableBytes, readersChanges, sealedBefore } from "../../src/owner/rewrap.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { releasedBundle } from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { removeAndRotate, rewrapOn } from "../support/test-rewrap.ts";
import { addBlurred, followTestHub } from "../support/test-rendition.ts";
import { recoverOrphans } from "../clips/recover-orphans.ts";

function pathsOf(hub: TestHub, clip: ClipId): string[] {
  const { clips } = hub.hub.services;
  return clips.files(clip).map((file) => path.join(clips.folderOf(clip), sealedFileName(file)));
}

async function opensFor(file: string, identities: readonly string[]): Promise<boolean> {
  try {
    await openSealedFile(readFileSync(file), identities, null);
    return true;
  } catch {
    return false;
  }
}

async function failedChecks(hub: TestHub): Promise<string[]> {
  await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
  const checks = await checkStorage(hub.dataDirectory, database);
  return checks.filter(({ holds }) => !holds).map(({ invariant }) => invariant);
}

/** What each file has after its header. */
function payloads(files: readonly string[]): string[] {
  return files.map((file) => {
    const bytes = readFileSync(file);
    return sha256Hex(bytes.subarray(requireAgeHeader(bytes).payloadOffset));
  });
}

describe.each(["x25519", "pq"] as const)("recordings of kind %s that are sealed anew", (kind) => {
  const folder = temporaryFolder();
  let hub: TestHub;
  let clip: ClipId;
  let removed: TestDevice;
  let viewer: TestDevice;
  let owner: TestDevice;
  let before: { files: string[]; payloads: string[]; sizes: number[]; bundle: Uint8Array };
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1, kind });
    clip = firstClip(hub);
    await addBlurred(hub, clip);
    removed = await hub.admit("adult");
    viewer = await hub.admit("viewer");
    const { bundle } = await releasedBundle(hub, { clip });
    const files = pathsOf(hub, clip);
    before = {
      files,
      payloads: payloads(files),
      sizes: files.map((file) => statSync(file).size),
      bundle,
    };
    owner = await removeAndRotate(hub, removed.key.device);
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("open for the removed device before, and not one file after", async () => {
    const old = clipIdentities(removed.bundle);
    for (const file of before.files) expect(await opensFor(file, old)).toBe(true);
    await rewrapOn(hub, owner, clip);
    for (const file of before.files) {
      expect(await opensFor(file, old), file).toBe(false);
      expect(await opensFor(file, clipIdentities(viewer.bundle)), file).toBe(false);
      expect(await opensFor(file, [owner.bundle.readers.originals ?? ""]), file).toBe(true);
      expect(await opensFor(file, [hub.recovery?.reader.identity ?? ""]), file).toBe(true);
      const isBlurred = file.includes(".blurred.");
      expect(await opensFor(file, [owner.bundle.readers.blurred ?? ""]), file).toBe(isBlurred);
    }
  });

  test("keep their payloads, sizes and modes, and pass every check of the disk", async () => {
    expect(payloads(before.files)).toEqual(before.payloads);
    expect(before.files.map((file) => statSync(file).size)).toEqual(before.sizes);
    expect(before.files.map((file) => statSync(file).mode & 0o777)).toEqual(
      before.files.map(() => 0o600),
    );
    expect(hub.filesOutsideTheStore()).toEqual([]);
    expect(await failedChecks(hub)).toEqual([]);
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    const point = database.prepare("UPDATE clip_rewraps SET entry_index = entry_index + ?");
    point.run(-1);
    expect(await failedChecks(hub)).toEqual(["rows-in-ledger"]);
    point.run(1);
  });

  test("have one entry, before the files, with what they begin with now", () => {
    const { ledger } = hub.hub.services;
    const [record, ...more] = ledger.entries({ kind: "rewrap", subject: clip });
    expect(more).toEqual([]);
    if (record?.entry.kind !== "rewrap") throw new Error("there is no such entry");
    expect(record.entry).toMatchObject({ clip, device: hub.owner.key.device });
    const headers = before.files.map((file) => {
      const bytes = readFileSync(file);
      return sha256Hex(bytes.subarray(0, requireAgeHeader(bytes).payloadOffset));
    });
    expect(record.entry.files.map(({ headerSha256 }) => headerSha256).toSorted()).toEqual(
      headers.toSorted(),
    );
  });

  test("leave bundles of before whole: an old one verifies, and the hub still makes it", async () => {
    expect((await verifyBundle(before.bundle)).holds).toBe(true);
    const { bundle } = await releasedBundle({ ...hub, owner }, { clip });
    expect((await verifyBundle(bundle)).holds).toBe(true);
  });

  test("need nothing more: no clip is left that readers of before could open", async () => {
    const { client, keyring } = await followTestHub(hub, owner);
    const changes = readersChanges(hub.hub.services.household.statements(), keyring);
    expect(changes).toMatchObject([{ devices: [removed.key.device], opens: "everything" }]);
    expect(await Array.fromAsync(sealedBefore(client, changes))).toEqual([]);
  });

  // Debian's knows no post-quantum keys.
  const known = kind === "pq" ? [] : [kind];
  test.skipIf(missingCommands("age")).for(known)("say the same to Debian's age", () => {
    const key = (name: string, identity: string): string => {
      const file = path.join(folder.path, name);
      writeFileSync(file, `${identity}\n`);
      return file;
    };
    const oldKey = key("old.txt", removed.bundle.readers.originals ?? "");
    const newKey = key("new.txt", owner.bundle.readers.originals ?? "");
    for (const file of before.files) {
      expect(spawnSync("age", ["-d", "-i", oldKey, file]).status).not.toBe(0);
      expect(spawnSync("age", ["-d", "-i", newKey, file]).status).toBe(0);
    }
  });
});

describe("a stop while headers are replaced", () => {
  test("leaves every file with its old or its new header, at each step, and is made good", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    const { clips } = hub.hub.services;
    const folder = clips.folderOf(clip);
    const old = clipIdentities(hub.owner.bundle);
    const other = await generateReader("x25519");
    const names = clips.files(clip).map(sealedFileName);
    const originals = pathsOf(hub, clip).map((file) => readFileSync(file));
    const files = await Promise.all(
      names.map(async (name) => {
        const fileKey = await openFileKey(readFileSync(path.join(folder, name)), old);
        return { name, header: headerFor(fileKey, [other.recipient, other.recipient]) };
      }),
    );
    const putBack = (): void => {
      for (const [index, name] of names.entries())
        writeFileSync(path.join(folder, name), originals[index] ?? "");
    };
    const steps = await Array.fromAsync(replaceHeaders(folder, files));
    expect(steps.length).toBe(names.length * 4 + 1);
    for (let stop = 0; stop < steps.length; stop += 1) {
      putBack();
      let done = 0;
      for await (const _step of replaceHeaders(folder, files)) if (done++ === stop) break;
      for (const [index, name] of names.entries()) {
        const file = path.join(folder, name);
        const isNew = await opensFor(file, [other.identity]);
        expect([isNew, await opensFor(file, old)], `${name} after ${stop}`).toEqual([
          isNew,
          !isNew,
        ]);
        expect(readFileSync(file).length).toBe(originals[index]?.length);
      }
      for await (const _step of replaceHeaders(folder, files));
      for (const name of names)
        expect(await opensFor(path.join(folder, name), [other.identity])).toBe(true);
      expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
    }
  });

  test("is made good at the next start: what was entered is on the disk, and nothing is torn", async () => {
    await using folder = temporaryFolder();
    const dataDirectory = path.join(folder.path, "data");
    let left: { owner: TestDevice; removed: TestDevice; file: string };
    {
      await using hub = await startTestHub({ clips: 1, dataDirectory });
      const clip = firstClip(hub);
      const removed = await hub.admit("adult");
      const owner = await removeAndRotate(hub, removed.key.device);
      const [file = ""] = pathsOf(hub, clip);
      const bytes = readFileSync(file);
      await rewrapOn(hub, owner, clip);
      const sealedAnew = readFileSync(file).subarray(0, requireAgeHeader(bytes).payloadOffset);
      // As a stop would have left it: entered, the old header still there, and a copy half written.
      writeFileSync(file, bytes);
      writeFileSync(`${file}.partial`, bytes.subarray(0, 5_000), { mode: 0o600 });
      await using database = openDatabase(path.join(dataDirectory, "doorward.db"));
      database
        .prepare("INSERT INTO rewrap_files (clip, name, header) VALUES (?, ?, ?)")
        .run(clip, path.basename(file), sealedAnew);
      expect(await failedChecks(hub)).toEqual([]);
      expect((await recoverOrphans(hub.hub.services.clips)).torn).toEqual([]);
      left = { owner, removed, file };
    }
    const { owner, removed, file } = left;
    await using hub = await startTestHub({ dataDirectory, owner: owner.bundle });
    expect(await opensFor(file, clipIdentities(removed.bundle))).toBe(false);
    expect(await opensFor(file, [owner.bundle.readers.originals ?? ""])).toBe(true);
    expect(readdirSync(path.dirname(file)).filter((name) => name.endsWith(".partial"))).toEqual([]);
    expect(await failedChecks(hub)).toEqual([]);
  });

  test("does not disturb who is just reading, and leaves no old header in the file he holds", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    const device = await hub.admit("adult");
    const owner = await removeAndRotate(hub, device.key.device);
    const [file = ""] = pathsOf(hub, clip);
    await using handle = await open(file, "r");
    await rewrapOn(hub, owner, clip);
    const held = new Uint8Array(await handle.readFile());
    await expect(openSealedFile(held, clipIdentities(device.bundle), null)).rejects.toThrow();
    await openSealedFile(held, [owner.bundle.readers.originals ?? ""], null);
    expect(statSync(file).ino).not.toBe((await handle.stat()).ino);
  });

  test("forgets a clip that was deleted before its headers were on the disk", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    const { retention, rewraps, clips } = hub.hub.services;
    const name = sealedFileName(
      clips.files(clip)[0] ?? { segment: 0, track: "video", rendition: "original" },
    );
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    database
      .prepare("INSERT INTO rewrap_files VALUES (?, ?, ?)")
      .run(clip, name, new Uint8Array(9));
    await retention.run();
    retention.remove(clip);
    database.prepare("UPDATE clip_retention SET goes_counted_ms = 0").run();
    await retention.run();
    expect(database.prepare("SELECT count(*) AS count FROM rewrap_files").get()).toEqual({
      count: 0,
    });
    await rewraps.finish();
    expect(await failedChecks(hub)).toEqual([]);
  });
});

test("where a viewer was removed, only blurred copies count; where a guest was, nothing", async () => {
  await using hub = await startTestHub({ clips: 2 });
  const clip = firstClip(hub);
  await addBlurred(hub, clip);
  const guest = await hub.admit("guest");
  const viewer = await hub.admit("viewer");
  await removeAndRotate(hub, guest.key.device);
  const found = async () => {
    const { client, keyring } = await followTestHub(hub);
    const changes = readersChanges(hub.hub.services.household.statements(), keyring);
    return { changes, clips: await Array.fromAsync(sealedBefore(client, changes)) };
  };
  expect(await found()).toEqual({ changes: [], clips: [] });
  await removeAndRotate(hub, viewer.key.device);
  const { changes, clips } = await found();
  expect(changes).toMatchObject([{ devices: [viewer.key.device], opens: "blurred" }]);
  const [only, ...more] = clips;
  expect([only?.clip, more]).toEqual([clip, []]);
  expect(only && openableBytes(only, changes)).toBe(only?.blurredBytes);
});
