import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import type * as Api from "../../src/protocol/api.ts";
import {
  CLI_ENTRY,
  type LiveHub,
  runCli,
  runCommand,
  startLiveHub,
  TEST_TIMEOUT_MS,
} from "../support/live-hub.ts";
import { scanProcess } from "../support/memory-scan.ts";
import { asNobody } from "../support/nobody.ts";
import { missingCommands } from "../support/requirements.ts";
import { filesBelow } from "./inspect.ts";
import { framesOf, requireWhole } from "./opened-clip.ts";

/** What a newcomer is told to expect. */
const FIRST_CLIP_MS = 60_000;
const ATTEMPTS_MIN = 20;
const isMissing = missingCommands("ffmpeg", "ffprobe", "bwrap");
const isRoot = process.getuid?.() === 0;

interface AttackReport {
  readonly opened: number;
  readonly of: number;
  readonly attempts: readonly { attempt: string; opened: number; detail: string }[];
}

describe.skipIf(isMissing)(
  "a newcomer's hub, with nothing configured",
  { timeout: TEST_TIMEOUT_MS },
  () => {
    let hub: LiveHub;
    let claimedMs = 0;
    let clip: Api.ClipSummary;

    beforeAll(async () => {
      hub = await startLiveHub({ launcher: true });
    });
    afterAll(async () => {
      await hub?.[Symbol.asyncDispose]();
    });

    test("says in one line where it is, how it is claimed, and which cameras it has", () => {
      expect(hub.ready).toEqual({
        url: expect.stringMatching(/^http:\/\/localhost:\d+$/),
        claimCode: expect.stringMatching(/^[A-Z0-9]{4}(-[A-Z0-9]{4}){2}$/),
        cameras: [{ id: "demo", name: "Demo door" }],
        lan: null,
      });
    });

    test("before the claim there is nothing to attack, and attack says so: exit 3", async () => {
      const attacked = await hub.cli("attack", "--data", hub.dataDirectory);
      expect(attacked.code).toBe(3);
      expect(attacked.stdout).not.toContain("of");
      expect(attacked.stderr).toContain("nothing has been recorded yet");
      expect(await filesBelow(hub.clipsDirectory)).toEqual([]);
    });

    test("within 60 s of the claim the demo camera has recorded its first clip", async () => {
      await hub.claim();
      claimedMs = performance.now();
      await hub.waitFor(
        "the first closed clip",
        async () => {
          const found = (await hub.clips()).find(({ state }) => state === "closed");
          if (found) clip = found;
          return found ?? null;
        },
        FIRST_CLIP_MS,
      );
      console.log(`first clip ${Math.round(performance.now() - claimedMs)} ms after the claim`);
      expect(clip.camera).toBe("demo");
      const out = path.join(hub.ownerDirectory, "demo.mp4");
      const command = ["owner", "open", clip.id, "--keys", hub.keysDirectory, "--out", out];
      expect(await hub.cli(...command)).toMatchObject({ code: 0 });
      await requireWhole(out);
      const frames = await framesOf(out, "v");
      const seconds = (frames.at(-1)?.atSeconds ?? 0) - (frames[0]?.atSeconds ?? 0);
      expect(Math.abs(seconds * 1_000 - clip.durationMs)).toBeLessThan(500);
      // Longer than what is kept from before and after an event: there was something to see.
      expect(clip.durationMs).toBeGreaterThan(8_000);
    });

    test("none of its processes may write a crash dump", async () => {
      for (const pid of await hub.tree()) {
        const limits = await readFile(`/proc/${pid}/limits`, "utf8");
        expect(limits, `${pid}`).toMatch(/^Max core file size\s+0\s+0\s/m);
      }
    });

    test("no process of it has loaded what opens recordings (invariant 1)", async () => {
      const ownerSide = [
        "Cannot open file: it is not what was recorded",
        "no identity matched any of the file's recipients",
      ].map((text) => Buffer.from(text));
      const ofHub = Buffer.from("closing what is being recorded");
      const ofIngest = Buffer.from("DECODER_RESTARTED");
      const inHub = await scanProcess(hub.pid, [...ownerSide, ofHub]);
      const inIngest = await scanProcess(await hub.ingestPid(), [...ownerSide, ofIngest]);
      // Each process has its own program's texts in memory, so it would have these too.
      expect(new Set(inHub.found.map(({ needle }) => needle))).toEqual(new Set([2]));
      expect(new Set(inIngest.found.map(({ needle }) => needle))).toEqual(new Set([2]));
      const open = fileURLToPath(new URL("../../src/owner/open-clip.ts", import.meta.url));
      const program = `await import(${JSON.stringify(open)}); console.log("ready"); setTimeout(() => {}, 60000);`;
      await using owner = await startProgram(program);
      const inOwner = await scanProcess(owner.pid, ownerSide);
      expect(new Set(inOwner.found.map(({ needle }) => needle))).toEqual(new Set([0, 1]));
    });

    test("nothing about anybody's looks is in a table, a file name or the log (invariant 10)", async () => {
      const looks = /embedding|descriptor|feature|landmark|face|crop|\bbox|gender|colou?r|plate/i;
      await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"), {
        readOnly: true,
      });
      const columns = database
        .prepare<[], { place: string }>(
          "SELECT m.name || '.' || c.name AS place FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'",
        )
        .all()
        .map(({ place }) => place);
      expect(columns).toContain("clips.why");
      expect(columns.filter((place) => looks.test(place))).toEqual([]);
      const reasons = database.prepare<[], string>("SELECT why FROM clips").pluck().all();
      for (const why of reasons)
        expect(Object.keys(JSON.parse(why) as object).toSorted()).toEqual([
          "areaShare",
          "kind",
          "score",
          "zone",
        ]);
      const names = await filesBelow(hub.dataDirectory);
      expect(names.map((name) => path.basename(name)).filter((name) => looks.test(name))).toEqual(
        [],
      );
      expect(hub.log()).not.toMatch(looks);
    });

    test("attack opens nothing: 0 of at least 20, with the owner's keys to search for", async () => {
      const keys = ["--keys", hub.keysDirectory];
      const attacked = await hub.cli("attack", "--data", hub.dataDirectory, ...keys, "--json");
      const report = JSON.parse(attacked.stdout) as AttackReport;
      expect(report.attempts.filter(({ opened }) => opened > 0)).toEqual([]);
      expect(report).toMatchObject({ opened: 0, of: report.attempts.length });
      expect(report.of).toBeGreaterThanOrEqual(ATTEMPTS_MIN);
      expect(attacked.code).toBe(0);
      // Among them each of the hub's processes by name.
      const attempts = report.attempts.map(({ attempt }) => attempt).join("\n");
      for (const name of ["main.ts", "ingest-main.ts", "ffmpeg"]) expect(attempts).toContain(name);
    });

    test.skipIf(!isRoot)(
      "attack that may not look says so and does not say 0 of N: exit 3",
      async () => {
        const command = [process.execPath, CLI_ENTRY, "attack", "--data", hub.dataDirectory];
        for (const less of [
          ["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"],
          asNobody(CLI_ENTRY),
        ]) {
          const attacked = await runCommand(["setpriv", ...less, ...command]);
          expect(attacked.code, less[0]).toBe(3);
          expect(attacked.stdout, less[0]).not.toMatch(/\d of \d/);
          expect(attacked.stderr, less[0]).toMatch(/^Cannot /);
        }
      },
    );

    test("attack beside a hub that does not run, and with no installation: exit 3", async () => {
      const child = hub.pid;
      expect(await hub.stop()).toBe(0);
      expect(existsSync(`/proc/${child}`)).toBe(false);
      expect((await hub.cli("attack", "--data", hub.dataDirectory)).code).toBe(3);
      expect((await runCli(["attack", "--data", hub.ownerDirectory])).code).toBe(3);
      expect((await runCli(["attack"])).code).toBe(2);
    });

    test("stopping left nothing open: one line was printed, and every clip is closed", async () => {
      expect(hub.output().trim().split("\n")).toHaveLength(1);
      expect(existsSync(path.join(hub.dataDirectory, "hub.json"))).toBe(false);
      const names = await filesBelow(hub.clipsDirectory);
      expect(names.filter((name) => !name.endsWith(".age"))).toEqual([]);
      expect(await readdir(hub.workDirectory)).toEqual([]);
      expect(await hub.cli("check", "--data", hub.dataDirectory)).toMatchObject({ code: 0 });
    });

    test("attack opens recordings where a reader was left in the hub's environment or folder: exit 1", async () => {
      const [identity = ""] = await hub.identities();
      const note = path.join(hub.dataDirectory, "note.txt");
      await writeFile(note, `do not lose: ${identity}\n`);
      await hub.restart({ BACKUP_KEY: identity });
      expect(hub.ready.claimCode).toBeNull();
      expect((await hub.clips()).every(({ state }) => state === "closed")).toBe(true);
      const attacked = await hub.cli("attack", "--data", hub.dataDirectory, "--json");
      expect(attacked.code).toBe(1);
      const report = JSON.parse(attacked.stdout) as AttackReport;
      const opened = report.attempts.filter((one) => one.opened > 0).map(({ attempt }) => attempt);
      expect(opened).toContainEqual(
        expect.stringMatching(/^age identities in the memory of main\.ts/),
      );
      expect(opened).toContainEqual("keys, hashes and tokens in settings and other files");
      await rm(note);
    });
  },
);

/** A Node process that has said that it is ready. */
async function startProgram(program: string): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
