import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { HubHomeAssistant } from "../../src/hub/home-assistant.ts";
import {
  discoveryOf,
  HouseTopics,
  motionPayload,
  readPrivacyCommand,
} from "../../src/notify/home-assistant.ts";
import { parseCameraId, parseClipId, parseSha256Hex } from "../../src/protocol/ids.ts";
import { readSettings } from "../../src/settings/settings.ts";
import type { HouseAnswer } from "../../src/protocol/api-house.ts";
import {
  homeAssistantYaml,
  WEBHOOKS_YAML,
} from "../../web/page/screens/cameras/programs/program-yaml.ts";
import { Broker } from "../support/broker.ts";
import { HomeAssistantPeer } from "../support/home-assistant.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const LOGIN = { user: "hub", password: "geheim" };
const TWO_CAMERAS = `cameras:
  - { id: front, name: Front door, main: "rtsp://127.0.0.1:1/main", bells: [{ via: webhook }] }
  - { id: yard, name: Yard, main: "rtsp://127.0.0.1:1/yard" }
`;

async function readSettingsOf(text: string): Promise<Awaited<ReturnType<typeof readSettings>>> {
  await using folder = temporaryFolder();
  writeFileSync(path.join(folder.path, "doorward.yaml"), text);
  return await readSettings(folder.path, null, {});
}

async function hubIn(folder: string, text: string, owner?: TestHub["owner"]): Promise<TestHub> {
  writeFileSync(path.join(folder, "doorward.yaml"), text);
  mkdirSync(path.join(folder, "secrets"), { mode: 0o700, recursive: true });
  const secrets = path.join(folder, "secrets", "mqtt.yaml");
  writeFileSync(secrets, `user: ${LOGIN.user}\npassword: ${LOGIN.password}\n`, { mode: 0o600 });
  const settings = { ...(await readSettings(folder, null, {})), port: 0 };
  return startTestHub({
    ...{ dataDirectory: folder, settings, nowMs: "system" },
    ...(owner ? { owner: owner.bundle } : {}),
  });
}

function withBroker(broker: Broker, rest: string): string {
  return `${TWO_CAMERAS}mqtt:\n  url: mqtt://127.0.0.1:${broker.port}\n${rest}`;
}

const offEntries = (hub: TestHub): unknown[] =>
  hub.hub.services.ledger
    .entries({ from: 0, kind: "camera", limit: 100 })
    .map(({ entry }) => (entry.kind === "camera" ? [entry.camera, entry.state, entry.by] : null));

function moves(hub: TestHub, camera: string, kind: "motion" | "person"): void {
  hub.hub.services.notices.recorded({
    ...{ type: "clip-started", clip: parseClipId("c".repeat(32)), camera: parseCameraId(camera) },
    ...{ faces: "keep", kind, eventAtMs: Date.now(), startedAtMs: Date.now() },
    why: { kind, zone: "", areaShare: 0.1, score: 0.9 },
    ...{ keyringHead: parseSha256Hex("0".repeat(64)), keyringEpoch: 1 },
  });
}

test("an announcement says a camera's name, and else nothing of it", () => {
  const topics = new HouseTopics(new Uint8Array(32).fill(7), "homeassistant");
  const camera = { id: "front-door", name: "Front door" };
  const said = discoveryOf(camera, topics, { version: "0.1.0", hasSwitch: true });
  expect(said).toContain("Front door");
  expect(said).not.toContain("front-door");
  expect(topics.config("front-door")).toMatch(
    /^homeassistant\/device\/doorward_[0-9a-f]{16}\/config$/,
  );
  const other = new HouseTopics(new Uint8Array(32).fill(8), "homeassistant");
  expect(other.config("front-door")).not.toBe(topics.config("front-door"));
  expect(JSON.parse(motionPayload("person"))).toEqual({ event_type: "person", class: "person" });
  expect(["ON", "OFF", "on", "", "ON\n"].map(readPrivacyCommand)).toEqual([
    ...[true, false, null, null, null],
  ]);
});

