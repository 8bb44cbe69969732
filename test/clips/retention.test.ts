import { spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { UNDO_MS } from "../../src/clips/retention.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { parseClipId, type ClipId } from "../../src/protocol/ids.ts";
import { only, openStore, recordInto, type Opened } from "./test-store.ts";
import { clipsOf, DAY_MS, deletions, makeBell, openRetention } from "./test-retention.ts";
import { recoverOrphans } from "./recover-orphans.ts";

const WEEK_MS = 7 * DAY_MS;

async function recordClips(opened: Opened, count: number): Promise<ClipId[]> {
  const clips: ClipId[] = [];
  for (let each = 0; each < count; each += 1) clips.push(only(await recordInto(opened, 1)));
  return clips;
}

function filesOnDisk(opened: Opened): string[] {
  return readdirSync(opened.clipsDirectory, { recursive: true, encoding: "utf8" });
}

async function broken(opened: Opened): Promise<string[]> {
  const checks = await checkStorage(opened.dataDirectory, opened.database);
  return checks.filter(({ holds }) => !holds).map(({ detail }) => detail);
}

function codeOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof HubError ? error.code : "?";
  }
}

describe("a clip whose time has come", () => {
  test("goes with an entry, its rows and its files, and leaves no alarm", async () => {
    await using opened = openStore();
    const { after } = openRetention(opened);
    const clips = await recordClips(opened, 2);
    await after(0);
    await after(WEEK_MS - 1);
    expect(clipsOf(opened)).toEqual(clips);
    await after(1);
    expect(clipsOf(opened)).toEqual([]);
    expect(deletions(opened)).toEqual(clips.map((clip) => [clip, "age"]));
    expect(filesOnDisk(opened)).toEqual(["2026-11"]);
    expect(await recoverOrphans(opened.store)).toMatchObject({ torn: [], missing: [] });
    expect(await broken(opened)).toEqual([]);
  });

  test("has its headers overwritten before the names go", async () => {
    await using opened = openStore();
    const { after } = openRetention(opened);
    const clip = only(await recordInto(opened, 1));
    const [file] = opened.store.files(clip);
    if (!file) throw new Error("no file");
    const kept = path.join(opened.dataDirectory, "another-name");
    linkSync(opened.store.pathOf(clip, file), kept);
    expect(readFileSync(kept).subarray(0, 3).toString()).toBe("age");
    await after(0);
    await after(WEEK_MS);
    expect(readFileSync(kept).length).toBe(file.sizeBytes);
    expect(readFileSync(kept).every((byte) => byte === 0)).toBe(true);
  });

  test("stays as it is when its ledger entry cannot be written", async () => {
    await using opened = openStore();
    const { retention, after } = openRetention(opened, {
      appendEntry: () => {
        throw new Error("no ledger");
      },
    });
    const clip = only(await recordInto(opened, 1));
    await after(0);
    await expect(after(WEEK_MS)).rejects.toThrow("no ledger");
    expect(clipsOf(opened)).toEqual([clip]);
    expect(await broken(opened)).toEqual([]);
    await retention[Symbol.asyncDispose]();
  });

  test("bells stay longer, and torn ones go like the others", async () => {
    await using opened = openStore();
    const { after } = openRetention(opened);
    const [bell, motion] = await recordClips(opened, 2);
    if (!bell || !motion) throw new Error("two were recorded");
    makeBell(opened, bell);
    const torn = only(await recordInto(opened, 1, ["file-closed", "clip-closed"]));
    await recoverOrphans(opened.store);
    await after(0);
    await after(WEEK_MS);
    expect(clipsOf(opened)).toEqual([bell]);
    expect(deletions(opened)).toEqual([motion, torn].map((clip) => [clip, "age"]));
    await after(23 * DAY_MS);
    expect(deletions(opened).at(-1)).toEqual([bell, "age"]);
    expect(await broken(opened)).toEqual([]);
  });

  test("is never one that is being recorded, however old", async () => {
    await using opened = openStore();
    const { retention, after } = openRetention(opened);
    const clip = only(await recordInto(opened, 1, ["clip-closed"]));
    await after(0);
    await after(100 * DAY_MS);
    expect(clipsOf(opened)).toEqual([clip]);
    expect(codeOf(() => retention.remove(clip))).toBe("CLIP_RECORDING");
  });

  test("a file that is gone without an entry is still an alarm", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 1));
    rmSync(path.join(opened.clipsDirectory, "2026-11", clip), { recursive: true });
    expect((await recoverOrphans(opened.store)).missing.length).toBe(2);
    opened.database.exec("DELETE FROM clip_files; DELETE FROM clips");
    expect(await broken(opened)).toEqual([
      `clip ${clip} is gone, and no entry says that it was deleted`,
    ]);
    expect(opened.entries().map(({ kind }) => kind)).toEqual(["clip"]);
  });
});

