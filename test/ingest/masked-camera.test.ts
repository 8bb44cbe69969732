import { copyFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { OnvifDevice } from "../../src/camera/onvif/device.ts";
import { putMasksInCamera } from "../../src/camera/onvif/masks.ts";
import { endCamera } from "../../src/ingest/pipeline.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import {
  encoders,
  look,
  MASKS,
  shownLive,
  startMaskedCamera,
  windowMedia,
  type MaskedCamera,
} from "../support/masked-camera.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { FakeMasks } from "../support/onvif-masks.ts";
import { missingCommands } from "../support/requirements.ts";
import { RTSP_SERVER_COMMANDS, startRtspServer } from "../support/rtsp-server.ts";

const WAIT = { timeout: 25_000 };
const SMALL = { width: 320, height: 180 };
const LARGER = { width: 480, height: 270 };

function pictures(camera: MaskedCamera, stream: "main" | "sub"): number {
  return camera.live[stream]
    .filter(({ track }) => track === "video")
    .reduce((sum, { fragments }) => sum + fragments.length, 0);
}

describe.skipIf(missingCommands(...RTSP_SERVER_COMMANDS))("a camera with a mask", () => {
  test("(control: in what the camera sends, the window is seen)", () => {
    expect(look(windowMedia(SMALL)).secretPixels).toBeGreaterThan(500);
  });

  test("shows nobody what it covers: at the start, after a kill, a cut and another size", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-mask-"));
    const media = path.join(folder, "camera.mp4");
    copyFileSync(windowMedia(SMALL), media);
    await using server = await startRtspServer({ media });
    await using camera = await startMaskedCamera({
      ...{ main: server.mainUrl, sub: server.subUrl, audio: true },
    });
    await expect.poll(() => pictures(camera, "main"), WAIT).toBeGreaterThan(15);
    await expect.poll(() => pictures(camera, "sub"), WAIT).toBeGreaterThan(5);
    expect(camera.pipeline.rings.press(0)).toBe("recording");

    for (const pid of encoders()) process.kill(pid, "SIGKILL");
    const codes = (): unknown[] => camera.reports.main.map(({ problem }) => problem?.code);
    await expect.poll(codes, WAIT).toContain("MASKS_NOT_PAINTED");
    const killedAt = pictures(camera, "main");
    await expect.poll(() => pictures(camera, "main"), WAIT).toBeGreaterThan(killedAt + 10);

    await server.cut();
    copyFileSync(windowMedia(LARGER), media);
    await server.restore();
    const widths = (): unknown[] => camera.reports.main.map(({ picture }) => picture?.width);
    await expect.poll(widths, WAIT).toContain(LARGER.width);
    const cutAt = pictures(camera, "main");
    await expect.poll(() => pictures(camera, "main"), WAIT).toBeGreaterThan(cutAt + 10);

    const recorded = (await camera.recorded()).map(look);
    const shown = [...shownLive(camera.live.main), ...shownLive(camera.live.sub), ...recorded];
    expect(recorded.length).toBeGreaterThan(1);
    expect(shown.length).toBeGreaterThan(4);
    expect(Math.min(...shown.map(({ frames }) => frames))).toBeGreaterThan(0);
    expect(shown.reduce((sum, { frames }) => sum + frames, 0)).toBeGreaterThan(60);
    expect(shown.map(({ secretPixels }) => secretPixels)).toEqual(shown.map(() => 0));
    const { forCopies } = camera;
    const inits = new Set(forCopies.map(({ init }) => init));
    const copied = [...inits].map((init) => {
      const of = forCopies.filter((fragment) => fragment.init === init);
      return look(Buffer.concat([init.bytes, ...of.map(({ bytes }) => bytes)]));
    });
    expect(copied.length).toBeGreaterThan(1);
    expect(copied.every(({ frames }) => frames > 0)).toBe(true);
    expect(copied.map(({ secretPixels }) => secretPixels)).toEqual(copied.map(() => 0));
    const sound = camera.live.main.filter(({ track }) => track === "audio");
    expect(sound.flatMap(({ fragments }) => fragments).length).toBeGreaterThan(0);
    await rm(folder, { recursive: true });
  });

  test("leaves nothing of what it showed without one, while its connections are being closed", async () => {
    await using server = await startRtspServer({ media: windowMedia(SMALL) });
    await using camera = await startMaskedCamera({ main: server.mainUrl, sub: null }, []);
    await expect.poll(() => pictures(camera, "main"), WAIT).toBeGreaterThan(15);
    const { pipeline, sender, live } = camera;
    const front = parseCameraId("front");
    const again = (): void => [false, true].forEach((on) => sender.watch(front, "main", on, true));
    again();
    await expect.poll(() => live.main.length, WAIT).toBe(2);
    await expect.poll(() => live.main[1]?.fragments.length, WAIT).toBeGreaterThan(0);
    // As masks are saved: this one ends, and the next begins.
    const ended = endCamera(pipeline);
    const shown = pictures(camera, "main");
    again();
    pipeline.rings.press(0);
    await ended;
    expect(await camera.recorded()).toEqual([]);
    expect(pictures(camera, "main")).toBe(shown);
  });

  test("that sends H.265 becomes one of H.264, and a film is painted over as it is encoded", async () => {
    const hevc = [
      "-c:v",
      "libx265",
      "-preset",
      "ultrafast",
      "-x265-params",
      "log-level=none:open-gop=0",
    ];
    const media = windowMedia({ width: 384, height: 216 }, [...hevc, "-tag:v", "hvc1"]);
    await using server = await startRtspServer({ media });
    await using camera = await startMaskedCamera({ main: server.mainUrl, sub: null });
    await using film = await startMaskedCamera({ file: windowMedia(SMALL) });
    for (const each of [camera, film])
      await expect.poll(() => pictures(each, "main"), WAIT).toBeGreaterThan(15);
    await Promise.all([camera, film].map((each) => each.recorded()));
    for (const { live, reports } of [camera, film]) {
      const shown = shownLive(live.main);
      expect(shown).toHaveLength(1);
      expect(shown[0]).toMatchObject({ secretPixels: 0 });
      expect(shown[0]?.frames).toBeGreaterThan(15);
      expect(reports.main.at(-2)?.codec).toMatch(/^avc1\.64/);
    }
  });

  test("that hides it by itself is not encoded again, until a reset or another connection", async () => {
    const masks = new FakeMasks();
    await using device = await FakeOnvifDevice.start({ masks, login: "none" });
    const onvif = await OnvifDevice.open({ address: device.url, credentials: null });
    await putMasksInCamera(onvif, { masks: MASKS, before: [] });
    // What it sends is not masked at all: what passes here is what a camera would have to answer for.
    await using server = await startRtspServer({ media: windowMedia(SMALL) });
    await using camera = await startMaskedCamera({
      ...{ main: server.mainUrl, sub: null, onvif: device.url },
    });
    const codec = (): unknown => camera.reports.main.at(-1)?.codec;
    await expect.poll(codec, WAIT).toMatch(/^avc1\.42/);
    expect(encoders()).toEqual([]);
    device.hangUp();
    await server.cut();
    masks.reset();
    const count = camera.live.main.length;
    await server.restore();
    await expect.poll(codec, WAIT).toMatch(/^avc1\.64/);
    const from = camera.live.main.length - 1;
    await expect.poll(() => camera.live.main[from]?.fragments.length, WAIT).toBeGreaterThan(10);
    await camera.recorded();
    const after = shownLive(camera.live.main.slice(count));
    expect(after.map(({ secretPixels }) => secretPixels)).toEqual(after.map(() => 0));
    expect(after.length).toBeGreaterThan(0);
    expect(shownLive(camera.live.main.slice(0, count)).at(-1)?.secretPixels).toBeGreaterThan(0);
  });
});
