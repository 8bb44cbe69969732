import { expect, test } from "vitest";
import { BellListeners } from "../../src/bells/listeners.ts";
import type { BellCamera, FromBells } from "../../src/bells/messages.ts";
import { Teaching } from "../../src/bells/teaching.ts";
import type { BellRule } from "../../src/camera/bell/rules.ts";
import { BELL_HEARD_MAX, BellTeaching } from "../../src/protocol/api-bells.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { RefusingBroker } from "../support/refusing-broker.ts";
import { FakeDahua } from "../support/vendor-bells.ts";

const FRONT = parseCameraId("front");

function camera(id: string, bells: readonly BellRule[], login?: FakeDahua): BellCamera {
  return {
    ...{ id: parseCameraId(id), bells, onvif: null, allowBasic: false },
    host: login ? "127.0.0.1" : null,
    username: login?.user ?? null,
    password: login?.password ?? null,
  };
}

/** What the bell process listens to, in this process. */
function listeners(): AsyncDisposable & {
  readonly all: BellListeners;
  readonly sent: FromBells[];
  /** What was said last of a camera's bell. */
  stateOf(id: string): string | undefined;
} {
  const sent: FromBells[] = [];
  const all = new BellListeners((message) => sent.push(message));
  return {
    ...{ all, sent },
    stateOf: (id) => {
      const last = sent.findLast(
        (message) => message.type === "listener" && message.camera === parseCameraId(id),
      );
      if (last?.type !== "listener") return undefined;
      return last.isListening ? "listening" : last.problem?.code;
    },
    [Symbol.asyncDispose]: async () => await all.stop(),
  };
}

test("rules of one way share the port that one of them names", async () => {
  await using bell = await FakeDahua.start();
  await using heard = listeners();
  const rules: BellRule[] = [
    { via: "dahua", code: "Taught" },
    { via: "dahua", code: "Invite", port: bell.port },
  ];
  heard.all.configure({ type: "configure", broker: null, cameras: [camera("front", rules, bell)] });
  await expect.poll(() => bell.listeners).toBe(1);
  bell.say("Taught", "Pulse");
  await expect.poll(() => heard.sent).toContainEqual(expect.objectContaining({ type: "press" }));
});

test("a topic that the broker refuses is shown as not heard, and the others are heard", async () => {
  const refused = new Set(["door/secret"]);
  await using broker = await RefusingBroker.start((topic) => refused.has(topic));
  await using heard = listeners();
  const over = (topic: string): BellRule[] => [{ via: "mqtt", topic }];
  const configure = (...cameras: BellCamera[]): void =>
    heard.all.configure({
      type: "configure",
      broker: { url: broker.url, user: null, password: null },
      cameras,
    });
  const front = camera("front", over("door/bell"));
  configure(front, camera("back", over("door/secret")));
  await expect.poll(() => heard.stateOf("front")).toBe("listening");
  await expect.poll(() => heard.stateOf("back")).toBe("TOPIC_REFUSED");
  // Also where a rule is added while the connection stands.
  refused.add("door/later");
  configure(front, camera("side", over("door/later")));
  await expect.poll(() => heard.stateOf("side")).toBe("TOPIC_REFUSED");
  broker.say("door/bell", "pressed");
  await expect.poll(() => heard.sent).toContainEqual({ type: "press", camera: FRONT, via: "mqtt" });
  expect(heard.stateOf("front")).toBe("listening");
});

test("what the hub itself says over MQTT is no part of a lesson", async () => {
  await using broker = await RefusingBroker.start(() => false);
  await using heard = listeners();
  heard.all.configure({
    type: "configure",
    broker: { url: broker.url, user: null, password: null },
    cameras: [camera("front", [])],
  });
  heard.all.teach({ type: "teach", camera: FRONT, on: true });
  const lesson = (): FromBells | undefined => heard.sent.findLast(({ type }) => type === "heard");
  await expect.poll(lesson).toMatchObject({ ways: [{ via: "mqtt", problem: null }] });
  const said = { id: 1, topic: "house/chime", payload: "ring", retain: false };
  await heard.all.publish({ type: "publish", ...said });
  expect(broker.heard).toEqual(["house/chime"]);
  broker.say("house/chime", "ring");
  broker.say("door/bell", "pressed");
  await expect.poll(lesson).toMatchObject({ heard: [{ topic: "door/bell" }] });
});

test("a lesson that is full stays within what is shown, also with a call to the hub", () => {
  const teaching = new Teaching(() => 1_000);
  teaching.begin(FRONT, () => undefined);
  const heard = Array.from({ length: BELL_HEARD_MAX }, (_, index) => ({
    ...({ via: "mqtt", topic: `storm/${index}`, item: null, value: null } as const),
    ...{ count: 1, firstAtMs: 1, lastAtMs: 1, isLikely: false },
  }));
  teaching.hear(FRONT, { heard, leftOut: 0, ways: [] });
  teaching.hearWebhook(FRONT);
  const shown = checkShape(BellTeaching, teaching.of(FRONT), "lesson");
  expect(shown.heard.length).toBe(BELL_HEARD_MAX);
  expect(shown.heard[0]).toMatchObject({ via: "webhook" });
  teaching.endAll();
});