describe("whatever a wall clock says", () => {
  const jumps: [string, number][] = [
    ["an hour ahead", 3_600_000],
    ["eleven years ahead", 11 * 365 * DAY_MS],
    ["an hour back", -3_600_000],
    ["in 1970", -Date.UTC(2026, 10, 22) + 60_000],
  ];
  test.each(jumps)("no clip goes early, and no hold is over: %s", async (_, jumpMs) => {
    await using opened = openStore();
    const before = openRetention(opened);
    const [plain, held] = await recordClips(opened, 2);
    if (!plain || !held) throw new Error("two were recorded");
    await before.after(0);
    before.retention.hold(held, before.clocks.wallMs + 30 * DAY_MS);
    before.clocks.wallMs += jumpMs;
    await before.after(WEEK_MS - 1);
    expect(clipsOf(opened)).toEqual([plain, held]);
    // The same at a start, with another monotonic clock, and a clip recorded under the wrong time.
    const later = openRetention(opened);
    later.clocks.wallMs += jumpMs;
    later.clocks.monotonicMs = 1e9;
    const young = only(await recordInto(opened, 1));
    opened.database.prepare("UPDATE clips SET started_at_ms = 0 WHERE id = ?").run(young);
    const again = openRetention(opened);
    await again.after(0);
    expect(clipsOf(opened)).toEqual([plain, held, young]);
    await again.after(1);
    expect(clipsOf(opened)).toEqual([held, young]);
  });
});

describe("a hold", () => {
  test("keeps a clip from age, room and owner until it is over, with an entry for both ends", async () => {
    await using opened = openStore();
    const rules = { motionMs: WEEK_MS, bellMs: WEEK_MS, spaceBytes: 0 };
    const { retention, clocks, after } = openRetention(opened, { rules: () => rules });
    const [held, other] = await recordClips(opened, 2);
    if (!held || !other) throw new Error("two were recorded");
    const untilMs = clocks.wallMs + 60 * DAY_MS;
    retention.hold(held, untilMs);
    expect(retention.marksOf(held)).toEqual({ heldUntilMs: untilMs, goesInMs: null });
    await after(0);
    await after(59 * DAY_MS);
    expect(clipsOf(opened)).toEqual([held]);
    expect(deletions(opened)).toEqual([[other, "space"]]);
    expect(codeOf(() => retention.remove(held))).toBe("CLIP_HELD");
    retention.hold(held, null);
    const entries = opened.entries().filter(({ kind }) => kind === "hold");
    expect(entries).toEqual([
      expect.objectContaining({ clip: held, untilMs }),
      expect.objectContaining({ clip: held, untilMs: clocks.wallMs, atMs: clocks.wallMs }),
    ]);
    await after(0);
    expect(clipsOf(opened)).toEqual([]);
  });

  test("lapses by itself", async () => {
    await using opened = openStore();
    const { retention, clocks, after } = openRetention(opened);
    const clip = only(await recordInto(opened, 1));
    await after(0);
    retention.hold(clip, clocks.wallMs + 10 * DAY_MS);
    await after(10 * DAY_MS - 1);
    expect(clipsOf(opened)).toEqual([clip]);
    await after(1);
    expect(clipsOf(opened)).toEqual([]);
  });

  test("is for a clip that is there, ahead of now, and for 90 days at most", async () => {
    await using opened = openStore();
    const { retention, clocks } = openRetention(opened);
    const clip = only(await recordInto(opened, 1));
    const hold = (untilMs: number) => codeOf(() => retention.hold(clip, clocks.wallMs + untilMs));
    expect(hold(0)).toBe("HOLD_OUT_OF_RANGE");
    expect(hold(90 * DAY_MS + 1)).toBe("HOLD_OUT_OF_RANGE");
    expect(codeOf(() => retention.hold(parseClipId("0".repeat(32)), null))).toBe("NOT_FOUND");
    expect(hold(90 * DAY_MS)).toBeNull();
    expect(opened.entries().filter(({ kind }) => kind === "hold").length).toBe(1);
  });
});

