import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as Api from "../../src/protocol/api.ts";
import { clipFolder } from "../../src/protocol/clip.ts";
import { parseClipId } from "../../src/protocol/ids.ts";
import { turningHeads } from "../support/face-camera.ts";
import { commandLine, startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  RTSP_SERVER_COMMANDS,
  scaledCopy,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { codedSlices } from "./door-footage.ts";
import { footageOnDisk, footageScan } from "./inspect.ts";
import { framesOf, requireWhole } from "./opened-clip.ts";

const heads = turningHeads();
const isMissing =
  missingCommands(...RTSP_SERVER_COMMANDS, "bwrap", "ffprobe") || (heads === null && "footage");

/** On a machine that has others to run beside it, a picture may take a second. */
const BLUR_TIMEOUT_MS = 150_000;

describe.skipIf(isMissing !== false)(
  "a camera whose faces are covered, in real processes",
  { timeout: 2 * TEST_TIMEOUT_MS },
  () => {
    let server: RtspServer;
    let hub: LiveHub;
    beforeAll(async () => {
      server = await startRtspServer({ media: heads ?? "" });
      hub = await startLiveHub({
        faces: "blur-copy",
        cameras: `cameras:\n  - { id: front, main: "${server.mainUrl}", sub: "${server.subUrl}" }`,
      });
      await hub.claim();
    });
    afterAll(async () => {
      await hub?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const recording = (but: readonly string[], segments: number): Promise<Api.ClipDetail> =>
      hub.waitFor(
        `a recording of which ${segments} segments are blurred`,
        async () => {
          const clip = (await hub.clips()).find(
            ({ id, state }) => state === "recording" && !but.includes(id),
          );
          if (!clip || (clip.blur?.segments ?? 0) < segments) return null;
          const detail = await hub.clip(clip.id);
          return detail.files.length > 0 ? detail : null;
        },
        BLUR_TIMEOUT_MS,
      );
    const visionPid = (): Promise<number> =>
      hub.waitFor("the vision process", async () => {
        for (const pid of await hub.tree())
          if ((await commandLine(pid)).includes("vision-main.ts")) return pid;
        return null;
      });
    const namesOf = async ({ id, startedAtMs }: Api.ClipDetail): Promise<string[]> =>
      await readdir(path.join(hub.clipsDirectory, clipFolder(parseClipId(id), startedAtMs)));
    const framesIn = async (clip: string, rendition: string): Promise<number> => {
      const out = path.join(hub.ownerDirectory, `${clip}-${rendition}.mp4`);
      const command = ["owner", "open", clip, "--keys", hub.keysDirectory, "--out", out];
      expect(await hub.cli(...command, "--rendition", rendition)).toMatchObject({ code: 0 });
      await requireWhole(out);
      return (await framesOf(out, "v")).length;
    };

    test("killed in the middle, the vision process is begun again, and the copy goes on", async () => {
      const clip = await recording([], 0);
      const killed = await visionPid();
      process.kill(killed, "SIGKILL");
      await hub.waitFor("another vision process", async () =>
        (await visionPid()) === killed ? null : true,
      );
      await recording([], 1);
      expect((await hub.health()).blur?.problem).toMatch(/^the vision process ended/);
      expect((await hub.health()).ingestRestarts).toBe(0);
      expect((await hub.clip(clip.id)).blur?.state).toBe("waiting");
    });

    test("killed in the middle, the recorder leaves what was blurred, listed, and nothing else", async () => {
      const before = await recording([], 1);
      process.kill(await hub.ingestPid(), "SIGKILL");
      const clip = await hub.waitFor("the end of its copy", async () => {
        const detail = await hub.clip(before.id);
        return detail.blur?.state === "done" ? detail : null;
      });
      const files = clip.files.filter(({ rendition }) => rendition === "blurred");
      const segments = files.filter(({ track }) => track === "video").length;
      expect(segments).toBeGreaterThan(0);
      expect(clip.blur).toMatchObject({ reason: "stopped", segments });
      expect(clip.renditionEntries?.length).toBe(1);
      expect((await namesOf(clip)).filter((name) => name.includes("blurred")).length).toBe(
        files.length,
      );
      const blurred = await framesIn(clip.id, "blurred");
      expect(blurred).toBeGreaterThan(0);
      expect(blurred).toBeLessThanOrEqual(await framesIn(clip.id, "original"));
    });

    test("killed with everything else, the hub says that the copy was stopped", async () => {
      const before = await recording(
        (await hub.clips()).flatMap(({ id, state }) => (state === "recording" ? [] : [id])),
        0,
      );
      await hub.kill9();
      const settings = path.join(hub.dataDirectory, "doorward.yaml");
      const text = await readFile(settings, "utf8");
      await writeFile(settings, text.replace("faces: blur-copy", "faces: blur-only"));
      await hub.restart();
      const clip = await hub.clip(before.id);
      expect(clip.blur).toMatchObject({ reason: "stopped" });
      expect(clip.blur?.state).toBe((clip.blur?.segments ?? 0) > 0 ? "done" : "absent");
      expect(await hub.cli("check", "--data", hub.dataDirectory)).toMatchObject({ code: 0 });
    });

    test("with blur-only nothing is recorded but what was covered, and that is all that opens", async () => {
      const known = (await hub.clips()).flatMap(({ id, blur }) =>
        blur?.state === "waiting" ? [] : [id],
      );
      const before = await hub.waitFor(
        "something blurred",
        async () => {
          const clip = (await hub.clips()).find(({ id }) => !known.includes(id));
          return (clip?.blur?.segments ?? 0) > 0 ? (clip ?? null) : null;
        },
        BLUR_TIMEOUT_MS,
      );
      expect(before.renditions).toEqual(["blurred"]);
      expect(await hub.stop()).toBe(0);
      const scan = footageScan([heads ?? "", scaledCopy(heads ?? "")].flatMap(codedSlices));
      const folders = [hub.dataDirectory, hub.temporaryDirectory, hub.workDirectory, "/dev/shm"];
      const looked = await footageOnDisk(scan, folders, []);
      expect(looked.found).toEqual([]);
      await hub.restart();
      const clip = await hub.clip(before.id);
      expect(clip).toMatchObject({ state: "closed", renditions: ["blurred"] });
      expect((await namesOf(clip)).filter((name) => !name.includes(".blurred."))).toEqual([]);
      expect(await framesIn(clip.id, "blurred")).toBeGreaterThan(0);
    });
  },
);
