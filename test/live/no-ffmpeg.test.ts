import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { findOnPath } from "../../src/base/ffmpeg.ts";
import { startLiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-no-ffmpeg-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(missingCommands("ffmpeg", "bwrap"))(
  "a hub without ffmpeg says so by name, and begins by itself when it is there",
  async () => {
    const ffmpeg = path.join(folder, "ffmpeg");
    await using hub = await startLiveHub({ environment: { DOORWARD_FFMPEG: ffmpeg } });
    await hub.claim();
    const problem = await hub.waitFor("the problem", async () => {
      const [camera] = (await hub.health()).cameras;
      return camera?.problem ?? null;
    });
    expect(problem).toEqual({
      code: "FFMPEG_MISSING",
      message: expect.stringContaining(`DOORWARD_FFMPEG: ${ffmpeg} is not`),
    });
    symlinkSync((await findOnPath("ffmpeg")) ?? "", ffmpeg);
    await hub.waitFor("the camera", async () => {
      const [camera] = (await hub.health()).cameras;
      return camera?.main === "streaming" && camera.problem === null ? camera : null;
    });
    expect((await hub.health()).ingestRestarts).toBe(0);
    expect(hub.log().split("FFMPEG_MISSING")).toHaveLength(2);
  },
);
