import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import type * as Api from "../../src/protocol/api.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { openAge } from "../clips/age-oracle.ts";
import { startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  RTSP_SERVER_COMMANDS,
  scaledCopy,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { busyDoorFootage, codedSlices, FRAMES_PER_SECOND, NO_FOOTAGE } from "./door-footage.ts";
import { filesBelow, footageOnDisk, footageScan } from "./inspect.ts";
import { framesOf, requireWhole, runsInLoop } from "./opened-clip.ts";

const RESTART_MAX_MS = 2_000;
/** Above what waits in memory for the disk, so that something of a torn file can be opened. */
const PARTIAL_BYTES_MIN = 400 * 1024;
const isMissing = missingCommands(...RTSP_SERVER_COMMANDS, "bwrap", "ffprobe");

describe.skipIf(isMissing)(
  "a hub that is killed in the middle of a recording",
  { timeout: TEST_TIMEOUT_MS },
  () => {
    const door = isMissing ? NO_FOOTAGE : busyDoorFootage();
    let server: RtspServer;
    let hub: LiveHub;
    /** What the files below the clips folder were when all processes had been killed. */
    let afterKill = new Map<string, string>();
    let torn: Api.ClipDetail;

    beforeAll(async () => {
      server = await startRtspServer({ media: door.file });
      const streams = `main: "${server.mainUrl}", sub: "${server.subUrl}", audio: true`;
      hub = await startLiveHub({ cameras: `cameras:\n  - { id: front, ${streams} }` });
      await hub.claim();
    });
    afterAll(async () => {
      await hub?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const waitForLine = (text: string): Promise<true> =>
      hub.waitFor(`"${text}" in the log`, () => (hub.log().includes(text) ? true : null));

    /** A clip of which something is whole and something is being written. */
    const midClip = (): Promise<Api.ClipDetail> =>
      hub.waitFor("the middle of a recording", async () => {
        const recording = (await hub.clips()).find(({ state }) => state === "recording");
        if (!recording) return null;
        const detail = await hub.clip(recording.id);
        if (detail.files.length === 0) return null;
        const folder = path.join(hub.clipsDirectory, monthOf(detail), detail.id);
        for (const name of await readdir(folder))
          if (name.endsWith(".video.original.age.partial")) {
            // A segment may be closed between the two looks.
            const { size } = await stat(path.join(folder, name)).catch(() => ({ size: 0 }));
            if (size > PARTIAL_BYTES_MIN) return detail;
          }
        return null;
      });
    const open = (id: string, out: string): ReturnType<LiveHub["cli"]> =>
      hub.cli("owner", "open", id, "--keys", hub.keysDirectory, "--out", out);
    const check = async (data: string): Promise<{ code: number | null; failing: string[] }> => {
      const { code, stdout } = await hub.cli("check", "--data", data, "--json");
      const { checks } = JSON.parse(stdout) as { checks: { invariant: string; holds: boolean }[] };
      return { code, failing: checks.filter(({ holds }) => !holds).map((one) => one.invariant) };
    };

    test("an ingest process that dies is back within 2 s, and only the open segment is torn", async () => {
      const before = await midClip();
      const killed = await hub.ingestPid();
      const killedMs = performance.now();
      process.kill(killed, "SIGKILL");
      await hub.waitFor("another ingest process", async () =>
        (await hub.ingestPid()) === killed ? null : true,
      );
      expect(performance.now() - killedMs).toBeLessThan(RESTART_MAX_MS);
      const clip = await hub.clip((await hub.waitForClip("torn")).id);
      expect(clip.id).toBe(before.id);
      requireOneTornSegment(clip);
      for (const file of before.files) expect(clip.files).toContainEqual(file);
      const health = await hub.waitFor("the camera", async () => {
        const report = await hub.health();
        return report.cameras[0]?.main === "streaming" ? report : null;
      });
      expect(health.ingestRestarts).toBe(1);
      await waitForLine("the ingest process ended (SIGKILL)");
    });

    test("killed at one instant, all of it leaves nothing on the disk in the clear (invariant 3)", async () => {
      await midClip();
      await hub.kill9();
      const scan = footageScan([door.file, scaledCopy(door.file)].flatMap(codedSlices));
      const folders = [hub.dataDirectory, hub.temporaryDirectory, hub.workDirectory, "/dev/shm"];
      const looked = await footageOnDisk(scan, folders, []);
      expect(looked.bytes).toBeGreaterThan(PARTIAL_BYTES_MIN);
      expect(looked.found).toEqual([]);
      const planted = path.join(hub.dataDirectory, "clips", "core");
      await writeFile(planted, (await readFile(door.file)).subarray(100_000, 300_000));
      const { found } = await footageOnDisk(scan, folders, []);
      expect(found).toEqual([expect.stringContaining(planted)]);
      await writeFile(planted, "");
      await rm(planted);
      afterKill = await hashesBelow(hub.clipsDirectory);
    });

    test("the next start enters what was torn, with size and hash, and removes nothing", async () => {
      await hub.restart();
      for (const [file, hash] of afterKill)
        expect(
          createHash("sha256")
            .update(await readFile(file))
            .digest("hex"),
          file,
        ).toBe(hash);
      const [newest] = (await hub.clips()).filter(({ state }) => state === "torn");
      torn = await hub.clip(newest?.id ?? "");
      requireOneTornSegment(torn);
      expect(torn.files.length).toBeGreaterThan(0);
      const ledger = await hub.cli("owner", "ledger", "--keys", hub.keysDirectory, "--json");
      const { entries } = JSON.parse(ledger.stdout) as { entries: { entry: TornEntry }[] };
      const entered = entries
        .map(({ entry }) => entry)
        .find(({ kind, clip }) => kind === "torn" && clip === torn.id);
      expect(entered?.files.length).toBe(torn.torn.length);
      for (const { name, sizeBytes, sha256 } of entered?.files ?? []) {
        const file = path.join(hub.clipsDirectory, monthOf(torn), torn.id, name);
        expect(afterKill.get(file)).toBe(sha256);
        expect((await stat(file)).size).toBe(sizeBytes);
      }
      await waitForLine(`clip ${torn.id} was torn by the last stop`);
      expect(await check(hub.dataDirectory)).toEqual({ code: 0, failing: [] });
    });

    test("owner open says that a torn clip is torn, and what it writes plays", async () => {
      const out = path.join(hub.ownerDirectory, "torn.mp4");
      const opened = await open(torn.id, out);
      expect(opened).toMatchObject({ code: 0, stdout: `${out}\n` });
      expect(opened.stderr).toContain("TORN");
      await requireWhole(out);
      const whole = torn.files.filter(({ track }) => track === "video");
      const wholeMs = (whole.at(-1)?.toMs ?? 0) - (whole[0]?.fromMs ?? 0);
      const frames = await framesOf(out, "v");
      // More than the segments that were closed: the torn one as far as it authenticates.
      expect((frames.length * 1_000) / FRAMES_PER_SECOND).toBeGreaterThan(wholeMs + 500);
      expect(runsInLoop(codedSlices(out), codedSlices(door.file))).toHaveLength(1);
    });

    test("a hub that is killed alone and started at once does not meet its own past", async () => {
      await midClip();
      const tree = await hub.tree();
      process.kill(hub.pid, "SIGKILL");
      await hub.waitFor("the end of the hub's process", () =>
        existsSync(`/proc/${hub.pid}/exe`) ? null : true,
      );
      await hub.restart();
      await hub.waitFor("the end of the old processes", () =>
        tree.some((pid) => existsSync(`/proc/${pid}/exe`)) ? null : true,
      );
      expect(await check(hub.dataDirectory)).toEqual({ code: 0, failing: [] });
      // And it records again.
      const closed = await hub.waitForClip("closed");
      const out = path.join(hub.ownerDirectory, "again.mp4");
      expect(await open(closed.id, out)).toMatchObject({ code: 0 });
      await requireWhole(out);
    });

    test("a sealed file with one byte changed is refused as altered, and nothing is written", async () => {
      const clip = await hub.clip((await hub.waitForClip("closed")).id);
      const last = clip.files.filter(({ track }) => track === "video").at(-1);
      const file = path.join(
        hub.clipsDirectory,
        monthOf(clip),
        clip.id,
        last === undefined ? "" : sealedFileName(last),
      );
      const content = await readFile(file);
      for (const at of [content.length - 1, content.length - 70_000]) {
        const altered = Buffer.from(content);
        altered[at] = (altered[at] ?? 0) ^ 1;
        await writeFile(file, altered);
        const out = path.join(hub.ownerDirectory, "altered.mp4");
        const opened = await open(clip.id, out);
        expect(opened.code).toBe(1);
        expect(opened.stderr).toContain("it is not what was recorded");
        expect(
          (await readdir(hub.ownerDirectory)).filter((name) => name.startsWith("altered")),
        ).toEqual([]);
        expect(await check(hub.dataDirectory)).toEqual({ code: 1, failing: ["files-intact"] });
      }
      await writeFile(file, content);
      expect(await check(hub.dataDirectory)).toEqual({ code: 0, failing: [] });
    });

    test("the age library opens every whole file that was sealed to post-quantum readers", async () => {
      const [identity = ""] = await hub.identities();
      expect(identity).toMatch(/^AGE-SECRET-KEY-PQ-1/);
      const clips = await Promise.all((await hub.clips()).map(({ id }) => hub.clip(id)));
      let opened = 0;
      for (const clip of clips)
        for (const file of clip.files) {
          const name = sealedFileName(file);
          const sealed = await readFile(
            path.join(hub.clipsDirectory, monthOf(clip), clip.id, name),
          );
          expect(sealed.subarray(0, 500).toString("latin1")).toContain("-> mlkem768x25519 ");
          const plaintext = await openAge(sealed, identity);
          expect(Buffer.from(plaintext).subarray(4, 8).toString()).toBe("ftyp");
          opened += 1;
        }
      expect(opened).toBeGreaterThanOrEqual(6);
    });

    test("doorward check says no to every kind of tampering with the installation", async () => {
      expect(await hub.stop()).toBe(0);
      const { failing } = await check(hub.dataDirectory);
      expect(failing).toEqual([]);
      const clip = torn.id;
      const sql = (statement: string) => async (data: string) => {
        await using database = openDatabase(path.join(data, "doorward.db"));
        database.exec("PRAGMA foreign_keys = OFF");
        // Whoever has the disk has no use for triggers that forbid it.
        for (const { name } of database
          .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
          .all())
          database.exec(`DROP TRIGGER ${name}`);
        database.exec(statement);
      };
      const tamperings: [string, (data: string) => Promise<void>][] = [
        ["rows-in-ledger", sql(`DELETE FROM clip_files WHERE clip = '${clip}'`)],
        [
          "ledger-whole",
          sql(
            "UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT), 'front', 'back') AS BLOB) WHERE kind = 'clip'",
          ),
        ],
        ["ledger-whole", sql("DELETE FROM ledger_entries WHERE kind = 'torn'")],
        [
          "keyring-signed",
          sql(
            'UPDATE keyring_statements SET envelope = replace(envelope, \'"sig":"\', \'"sig":"A\')',
          ),
        ],
        ["files-private", async (data) => chmod(path.join(data, "doorward.db"), 0o644)],
        ["folders-private", async (data) => chmod(path.join(data, "secrets"), 0o755)],
        [
          "torn-unchanged",
          async (data) => {
            const name = torn.torn[0]?.name ?? "";
            const file = path.join(data, "clips", monthOf(torn), clip, name);
            await writeFile(file, (await readFile(file)).subarray(0, 1_000));
          },
        ],
      ];
      for (const [index, [invariant, tamper]] of tamperings.entries()) {
        const copy = path.join(hub.ownerDirectory, `copy-${index}`);
        await cp(hub.dataDirectory, copy, { recursive: true, preserveTimestamps: true });
        await tamper(copy);
        const checked = await check(copy);
        expect(checked.code, invariant).toBe(1);
        expect(checked.failing, invariant).toContain(invariant);
      }
    });
  },
);

interface TornEntry {
  readonly kind: string;
  readonly clip: string;
  readonly files: readonly { name: string; sizeBytes: number; sha256: string }[];
}

function monthOf({ startedAtMs }: Api.ClipDetail): string {
  return new Date(startedAtMs).toISOString().slice(0, 7);
}

/** Everything before the segment that was open is whole, and nothing else is torn. */
function requireOneTornSegment({ files, torn }: Api.ClipDetail): void {
  const tornSegments = new Set(torn.map(({ name }) => Number(name.slice(0, 3))));
  expect([...tornSegments]).toHaveLength(1);
  const whole = files.filter(({ track }) => track === "video").map(({ segment }) => segment);
  expect(whole).toEqual([...whole.keys()]);
  expect([...tornSegments]).toEqual([whole.length]);
}

async function hashesBelow(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const file of await filesBelow(folder))
    hashes.set(
      file,
      createHash("sha256")
        .update(await readFile(file))
        .digest("hex"),
    );
  return hashes;
}
