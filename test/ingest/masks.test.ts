import { expect, test } from "vitest";
import { OnvifDevice } from "../../src/camera/onvif/device.ts";
import { putMasksInCamera } from "../../src/camera/onvif/masks.ts";
import type { CameraStatus } from "../../src/camera/stream.ts";
import { TranscodeBudget } from "../../src/camera/transcode-cost.ts";
import { openCameraMasks } from "../../src/ingest/masks.ts";
import type { StreamReport } from "../../src/ingest/messages.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { MASKS } from "../support/masked-camera.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { FakeMasks } from "../support/onvif-masks.ts";
import { VIDEO_INIT } from "../support/test-live.ts";

// What a camera with masks lets through, without a camera's streams and without an encoder.

const FRONT = parseCameraId("front");
const STREAMING: CameraStatus = {
  ...{ state: "streaming", codec: "avc1.64001f", width: 640, height: 360, sinceMs: 0 },
  ...{ sound: { state: "off" }, wallClock: "hub", lostPackets: 0, droppedUnits: 0 },
};
const FAILING: readonly CameraStatus[] = [
  { state: "connecting", attempt: 2 },
  { state: "waiting-to-retry", code: "UNREACHABLE", message: "-", retryAtMs: 0, attempt: 2 },
];
const REPORT: StreamReport = { state: "streaming", problem: null, codec: null, picture: null };

function keyFrameAt(sequence: number): Fragment {
  return {
    ...{ camera: FRONT, track: "video", init: VIDEO_INIT, sequence, keyFrame: true },
    ...{ decodeTimeMs: sequence * 40, durationMs: 40, wallClockMs: sequence * 40 },
    bytes: new Uint8Array(100),
  };
}

function budgetOf(cores: number): TranscodeBudget {
  return new TranscodeBudget({
    cores,
    measure: async (load) => ({ ...load, coreShare: 1, measuredAtMs: 0 }),
  });
}

function cameraWith(more: { onvif?: string; masksShape?: number }): CameraSettings {
  return {
    ...{ id: "front", name: "Front", faces: "keep", audio: false, masks: MASKS, source: "rtsp" },
    ...{ main: "rtsp://192.0.2.10/main", sub: "rtsp://192.0.2.10/sub" },
    ...{ username: null, password: null, allowBasic: false, ...more },
  };
}

test("a camera that hides its masks itself is believed while a stream of it does not come", async () => {
  const masks = new FakeMasks();
  await using device = await FakeOnvifDevice.start({ masks, login: "none" });
  const onvif = await OnvifDevice.open({ address: device.url, credentials: null });
  await putMasksInCamera(onvif, { masks: MASKS, before: [] });
  const settings = cameraWith({ onvif: device.url, masksShape: 1.778 });
  const troubles: string[] = [];
  await using camera = openCameraMasks(settings, ({ code }) => troubles.push(code));
  // A machine that cannot paint: why somebody has masks in the camera.
  const budget = budgetOf(0);
  const out: Fragment[] = [];
  await using way = camera.open({
    ...{ camera: FRONT, role: "main", ffmpegPath: "/nowhere/ffmpeg", budget },
    ...{ onFragment: (fragment) => out.push(fragment), onChange: () => undefined },
  });
  let sequence = 0;
  const comesOut = (): boolean => {
    const before = out.length;
    way.push(keyFrameAt((sequence += 1)));
    return out.length > before;
  };
  camera.noteStatus("main", STREAMING);
  expect(comesOut()).toBe(false);
  await expect.poll(comesOut).toBe(true);
  for (let times = 0; times < 3; times += 1)
    for (const status of [...FAILING, STREAMING, ...FAILING]) {
      camera.noteStatus("sub", status);
      camera.noteStatus("main", STREAMING);
      expect(comesOut()).toBe(true);
    }
  expect(way.report(REPORT).problem).toBe(null);
  expect(troubles).toEqual([]);
  // But not once its own is gone, or the camera says otherwise, which it is asked then.
  masks.reset();
  camera.noteStatus("sub", STREAMING);
  await expect.poll(comesOut).toBe(false);
  expect(troubles).toEqual(["CAMERA_MASKS_GONE"]);
});

test("masks that were drawn on a picture of another shape are painted on neither stream", async () => {
  const troubles: string[] = [];
  const open = (masksShape?: number) =>
    openCameraMasks(cameraWith(masksShape === undefined ? {} : { masksShape }), ({ message }) =>
      troubles.push(message),
    );
  for (const [shape, code] of [
    [1.333, "MASKS_NOT_PAINTED"],
    [1.778, undefined],
    [undefined, undefined],
  ] as const)
    for (const role of ["main", "sub"] as const) {
      await using camera = open(shape);
      await using way = camera.open({
        ...{ camera: FRONT, role, ffmpegPath: "/nowhere/ffmpeg", budget: budgetOf(8) },
        ...{ onFragment: () => undefined, onChange: () => undefined },
      });
      way.push(keyFrameAt(0));
      const { problem } = way.report(REPORT);
      expect(problem?.code).toBe(code);
      if (problem) expect(problem.message).toContain("than the one its masks were drawn on");
    }
  expect(troubles).toEqual([expect.stringContaining("640 x 360. Look whether they lie right")]);
});
