import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type * as Api from "../../src/protocol/api.ts";
import { runCommand, startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { scanProcess, scanProcessTree, waitForKeysToGo } from "../support/memory-scan.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  RTSP_SERVER_COMMANDS,
  scaledCopy,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { codedSlices, doorFootage, FRAMES_PER_SECOND, NO_FOOTAGE } from "./door-footage.ts";
import {
  connectionsOf,
  connectionsTo,
  environmentOf,
  filesBelow,
  footageOnDisk,
  footageScan,
  keysOf,
  namespaceOf,
  openFiles,
  statusField,
} from "./inspect.ts";
import { framesOf, requireWhole, runsInLoop } from "./opened-clip.ts";

const PASSWORD = "a-pass-word-nobody-else-has";
const FRAME_MS = 1_000 / FRAMES_PER_SECOND;
const isMissing = missingCommands(...RTSP_SERVER_COMMANDS, "bwrap", "age", "ffprobe");

/** True where the camera was away between two segments of a clip. */
function hasGap({ files }: Api.ClipDetail): boolean {
  const videos = files.filter(({ track }) => track === "video");
  return videos.some((file, index) => file.fromMs - (videos[index - 1]?.toMs ?? file.fromMs) > 500);
}

describe.skipIf(isMissing)(
  "a camera on the network, from the claim to the clip",
  { timeout: TEST_TIMEOUT_MS },
  () => {
    const door = isMissing ? NO_FOOTAGE : doorFootage();
    let server: RtspServer;
    let hub: LiveHub;
    let claimedAtMs = 0;
    let clip: Api.ClipDetail;

    beforeAll(async () => {
      server = await startRtspServer({ media: door.file, username: "door", password: PASSWORD });
      hub = await startLiveHub({
        cameras: [
          "cameras:",
          "  - id: front",
          "    name: Front door",
          `    main: ${server.mainUrl}`,
          `    sub: ${server.subUrl}`,
          "    audio: true",
        ].join("\n"),
        secrets: `front: { user: door, password: "${PASSWORD}" }\n`,
      });
    });
    afterAll(async () => {
      await hub?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const folderOf = (id: string, startedAtMs: number): string =>
      path.join(hub.clipsDirectory, new Date(startedAtMs).toISOString().slice(0, 7), id);

    const waitForLine = (text: string): Promise<true> =>
      hub.waitFor(`"${text}" in the log`, () => (hub.log().includes(text) ? true : null));

    /** The clip that is being recorded, and the segment of it that is being written. */
    const openSegment = (): Promise<{ folder: string; partial: string; closed: string[] }> =>
      hub.waitFor("a segment that is being written", async () => {
        const recording = (await hub.clips()).find(({ state }) => state === "recording");
        if (!recording) return null;
        const folder = folderOf(recording.id, recording.startedAtMs);
        const names = await readdir(folder).catch(() => []);
        const partial = names.find((name) => name.endsWith(".video.original.age.partial"));
        const closed = names.filter((name) => name.endsWith(".age")).toSorted();
        return partial === undefined || closed.length === 0 ? null : { folder, partial, closed };
      });

    test("before the claim no camera is connected to, and nothing is recorded or served", async () => {
      await hub.ingestPid();
      // An observation, not a wait for something: a hub that connects does so at once.
      await sleep(1_500);
      expect(await connectionsTo(server.port)).toBe(0);
      expect(await filesBelow(hub.clipsDirectory)).toEqual([]);
      for (const route of ["/api/clips", "/api/health", "/api/keyring", "/api/ledger/entries"])
        expect((await fetch(`${hub.url}${route}`)).status, route).toBe(401);
      const page = await (await fetch(`${hub.url}/`)).text();
      expect(page).not.toContain(hub.ready.claimCode);
      expect(hub.log()).not.toContain("streaming");
    });

    test("after the claim both of its streams are received, by the ingest process alone", async () => {
      claimedAtMs = Date.now();
      await hub.claim("--classic");
      await hub.waitFor("both streams", async () => {
        const [camera] = (await hub.health()).cameras;
        return camera?.main === "streaming" && camera.sub === "streaming" ? camera : null;
      });
      const toCamera = async (pid: number): Promise<number> =>
        (await connectionsOf(pid)).filter(({ remotePort }) => remotePort === server.port).length;
      expect(await toCamera(await hub.ingestPid())).toBe(2);
      expect(await toCamera(hub.pid)).toBe(0);
      await waitForLine("front main: streaming avc1");
    });

    test("the ingest process holds no secret of the hub and has no file of it open (invariant 12)", async () => {
      const ingest = await hub.ingestPid();
      const environment = await environmentOf(ingest);
      expect(environment).toContain("PATH=");
      for (const one of environment.split("\0").filter((text) => text !== ""))
        expect(one).toMatch(
          /^(PATH|NODE_ENV|NODE_COMPILE_CACHE|DOORWARD_FFMPEG|NODE_CHANNEL_\w+)=/,
        );
      const secrets = [
        path.join(hub.dataDirectory, "secrets"),
        path.join(hub.dataDirectory, "doorward.db"),
      ];
      const names = (await openFiles(ingest)).map(({ name }) => name);
      expect(names.filter((name) => secrets.some((secret) => name.startsWith(secret)))).toEqual([]);
      // The hub itself has its database open: the same look finds it there.
      const ofHub = (await openFiles(hub.pid)).map(({ name }) => name);
      expect(ofHub.some((name) => name.endsWith("doorward.db"))).toBe(true);
      const pem = await readFile(path.join(hub.dataDirectory, "secrets", "ledger.pem"), "utf8");
      const key = Buffer.from(pem.split("\n")[1] ?? "", "base64").subarray(-32);
      expect(key.length).toBe(32);
      expect((await scanProcess(ingest, [key])).found).toEqual([]);
    });

    test("the decoder has no network, no files and few system calls (invariant 12)", async () => {
      const { decoder, ingest } = await hub.waitFor("the decoder", async () => {
        for (const pid of await hub.tree())
          if ((await statusField(pid, "Name")) === "ffmpeg")
            return { decoder: pid, ingest: await hub.ingestPid() };
        return null;
      });
      for (const kind of ["net", "mnt", "pid"] as const)
        expect(await namespaceOf(decoder, kind), kind).not.toBe(await namespaceOf(ingest, kind));
      expect(await statusField(decoder, "Seccomp")).toBe("2");
      expect(await statusField(decoder, "NoNewPrivs")).toBe("1");
      expect(await statusField(decoder, "CapEff")).toMatch(/^0+$/);
      const interfaces = await readFile(`/proc/${decoder}/net/dev`, "utf8");
      expect(interfaces.split("\n").flatMap((line) => /^\s*(\w+):/.exec(line)?.[1] ?? [])).toEqual([
        "lo",
      ]);
      expect((await readdir(`/proc/${decoder}/root`)).toSorted()).not.toContain("tmp");
      expect((await readdir(`/proc/${decoder}/root`)).toSorted()).not.toContain("home");
      expect(await environmentOf(decoder)).not.toMatch(/DOORWARD|PASS|HOME=/);
      expect(await openFiles(decoder)).toEqual([]);
      // The hub's two own processes are not so confined: the look can tell the difference.
      expect(await statusField(ingest, "Seccomp")).toBe("0");
    });

    const scan = footageScan(
      isMissing ? [] : [door.file, scaledCopy(door.file)].flatMap(codedSlices),
    );
    const footageInTheClear = async (): Promise<string[]> => {
      const folders = [hub.dataDirectory, hub.temporaryDirectory, hub.workDirectory, "/dev/shm"];
      const pids = await hub.tree().catch(() => []);
      const looked = await footageOnDisk(scan, folders, pids);
      expect(looked.bytes).toBeGreaterThan(100_000);
      return looked.found;
    };

    test("while it records, no part of the picture is on the disk in the clear (invariant 3)", async () => {
      expect(scan.windows).toBeGreaterThan(200);
      await openSegment();
      expect(await footageInTheClear()).toEqual([]);
      // Planted footage is found: a piece of the bitstream without any signature, in a hidden place.
      const slice = codedSlices(door.file).find(({ length }) => length > 8_000);
      const planted = path.join(hub.temporaryDirectory, ".planted");
      await writeFile(planted, slice?.subarray(2_000, 5_000) ?? "");
      expect(await footageInTheClear()).toEqual([expect.stringContaining(planted)]);
      await writeFile(planted, "");
      expect(await filesBelow(hub.workDirectory)).toEqual([]);
      expect(await filesBelow(hub.temporaryDirectory)).toEqual([planted]);
    });

    test("the clip begins 10 s before the event and its times are those of the wall clock", async () => {
      await hub.waitForClip("closed");
      const id = (await hub.clips()).findLast(({ state }) => state === "closed")?.id ?? "";
      clip = await hub.clip(id);
      expect(clip.eventAtMs - clip.startedAtMs).toBeGreaterThanOrEqual(9_000);
      expect(clip.eventAtMs - clip.startedAtMs).toBeLessThanOrEqual(13_000);
      // The stream began within seconds of the claim, and somebody comes a second into the visit.
      const sinceClaimMs = clip.eventAtMs - claimedAtMs;
      expect(sinceClaimMs).toBeGreaterThan(door.visitFromSeconds * 1_000);
      expect(sinceClaimMs).toBeLessThan((door.visitFromSeconds + 8) * 1_000);
      const videos = clip.files.filter(({ track }) => track === "video");
      const [first] = videos;
      const last = videos.at(-1);
      expect(first?.fromMs).toBe(clip.startedAtMs);
      expect(last?.toMs).toBe(clip.startedAtMs + clip.durationMs);
      // The last segment was closed when its last picture came.
      const file = path.join(folderOf(id, clip.startedAtMs), last ? sealedFileName(last) : "");
      expect(Math.abs((await stat(file)).mtimeMs - (last?.toMs ?? 0))).toBeLessThan(1_500);
    });

    test("no time is missing between its segments, and sound goes with the picture", () => {
      for (const track of ["video", "audio"] as const) {
        const files = clip.files.filter((file) => file.track === track);
        expect(files.map(({ segment }) => segment)).toEqual([...files.keys()]);
        expect(files.length).toBeGreaterThanOrEqual(3);
        files.slice(1).forEach(({ fromMs }, index) => {
          expect(Math.abs(fromMs - (files[index]?.toMs ?? 0))).toBeLessThanOrEqual(FRAME_MS / 2);
        });
      }
    });

    test("owner open writes one MP4 that decodes from its first frame to its last", async () => {
      const out = path.join(hub.ownerDirectory, "clip.mp4");
      const args = ["owner", "open", clip.id, "--keys", hub.keysDirectory, "--out", out];
      expect(await hub.cli(...args)).toMatchObject({ code: 0, stdout: `${out}\n` });
      await requireWhole(out);
      const frames = await framesOf(out, "v");
      expect(Math.abs(frames.length * FRAME_MS - clip.durationMs)).toBeLessThanOrEqual(FRAME_MS);
      expect(frames[0]?.isKey).toBe(true);
      frames.slice(1).forEach(({ atSeconds }, index) => {
        expect((atSeconds - (frames[index]?.atSeconds ?? 0)) * 1_000).toBeCloseTo(FRAME_MS, -1);
      });
      const sound = await framesOf(out, "a");
      const soundMs = ((sound.at(-1)?.atSeconds ?? 0) - (sound[0]?.atSeconds ?? 0)) * 1_000;
      expect(Math.abs(soundMs - clip.durationMs)).toBeLessThan(300);
      // Every picture that the camera sent is in it, once, as it was sent.
      expect(runsInLoop(codedSlices(out), codedSlices(door.file))).toHaveLength(1);
    });

    test("1 s after a segment closed no key of it is in any process; that of the open one is (invariant 2)", async () => {
      const identities = await hub.identities();
      const ingest = await hub.ingestPid();
      // Held still, so that the segment stays open for as long as the search takes.
      const { folder, partial, keys } = await hub.waitFor("an open segment", async () => {
        const found = await openSegment();
        process.kill(ingest, "SIGSTOP");
        const keys = await keysOf(path.join(found.folder, found.partial), identities).catch(
          () => null,
        );
        if (keys !== null) return { ...found, keys };
        process.kill(ingest, "SIGCONT");
        return null;
      });
      const needles = [keys.payloadKey, keys.fileKey, keys.headerKey];
      const whileOpen = await scanProcess(ingest, needles);
      const ofHub = await scanProcess(hub.pid, needles);
      process.kill(ingest, "SIGCONT");
      expect(new Set(whileOpen.found.map(({ needle }) => needle))).toEqual(new Set([0]));
      expect(ofHub.found).toEqual([]);
      const whole = partial.replace(/\.partial$/, "");
      const names = await hub.waitFor("its end", async () => {
        const present = await readdir(folder);
        return present.includes(whole) ? present : null;
      });
      await waitForKeysToGo();
      const gone = [...needles];
      for (const name of names.filter((each) => each.endsWith(".age"))) {
        const { fileKey, headerKey, payloadKey } = await keysOf(
          path.join(folder, name),
          identities,
        );
        gone.push(fileKey, headerKey, payloadKey);
      }
      expect(gone.length).toBeGreaterThanOrEqual(9);
      expect(await scanProcessTree(hub.pid, gone)).toEqual([]);
    });

    test("a stream that is cut in mid-event is named, comes back by itself, and costs only the gap", async () => {
      const before = await hub.waitForClip("recording", { but: [clip.id] });
      await openSegment();
      await server.cut();
      const problem = await hub.waitFor("the camera's problem", async () => {
        const [camera] = (await hub.health()).cameras;
        return camera?.problem ?? null;
      });
      expect(["UNREACHABLE", "SILENT"]).toContain(problem.code);
      await waitForLine(`front main: ${problem.code}`);
      await server.restore();
      await hub.waitFor("the camera", async () => {
        const [camera] = (await hub.health()).cameras;
        return camera?.main === "streaming" && camera.problem === null ? camera : null;
      });
      // The first key frame after the gap begins a segment of the same clip, or of the next.
      const after = await hub.waitFor("a recording after the gap", async () => {
        const [newest] = await hub.clips();
        if (newest === undefined || newest.state !== "recording") return null;
        return newest.id !== before.id || hasGap(await hub.clip(newest.id)) ? newest : null;
      });
      // And with that clip open, the hub is told to stop.
      expect(await hub.stop()).toBe(0);
      await hub.restart();
      for (const id of new Set([before.id, after.id])) {
        const stored = await hub.clip(id);
        expect(stored.state).toBe("closed");
        expect(stored.torn).toEqual([]);
        const out = path.join(hub.ownerDirectory, `${id}.mp4`);
        const opened = await hub.cli(
          "owner",
          "open",
          id,
          "--keys",
          hub.keysDirectory,
          "--out",
          out,
        );
        expect(opened.code, opened.stderr).toBe(0);
        await requireWhole(out);
      }
      const out = path.join(hub.ownerDirectory, `${before.id}.mp4`);
      const runs = runsInLoop(codedSlices(out), codedSlices(door.file));
      // Up to the cut without a break; what follows is a run of its own, from the loop's beginning.
      expect(runs.length).toBe(hasGap(await hub.clip(before.id)) ? 2 : 1);
      expect(runs[0]?.length).toBeGreaterThan(80);
    });

    test("Debian's age opens every sealed file of the installation", async () => {
      const identityFile = path.join(hub.ownerDirectory, "identity.txt");
      await writeFile(identityFile, `${(await hub.identities())[0] ?? ""}\n`);
      const sealed = (await filesBelow(hub.clipsDirectory)).filter((file) => file.endsWith(".age"));
      expect(sealed.length).toBeGreaterThanOrEqual(10);
      for (const file of sealed) {
        const out = path.join(hub.ownerDirectory, "opened");
        const opened = await runCommand(["age", "-d", "-i", identityFile, "-o", out, file]);
        expect(opened.code, `${file}: ${opened.stderr}`).toBe(0);
        expect((await readFile(out)).subarray(4, 8).toString()).toBe("ftyp");
      }
      const [wrong] = [createHash("sha256").update("not a key").digest("hex")];
      await writeFile(identityFile, `${wrong}\n`);
      expect((await runCommand(["age", "-d", "-i", identityFile, sealed[0] ?? ""])).code).not.toBe(
        0,
      );
    });

    test("afterwards nothing is on the disk in the clear, and every storage promise holds", async () => {
      expect(await footageInTheClear()).toEqual([]);
      const checked = await hub.cli("check", "--data", hub.dataDirectory, "--json");
      expect(JSON.parse(checked.stdout)).toMatchObject({ holds: true });
      expect(checked.code).toBe(0);
    });

    test("the camera's password is in no log, answer, process list or other environment", async () => {
      expect(hub.output() + hub.log()).not.toContain(PASSWORD);
      expect(JSON.stringify(await hub.health())).not.toContain(PASSWORD);
      for (const pid of await hub.tree()) {
        expect(await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")).not.toContain(
          PASSWORD,
        );
        expect(await environmentOf(pid)).not.toContain(PASSWORD);
      }
    });

    test("the footage is what these tests take it to be", async () => {
      expect(await framesOf(door.file, "v")).toHaveLength(door.loopSeconds * FRAMES_PER_SECOND);
    });
  },
);
