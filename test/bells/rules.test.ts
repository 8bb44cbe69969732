import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DahuaParser } from "../../src/camera/bell/dahua-parser.ts";
import { Heard } from "../../src/camera/bell/heard.ts";
import { KNOWN_BELLS } from "../../src/camera/bell/known.ts";
import { bellText, type BellMessage } from "../../src/camera/bell/message.ts";
import { MQTT_PACKET_BYTES_MAX, MqttGuard } from "../../src/camera/bell/mqtt-guard.ts";
import { HELD_MS, matches, RuleSet, type BellRule } from "../../src/camera/bell/rules.ts";
import { ruleOfHeard } from "../../src/protocol/bell-rule.ts";
import { BELL_HEARD_MAX, BELL_TEXT_MAX } from "../../src/protocol/api-bells.ts";

const VISITOR: BellRule = {
  via: "onvif",
  topic: "tns1:RuleEngine/MyRuleDetector/Visitor",
  item: "State",
  value: "true",
};

function visitor(state: string, isInitial = false): BellMessage {
  const items = new Map([
    ["State", state],
    ["@source", "Source=000"],
  ]);
  const topic = "RuleEngine/MyRuleDetector/Visitor";
  return { via: "onvif", topic, items, isInitial, isState: true };
}

function said(via: BellMessage["via"], topic: string, items: Record<string, string>): BellMessage {
  return { via, topic, items: new Map(Object.entries(items)), isInitial: false };
}

