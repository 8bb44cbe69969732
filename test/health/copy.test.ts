import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { troublesOf } from "../../src/hub/trouble-watch.ts";
import { HEALTH_DEFAULT } from "../../src/settings/health.ts";
import type { CopySettings } from "../../src/settings/copy.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function newFolder(): string {
  const folder = temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}

function copyTo(folder: string): { readonly copy: CopySettings } {
  const at = { kind: "folder", folder } as const;
  return { copy: { at, bytesPerSecond: null, everyMs: DAY_MS, deletions: "follow" } };
}

/** Whether owners are told, as soon as it has lasted. */
function isBehind({ hub }: TestHub): boolean {
  return troublesOf(hub.services.health()).some(({ code }) => code === "COPY_BEHIND");
}

test("a copy that was whole is behind two days later, and no more once it is whole again", async () => {
  await using house = await startTestHub({ clips: 1, settings: copyTo(newFolder()) });
  await house.hub.services.copy.now();
  house.clock.nowMs += 2 * DAY_MS;
  expect(isBehind(house)).toBe(false);
  house.clock.nowMs += 1;
  expect(isBehind(house)).toBe(true);
  await house.hub.services.copy.now();
  expect(isBehind(house)).toBe(false);
});

test("a copy that was never whole is behind after two days, also over a restart", async () => {
  const dataDirectory = newFolder();
  // Nothing can be put below a file.
  const file = path.join(newFolder(), "file");
  writeFileSync(file, "");
  const settings = copyTo(path.join(file, "copy"));
  const begun = await startTestHub({ dataDirectory, settings });
  const { owner, clock } = begun;
  expect(isBehind(begun)).toBe(false);
  clock.nowMs += 30 * HOUR_MS;
  expect(isBehind(begun)).toBe(false);
  await begun.hub[Symbol.asyncDispose]();

  const nowMs = clock.nowMs + 18 * HOUR_MS;
  await using again = await startTestHub({ dataDirectory, settings, owner: owner.bundle, nowMs });
  await again.hub.services.copy.now();
  expect(again.hub.services.copy.state()).toMatchObject({ finishedAtMs: null });
  expect(again.hub.services.copy.state().trouble).not.toBeNull();
  expect(isBehind(again)).toBe(false);
  again.clock.nowMs += 1;
  expect(isBehind(again)).toBe(true);
  expect(again.hub.services.health().troubles).toEqual([]);
});

test("nobody is told of a copy where none is asked for", async () => {
  await using house = await startTestHub();
  house.hub.services.health();
  house.clock.nowMs += 30 * DAY_MS;
  expect(isBehind(house)).toBe(false);
});

test("figures say how the copy stands, and not where it is", async () => {
  const folder = newFolder();
  const settings = { ...copyTo(folder), health: { ...HEALTH_DEFAULT, metrics: true } };
  await using house = await startTestHub({ clips: 1, settings });
  const made = await house.call("POST", "/api/health/metrics-token", { as: house.owner });
  const headers = { authorization: `Bearer ${made.json<{ token: string }>().token}` };
  const read = async (): Promise<string> =>
    (await house.call("GET", "/api/metrics", { headers })).body;
  const before = await read();
  expect(before).not.toContain("doorward_copy_finished_timestamp_seconds");
  await house.hub.services.copy.now();
  const after = await read();
  const { there } = house.hub.services.copy.state();
  expect(there.files).toBeGreaterThan(2);
  for (const line of [
    `doorward_copy_finished_timestamp_seconds ${house.clock.nowMs / 1_000}`,
    "doorward_copy_running 0",
    "doorward_copy_behind_files 0",
    `doorward_copy_files ${there.files}`,
    `doorward_copy_bytes ${there.bytes}`,
    "doorward_copy_staying_files 0",
    "doorward_copy_trouble 0",
  ])
    expect(after.split("\n")).toContain(line);
  expect(after).not.toContain(folder);
});
