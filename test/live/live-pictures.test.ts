import { readdir, readlink } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKeys } from "../../src/cli/keys-directory.ts";
import { signLogin } from "../../src/owner/household.ts";
import { signingKeyOf } from "../../src/owner/device-bundle.ts";
import { PICTURE_PIPE } from "../../src/ingest/messages.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import { startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { openLive, type Received } from "../support/live-socket.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  pictureAndTone,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { decodeLive } from "./decode-live.ts";

const isMissing = missingCommands(...RTSP_SERVER_COMMANDS, "ffprobe");
/** `pictureAndTone` has a key frame every 15 pictures, at 15 a second. */
const GROUP_MS = 1_000;

async function tokenOf(hub: LiveHub): Promise<string> {
  const { bundle } = await openKeys(hub.keysDirectory);
  const post = async (path: string, body: unknown): Promise<Record<string, string>> => {
    const answer = await fetch(`${hub.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Record<string, string>;
  };
  const { device } = signingKeyOf(bundle);
  const { challenge = "" } = await post("/api/session/challenge", { device });
  const { token = "" } = await post("/api/session", { login: await signLogin(bundle, challenge) });
  return token;
}

/** What each of a process's descriptors leads to; nothing where it has ended. */
async function descriptorsOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  return Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
}

describe.skipIf(isMissing)("live pictures of a real camera", { timeout: TEST_TIMEOUT_MS }, () => {
  let server: RtspServer;
  let hub: LiveHub;
  let token = "";

  beforeAll(async () => {
    server = await startRtspServer({ media: pictureAndTone(), shared: true });
    hub = await startLiveHub({
      cameras: [
        "cameras:",
        "  - id: front",
        `    main: ${server.mainUrl}`,
        `    sub: ${server.subUrl}`,
        "    audio: true",
        "  - id: gone",
        "    main: rtsp://127.0.0.1:1/nothing",
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await hub?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  test("before the claim nobody is shown anything", async () => {
    await expect(openLive(hub.url, "front", { token: "0".repeat(64) })).rejects.toThrow(/401/);
    await expect(openLive(hub.url, "front")).rejects.toThrow(/403/);
  });

  test("the first picture is a key frame, there at once, and everything decodes", async () => {
    await hub.claim();
    token = await tokenOf(hub);
    await hub.waitFor("the stream", async () => {
      const [front] = (await hub.health()).cameras;
      return front?.main === "streaming" ? true : null;
    });
    // Some way into a group of pictures, so that its beginning must have been kept.
    using first = await openLive(hub.url, "front", { token });
    first.socket.send(JSON.stringify({ type: "sound", on: true }));
    await first.waitForFragments(20);
    const askedAtMs = performance.timeOrigin + performance.now();
    using live = await openLive(hub.url, "front", { token });
    const { atMs } = await live.waitFor("a picture", ({ type }) => type === "fragment");
    expect(atMs - askedAtMs).toBeLessThan(GROUP_MS / 2);
    expect(new Set(live.inits.map(({ track }) => track))).toEqual(new Set(["video"]));
    live.socket.send(JSON.stringify({ type: "sound", on: true }));
    await live.waitForFragments(120);
    const video = live.fragments.filter(({ track }) => track === "video");
    expect(video[0]?.keyFrame).toBe(true);
    expect(live.received[0]?.type).toBe("init");
    expect(new Set(live.inits.map(({ track }) => track))).toEqual(new Set(["video", "audio"]));
    for (const [index, { sequence }] of video.entries())
      expect(sequence).toBe((video[0]?.sequence ?? 0) + index);
    const bytes = new Map(first.fragments.map((each) => [`${each.track} ${each.sequence}`, each]));
    expect(bytes.get(`video ${video[0]?.sequence ?? -1}`)).toEqual(video[0]);
    for (const track of ["video", "audio"] as const) {
      const init = live.inits.find((each) => each.track === track);
      const own = live.fragments.filter((each) => each.track === track);
      const frames = decodeLive(fromBase64(init?.bytes ?? "", "init"), own, track);
      expect(frames, track).toBeGreaterThanOrEqual(own.length - 1);
    }
  });

  test("no decoder has hold of the pipe that the pictures cross", async () => {
    const ingest = await hub.ingestPid();
    const pipe = await readlink(`/proc/${ingest}/fd/${PICTURE_PIPE}`);
    expect(pipe).toMatch(/^socket:/);
    const children = (await hub.tree()).filter((pid) => pid !== ingest && pid !== hub.pid);
    expect(children.length).toBeGreaterThan(0);
    expect(await descriptorsOf(ingest)).toContain(pipe);
    for (const pid of children) expect(await descriptorsOf(pid)).not.toContain(pipe);
  });

  test("the sub stream is another, smaller picture", async () => {
    using live = await openLive(hub.url, "front?stream=sub", { token });
    await live.waitForFragments(5);
    using main = await openLive(hub.url, "front?stream=main", { token });
    await main.waitForFragments(5);
    const sizes = [live, main].map(({ fragments }) => fragments[0]?.bytes.length);
    expect(sizes[0]).not.toBe(sizes[1]);
    expect(live.inits.map(({ track }) => track)).toEqual(["video"]);
  });

  test("a camera that does not answer says why there is no picture", async () => {
    using live = await openLive(hub.url, "gone", { token });
    const told = await live.waitFor("a reason", ({ type }) => type === "waiting");
    expect(told).toMatchObject({ reason: expect.stringMatching(/connecting|waiting-to-retry/) });
    await live.waitFor(
      "what went wrong",
      (each) => each.type === "waiting" && each.reason === "waiting-to-retry" && !!each.message,
    );
    expect(live.fragments).toEqual([]);
  });

  test("the hub's clock can be asked for", async () => {
    using live = await openLive(hub.url, "gone", { token });
    live.socket.send(JSON.stringify({ type: "ping", atMs: 12.5 }));
    const pong = await live.waitFor("an answer", ({ type }) => type === "pong");
    expect(pong).toMatchObject({ atMs: 12.5, hubMs: expect.closeTo(Date.now(), -4) });
  });

  test("the picture comes back on the same socket when the ingest process is killed", async () => {
    using live = await openLive(hub.url, "front", { token });
    await live.waitForFragments(10);
    process.kill(await hub.ingestPid(), "SIGKILL");
    const told = await live.waitFor("a reason", ({ type }) => type === "waiting");
    const isSince = (each: Received): boolean =>
      live.received.indexOf(each) > live.received.indexOf(told);
    const init = await live.waitFor(
      "a beginning",
      (each) => each.type === "init" && each.track === "video" && isSince(each),
    );
    await live.waitFor(
      "pictures",
      (each) => live.received.indexOf(each) > live.received.indexOf(init) + 20,
    );
    const next = live.received
      .slice(live.received.indexOf(init))
      .find(({ type }) => type === "fragment");
    expect(next).toMatchObject({ fragment: { track: "video", keyFrame: true } });
    expect(live.closedWith).toBe(0);
  });

  test("a camera that breaks off is said to be away, and comes back", async () => {
    using live = await openLive(hub.url, "front", { token });
    await live.waitForFragments(10);
    await server.cut();
    await live.waitFor("a reason", ({ type }) => type === "waiting");
    const count = live.fragments.length;
    await server.restore();
    await live.waitForFragments(count + 30, 90_000);
    expect(live.closedWith).toBe(0);
  });

  test("a hub that stops says so", async () => {
    using live = await openLive(hub.url, "front", { token });
    await live.waitForFragments(1);
    const [code] = await Promise.all([live.waitForClose(), hub.stop()]);
    expect(code).toBe(1001);
  });
});
