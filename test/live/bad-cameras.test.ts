import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodedHashes } from "../support/hevc-media.ts";
import { startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  cachedMedia,
  jpegPicture,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { busyDoorFootage, codedSlices, NO_FOOTAGE } from "./door-footage.ts";
import { environmentOf } from "./inspect.ts";
import { requireWhole, runsInLoop } from "./opened-clip.ts";

const SECRETS = ["open-sesame-1", "wrong-guess-2", "never-asked-3"] as const;
const [RIGHT, WRONG, UNUSED] = SECRETS;
const ATTEMPTS = 4;
/** B-frames between two others. */
const REORDERED_MAX = 3;
const isMissing = missingCommands(...RTSP_SERVER_COMMANDS, "bwrap", "ffprobe");

describe.skipIf(isMissing)(
  "cameras that cannot be used, beside one that can",
  { timeout: TEST_TIMEOUT_MS },
  () => {
    const door = isMissing ? NO_FOOTAGE : busyDoorFootage();
    let server: RtspServer;
    let hub: LiveHub;
    const others: net.Server[] = [];
    const attemptsMs: number[] = [];

    beforeAll(async () => {
      const media = { media: door.file, mounts: { jpeg: jpegPicture(), hevc: asHevc(door.file) } };
      server = await startRtspServer({ ...media, username: "door", password: RIGHT });
      const hangsUp = await listen(others, (socket) => {
        attemptsMs.push(performance.now());
        socket.destroy();
      });
      const silent = await listen(others, () => undefined);
      const nobody = await unusedPort();
      hub = await startLiveHub({
        cameras: [
          "cameras:",
          `  - { id: good, main: "${server.mainUrl}" }`,
          `  - { id: newer, main: "${server.url("hevc")}", sub: "${server.subUrl}" }`,
          `  - { id: off, main: "rtsp://127.0.0.1:${nobody}/main" }`,
          `  - { id: locked, main: "${server.mainUrl}" }`,
          `  - { id: older, main: "${server.url("jpeg")}" }`,
          `  - { id: elsewhere, main: "${server.url("no-such-mount")}" }`,
          `  - { id: rude, main: "rtsp://127.0.0.1:${hangsUp}/main" }`,
          `  - { id: mute, main: "rtsp://127.0.0.1:${silent}/main" }`,
        ].join("\n"),
        secrets: [
          ...["good", "newer", "older", "elsewhere"].map(
            (id) => `${id}: { user: door, password: ${RIGHT} }`,
          ),
          `rude: { user: door, password: ${UNUSED} }`,
          "locked: { user: door, password: replaced-by-the-environment }",
        ].join("\n"),
        environment: { DOORWARD_CAMERA_LOCKED_PASSWORD: WRONG },
      });
      await hub.claim();
    });
    afterAll(async () => {
      await hub?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
      for (const other of others) other.close();
    });

    test.each([
      ["off", "UNREACHABLE"],
      ["locked", "WRONG_PASSWORD"],
      ["older", "UNSUPPORTED_CODEC"],
      ["elsewhere", "NO_SUCH_STREAM"],
      ["rude", "UNREACHABLE"],
      ["mute", "SILENT"],
    ])("%s is named as %s on the health page and once in the log", async (id, code) => {
      const problem = await hub.waitFor(`the problem of ${id}`, async () => {
        const camera = (await hub.health()).cameras.find((each) => each.id === id);
        return camera?.problem ?? null;
      });
      expect(problem.code).toBe(code);
      expect(problem.message).toMatch(/^Cannot /);
      const line = ` warn ${id} main: ${code}: ${problem.message}`;
      const lines = (): string[] =>
        hub
          .log()
          .split("\n")
          .filter((text) => text.includes(line));
      await hub.waitFor("its line in the log", () => (lines().length > 0 ? true : null));
      expect(lines()).toHaveLength(1);
    });

    test("a camera that hangs up is tried again, each time after a longer pause", async () => {
      await hub.waitFor("some attempts", () => (attemptsMs.length >= ATTEMPTS ? true : null));
      const pauses = attemptsMs.slice(1).map((atMs, index) => atMs - (attemptsMs[index] ?? 0));
      expect(pauses[0]).toBeGreaterThan(400);
      expect(pauses[2]).toBeGreaterThan((pauses[0] ?? 0) * 1.5);
    });

    test("the camera that works is not disturbed: its clip has every picture that was sent", async () => {
      const clip = await hub.waitForClip("closed", { camera: "good" });
      const out = path.join(hub.ownerDirectory, "clip.mp4");
      expect(
        await hub.cli("owner", "open", clip.id, "--keys", hub.keysDirectory, "--out", out),
      ).toMatchObject({ code: 0 });
      await requireWhole(out);
      expect(runsInLoop(codedSlices(out), codedSlices(door.file))).toHaveLength(1);
      const health = await hub.health();
      expect(health.cameras.find(({ id }) => id === "good")).toMatchObject({
        main: "streaming",
        problem: null,
      });
      expect(health.ingestRestarts).toBe(0);
      const filming = new Set((await hub.clips()).map(({ camera }) => camera));
      expect([...filming].filter((id) => id !== "good" && id !== "newer")).toEqual([]);
    });

    test("one that sends H.265 is recorded as its H.264 sub stream moves, every picture as it was sent", async () => {
      const clip = await hub.waitForClip("closed", { camera: "newer" });
      const camera = (await hub.health()).cameras.find(({ id }) => id === "newer");
      expect(camera).toMatchObject({ problem: null, notes: [{ code: "RECORDED_AS_HEVC" }] });
      const out = path.join(hub.ownerDirectory, "newer.mp4");
      expect(
        await hub.cli("owner", "open", clip.id, "--keys", hub.keysDirectory, "--out", out),
      ).toMatchObject({ code: 0 });
      const sent = decodedHashes(asHevc(door.file));
      // The last ones were coded as differences from pictures that came after the cut.
      const opened = decodedHashes(out).slice(0, -REORDERED_MAX);
      expect(opened.length).toBeGreaterThan(80);
      const isFrom = (start: number): boolean =>
        opened.every((hash, index) => hash === sent[(start + index) % sent.length]);
      expect(sent.some((_, start) => isFrom(start))).toBe(true);
    });

    test("no password is in the log, an answer, a process list or another process's environment", async () => {
      const said = [hub.output(), hub.log(), JSON.stringify(await hub.health())].join("\n");
      expect(said).toContain("WRONG_PASSWORD");
      for (const secret of SECRETS) expect(said).not.toContain(secret);
      // The one that was given in the environment is where it was put, and nowhere else.
      expect(await environmentOf(hub.pid)).toContain(WRONG);
      for (const pid of await hub.tree()) {
        const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
        const environment = pid === hub.pid ? "" : await environmentOf(pid);
        for (const secret of SECRETS) expect(command + environment, `${pid}`).not.toContain(secret);
      }
      expect(await readFile(path.join(hub.dataDirectory, "hub.json"), "utf8")).not.toContain(RIGHT);
    });

    test("a camera that hangs while the hub is stopped costs no recording", async () => {
      await hub.waitForClip("recording");
      server.freeze();
      expect(await hub.stop()).toBe(0);
      server.thaw();
      await hub.restart();
      expect(new Set((await hub.clips()).map(({ state }) => state))).toEqual(new Set(["closed"]));
    });
  },
);

/** The door's footage with B-frames in open groups, as good cameras send it. */
function asHevc(file: string): string {
  return cachedMedia("door-hevc", [
    ...["-i", file, "-an", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params"],
    `log-level=none:keyint=20:min-keyint=20:bframes=${REORDERED_MAX}:b-adapt=0:open-gop=1`,
    ...["-tag:v", "hvc1", "-pix_fmt", "yuv420p"],
  ]);
}

async function listen(
  servers: net.Server[],
  onConnection: (socket: net.Socket) => void,
): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

async function unusedPort(): Promise<number> {
  const servers: net.Server[] = [];
  const port = await listen(servers, () => undefined);
  await new Promise((resolve) => servers[0]?.close(resolve));
  return port;
}
