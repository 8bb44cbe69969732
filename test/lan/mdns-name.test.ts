import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MdnsName, type MdnsAsker, type MdnsLink } from "../../src/lan/mdns-name.ts";
import {
  addressBytes,
  addressText,
  readMdns,
  TYPE_A,
  TYPE_AAAA,
  TYPE_ANY,
  TYPE_NSEC,
  writeMdns,
  type MdnsMessage,
  type MdnsRecord,
} from "../../src/lan/mdns-packet.ts";

const NAME = "doorward.local";
const OWN = "192.168.1.5";
const PHONE: MdnsAsker = { address: "192.168.1.9", port: 5353 };

function address(text: string, ttlSeconds = 120): MdnsRecord {
  const data = addressBytes(text);
  return { name: NAME, type: data.length === 4 ? TYPE_A : TYPE_AAAA, ttlSeconds, data };
}

/** A network of one interface, on which everything that is sent is kept. */
function network(addresses = [OWN]) {
  const sent: { message: MdnsMessage; to: MdnsAsker | null }[] = [];
  const link: MdnsLink = {
    addresses,
    send: (bytes, to) => void sent.push({ message: readMdns(bytes), to: to ?? null }),
  };
  const states: string[] = [];
  const name = new MdnsName({
    name: NAME,
    links: () => [link],
    onChange: ({ state }) => states.push(state),
    firstAtMs: 0,
  });
  let nowMs = 0;
  const run = (ms: number): void => {
    for (const until = nowMs + ms; nowMs < until; nowMs += 50) name.tick(nowMs);
  };
  const hear = (message: Partial<MdnsMessage>, from = PHONE): void =>
    name.hear(
      { id: 0, isResponse: false, questions: [], answers: [], proposed: [], ...message },
      link,
      from,
      nowMs,
    );
  const ask = (type: number, more: Partial<MdnsMessage> = {}, from = PHONE): void =>
    hear({ questions: [{ name: NAME, type, isUnicast: false }], ...more }, from);
  return { name, sent, states, run, hear, ask };
}

