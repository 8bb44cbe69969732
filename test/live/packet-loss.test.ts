import { readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as Api from "../../src/protocol/api.ts";
import { cannotLosePackets, startBadNetwork, type BadNetwork } from "../support/bad-network.ts";
import { startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  RTSP_SERVER_COMMANDS,
  scaledCopy,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { busyDoorFootage, NO_FOOTAGE } from "./door-footage.ts";
import { framesOf, requireWhole } from "./opened-clip.ts";

const isMissing =
  missingCommands(...RTSP_SERVER_COMMANDS, "bwrap", "ffprobe") || cannotLosePackets();
const LOST_PERCENT = 5;
const LOSSY_MS = 4_000;
const CUT_MS = 2_000;

describe.skipIf(isMissing)(
  "a camera behind a bad network",
  { timeout: 2 * TEST_TIMEOUT_MS },
  () => {
    const door = isMissing ? NO_FOOTAGE : busyDoorFootage();
    let network: BadNetwork;
    let server: RtspServer;
    let hub: LiveHub;

    beforeAll(async () => {
      network = startBadNetwork();
      const { address, within } = network;
      server = await startRtspServer({ media: scaledCopy(door.file), address, within });
      hub = await startLiveHub({
        cameras: `cameras:\n  - { id: front, main: "${server.mainUrl}" }`,
      });
      await hub.claim();
    }, TEST_TIMEOUT_MS);
    afterAll(async () => {
      await hub?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
      network?.[Symbol.dispose]();
    });

    const isStreaming = async (): Promise<boolean> =>
      (await hub.health()).cameras[0]?.main === "streaming";
    const until = (what: string, isSo: () => Promise<boolean>): Promise<true> =>
      hub.waitFor(what, async () => ((await isSo()) ? true : null));

    test("loses no picture to lost packets, says what a cut cost, and leaves nothing torn", async () => {
      const recording = await hub.waitForClip("recording");
      network.lose(LOST_PERCENT);
      await sleep(LOSSY_MS);
      await until("segments over a bad network", async () => {
        const { files } = await hub.clip(recording.id);
        return files.length >= 2;
      });
      // TCP sends again what was lost: the connection is still the first one.
      expect(await isStreaming()).toBe(true);
      expect(hub.log()).not.toMatch(/SILENT|UNREACHABLE/);
      const cutAtMs = Date.now();
      network.lose(100);
      await until("the stream given up", async () => !(await isStreaming()));
      await sleep(CUT_MS);
      const restoredAtMs = Date.now();
      network.lose(0);
      await until("the stream again", isStreaming);
      console.log(`packets cut: streaming ${Date.now() - restoredAtMs} ms after they were let in`);
      await until("pictures from after the cut", async () =>
        (await videoFiles(hub)).some(({ startMs }) => startMs > restoredAtMs),
      );
      expect(await hub.stop()).toBe(0);
      await hub.restart();

      const clips = await hub.clips();
      expect(clips.length).toBeGreaterThan(0);
      const leftOver = await readdir(hub.clipsDirectory, { recursive: true });
      expect(leftOver.filter((name) => name.endsWith(".partial"))).toEqual([]);
      expect((await hub.cli("check", "--data", hub.dataDirectory)).code).toBe(0);

      // Nothing claims to show the middle of the cut, and what was recorded around it is whole.
      const middleMs = (cutAtMs + restoredAtMs) / 2;
      const files = await videoFiles(hub);
      for (const { startMs, endMs } of files)
        expect(startMs <= middleMs && middleMs <= endMs).toBe(false);
      expect(files.some(({ endMs }) => endMs <= middleMs)).toBe(true);
      let longestGapSeconds = 0;
      for (const { id, state } of clips) {
        expect(state).toBe("closed");
        const out = path.join(hub.ownerDirectory, `${id}.mp4`);
        const keys = ["--keys", hub.keysDirectory, "--out", out];
        expect(await hub.cli("owner", "open", id, ...keys)).toMatchObject({ code: 0 });
        await requireWhole(out);
        const frames = await framesOf(out, "v");
        expect(frames[0]?.isKey).toBe(true);
        for (const [index, { atSeconds }] of frames.entries()) {
          const gap = atSeconds - (frames[index - 1]?.atSeconds ?? atSeconds);
          longestGapSeconds = Math.max(longestGapSeconds, gap);
        }
      }
      // Either the clip went on with a gap, or it ended there and another one began.
      const cutSeconds = (restoredAtMs - cutAtMs) / 1000;
      expect(clips.length > 1 || longestGapSeconds > cutSeconds - 2).toBe(true);
    });
  },
);

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Wall clock of every whole segment of video. */
async function videoFiles(hub: LiveHub): Promise<Span[]> {
  const details: Api.ClipDetail[] = [];
  for (const { id } of await hub.clips()) details.push(await hub.clip(id));
  return details
    .flatMap(({ files }) => files)
    .filter(({ track }) => track === "video")
    .map(({ fromMs, toMs }) => ({ startMs: fromMs, endMs: toMs }));
}
