import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { commandBell } from "../../src/camera/bell/command-listener.ts";
import { dahuaBell } from "../../src/camera/bell/dahua-listener.ts";
import { hikvisionBell } from "../../src/camera/bell/hikvision-listener.ts";
import { keepListening, type Problem } from "../../src/camera/bell/listening.ts";
import type { BellMessage, Listen } from "../../src/camera/bell/message.ts";
import { onvifBell } from "../../src/camera/bell/onvif-listener.ts";
import { RuleSet, type BellRule } from "../../src/camera/bell/rules.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { FakeDahua, FakeHikvision } from "../support/vendor-bells.ts";

const VISITOR = "tns1:RuleEngine/MyRuleDetector/Visitor";
const RULE: BellRule = { via: "onvif", topic: VISITOR, item: "State", value: "true" };

interface Kept extends AsyncDisposable {
  readonly messages: BellMessage[];
  readonly states: { isListening: boolean; problem: Problem | null }[];
  readonly contacts: string[];
  presses(): number;
}

/** A listener that is kept up, as the bell process keeps it. */
function keep(listen: Listen, rules: readonly BellRule[] = []): Kept {
  const stop = new AbortController();
  const set = new RuleSet(rules, () => performance.now());
  let presses = 0;
  const messages: BellMessage[] = [];
  const states: Kept["states"] = [];
  const contacts: string[] = [];
  const ended = keepListening(
    listen,
    {
      message: (message) => {
        messages.push(message);
        if (set.hears(message)) presses += 1;
      },
      state: (isListening, problem) => states.push({ isListening, problem }),
      contact: ({ host, port }) => contacts.push(`${host}:${port}`),
    },
    stop.signal,
  );
  return {
    ...{ messages, states, contacts },
    presses: () => presses,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

async function until(what: () => boolean, limitMs = 20_000): Promise<void> {
  for (const endMs = performance.now() + limitMs; !what();) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what.toString()}`);
    await sleep(5);
  }
}

describe("a pull-point", () => {
  const credentials = { username: "admin", password: "geheim!1", allowBasic: false };
  const press = (device: FakeOnvifDevice): void => {
    device.push({
      topic: VISITOR,
      operation: "Changed",
      source: { Source: "000" },
      data: { State: "true" },
    });
    device.push({
      topic: VISITOR,
      operation: "Changed",
      source: { Source: "000" },
      data: { State: "false" },
    });
  };

  test("loses no press, whatever the device does to polls and subscriptions", async () => {
    await using device = await FakeOnvifDevice.start({
      username: credentials.username,
      password: credentials.password,
    });
    await using kept = keep(onvifBell({ address: device.url, credentials }), [RULE]);
    await until(() => device.subscriptions.size === 1);
    const isPolled = (): boolean =>
      [...device.subscriptions.values()].some(({ wake }) => wake !== null);
    // Each of them once per turn, then a press: before, during and after the failure.
    const once = (operation: string, answer: "hang-up" | "fault" | "garbage" | "empty"): void => {
      device.instead.set(operation, (request, response) => {
        device.instead.delete(operation);
        if (answer === "hang-up") request.socket.destroy();
        else if (answer === "garbage")
          response.writeHead(200, { "content-type": "application/soap+xml" }).end("<a><b>");
        else if (answer === "empty") response.writeHead(200).end();
        else response.writeHead(500).end();
      });
    };
    const failures: (() => void)[] = [
      () => undefined,
      () => device.hangUp(),
      () => once("PullMessages", "hang-up"),
      () => once("Renew", "fault"),
      () => {
        device.hangUp();
        once("PullMessages", "hang-up");
      },
      () => {
        device.hangUp();
        once("PullMessages", "empty");
      },
    ];
    let pressed = 0;
    for (let turn = 0; turn < 3; turn += 1)
      for (const fail of failures) {
        await until(isPolled);
        fail();
        press(device);
        pressed += 1;
        await until(() => kept.presses() >= pressed);
      }
    expect(kept.presses()).toBe(pressed);
    expect(kept.contacts.every((place) => place === `127.0.0.1:${device.port}`)).toBe(true);
  });

  test("that the device forgets is taken anew, and its states of before do not ring", async () => {
    await using device = await FakeOnvifDevice.start({
      username: credentials.username,
      password: credentials.password,
    });
    await using kept = keep(onvifBell({ address: device.url, credentials }), [RULE]);
    await until(() => device.subscriptions.size === 1);
    const [old] = device.subscriptions.keys();
    device.subscriptions.clear();
    device.hangUp();
    await until(() => device.subscriptions.size === 1 && !device.subscriptions.has(old ?? ""));
    device.push({ topic: VISITOR, operation: "Initialized", data: { State: "true" } });
    await until(() => kept.messages.length === 1);
    expect(kept.presses()).toBe(0);
    press(device);
    await until(() => kept.presses() === 1);
    expect(kept.states.map(({ isListening }) => isListening)).not.toContain(false);
  });

  test("says why it hears nothing, with the device's own words on one line", async () => {
    await using device = await FakeOnvifDevice.start({ username: "admin", password: "another" });
    await using kept = keep(onvifBell({ address: device.url, credentials }));
    await until(() => kept.states.length > 0);
    expect(kept.states[0]).toMatchObject({
      isListening: false,
      problem: { code: "WRONG_PASSWORD" },
    });
    expect(JSON.stringify(kept.states)).not.toContain(credentials.password);
  });

  test("of a device that answers at once and with everything takes a part of it", async () => {
    await using device = await FakeOnvifDevice.start({
      username: credentials.username,
      password: credentials.password,
    });
    await using kept = keep(onvifBell({ address: device.url, credentials }), [RULE]);
    await until(() => device.subscriptions.size === 1);
    const startedAtMs = performance.now();
    device.push(
      ...Array.from({ length: 10_000 }, (_, index) => ({
        topic: `tns1:Storm/${index}`,
        operation: "Changed" as const,
        data: { State: "true" },
      })),
    );
    await until(() => kept.messages.length >= 300);
    // A hundred a poll, two polls a second.
    expect(performance.now() - startedAtMs).toBeGreaterThan(900);
    expect(kept.messages.length).toBeLessThan(1_000);
  });
});

describe("Dahua's event stream", () => {
  test("rings for an invitation, once it is open again too", async () => {
    await using bell = await FakeDahua.start();
    const { port, credentials } = bell;
    await using kept = keep(dahuaBell({ host: "127.0.0.1", port, credentials }), [
      { via: "dahua" },
    ]);
    await until(() => bell.listeners === 1);
    bell.sayText("Heartbeat");
    bell.say("VideoMotion", "Start");
    bell.say("_DoTalkAction_", "Pulse", { Action: "Invite", CallID: "6" });
    await until(() => kept.presses() === 1);
    bell.say("_DoTalkAction_", "Pulse", { Action: "Hangup" });
    bell.hangUp();
    await until(() => kept.states.some(({ isListening }) => !isListening));
    await until(() => bell.listeners === 1);
    bell.say("CallNoAnswered", "Start", { CallID: "7" });
    await until(() => kept.presses() === 2);
    expect(kept.messages.map(({ topic }) => topic)).toContain("VideoMotion");
  });

  test("keeps a flood at the camera's end", async () => {
    await using bell = await FakeDahua.start();
    const { port, credentials } = bell;
    await using kept = keep(dahuaBell({ host: "127.0.0.1", port, credentials }), [
      { via: "dahua" },
    ]);
    await until(() => bell.listeners === 1);
    for (let count = 0; count < 10_000; count += 1)
      bell.say("Storm", "Pulse", { Count: String(count) });
    await sleep(1_500);
    expect(kept.messages.length).toBeGreaterThan(100);
    expect(kept.messages.length).toBeLessThanOrEqual(600);
  });
});

describe("Hikvision's call status", () => {
  test("rings when it turns to ringing, in JSON or XML, and never for how it began", async () => {
    await using bell = await FakeHikvision.start();
    const { port, credentials } = bell;
    bell.status = "ring";
    const rule: BellRule = { via: "hikvision" };
    await using kept = keep(hikvisionBell({ host: "127.0.0.1", port, credentials }), [rule]);
    await until(() => kept.messages.length === 1);
    expect(kept.presses()).toBe(0);
    bell.status = "idle";
    await until(() => kept.messages.length === 2);
    bell.answersWith = "xml";
    bell.status = "ring";
    await until(() => kept.presses() === 1);
    bell.status = "onCall";
    await until(() => kept.messages.length === 4);
    // Two polls that fail are passed over, and the change meanwhile is heard.
    bell.answersWith = "nothing";
    bell.status = "idle";
    const before = bell.requests;
    await until(() => bell.requests >= before + 2);
    bell.answersWith = "json";
    await until(() => kept.messages.length === 5);
    bell.status = "ring";
    await until(() => kept.presses() === 2);
  });
});

describe("a program", () => {
  test("rings for a line, is begun anew, and ends with its listener", async () => {
    const code = `console.log("noise"); console.log("FALLING line 17 " + process.pid); setTimeout(() => process.exit(0), 300)`;
    const rules: BellRule[] = [{ via: "command", command: [], value: "FALLING" }];
    let pids: number[] = [];
    {
      await using kept = keep(commandBell([process.execPath, "-e", code]), rules);
      await until(() => kept.presses() === 2);
      expect(kept.states.map(({ isListening }) => isListening).slice(0, 3)).toEqual([
        true,
        false,
        true,
      ]);
      pids = kept.messages
        .map(({ items }) => /line 17 (\d+)/.exec(items.get("") ?? "")?.[1])
        .filter((pid) => pid !== undefined)
        .map(Number);
    }
    expect(pids.length).toBe(2);
    for (const pid of pids) expect(() => readFileSync(`/proc/${pid}/stat`)).toThrow();
  });

  test("that prints without end is stopped at its limits", async () => {
    const code = `const line = "x".repeat(65536); for (;;) require("node:fs").writeSync(1, line)`;
    await using kept = keep(commandBell([process.execPath, "-e", code]));
    await until(() => kept.states.some(({ problem }) => problem?.code === "PROTOCOL_ERROR"));
    expect(kept.messages).toEqual([]);
  });

  test("that is not there is said to be missing", async () => {
    await using kept = keep(commandBell(["/nonexistent/gpiomon"]));
    await until(() => kept.states.some(({ problem }) => problem?.code === "SOURCE_FAILED"));
    expect(kept.messages).toEqual([]);
  });
});