describe("an owner's deletion", () => {
  test("can be taken back for ten minutes, and then it is done", async () => {
    await using opened = openStore();
    const { retention, after } = openRetention(opened);
    const [kept, gone] = await recordClips(opened, 2);
    if (!kept || !gone) throw new Error("two were recorded");
    for (const clip of [kept, gone]) retention.remove(clip);
    await after(UNDO_MS - 1);
    expect(retention.marksOf(gone).goesInMs).toBe(1);
    retention.remove(gone);
    retention.restore(kept);
    expect(codeOf(() => retention.restore(kept))).toBe("CLIP_NOT_GOING");
    expect(deletions(opened)).toEqual([]);
    await after(1);
    expect(clipsOf(opened)).toEqual([kept]);
    expect(deletions(opened)).toEqual([[gone, "owner"]]);
    expect(codeOf(() => retention.restore(gone))).toBe("NOT_FOUND");
  });

  test("is taken back by a hold, and does not reach what somebody may still fetch", async () => {
    await using opened = openStore();
    const { retention, released, clocks, after } = openRetention(opened);
    const [held, fetched] = await recordClips(opened, 2);
    if (!held || !fetched) throw new Error("two were recorded");
    retention.remove(held);
    retention.hold(held, clocks.wallMs + DAY_MS);
    retention.remove(fetched);
    released.add(fetched);
    await after(UNDO_MS);
    await after(2 * DAY_MS);
    expect(clipsOf(opened)).toEqual([held, fetched]);
    expect(codeOf(() => retention.remove(fetched))).toBe("CLIP_RELEASED");
    await after(100 * DAY_MS);
    expect(clipsOf(opened)).toEqual([fetched]);
  });
});

test("a preview says what goes within a day, without letting anything go", async () => {
  await using opened = openStore();
  const { retention, after } = openRetention(opened);
  const old = await recordClips(opened, 2);
  await after(0);
  await after(2 * DAY_MS);
  await recordClips(opened, 1);
  await after(4 * DAY_MS);
  const { planned, usedBytes, daysLeft } = await retention.preview();
  expect(planned.map(({ clip, reason }) => [clip, reason])).toEqual(
    old.map((clip) => [clip, "age"]),
  );
  const sizes = clipsOf(opened).flatMap((clip) =>
    opened.store.files(clip).map(({ sizeBytes }) => sizeBytes),
  );
  expect(usedBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
  expect(daysLeft).toBeGreaterThan(1);
  expect(clipsOf(opened).length).toBe(3);
});

describe("a process that is killed between the entry and the last file", () => {
  test.each([0, 1])("leaves the rest to the next start, %d files in", async (files) => {
    const opened = openStore();
    const clip = only(await recordInto(opened, 6));
    const names = opened.store.files(clip).map(sealedFileName);
    expect(names.length).toBeGreaterThan(2);
    await opened.database[Symbol.asyncDispose]();
    const script = path.join(import.meta.dirname, "retention-child.ts");
    const child = spawn(process.execPath, [script, opened.dataDirectory, String(files)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    await using next = openStore(opened.dataDirectory);
    expect(deletions(next)).toEqual([[clip, "age"]]);
    expect(clipsOf(next)).toEqual([]);
    expect(filesOnDisk(next).filter((name) => name.endsWith(".age")).length).toBe(
      names.length - files,
    );
    expect(await broken(next)).toEqual([]);
    // Also where the store looks first: what was deleted is not taken for torn.
    expect(await recoverOrphans(next.store)).toMatchObject({ torn: [], missing: [] });
    await openRetention(next).retention.finish();
    expect(filesOnDisk(next)).toEqual(["2026-11"]);
    expect(await broken(next)).toEqual([]);
    expect(next.entries().map(({ kind }) => kind)).toEqual(["clip", "deletion"]);
  });
});
