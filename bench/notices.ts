import { setTimeout as sleep } from "node:timers/promises";
import { SAME_PRESS_MS } from "../src/bells/presses.ts";
import { parseCameraId } from "../src/protocol/ids.ts";
import type { CameraSettings } from "../src/settings/cameras.ts";
import { NtfyServer } from "../test/support/ntfy-server.ts";
import { FakeOnvifDevice } from "../test/support/onvif-device.ts";
import { requireOk, startTestHub } from "../test/support/test-hub.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

const CAMERAS = 4;
const DEVICES = 6;
const ROUNDS = 15;
const LOGIN = { username: "admin", password: "geheim!1" };
const VISITOR = "tns1:RuleEngine/MyRuleDetector/Visitor";
const RULE = { via: "onvif", topic: VISITOR, item: "State", value: "true" } as const;
const LIMIT_MS = 30_000;

/** From a bell's message at the camera to the requests of the carriers at their server. */
export async function noticeFigures(): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack();
  const ntfy = stack.use(await NtfyServer.start());
  const doors: FakeOnvifDevice[] = [];
  for (let index = 0; index < CAMERAS; index += 1)
    doors.push(stack.use(await FakeOnvifDevice.start(LOGIN)));
  const cameras = doors.map(({ url }, index): CameraSettings => ({
    ...{ id: parseCameraId(`door-${index}`), name: "Door", audio: false, faces: "keep" },
    ...{ source: "rtsp", main: "rtsp://127.0.0.1:1/main", sub: null, allowBasic: false },
    ...{ ...LOGIN, onvif: url, bells: [RULE] },
  }));
  const settings = { cameras, notify: { ntfy: { url: ntfy.url }, services: [] } };
  const hub = stack.use(await startTestHub({ nowMs: "system", settings }));
  const devices = [hub.owner];
  while (devices.length < DEVICES) devices.push(await hub.admit("adult"));
  for (const as of devices) requireOk(await hub.call("PUT", "/api/notifications/ntfy", { as }));
  await until(() => doors.every(({ subscriptions }) => subscriptions.size > 0));
  const tookMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    for (const door of doors) {
      const before = ntfy.published.length;
      const beganAtMs = performance.now();
      const event = { topic: VISITOR, operation: "Changed", source: { Source: "000" } } as const;
      door.push({ ...event, data: { State: "true" } }, { ...event, data: { State: "false" } });
      await until(() => ntfy.published.length >= before + DEVICES);
      tookMs.push(...ntfy.published.slice(before).map(({ atMs }) => atMs - beganAtMs));
      await sleep((SAME_PRESS_MS + 200) / CAMERAS);
    }
  const setting = `${CAMERAS} fake ONVIF devices, the real bell process and hub, ${DEVICES} phones, each with a topic at an ntfy server on loopback; timed when the server had read the request`;
  return [
    {
      ...{ name: "bell.handover.p95", value: rounded(percentile(tookMs, 0.95)), unit: "ms" },
      context: `${tookMs.length} messages of ${ROUNDS * CAMERAS} presses; ${setting}`,
    },
    {
      ...{ name: "bell.handover.max", value: rounded(percentile(tookMs, 1)), unit: "ms" },
      context: "the slowest of the same",
    },
  ];
}

async function until(isSo: () => boolean): Promise<void> {
  for (const endMs = performance.now() + LIMIT_MS; !isSo();) {
    if (performance.now() > endMs) throw new Error("not in time");
    await sleep(1);
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
