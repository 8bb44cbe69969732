import path from "node:path";
import { mkdir, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openLoopDisk } from "../support/loop-disk.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { endAndLook } from "./deletion-ended.ts";
import { deleteAndLook, marksIn, settleDisk } from "./deletion.ts";

test("of what was deleted no header is in any file, the database or its log; of what was kept all are", async () => {
  await using folder = temporaryFolder();
  const dataDirectory = path.join(folder.path, "data");
  await mkdir(dataDirectory, { mode: 0o700 });
  const results = await deleteAndLook(dataDirectory, null);
  expect(results.filter(({ holds }) => !holds)).toEqual([]);
}, 60_000);

test("what opened a link, a letter, a blurred copy or a recording for its readers of before is in no file", async () => {
  await using folder = temporaryFolder();
  // The bare disk as well, where one may be mounted: a log that is only cut off stays in its blocks.
  await using disk = await openLoopDisk({
    ...{ directory: folder.path, name: "ended", fileSystem: "ext4", sizeMebibytes: 256 },
  });
  if (!disk)
    console.log("skipped: no loop device may be mounted, so the bare disk is not searched");
  const root = path.join(disk?.folder ?? folder.path, "ended");
  await mkdir(root, { mode: 0o700 });
  const image = disk?.image ?? null;
  const results = await endAndLook(path.join(root, "data"), image, () => settleDisk(disk));
  expect(results.filter(({ holds }) => !holds)).toEqual([]);
  expect(results).toHaveLength(4);
}, 120_000);

test("what lies across two parts of a disk is found", async () => {
  await using folder = temporaryFolder();
  const file = path.join(folder.path, "image");
  const mark = randomBytes(48);
  const bytes = Buffer.alloc(9 * 1024 * 1024);
  mark.copy(bytes, 4 * 1024 * 1024 - 20);
  await writeFile(file, bytes);
  expect(await marksIn(file, [mark, randomBytes(48)])).toBe(1);
});