describe("a rule", () => {
  test("rings for its own message, whatever prefix the topic has and however truth is spelt", () => {
    expect(matches(VISITOR, visitor("true"))).toBe(true);
    expect(matches(VISITOR, visitor("1"))).toBe(true);
    expect(
      matches({ ...VISITOR, topic: "x:RuleEngine/y:MyRuleDetector/Visitor" }, visitor("true")),
    ).toBe(true);
    expect(matches(VISITOR, visitor("false"))).toBe(false);
    expect(matches(VISITOR, { ...visitor("true"), topic: "RuleEngine/MyRuleDetector/Face" })).toBe(
      false,
    );
    expect(matches(VISITOR, { ...visitor("true"), via: "mqtt" })).toBe(false);
  });

  test("never rings for the state of before", () => {
    for (const { via, topic, item, values } of KNOWN_BELLS)
      for (const value of values) {
        const message = { ...said(via, topic, { [item ?? "x"]: value }), isInitial: true };
        const rules: BellRule[] = [
          { via: "onvif", topic, ...(item === null ? {} : { item, value }) },
          { via: "dahua", code: topic },
          { via: "dahua" },
          { via: "hikvision" },
        ];
        for (const rule of rules)
          expect(matches(rule, message), `${rule.via} ${topic}`).toBe(false);
      }
    expect(new RuleSet([VISITOR], () => 0).hears(visitor("true", true))).toBe(false);
  });

  test("of every known bell rings for it, and is what teaching saves", () => {
    for (const { via, topic, item, values } of KNOWN_BELLS)
      for (const value of values) {
        const message = said(via, topic, {
          action: "Pulse",
          ...(item === null ? {} : { [item]: value }),
        });
        const rule = ruleOfHeard({ via, topic, item, value });
        expect(matches(rule as BellRule, message), `${via} ${topic} ${value}`).toBe(true);
      }
  });

  test("of Dahua rings for a code that nobody knows yet, and not for its end", () => {
    const rule: BellRule = { via: "dahua", code: "NewBell" };
    expect(matches(rule, said("dahua", "NewBell", { action: "Start" }))).toBe(true);
    expect(matches(rule, said("dahua", "NewBell", { action: "Stop" }))).toBe(false);
    expect(matches(rule, said("dahua", "VideoMotion", { action: "Start" }))).toBe(false);
    // Where no code is named, those of the table.
    expect(matches({ via: "dahua" }, said("dahua", "VideoMotion", { action: "Start" }))).toBe(
      false,
    );
    expect(matches({ via: "dahua" }, said("dahua", "Invite", { action: "Pulse" }))).toBe(true);
    // In the table, so that hanging up does not ring.
    const talk: BellRule = { via: "dahua", code: "_DoTalkAction_" };
    expect(
      matches(talk, said("dahua", "_DoTalkAction_", { action: "Pulse", Action: "Hangup" })),
    ).toBe(false);
  });

  test("of MQTT compares the payload, or a part of it", () => {
    const message = said("mqtt", "door/bell", { "": '{"action":"single"}', action: "single" });
    expect(matches({ via: "mqtt", topic: "door/bell" }, message)).toBe(true);
    expect(
      matches({ via: "mqtt", topic: "door/bell", item: "action", value: "single" }, message),
    ).toBe(true);
    expect(
      matches({ via: "mqtt", topic: "door/bell", item: "action", value: "double" }, message),
    ).toBe(false);
    expect(matches({ via: "mqtt", topic: "door/bell", value: "ON" }, message)).toBe(false);
    expect(matches({ via: "mqtt", topic: "door" }, message)).toBe(false);
  });

  test("takes a held button for one press, and rings again once it was let go", () => {
    let nowMs = 0;
    const rules = new RuleSet([VISITOR], () => nowMs);
    const heard = (state: string, isInitial = false): boolean =>
      rules.hears(visitor(state, isInitial));
    // As devices begin: with the state of before.
    expect(heard("false", true)).toBe(false);
    expect([heard("true"), heard("true"), heard("true")]).toEqual([true, false, false]);
    expect([heard("false"), heard("true")]).toEqual([false, true]);
    // Its end was lost on the way, however often it was told meanwhile.
    nowMs += HELD_MS / 2;
    expect(heard("true")).toBe(false);
    nowMs += HELD_MS / 2;
    expect(heard("true")).toBe(true);
  });

  test("rings for each message of a device that never says that the button was let go", () => {
    let nowMs = 0;
    const rules = new RuleSet([VISITOR], () => nowMs);
    const rings = [];
    for (; nowMs < 60_000; nowMs += 8_000) rings.push(rules.hears(visitor("true")));
    expect(rings).toEqual(Array(8).fill(true));
  });

  test("rings for each message that is no state, though another one was seen", () => {
    const rules = new RuleSet([VISITOR], () => 0);
    const event = { ...visitor("true"), isState: false };
    rules.hears({ ...visitor("false"), isState: false });
    rules.hears(visitor("false", true));
    expect([rules.hears(event), rules.hears(event)]).toEqual([true, true]);
  });

  test("tells two buttons of one door station apart", () => {
    const input: BellRule = { via: "onvif", topic: "Device/Trigger/DigitalInput" };
    const rules = new RuleSet([{ ...input, item: "LogicalState", value: "true" }], () => 0);
    const says = (source: string, state: string): boolean =>
      rules.hears({
        ...said("onvif", "Device/Trigger/DigitalInput", {
          ...{ LogicalState: state, "@source": source },
        }),
        isState: true,
      });
    for (const source of ["1", "2"]) expect(says(source, "false")).toBe(false);
    expect([says("1", "true"), says("2", "true"), says("1", "true")]).toEqual([true, true, false]);
    // Whatever a flood pushes out rings rather than not.
    for (let count = 0; count < 1_000; count += 1) says(`storm ${count}`, "false");
    expect(says("1", "true")).toBe(true);
  });
});

describe("the event stream of Dahua", () => {
  const part = (text: string): string =>
    `--myboundary\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}\r\n\r\n`;
  const invite = `Code=_DoTalkAction_;action=Pulse;index=0;data={\n   "Action" : "Invite",\n   "CallID" : "6"\n}`;

  test("is read wherever it is cut, and each event as soon as it is whole", () => {
    const text = part("Heartbeat") + part("Code=VideoMotion;action=Start;index=0") + part(invite);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
        const parser = new DahuaParser("myboundary");
        const at = [0, ...cuts.toSorted((left, right) => left - right), text.length];
        const found = at
          .slice(1)
          .flatMap((end, index) => parser.push(Buffer.from(text.slice(at[index], end))));
        expect(
          found.map(({ topic, items }) => [topic, items.get("action"), items.get("Action")]),
        ).toEqual([
          ["VideoMotion", "Start", undefined],
          ["_DoTalkAction_", "Pulse", "Invite"],
        ]);
      }),
      { numRuns: 200 },
    );
  });

  test("is read without lengths too, as some firmware sends it", () => {
    const parser = new DahuaParser("myboundary");
    const text = `--myboundary\r\nContent-Type: text/plain\r\n\r\nCode=CallNoAnswered;action=Start;index=0\r\n\r\n`;
    expect(parser.push(Buffer.from(text))).toEqual([]);
    expect(parser.push(Buffer.from(text)).map(({ topic }) => topic)).toEqual(["CallNoAnswered"]);
  });

  test("that does not end is an error, and what waits stays below its limit", () => {
    const parser = new DahuaParser("myboundary");
    expect(() => parser.push(Buffer.alloc(10 * 1024 * 1024, "x"))).toThrow(/64 KiB/);
    const announced = new DahuaParser("b");
    expect(() =>
      announced.push(Buffer.from(`--b\r\nContent-Length: 999999\r\n\r\n${"y".repeat(70_000)}`)),
    ).toThrow(/64 KiB/);
  });

  test("of anything at all is read or refused, and shows no control character", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const parser = new DahuaParser("b");
        const noise = Buffer.from(bytes).toString("latin1");
        const text = `--b\r\nContent-Length: ${noise.length + 30}\r\n\r\nCode=${noise};action=Start;index=0\r\n--b\r\n`;
        for (const { topic, items } of parser.push(Buffer.from(text, "latin1")))
          for (const shown of [topic, ...items.keys(), ...items.values()])
            expect(shown).toMatch(/^[^\p{C}]{0,200}$/u);
      }),
    );
  });
});

