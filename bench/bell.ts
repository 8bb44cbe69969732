import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "../src/base/database.ts";
import { BellTokens } from "../src/bells/tokens.ts";
import { SAME_PRESS_MS } from "../src/bells/presses.ts";
import { Connections } from "../src/http/connections.ts";
import { Bells } from "../src/hub/bells.ts";
import type { CameraSettings } from "../src/settings/cameras.ts";
import { FakeOnvifDevice } from "../test/support/onvif-device.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

const CAMERAS = 16;
const PRESSES = 500;
const LOGIN = { username: "admin", password: "geheim!1" };
const VISITOR = "tns1:RuleEngine/MyRuleDetector/Visitor";
const RULE = { via: "onvif", topic: VISITOR, item: "State", value: "true" } as const;
/** A press that has not rung by then is lost: what waits at a device lapses after a minute. */
const LOST_AFTER_MS = 70_000;

/** What is done to a device just before somebody presses, in turn. */
type Failure = "none" | "hang-up" | "refused-poll" | "reset" | "timeout" | "fault" | "garbage";
const FAILURES: readonly Failure[] = [
  ...["none", "none", "hang-up", "none", "refused-poll", "none"],
  ...["reset", "none", "timeout", "none", "fault", "garbage"],
] as Failure[];

interface Pressed {
  readonly atMs: number;
  readonly failure: Failure;
  rangAtMs: number | null;
}

/** From a bell's message at the device to the hub's listeners, through the bell process. */
export async function bellFigures(): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack();
  const devices: FakeOnvifDevice[] = [];
  for (let index = 0; index < CAMERAS; index += 1)
    devices.push(stack.use(await FakeOnvifDevice.start(LOGIN)));
  const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-bell-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const cameras = devices.map(({ url }, index): CameraSettings => ({
    ...{ id: `door-${index}`, name: "Door", audio: false, faces: "keep", source: "rtsp" },
    ...{ main: "rtsp://127.0.0.1:1/main", sub: null, allowBasic: false, ...LOGIN },
    ...{ onvif: url, bells: [RULE] },
  }));
  const database = stack.use(openDatabase(path.join(folder, "bench.db")));
  const bells = stack.use(
    new Bells({
      cameras: () => cameras,
      broker: () => null,
      tokens: await BellTokens.open(folder),
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      connections: new Connections(database, Date.now),
      tellIngest: () => undefined,
      tellPages: () => undefined,
      log: () => undefined,
    }),
  );
  const waiting = new Map<string, Pressed>();
  bells.onRing(({ camera }) => {
    const pressed = waiting.get(camera);
    if (pressed) pressed.rangAtMs ??= performance.now();
  });
  bells.open();
  await until(() => devices.every(({ subscriptions }) => subscriptions.size > 0), 30_000);
  const all = await Promise.all(
    devices.map((device, index) => pressAll(device, `door-${index}`, index, waiting)),
  );
  return figuresOf(all.flat());
}

async function pressAll(
  device: FakeOnvifDevice,
  camera: string,
  index: number,
  waiting: Map<string, Pressed>,
): Promise<Pressed[]> {
  const done: Pressed[] = [];
  for (let count = index; count < PRESSES; count += CAMERAS) {
    // Not all at once: nobody presses sixteen buttons in step.
    await sleep(SAME_PRESS_MS + 100 + ((count * 37) % 400));
    const failure = FAILURES[Math.floor(count / CAMERAS + index) % FAILURES.length] ?? "none";
    inject(device, failure);
    const pressed: Pressed = { atMs: performance.now(), failure, rangAtMs: null };
    waiting.set(camera, pressed);
    const event = { topic: VISITOR, operation: "Changed", source: { Source: "000" } } as const;
    device.push({ ...event, data: { State: "true" } }, { ...event, data: { State: "false" } });
    await until(() => pressed.rangAtMs !== null, LOST_AFTER_MS).catch(() => undefined);
    device.instead.clear();
    done.push(pressed);
  }
  return done;
}

function inject(device: FakeOnvifDevice, failure: Failure): void {
  const next = (answer: Parameters<FakeOnvifDevice["instead"]["set"]>[1]): void => {
    device.instead.set("PullMessages", (request, response, body) => {
      device.instead.delete("PullMessages");
      answer(request, response, body);
    });
    device.hangUp();
  };
  switch (failure) {
    case "none":
      return;
    case "hang-up":
      device.hangUp();
      return;
    case "refused-poll":
      next((request) => request.socket.destroy());
      return;
    case "reset":
      next((request) => request.socket.resetAndDestroy());
      return;
    case "timeout":
      next((request) => void once(request.socket, "close"));
      return;
    case "fault":
      next((_request, response) => void response.writeHead(500).end());
      return;
    case "garbage":
      next((_request, response) => {
        response.writeHead(200, { "content-type": "application/soap+xml" }).end("<a><b>");
      });
  }
}

async function until(what: () => boolean, limitMs: number): Promise<void> {
  for (const endMs = performance.now() + limitMs; !what();) {
    if (performance.now() > endMs) throw new Error("not in time");
    await sleep(2);
  }
}

function figuresOf(all: readonly Pressed[]): Figure[] {
  const tookMs = (failures: readonly Failure[]): number[] =>
    all
      .filter(({ failure }) => failures.includes(failure))
      .flatMap(({ atMs, rangAtMs }) => (rangAtMs === null ? [] : [rangAtMs - atMs]));
  const well = tookMs(["none"]);
  const ill = tookMs(FAILURES.filter((failure) => failure !== "none"));
  const lost = all.filter(({ rangAtMs }) => rangAtMs === null).length;
  const setting = `${CAMERAS} fake ONVIF devices over loopback HTTP, the real bell process, to a listener in the hub's process`;
  return [
    {
      ...{ name: "bell.heard.p95", value: rounded(percentile(well, 0.95)), unit: "ms" },
      context: `${well.length} presses while the poll was open; ${setting}; polled every 2 ms`,
    },
    {
      ...{ name: "bell.heard.failing.p95", value: rounded(percentile(ill, 0.95)), unit: "ms" },
      context: `${ill.length} presses at the moment of a failure: hang-up, poll refused, reset, no answer for 7.5 s, HTTP 500, no SOAP; ${setting}`,
    },
    {
      ...{ name: "bell.lost", value: lost, unit: "presses" },
      context: `of ${all.length}, ${ill.length} of them with a failure injected; a press counts as lost after 70 s; the device keeps what it could not deliver`,
    },
  ];
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