test("is refused without a broker, and where a bell listens to what the hub says", async () => {
  await using folder = temporaryFolder();
  const wrong = async (text: string): Promise<string> => {
    writeFileSync(path.join(folder.path, "doorward.yaml"), text);
    return readSettings(folder.path, null, {}).then(
      () => "taken",
      (error: Error) => error.message,
    );
  };
  expect(await wrong("homeAssistant: { discovery: true }\n")).toMatch(/mqtt\.url is not set/);
  const mqtt = "mqtt: { url: mqtt://192.0.2.5 }\nhomeAssistant: { discovery: true, prefix: ha }\n";
  for (const topic of ["doorward/1/2/bell", "ha/device/x/config"])
    expect(
      await wrong(
        `${mqtt}cameras:\n  - { id: front, main: "rtsp://192.0.2.7/a", bells: [{ via: mqtt, topic: "${topic}" }] }\n`,
      ),
    ).toMatch(/each ring would bring about the next/);
  expect(await wrong(`${mqtt.replace("true", "false")}`)).toBe("taken");
});

test("the lines that the page shows are taken by the settings as they stand", async () => {
  await using folder = temporaryFolder();
  const read = async (text: string) => {
    writeFileSync(path.join(folder.path, "doorward.yaml"), text);
    return readSettings(folder.path, null, {});
  };
  const fresh = await read(`${homeAssistantYaml(false)}${WEBHOOKS_YAML}`);
  expect(fresh.homeAssistant).toEqual({ prefix: "homeassistant", privacySwitch: "off" });
  expect(fresh.webhooks?.map(({ events }) => events.length)).toEqual([4]);
  const beside = await read(`mqtt:\n  url: mqtt://192.0.2.9\n${homeAssistantYaml(true)}`);
  expect([beside.homeAssistant?.prefix, beside.mqtt?.url]).toEqual([
    ...["homeassistant", "mqtt://192.0.2.9"],
  ]);
});