describe("what a broker sends", () => {
  const publish = (length: number): number[] => {
    const bytes = [0x30];
    for (let left = length; ;) {
      const more = left > 127 ? 0x80 : 0;
      bytes.push((left & 0x7f) | more);
      left = Math.floor(left / 128);
      if (left === 0) return bytes;
    }
  };

  test("is let through up to its limit, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3_000), { maxLength: 8 }),
        fc.integer({ min: 1, max: 700 }),
        (sizes, step) => {
          const bytes = sizes.flatMap((size) => [
            ...publish(size),
            ...Array<number>(size).fill(0xff),
          ]);
          const guard = new MqttGuard();
          for (let at = 0; at < bytes.length; at += step)
            expect(guard.allows(Uint8Array.from(bytes.slice(at, at + step)))).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("is refused by what it announces, before it comes", () => {
    expect(new MqttGuard().allows(Uint8Array.from(publish(MQTT_PACKET_BYTES_MAX)))).toBe(true);
    expect(new MqttGuard().allows(Uint8Array.from(publish(MQTT_PACKET_BYTES_MAX + 1)))).toBe(false);
    expect(new MqttGuard().allows(Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff]))).toBe(
      false,
    );
  });
});

describe("teaching", () => {
  test("counts what came, the known one first, and leaves the state of before out", () => {
    let nowMs = 1_000;
    const heard = new Heard(() => nowMs++);
    for (let count = 0; count < 40; count += 1)
      heard.add(said("onvif", "RuleEngine/CellMotionDetector/Motion", { IsMotion: "true" }));
    heard.add(visitor("true", true));
    heard.add(visitor("true"));
    heard.add(visitor("false"));
    const { heard: list, leftOut } = heard.list();
    expect(leftOut).toBe(0);
    expect(
      list.map(({ topic, item, value, count, isLikely }) => [topic, item, value, count, isLikely]),
    ).toEqual([
      ["RuleEngine/MyRuleDetector/Visitor", "State", "true", 1, true],
      ["RuleEngine/MyRuleDetector/Visitor", "State", "false", 1, false],
      ["RuleEngine/CellMotionDetector/Motion", "IsMotion", "true", 40, false],
    ]);
  });

  test("stays bounded in a flood, and the known one finds room in it", () => {
    const heard = new Heard(() => 0);
    for (let count = 0; count < 10_000; count += 1)
      heard.add(said("onvif", `Storm/${count}`, { Value: "x".repeat(10) }));
    heard.add(visitor("true"));
    const { heard: list, leftOut } = heard.list();
    expect(list.length).toBe(BELL_HEARD_MAX);
    expect(leftOut).toBe(10_001 - BELL_HEARD_MAX);
    expect(list[0]?.topic).toBe("RuleEngine/MyRuleDetector/Visitor");
  });

  test("shows one line of what somebody else chose", () => {
    expect(bellText("Visitor\u001b[2J\n\u2028<b>\u202e")).toBe("Visitor [2J <b> ");
    expect(bellText("x".repeat(5_000)).length).toBe(BELL_TEXT_MAX);
    // What is cut through is still text, else the hub ends the process that says it.
    expect(bellText(`${"x".repeat(BELL_TEXT_MAX - 1)}\u{1f514}`)).toMatch(/^x+\ufffd$/);
  });
});
