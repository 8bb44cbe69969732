import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { scanProcess } from "../support/memory-scan.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { makeReader } from "./age-oracle.ts";

test("after the queue's age limit nothing of what waited is in memory", async () => {
  await using folder = temporaryFolder();
  const clips = path.join(folder.path, "clips");
  mkdirSync(clips);
  const picture = randomBytes(20_000);
  const file = path.join(folder.path, "picture");
  writeFileSync(file, picture);
  const { recipient } = await makeReader("x25519");
  const child = fork(
    path.join(import.meta.dirname, "blur-memory-child.ts"),
    [clips, file, recipient.text],
    { stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  try {
    const [held] = (await once(child, "message")) as [{ held: number }];
    expect(held.held).toBeGreaterThan(45 * picture.length);
    const needles = [picture.subarray(100, 132), picture.subarray(-64, -32)];
    // It is found as long as it may wait, once for each picture at least.
    const before = await scanProcess(child.pid ?? 0, needles);
    expect(before.found.length).toBeGreaterThanOrEqual(2 * 45);
    child.send("ten minutes have passed");
    const [aged] = (await once(child, "message")) as [{ aged: number }];
    expect(aged.aged).toBe(0);
    expect((await scanProcess(child.pid ?? 0, needles)).found).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
});