describe("a name on the network", () => {
  test("is asked for three times before it is used, and then made known twice", () => {
    const { name, sent, run, ask } = network();
    run(600);
    ask(TYPE_A);
    expect(sent.map(({ message }) => message.isResponse)).toEqual([false, false, false]);
    expect(sent[0]?.message.proposed.map(({ data }) => addressText(data))).toEqual([OWN]);
    run(3_000);
    expect(name.state).toEqual({ state: "held" });
    expect(sent.map(({ message }) => message.isResponse)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  test("stands for IPv4 and IPv6 alike, and says what it does not have", () => {
    const both = network([OWN, "fd00::5"]);
    both.run(3_000);
    both.ask(TYPE_AAAA);
    expect(both.sent.at(-1)?.message.answers.map(({ type }) => type)).toEqual([TYPE_AAAA]);
    const four = network();
    four.run(3_000);
    four.ask(TYPE_AAAA);
    expect(four.sent.at(-1)?.message.answers.map(({ type }) => type)).toEqual([TYPE_NSEC]);
  });

  test.each(["while it is asked for", "once it is held"])(
    "%s by another machine is left to it, and never changed",
    (when) => {
      const { name, sent, states, run, hear, ask } = network();
      run(when === "once it is held" ? 3_000 : 300);
      const other = { isResponse: true, answers: [address("192.168.1.77")] };
      hear(other);
      run(300);
      hear(other);
      expect(name.state).toEqual({ state: "taken", by: "192.168.1.77" });
      const before = sent.length;
      ask(TYPE_ANY);
      run(20_000);
      expect(sent).toHaveLength(before);
      // Later it is asked for again, and used when nobody answers any more.
      run(30_000);
      expect(name.state).toEqual({ state: "held" });
      expect(states.at(-1)).toBe("held");
      expect(
        new Set(sent.flatMap(({ message }) => message.questions.map((each) => each.name))),
      ).toEqual(new Set([NAME]));
    },
  );

  test("is not lost to this machine's own answers, to a goodbye, or to another name", () => {
    const { name, run, hear } = network([OWN, "fd00::5"]);
    run(3_000);
    hear({ isResponse: true, answers: [address(OWN), address("fd00:0:0::5")] });
    hear({ isResponse: true, answers: [address("192.168.1.77", 0)] });
    hear({ isResponse: true, answers: [{ ...address("192.168.1.77"), name: "other.local" }] });
    run(100);
    expect(name.state).toEqual({ state: "held" });
  });

  test("of two that ask together, the one with the later address goes on", () => {
    const lower = network(["192.168.1.5"]);
    lower.run(200);
    const before = lower.sent.length;
    lower.ask(TYPE_ANY, { proposed: [address("192.168.1.77")] });
    lower.run(900);
    expect(lower.sent).toHaveLength(before);
    const higher = network(["192.168.1.99"]);
    higher.run(200);
    higher.ask(TYPE_ANY, { proposed: [address("192.168.1.77")] });
    higher.run(1_500);
    expect(higher.name.state).toEqual({ state: "held" });
  });

  test("is answered once a second to all, and not to who knows it", () => {
    const { sent, run, ask } = network();
    run(5_000);
    const before = sent.length;
    for (let count = 0; count < 1_000; count += 1) ask(TYPE_A);
    expect(sent).toHaveLength(before + 1);
    run(1_100);
    ask(TYPE_A, { answers: [address(OWN, 100)] });
    expect(sent).toHaveLength(before + 1);
  });

  test("plain DNS gets its own number back, a short life, and no flood", () => {
    const { sent, run, ask } = network();
    run(5_000);
    const before = sent.length;
    const plain = { address: "192.168.1.9", port: 40_000 };
    for (let count = 0; count < 1_000; count += 1) ask(TYPE_A, { id: 7 }, plain);
    const answers = sent.slice(before);
    expect(answers.length).toBeLessThanOrEqual(40);
    expect(answers[0]).toMatchObject({ to: plain, message: { id: 7 } });
    expect(answers[0]?.message.answers[0]?.ttlSeconds).toBe(10);
    expect(answers[0]?.message.questions).toHaveLength(1);
  });

  test("is taken back when the hub goes", () => {
    const { name, sent, run } = network();
    run(3_000);
    name.leave();
    expect(sent.at(-1)?.message.answers.map(({ ttlSeconds }) => ttlSeconds)).toEqual([0]);
  });
});

describe("a message", () => {
  test("comes back as it was written", () => {
    const questions = [{ name: NAME, type: TYPE_ANY, isUnicast: true }];
    const written = writeMdns({
      ...{ id: 9, isResponse: false, questions },
      ...{ answers: [address(OWN)], proposed: [address("fd00::5")] },
    });
    expect(readMdns(written)).toEqual({
      ...{ id: 9, isResponse: false, questions },
      ...{ answers: [address(OWN)], proposed: [address("fd00::5")] },
    });
    for (const text of ["fe80::1", "::1", "fd00:1:2:3:4:5:6:7", "1::"])
      expect(addressBytes(addressText(addressBytes(text)))).toEqual(addressBytes(text));
  });

  test("of whatever bytes is read within bounds or refused, and never goes in circles", () => {
    const valid = writeMdns({
      ...{ isResponse: true, answers: [address(OWN)] },
      questions: [{ name: NAME, type: TYPE_ANY, isUnicast: false }],
    });
    const attempt = (bytes: Uint8Array): void => {
      try {
        const { questions, answers } = readMdns(bytes);
        expect(questions.length + answers.length).toBeLessThanOrEqual(320);
      } catch (error) {
        expect(error).toMatchObject({ code: "MALFORMED_INPUT" });
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), attempt));
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, value) => {
        const changed = Uint8Array.from(valid);
        changed[at] = value;
        attempt(changed);
        attempt(changed.subarray(0, at));
      }),
    );
    // A name that points to itself.
    attempt(Uint8Array.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]));
  });
});
