import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { copyTo, copyTurn, filesOfClip, namesAt } from "../support/test-copy.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { removeAndRotate, rewrapOn } from "../support/test-rewrap.ts";

// A device that was removed, with the keys it had, and whatever lies at the place.

async function openedAt(folder: string, names: readonly string[], device: TestDevice) {
  const opened: string[] = [];
  for (const name of names) {
    const bytes = await readFile(path.join(folder, name));
    try {
      await openSealedFile(bytes, clipIdentities(device.bundle), null);
      opened.push(name);
    } catch {
      continue;
    }
  }
  return opened;
}

async function rewrapped(house: TestHub, folder: string) {
  const clip = firstClip(house);
  await copyTurn(house);
  const removed = await house.admit("adult");
  const before = await filesOfClip(house, clip);
  const names = Object.keys(before);
  expect(await openedAt(folder, names, removed)).toEqual(names);
  const owner = await removeAndRotate(house, removed.key.device);
  await rewrapOn(house, owner, clip);
  const headers = Object.values(before).map((bytes) =>
    bytes.subarray(0, requireAgeHeader(bytes).payloadOffset),
  );
  return { clip, removed, owner, names, headers };
}

test("old headers leave the copy: a removed device opens nothing there any more", async () => {
  await using folder = temporaryFolder();
  await using house = await startTestHub({ clips: 1, settings: { copy: copyTo(folder.path) } });
  const { removed, owner, names, headers } = await rewrapped(house, folder.path);
  await copyTurn(house);
  const first = await namesAt(folder.path, "clips/");
  expect(first.filter((name) => name.endsWith(".header")).length).toBe(names.length);
  let state = await copyTurn(house);
  // The first tells whether the place lets objects go; the others follow it.
  for (let turns = 0; turns < 3 && (state.stays.files > 0 || state.behind.files > 0); turns += 1)
    state = await copyTurn(house);
  state = await copyTurn(house);
  expect(state).toMatchObject({ trouble: null, stays: { files: 0 }, behind: { files: 0 } });
  const there = await namesAt(folder.path, "clips/");
  expect(there.length).toBe(names.length);
  for (const name of there) {
    const bytes = await readFile(path.join(folder.path, name));
    for (const header of headers) expect(bytes.includes(header), name).toBe(false);
  }
  expect(await openedAt(folder.path, there, removed)).toEqual([]);
  expect(await openedAt(folder.path, there, owner)).toEqual(there);
});

test("where nothing is removed there, old headers stay, are counted, and new ones lie beside them", async () => {
  await using folder = temporaryFolder();
  const copy = copyTo(folder.path, { deletions: "keep" });
  await using house = await startTestHub({ clips: 1, settings: { copy } });
  const { removed, owner, names } = await rewrapped(house, folder.path);
  await copyTurn(house);
  const state = await copyTurn(house);
  expect(state.stays.files).toBe(names.length);
  expect(state).toMatchObject({ trouble: null, behind: { files: 0 } });
  expect(await openedAt(folder.path, names, removed)).toEqual(names);
  // A new header in front of what the old one opened.
  for (const name of names) {
    const stem = name.replace(/\.age$/, "");
    const header = (await namesAt(folder.path, "clips/")).find(
      (each) => each.startsWith(`${stem}.`) && each.endsWith(".header"),
    );
    const old = await readFile(path.join(folder.path, name));
    const payload = old.subarray(requireAgeHeader(old).payloadOffset);
    const fresh = await readFile(path.join(folder.path, header ?? ""));
    const whole = Buffer.concat([fresh, payload]);
    await openSealedFile(whole, clipIdentities(owner.bundle), null);
    await expect(openSealedFile(whole, clipIdentities(removed.bundle), null)).rejects.toThrow();
  }
});
