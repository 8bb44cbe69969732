import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { probeForPage } from "../../src/hub/camera-masks.ts";
import { TranscodeBudget } from "../../src/camera/transcode-cost.ts";
import { HubMasks } from "../../src/hub/masks.ts";
import type { CameraStatus } from "../../src/protocol/api.ts";
import type { Point } from "../../src/protocol/picture-areas.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { MASKS } from "../support/masked-camera.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { FakeMasks } from "../support/onvif-masks.ts";
import { missingCommands } from "../support/requirements.ts";

const masks = MASKS.map((points) => points.map((point): Point => point));

function cameraOf(id: string, more: Partial<CameraSettings> = {}): CameraSettings {
  return {
    ...{ id, name: id, source: "rtsp", main: "rtsp://192.0.2.10/main", sub: null },
    ...{ audio: false, faces: "keep", allowBasic: false, username: "admin", password: "secret" },
    ...more,
  } as CameraSettings;
}

function deskOf(cameras: readonly CameraSettings[], coreShare: number): HubMasks {
  const picture = { width: 1_920, height: 1_080, fps: 15 };
  return new HubMasks({
    cameras: () => cameras,
    statuses: () => cameras.map(({ id }) => ({ id, ...picture }) as CameraStatus),
    budget: new TranscodeBudget({
      cores: 2,
      measure: async (load) => ({ ...load, coreShare, measuredAtMs: Date.UTC(2026, 10, 22) }),
    }),
  });
}

test("masks that this machine cannot paint are refused, with what was measured", async () => {
  const cameras = [cameraOf("front"), cameraOf("back", { masks }), cameraOf("side", { masks })];
  await deskOf(cameras, 0.3).requirePossible("front", masks);
  const refused = deskOf(cameras, 0.4).requirePossible("front", masks);
  await expect(refused).rejects.toMatchObject({
    code: "MASKS_TOO_MUCH",
    message: expect.stringMatching(
      /^Cannot save masks of front: .*1920 x 1080, 15 a second, takes 40 % of a core \(measured on 2026-11-22\), beside 80 %/,
    ),
  });
  // What is taken away, or painted already, is not refused.
  await deskOf(cameras, 0.4).requirePossible("front", []);
  await deskOf(cameras, 0.4).requirePossible("back", masks);
});

test("a camera that hides them by itself needs nothing of this machine, and can be asked to", async () => {
  const fakeMasks = new FakeMasks();
  await using device = await FakeOnvifDevice.start({ masks: fakeMasks });
  const desk = deskOf([cameraOf("front", { onvif: device.url } as Partial<CameraSettings>)], 9);
  await expect(desk.requirePossible("front", masks)).rejects.toMatchObject({
    code: "MASKS_TOO_MUCH",
  });
  expect(fakeMasks.masks.size).toBe(0);
  expect(await desk.hideInCamera("front", masks)).toEqual({ isHidden: true, why: null });
  expect(fakeMasks.masks.size).toBe(1);
  await desk.requirePossible("front", masks);
  const without = deskOf([cameraOf("front")], 9).hideInCamera("front", masks);
  await expect(without).rejects.toMatchObject({ code: "NO_ONVIF" });
});

test.skipIf(missingCommands("ffmpeg"))(
  "the still of a camera with masks is shown to nobody",
  async () => {
    const drawn = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1:duration=1", "-frames:v", "1"];
    const snapshot = execFileSync("ffmpeg", ["-v", "error", ...drawn, "-f", "mjpeg", "pipe:1"]);
    await using device = await FakeOnvifDevice.start({ snapshot });
    const asked = { address: device.url, username: "admin", password: "secret" };
    const saved = cameraOf("front", { main: "rtsp://localhost:1/main" } as Partial<CameraSettings>);
    const open = await probeForPage([saved], asked, {});
    expect(open.still).not.toBe(null);
    const hidden = await probeForPage([{ ...saved, masks }], asked, {});
    expect(hidden).toMatchObject({ still: null, stillProblem: { code: "MASKED" } });
    const another = { ...cameraOf("back"), masks };
    expect((await probeForPage([another], asked, {})).still).not.toBe(null);
  },
);