test("who writes to the broker without end makes the hub say one thing at a time, and do one", async () => {
  await using database = openDatabase(":memory:");
  const [published, waiting]: [string[], (() => void)[]] = [[], []];
  const later = async (): Promise<void> => new Promise((resolve) => void waiting.push(resolve));
  const cameras = (await readSettingsOf(TWO_CAMERAS)).cameras;
  let asked = 0;
  const house = new HubHomeAssistant({
    ...{ database, version: "0", nowMs: () => 1_795_335_300_000, log: () => undefined },
    settings: {
      current: { cameras, homeAssistant: { prefix: "homeassistant", privacySwitch: "on" } },
    },
    bells: {
      setHouse: () => undefined,
      publish: (topic) => {
        published.push(topic);
        return later();
      },
    },
    privacy: { isOff: () => false, setByBroker: () => undefined },
    withRoom: () => {
      asked += 1;
      return later();
    },
  });
  const [birth = "", front = "", yard = ""] = house.topics()?.topics ?? [];
  const flood = (): void => {
    for (let count = 0; count < 200; count += 1) {
      house.onSaid(birth, "online");
      house.onUp();
      for (const topic of [front, yard]) house.onSaid(topic, count % 2 === 0 ? "ON" : "OFF");
    }
  };
  const turns = async (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  flood();
  await turns();
  expect([published.length, asked]).toEqual([1, 1]);
  flood();
  const rounds = async (): Promise<void> => {
    for (let count = 0; count < 100 && waiting.length > 0; count += 1) {
      for (const resolve of waiting.splice(0)) resolve();
      await turns();
    }
  };
  await rounds();
  await house.settled();
  // All cameras and their switches twice, each switch a few times: not 400 times.
  expect(published.length).toBeLessThan(20);
  expect(asked).toBeLessThan(6);
  for (let count = 0; count < 40; count += 1) {
    house.onSaid(front, "ON");
    await rounds();
  }
  expect(asked).toBeLessThan(25);
  await house.settled();
  const before = published.length;
  flood();
  await turns();
  house.stop();
  flood();
  await rounds();
  await house.settled();
  expect(published.length).toBe(before + 1);
});

describe("over a real broker", () => {
  test("an owner sees whether the broker takes it, since when, and what was wrong", async () => {
    await using folder = temporaryFolder();
    await using broker = await Broker.start(LOGIN);
    const text = withBroker(broker, "homeAssistant:\n  discovery: true\n");
    await using hub = await hubIn(folder.path, text);
    const stands = async (): Promise<HouseAnswer["homeAssistant"]> => {
      const answer = await hub.call("GET", "/api/house", { as: hub.owner });
      const { homeAssistant, broker: where } = answer.json<HouseAnswer>();
      expect(where).toBe(`127.0.0.1:${broker.port}`);
      return homeAssistant;
    };
    await expect.poll(async () => (await stands())?.told).toBe(true);
    const before = (await stands())?.sinceMs ?? 0;
    expect(before).toBeGreaterThan(0);
    await broker[Symbol.asyncDispose]();
    await expect.poll(async () => (await stands())?.told).toBe(false);
    const after = await stands();
    expect(after?.sinceMs).toBeGreaterThanOrEqual(before);
    expect(after?.trouble).toMatchObject({
      ...{ code: expect.stringMatching(/^(?:UNREACHABLE|ENDED)$/) as unknown },
      atMs: expect.any(Number) as unknown,
    });
    const adult = await hub.admit("adult");
    expect((await hub.call("GET", "/api/house", { as: adult })).statusCode).toBe(403);
  });

  test("cameras are announced, ring, move and go, and come back with Home Assistant", async () => {
    await using folder = temporaryFolder();
    await using broker = await Broker.start(LOGIN);
    await using peer = await HomeAssistantPeer.start({ port: broker.port, ...LOGIN });
    const on = withBroker(broker, "homeAssistant:\n  discovery: true\n");
    const hub = await hubIn(folder.path, on);
    let closed = false;
    try {
      await expect.poll(() => peer.devices.size).toBe(2);
      const front = peer.deviceNamed("Front door");
      if (!front) throw new Error("no device");
      await expect.poll(() => peer.isAvailable(front)).toBe(true);
      expect(Object.keys(front.components)).toEqual(["bell", "motion", "privacy"]);
      // Unsaid, the broker switches nothing.
      expect(front.components["privacy"]?.platform).toBe("binary_sensor");
      hub.hub.services.bells.press("front", "test");
      await expect.poll(() => peer.events).toEqual([`${front.components["bell"]?.unique_id} ring`]);
      moves(hub, "front", "person");
      const motion = `${front.components["motion"]?.unique_id} person`;
      await expect.poll(() => peer.events.at(-1)).toBe(motion);
      await hub.call("POST", "/api/privacy/front", { as: hub.owner, body: { state: "off" } });
      const off = front.components["privacy"]?.state_topic ?? "";
      await expect.poll(() => peer.states.get(off)).toBe("ON");
      // A camera that is off says nothing: what is heard next is the other one's.
      moves(hub, "front", "motion");
      hub.hub.services.bells.press("front", "test");
      moves(hub, "yard", "motion");
      await expect.poll(() => peer.events.length).toBe(3);
      expect(peer.events[2]).toMatch(/_motion motion$/);
      expect(peer.events[2]).not.toContain(front.components["motion"]?.unique_id);

      // Announced again when Home Assistant comes up, and kept for one that was not there.
      const before = peer.heard.length;
      await peer.birth();
      await expect
        .poll(() => peer.heard.slice(before).filter((line) => line.includes("/config ")).length)
        .toBe(2);
      {
        await using later = await HomeAssistantPeer.start({ port: broker.port, ...LOGIN });
        await expect.poll(() => later.devices.size).toBe(2);
        await expect.poll(() => later.states.get(off)).toBe("ON");
        expect([later.events, later.mistakes]).toEqual([[], []]);
      }
      await hub.call("DELETE", "/api/settings/cameras/yard", { as: hub.owner });
      await expect
        .poll(() => [...peer.devices.values()].map(({ device }) => device.name))
        .toEqual(["Front door"]);
      await hub[Symbol.asyncDispose]();
      closed = true;
      await expect.poll(() => peer.isAvailable(front)).toBe(false);
      expect(peer.mistakes).toEqual([]);
      // Neither picture nor recording, nor anybody, nor the name by which the settings know it.
      expect(peer.heard.join("\n")).not.toMatch(/c{32}|[0-9a-f]{64}|front\b|yard\b(?!")/);
      const owner = hub.owner;
      await using second = await hubIn(folder.path, on.replace("true", "false"), owner);
      expect(second.log.join("\n")).not.toContain("not told");
      await expect.poll(() => peer.devices.size).toBe(0);
      await expect
        .poll(() =>
          [...peer.states].filter(([topic, said]) => topic.startsWith("doorward/") && said !== ""),
        )
        .toEqual([]);
    } finally {
      if (!closed) await hub[Symbol.asyncDispose]();
    }
  });

  test.each([
    { allowed: "off", mayOff: false, mayOn: false },
    { allowed: "off-only", mayOff: true, mayOn: false },
    { allowed: "on", mayOff: true, mayOn: true },
  ])("with $allowed the broker switches what it may", async ({ allowed, mayOff, mayOn }) => {
    await using folder = temporaryFolder();
    await using broker = await Broker.start(LOGIN);
    await using peer = await HomeAssistantPeer.start({ port: broker.port, ...LOGIN });
    const text = `homeAssistant:\n  discovery: true\n  privacySwitch: ${allowed}\n`;
    await using hub = await hubIn(folder.path, withBroker(broker, text));
    await expect.poll(() => peer.devices.size).toBe(2);
    const { privacy } = hub.hub.services;
    const found = peer.deviceNamed("Front door")?.components["privacy"];
    const state = found?.state_topic ?? "";
    const command = `${state}/set`;
    expect(found?.command_topic).toBe(mayOff ? command : undefined);
    await expect.poll(() => peer.states.get(state)).toBe("OFF");
    await peer.say(command, "ON");
    if (mayOff) await expect.poll(() => peer.states.get(state)).toBe("ON");
    await settledBy(hub, peer);
    expect(privacy.isOff("front")).toBe(mayOff);
    expect(offEntries(hub)).toEqual(mayOff ? [["front", "off", "broker"]] : []);
    await peer.say(command, "OFF");
    await settledBy(hub, peer);
    expect(privacy.isOff("front")).toBe(mayOff && !mayOn);
    // What a person switched off, the broker does not switch on.
    await hub.call("POST", "/api/privacy/front", { as: hub.owner, body: { state: "off" } });
    await peer.say(command, "OFF");
    await settledBy(hub, peer);
    expect(privacy.isOff("front")).toBe(true);
    expect(peer.mistakes).toEqual([]);
    const adult = await hub.admit("adult");
    await hub.call("POST", "/api/privacy/front", { as: hub.owner, body: { state: "on" } });
    if (!mayOff) return;
    await peer.say(command, "ON");
    await expect.poll(() => privacy.isOff("front")).toBe(true);
    const answer = await hub.call("POST", "/api/privacy/front", {
      as: adult,
      body: { state: "on" },
    });
    expect([answer.statusCode, privacy.isOff("front")]).toEqual([200, false]);
  });
});

/** Messages are taken in their order: when a ring has come back, what was said before it is done. */
async function settledBy(hub: TestHub, peer: HomeAssistantPeer): Promise<void> {
  const before = peer.heard.filter((line) => line.includes("/config ")).length;
  await peer.birth();
  await expect
    .poll(() => peer.heard.filter((line) => line.includes("/config ")).length)
    .toBe(before + 2);
  await expect.poll(() => hub.hub.services.house.answer().homeAssistant?.told).toBe(true);
}
