import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as Api from "../../src/protocol/api.ts";
import { startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  RTSP_SERVER_COMMANDS,
  scaledCopy,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { busyDoorFootage, NO_FOOTAGE } from "./door-footage.ts";

const COUNT = 16;
const WAIT_MS = 120_000;
const MEASURED_MS = 3_000;
const IDS = Array.from({ length: COUNT }, (_, index) => `cam-${index + 1}`);
const isMissing = missingCommands(...RTSP_SERVER_COMMANDS, "bwrap", "ffprobe");

describe.skipIf(isMissing)(
  "sixteen cameras in one ingest process",
  { timeout: 2 * TEST_TIMEOUT_MS },
  () => {
    const door = isMissing ? NO_FOOTAGE : busyDoorFootage();
    let server: RtspServer;
    let hub: LiveHub;

    beforeAll(async () => {
      const media = scaledCopy(door.file);
      server = await startRtspServer({
        media,
        mounts: Object.fromEntries(IDS.map((id) => [id, media])),
      });
      const cameras = IDS.map((id) => `  - { id: ${id}, main: "${server.url(id)}" }`);
      hub = await startLiveHub({ cameras: `cameras:\n${cameras.join("\n")}` });
      await hub.claim();
    }, TEST_TIMEOUT_MS);
    afterAll(async () => {
      await hub?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const waitFor = <T>(what: string, ask: () => Promise<T | null>): Promise<T> =>
      hub.waitFor(what, ask, WAIT_MS);

    const allStream = (what: string): Promise<true> =>
      waitFor(what, async () => {
        const { cameras } = await hub.health();
        const streaming = cameras.filter(({ main }) => main === "streaming");
        return streaming.length === COUNT ? true : null;
      });

    /** The newest clip of each camera that is being recorded and has a whole segment. */
    const allRecord = (what: string, but: ReadonlySet<string>): Promise<Api.ClipDetail[]> =>
      waitFor(what, async () => {
        const newest = new Map<string, string>();
        for (const { id, camera, state } of await hub.clips())
          if (state === "recording" && !but.has(id)) newest.set(camera, id);
        if (newest.size < COUNT) return null;
        const clips = await Promise.all([...newest.values()].map((id) => hub.clip(id)));
        return clips.every(({ files }) => files.length > 0) ? clips : null;
      });

    test("all are recorded; killed, it is back, and each loses its open segment at most", async () => {
      await allStream("sixteen streams");
      const before = await allRecord("sixteen recordings", new Set());
      const killed = await hub.ingestPid();
      const usage = await usageOf(killed);
      const killedMs = performance.now();
      process.kill(killed, "SIGKILL");
      await waitFor("another ingest process", async () =>
        (await hub.ingestPid()) === killed ? null : true,
      );
      const processMs = Math.round(performance.now() - killedMs);
      // Until the new process has said so, the hub may know only what the old one said.
      const { cameras: told } = await hub.health();
      if (told.every(({ main }) => main === "streaming")) await sleep(MEASURED_MS);
      await allStream("sixteen streams again");
      const streamsMs = Math.round(performance.now() - killedMs);
      console.log(
        `sixteen cameras: ${usage}; killed: a new process after ${processMs} ms, ` +
          `all sixteen streams after ${streamsMs} ms`,
      );
      expect((await hub.health()).ingestRestarts).toBe(1);

      for (const { id, camera, files } of before) {
        const clip = await waitFor(`the end of a clip of ${camera}`, async () => {
          const detail = await hub.clip(id);
          return detail.state === "recording" ? null : detail;
        });
        // All that was whole is there, and of what was open there is one segment.
        for (const file of files) expect(clip.files).toContainEqual(file);
        const open = new Set(clip.torn.map(({ name }) => name.split(".")[0]));
        expect({ camera, open: open.size }).toEqual({ camera, open: open.size > 0 ? 1 : 0 });
      }
      const after = await allRecord(
        "sixteen recordings again",
        new Set(before.map(({ id }) => id)),
      );
      expect(new Set(after.map(({ camera }) => camera)).size).toBe(COUNT);
      const { code } = await hub.cli("check", "--data", hub.dataDirectory);
      expect(code).toBe(0);
    });
  },
);

/** Resident memory, and share of one core over a few seconds. */
async function usageOf(pid: number): Promise<string> {
  const ticks = async (): Promise<number> => {
    const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = await ticks();
  const startedMs = performance.now();
  await sleep(MEASURED_MS);
  // A hundred ticks a second, as Linux counts for user space.
  const percent = ((await ticks()) - before) / ((performance.now() - startedMs) / 1000);
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mebibytes = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
  return `${percent.toFixed(1)} % of a core, ${mebibytes} MiB`;
}
