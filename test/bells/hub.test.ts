import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { BellsAnswer, BellTeaching } from "../../src/protocol/api-bells.ts";
import { pathToRemove } from "../../src/protocol/bell-rule.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { Broker } from "../support/broker.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const LOGIN = { username: "admin", password: "geheim!1" };
const SECRETS = { "cameras.yaml": "front:\n  user: admin\n  password: geheim!1\n" };
const VISITOR = "tns1:RuleEngine/MyRuleDetector/Visitor";

async function hubWith(
  text: string,
  secrets: Readonly<Record<string, string>> = {},
): Promise<TestHub & { readonly file: string }> {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  writeFileSync(file, text);
  mkdirSync(path.join(folder.path, "secrets"), { mode: 0o700, recursive: true });
  for (const [name, content] of Object.entries(secrets))
    writeFileSync(path.join(folder.path, "secrets", name), content, { mode: 0o600 });
  const settings = await readSettings(folder.path, null, {});
  const hub = await startTestHub({ dataDirectory: folder.path, settings, nowMs: "system" });
  return {
    ...hub,
    file,
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function bellsOf(hub: TestHub): Promise<BellsAnswer["cameras"][number]> {
  const answer = await hub.call("GET", "/api/bells", { as: hub.owner });
  const [camera] = (answer.json() as BellsAnswer).cameras;
  if (!camera) throw new Error("no camera");
  return camera;
}

const CAMERA = "cameras:\n  - id: front\n    main: rtsp://127.0.0.1:1/main # the door\n";

test("a webhook rings with its token only, and tells nobody which cameras there are", async () => {
  await using hub = await hubWith(`${CAMERA}    bells:\n      - via: webhook\n`);
  const rings: string[] = [];
  hub.hub.services.bells.onRing(({ camera, via }) => rings.push(`${camera} ${via}`));
  hub.hub.services.bells.onRing(() => {
    throw new Error("a listener that fails");
  });
  await expect.poll(async () => (await bellsOf(hub)).webhook).not.toBeNull();
  const { webhook } = await bellsOf(hub);
  const own = webhook ?? "";
  expect(own).toMatch(/^\/api\/bells\/front\/ring\/[0-9a-f]{48}$/);
  const secret = path.join(path.dirname(hub.file), "secrets", "bell-tokens.json");
  expect(statSync(secret).mode & 0o777).toBe(0o600);
  const token = own.slice(-48);
  const wrong = [
    `/api/bells/front/ring/${"0".repeat(48)}`,
    `/api/bells/front/ring/${token.slice(0, 47)}`,
    `/api/bells/back/ring/${token}`,
    `/api/bells/..%2Ffront/ring/${token}`,
  ];
  const refused = await hub.call("GET", "/api/nothing-here", { as: null });
  for (const url of wrong)
    for (const method of ["GET", "POST"] as const) {
      const answer = await hub.call(method, url, { as: null });
      expect([answer.statusCode, answer.body]).toEqual([404, refused.body]);
    }
  expect(rings).toEqual([]);
  const rung = await hub.call("GET", own, { as: null });
  expect([rung.statusCode, rung.body]).toEqual([204, ""]);
  expect((await hub.call("POST", own, { as: null })).statusCode).toBe(204);
  // The second one came at once: it is the same press.
  expect(rings).toEqual(["front webhook"]);
  await expect
    .poll(async () => (await bellsOf(hub)).lastPress?.outcome, { timeout: 10_000 })
    .toBe("no-pictures");
  expect(hub.log.join()).not.toContain(token);
});

test("a bell is taught, heard, tried and taken away, and the file keeps its comments", async () => {
  await using device = await FakeOnvifDevice.start(LOGIN);
  await using hub = await hubWith(`${CAMERA}    onvif: ${device.url}\n# the end\n`, SECRETS);
  const rings: string[] = [];
  hub.hub.services.bells.onRing(({ via }) => rings.push(via));
  const call = async (method: "GET" | "POST" | "DELETE", url: string, body?: unknown) =>
    await hub.call(method, `/api/bells/front/${url}`, { as: hub.owner, ...(body ? { body } : {}) });
  expect((await call("POST", "teaching")).statusCode).toBe(200);
  await expect.poll(() => device.subscriptions.size, { timeout: 10_000 }).toBe(1);
  device.push({ topic: VISITOR, operation: "Initialized", data: { State: "false" } });
  device.push({ topic: VISITOR, operation: "Changed", data: { State: "true" } });
  const heard = async (): Promise<BellTeaching> =>
    (await call("GET", "teaching")).json() as BellTeaching;
  await expect.poll(async () => (await heard()).heard.length, { timeout: 10_000 }).toBe(1);
  const [first] = (await heard()).heard;
  expect(first).toMatchObject({
    via: "onvif",
    item: "State",
    value: "true",
    count: 1,
    isLikely: true,
  });
  await call("DELETE", "teaching");
  await expect.poll(() => device.subscriptions.size, { timeout: 10_000 }).toBe(0);
  expect(rings).toEqual([]);

  const { via, topic, item, value } = first ?? {};
  expect((await call("POST", "rules", { via, topic, item, value })).statusCode).toBe(200);
  const text = readFileSync(hub.file, "utf8");
  expect(text).toContain("# the door");
  expect(text).toContain("# the end");
  expect(text).toMatch(/bells:\n +- via: onvif\n +topic: RuleEngine\/MyRuleDetector\/Visitor/);
  await expect
    .poll(async () => (await bellsOf(hub)).bells[0]?.state, { timeout: 10_000 })
    .toBe("listening");
  device.push({ topic: VISITOR, operation: "Changed", data: { State: "true" } });
  await expect.poll(() => rings, { timeout: 10_000 }).toEqual(["onvif"]);
  const connections = await hub.call("GET", "/api/connections", { as: hub.owner });
  expect(connections.json()).toContainEqual(
    expect.objectContaining({
      what: "bell front",
      address: `127.0.0.1:${device.port}`,
      open: true,
    }),
  );

  const seen = (await bellsOf(hub)).bells[0];
  if (!seen) throw new Error("no bell");
  const remove = async (what: Partial<typeof seen>) => {
    const url = pathToRemove("front", { ...seen, ...what });
    return await hub.call("DELETE", url, { as: hub.owner });
  };
  // Not what was seen: the list has changed since, and nothing is removed.
  for (const other of [{ value: "false" }, { item: null }, { via: "mqtt" }] as const)
    expect((await remove(other)).json()).toMatchObject({ code: "SETTINGS_CHANGED" });
  expect((await call("DELETE", "rules/0")).statusCode).toBe(422);
  expect(readFileSync(hub.file, "utf8")).toContain("via: onvif");
  expect((await remove({})).statusCode).toBe(200);
  expect(readFileSync(hub.file, "utf8")).not.toContain("bells:");
  expect((await remove({})).statusCode).toBe(404);
  await expect.poll(() => device.subscriptions.size, { timeout: 10_000 }).toBe(0);
});

test("no route makes the hub run a program, and a rule that cannot be is refused by its field", async () => {
  const text = `${CAMERA}    bells:\n      - { via: command, command: [/bin/cat] }\n`;
  await using hub = await hubWith(text);
  const removed = await hub.call("DELETE", "/api/bells/front/rules/0?via=command", {
    as: hub.owner,
  });
  expect([removed.statusCode, removed.json()]).toMatchObject([422, { field: "via" }]);
  const add = async (body: unknown) =>
    await hub.call("POST", "/api/bells/front/rules", { as: hub.owner, body });
  const before = readFileSync(hub.file, "utf8");
  for (const [body, status] of [
    [{ via: "command", command: ["/bin/sh"] }, 422],
    [{ via: "command" }, 422],
    [{ via: "onvif", topic: "x" }, 422],
    [{ via: "mqtt", topic: "#" }, 422],
    [{ via: "mqtt" }, 422],
    [{ via: "smoke" }, 422],
  ] as const)
    expect((await add(body)).statusCode, JSON.stringify(body)).toBe(status);
  // For what it is, and not only because something of it is missing.
  expect((await add({ via: "command" })).json()).toMatchObject({ field: "via" });
  expect(readFileSync(hub.file, "utf8")).toBe(before);
});

test("a bell process that dies is begun anew, and listens again", async () => {
  await using device = await FakeOnvifDevice.start(LOGIN);
  await using hub = await hubWith(
    `${CAMERA}    onvif: ${device.url}\n    bells:\n      - { via: onvif, topic: ${VISITOR}, item: State, value: "true" }\n`,
    SECRETS,
  );
  const state = async (): Promise<string | undefined> => (await bellsOf(hub)).bells[0]?.state;
  await expect.poll(state, { timeout: 10_000 }).toBe("listening");
  const { bells } = hub.hub;
  const first = bells.pid ?? 0;
  process.kill(first, "SIGKILL");
  await expect
    .poll(() => bells.pid !== first && bells.pid !== null, { timeout: 10_000 })
    .toBe(true);
  await expect.poll(state, { timeout: 10_000 }).toBe("listening");
  expect(readFileSync(`/proc/${bells.pid}/environ`, "utf8")).not.toMatch(/DOORWARD|PASS|SECRET/);
});

test("over MQTT, what is said now rings, what the broker kept does not", async () => {
  await using broker = await Broker.start({ user: "hub", password: "geheim" });
  await broker.publish("door/bell", "pressed", { retain: true });
  await using hub = await hubWith(
    `${CAMERA}    bells:\n      - { via: mqtt, topic: door/bell, value: pressed }\nmqtt:\n  url: mqtt://127.0.0.1:${broker.port}\n`,
    { "mqtt.yaml": "user: hub\npassword: geheim\n" },
  );
  const rings: string[] = [];
  hub.hub.services.bells.onRing(({ via }) => rings.push(via));
  const state = async (): Promise<string | undefined> => (await bellsOf(hub)).bells[0]?.state;
  await expect.poll(state, { timeout: 10_000 }).toBe("listening");
  await broker.publish("door/bell", "released");
  await broker.publish("door/bell", "x".repeat(300_000));
  await expect.poll(state, { timeout: 10_000 }).toBe("listening");
  expect(rings).toEqual([]);
  await broker.restart();
  const heard = async (): Promise<string[]> => {
    await broker.publish("door/bell", "pressed");
    return rings;
  };
  await expect.poll(heard, { timeout: 20_000, interval: 500 }).toEqual(["mqtt"]);
  await hub.hub.services.bells.publish("doorward/chime", "on");
});
