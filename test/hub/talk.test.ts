import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CameraStream, type CameraStatus } from "../../src/camera/stream.ts";
import { TALK_CLOSE, type TalkAnswer } from "../../src/protocol/api-talk.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { decodeG711, encodeG711 } from "../../src/protocol/g711.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { runCli, type CommandResult } from "../support/live-hub.ts";
import {
  ONVIF_TALK_COMMANDS,
  startOnvifTalkServer,
  type OnvifTalkServer,
} from "../support/onvif-talk-server.ts";
import { missingCommands } from "../support/requirements.ts";
import { newReaders } from "../support/test-household.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { DOOR_PASSWORD, talkCameras, talkProcesses } from "../support/talk-hub.ts";
import { openTalk, type TalkSocket } from "../support/talk-socket.ts";

const isMissing = missingCommands(...ONVIF_TALK_COMMANDS);
const WAIT = { timeout: 20_000, interval: 20 };

/** Every byte there is, in an order that no loss keeps. */
const spoken = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 0xff);

describe.skipIf(isMissing)("talking at a door", () => {
  let server: OnvifTalkServer;
  let hub: TestHub;
  let owner: TestDevice;
  beforeAll(async () => {
    server = await startOnvifTalkServer({
      mounts: { door: "PCMU", gate: "PCMA", studio: "OPUS", plain: "none" },
      ...{ username: "door", password: DOOR_PASSWORD },
    });
    hub = await startTestHub({ settings: { cameras: talkCameras(server) } });
    owner = hub.owner;
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const talk = (camera: string, as: TestDevice = owner): Promise<TalkSocket> =>
    openTalk(hub.hub.url, camera, { token: as.token });
  const entries = (): number => hub.ledgerKinds().filter((kind) => kind === "talk").length;
  /** Processes that talk, of this one's children. */
  const talkers = async (): Promise<number> => (await talkProcesses()).length;
  const nobodyTalks = async (): Promise<void> => {
    await expect.poll(talkers, WAIT).toBe(0);
    await expect
      .poll(() => hub.hub.services.talk.cameras("").map(({ state }) => state), WAIT)
      .not.toContain("busy");
  };
  const heardSince = (mount: string, before: number): Buffer =>
    server.heard(mount).subarray(before);

  test("is heard as it was said, beside the picture, is one entry, and is closed at once", async () => {
    hub.clock.nowMs += 120_000;
    const statuses: CameraStatus[] = [];
    const sequences: number[] = [];
    await using _picture = CameraStream.start({
      camera: parseCameraId("door"),
      role: "main",
      source: {
        ...{ kind: "rtsp", url: server.url("door"), audio: false },
        ...{ username: "door", password: DOOR_PASSWORD },
      },
      clock: systemClock,
      onFragment: ({ sequence }) => sequences.push(sequence),
      onStatus: (status) => statuses.push(status),
    });
    await expect.poll(() => sequences.length, WAIT).toBeGreaterThan(5);
    const before = [entries(), server.count("teardown")];
    using speaker = await talk("door");
    expect(await speaker.opened).toBe("PCMU");
    expect(entries()).toBe((before[0] ?? 0) + 1);
    expect(await talkers()).toBe(1);
    const sentence = spoken(16_000);
    await speaker.speak(sentence);
    // This server, when it is busy, throws away what it has in hand as it is told that it was all.
    await expect.poll(() => server.heard("door").length, WAIT).toBe(sentence.length);
    speaker.socket.close();
    expect(server.heard("door").equals(sentence)).toBe(true);
    await expect.poll(() => server.count("teardown"), WAIT).toBe((before[1] ?? 0) + 1);
    await nobodyTalks();
    const seen = sequences.length;
    await expect.poll(() => sequences.length, WAIT).toBeGreaterThan(seen + 5);
    expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0) + index));
    expect(statuses.map(({ state }) => state)).not.toContain("waiting-to-retry");
    await expect
      .poll(() => server.events.findLast(({ event }) => event === "closed"), WAIT)
      .toMatchObject({ talks: true, talkers: 0 });
  });

  test("let go and pressed again within a minute it is the same conversation, then another", async () => {
    hub.clock.nowMs += 120_000;
    const before = entries();
    for (const passedMs of [0, 30_000, 90_000]) {
      hub.clock.nowMs += passedMs;
      using speaker = await talk("gate");
      expect(await speaker.opened).toBe("PCMA");
      speaker.socket.close();
      await nobodyTalks();
    }
    expect(entries()).toBe(before + 2);
  });

  test("is for one at a time at each camera; the second is told, and enters nothing", async () => {
    const adult = await hub.admit("adult");
    using first = await talk("door");
    await first.opened;
    const before = entries();
    using second = await talk("door", adult);
    expect(await second.closed).toBe(TALK_CLOSE.refused);
    expect(second.said).toMatchObject([{ type: "ended", code: "TALK_BUSY" }]);
    expect(entries()).toBe(before);
    const listed = await hub.call("GET", "/api/talk", { as: adult });
    expect(listed.json<TalkAnswer>().cameras.find(({ camera }) => camera === "door")?.state).toBe(
      "busy",
    );
    using elsewhere = await talk("gate", adult);
    expect(await elsewhere.opened).toBe("PCMA");
  });

  const troubles = [
    [
      "the page vanishes without a word",
      "door",
      (speaker: TalkSocket) => speaker.socket.terminate(),
    ],
    [
      "it sends more than a microphone gives",
      "gate",
      (speaker: TalkSocket) => {
        for (let count = 0; count < 20; count += 1) speaker.socket.send(spoken(1_600));
      },
    ],
    [
      "one message is too long",
      "door",
      (speaker: TalkSocket) => speaker.socket.send(spoken(1_601)),
    ],
    ["it sends words", "gate", (speaker: TalkSocket) => speaker.socket.send('{"type":"end"}')],
  ] as const;
  test.each(troubles)("ends, and the camera is told, when %s", async (_why, camera, trouble) => {
    await nobodyTalks();
    const before = server.count("teardown");
    using speaker = await talk(camera);
    await speaker.opened;
    trouble(speaker);
    expect([1006, TALK_CLOSE.notUnderstood]).toContain(await speaker.closed);
    await nobodyTalks();
    await expect.poll(() => server.count("teardown"), WAIT).toBe(before + 1);
  });

  test("what was found out of a camera is remembered, and said with what to do", async () => {
    for (const [camera, code] of [
      ["plain", "NO_BACK_CHANNEL"],
      ["studio", "UNSUPPORTED_CODEC"],
    ] as const) {
      using speaker = await talk(camera);
      expect(await speaker.closed).toBe(TALK_CLOSE.refused);
      expect(speaker.said).toMatchObject([{ type: "ended", code }]);
    }
    const { cameras: known } = (
      await hub.call("GET", "/api/talk", { as: owner })
    ).json<TalkAnswer>();
    expect(known.map(({ camera, state }) => `${camera} ${state}`)).toEqual([
      ...[
        "door able",
        "gate able",
        "plain unable",
        "studio unable",
        "both untried",
        "dead untried",
      ],
    ]);
    expect(known[3]?.problem?.message).toContain("set its audio to G.711");
  });

  test("a camera that takes sound on its small stream only is talked at there", async () => {
    const before = server.heard("gate").length;
    using speaker = await talk("both");
    expect(await speaker.opened).toBe("PCMA");
    await speaker.speak(spoken(1_600));
    await expect.poll(() => heardSince("gate", before).length, WAIT).toBe(1_600);
  });

  const refused: readonly (readonly [string, string, string])[] = [
    ["nowhere", "NOT_FOUND", "no camera"],
    ["quiet", "TALK_OFF", "switched off in the settings"],
    ["file", "TALK_OFF", "kind of source"],
    ["dead", "UNREACHABLE", "Cannot reach camera"],
  ];
  test.each(refused)("at %s it is refused: %s", async (camera, code, words) => {
    using speaker = await talk(camera);
    expect(await speaker.closed).toBe(TALK_CLOSE.refused);
    const [said] = speaker.said;
    expect(said).toMatchObject({ type: "ended", code });
    expect(said?.type === "ended" ? said.message : "").toContain(words);
  });

  test("is not for who may not look, another site's page, or nobody", async () => {
    const viewer = await hub.admit("viewer");
    await expect(talk("door", viewer)).rejects.toThrow("refused with 403");
    await expect(openTalk(hub.hub.url, "door", {})).rejects.toThrow("refused with");
    const cookie = `doorward-session=${owner.token}`;
    for (const origin of ["http://elsewhere.example", "http://localhost:1"])
      await expect(openTalk(hub.hub.url, "door", { headers: { cookie, origin } })).rejects.toThrow(
        "refused with 403",
      );
    await expect(openTalk(hub.hub.url, "door", { headers: { cookie } })).rejects.toThrow(
      "refused with 403",
    );
    using own = await openTalk(hub.hub.url, "door", { headers: { cookie, origin: hub.hub.url } });
    expect(await own.opened).toBe("PCMU");
  });

  test("ends with the device that talks, and with the switch that takes the camera away", async () => {
    const phone = await hub.admit("owner", { person: owner.bundle.person });
    await nobodyTalks();
    using speaker = await talk("door", phone);
    await speaker.opened;
    const readers = await newReaders(hub.hub.services.household.keyring);
    await hub.change({ kind: "remove", device: phone.key.device, readers });
    expect(await speaker.closed).toBe(TALK_CLOSE.sessionOver);
    await nobodyTalks();

    using other = await talk("gate");
    await other.opened;
    const off = { state: "off" };
    expect((await hub.call("POST", "/api/privacy/gate", { as: owner, body: off })).statusCode).toBe(
      200,
    );
    expect(await other.closed).toBe(TALK_CLOSE.refused);
    expect(other.said.at(-1)).toMatchObject({ code: "CAMERA_OFF" });
    using again = await talk("gate");
    expect(await again.closed).toBe(TALK_CLOSE.refused);
    expect(again.said).toMatchObject([{ code: "CAMERA_OFF" }]);
    const on = { state: "on" };
    await hub.call("POST", "/api/privacy/gate", { as: owner, body: on });
  });

  test("everything that it connects to can be looked up", async () => {
    await nobodyTalks();
    const { connections } = hub.hub.services;
    const talks = connections.list().filter(({ what }) => what.startsWith("talk "));
    const address = `127.0.0.1:${server.port}`;
    expect(talks.map(({ what }) => what)).toEqual(
      ["both", "dead", "door", "gate", "plain", "studio"].map((camera) => `talk ${camera}`),
    );
    expect(talks.find(({ what }) => what === "talk door")).toMatchObject({ address, open: false });
    expect(talks.find(({ what }) => what === "talk dead")?.lastAtMs).toBeNull();
  });

  describe("a recorded reply", () => {
    const add = (name: string, sound: Uint8Array, as = owner) =>
      hub.call("POST", "/api/replies", { as, body: { name, sound: toBase64(sound) } });
    const replies = async (): Promise<TalkAnswer["replies"]> =>
      (await hub.call("GET", "/api/talk", { as: owner })).json<TalkAnswer>().replies;

    test("is said as it was recorded, to the end, in the law that the camera wants", async () => {
      const sound = spoken(8_000);
      expect((await add("One moment", sound)).statusCode).toBe(200);
      const [reply] = await replies();
      expect(reply).toMatchObject({ name: "One moment", durationMs: 1_000 });
      const heard = await hub.call("GET", `/api/replies/${reply?.id ?? ""}`, { as: owner });
      expect(heard.json()).toEqual({ sound: toBase64(sound) });
      const coded = encodeG711("PCMA", decodeG711("PCMU", sound));
      for (const [camera, expected] of [
        ["door", sound],
        ["gate", coded],
      ] as const) {
        await nobodyTalks();
        const before = server.heard(camera).length;
        const url = `/api/talk/${camera}/replies/${reply?.id ?? ""}`;
        const said = await hub.call("POST", url, { as: owner });
        expect([said.statusCode, said.json()]).toEqual([200, { durationMs: 1_000 }]);
        await expect.poll(() => heardSince(camera, before).length, WAIT).toBe(sound.length);
        expect(heardSince(camera, before).equals(expected)).toBe(true);
      }
    });

    test("is kept by owners, said by whoever may talk, and refused with the reason", async () => {
      const adult = await hub.admit("adult");
      expect((await add("Mine", spoken(2_000), adult)).statusCode).toBe(403);
      expect((await add("One moment", spoken(2_000))).json()).toMatchObject({
        code: "REPLY_KNOWN",
      });
      expect((await add("  ", spoken(2_000))).json()).toMatchObject({ field: "name" });
      expect((await add("Slip", spoken(100))).json()).toMatchObject({ field: "sound" });
      expect((await add("Speech", spoken(120_001))).statusCode).toBe(422);
      const [{ id } = { id: "" }] = await replies();
      for (const [camera, code] of [
        ["plain", "NO_BACK_CHANNEL"],
        ["quiet", "TALK_OFF"],
      ]) {
        const said = await hub.call("POST", `/api/talk/${camera}/replies/${id}`, { as: adult });
        expect([said.statusCode, said.json<{ code: string }>().code]).toEqual([409, code]);
      }
      const unknown = await hub.call("POST", `/api/talk/door/replies/${"0".repeat(32)}`, {
        as: adult,
      });
      expect(unknown.statusCode).toBe(404);
    });

    test("is said from the command line, by its name", async () => {
      const directory = mkdtempSync(path.join(os.tmpdir(), "doorward-say-"));
      try {
        await nobodyTalks();
        const { keys } = cliOwner(directory, owner.bundle, hub.hub.url);
        const before = server.heard("door").length;
        const run = (...args: string[]): Promise<CommandResult> =>
          runCli(["cameras", "say", ...args, "--keys", keys], directory);
        const said = await run("door", "one moment");
        expect(said).toMatchObject({ code: 0, stdout: "Said at door: One moment (1.0 s).\n" });
        await expect.poll(() => heardSince("door", before).length, WAIT).toBe(8_000);
        const unknown = await run("door", "two moments");
        expect(unknown.code).toBe(1);
        expect(unknown.stderr).toContain("there are: One moment");
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });

    test("is one of eight at the most, and gone when it is deleted", async () => {
      for (let count = 2; count <= 8; count += 1)
        expect((await add(`Reply ${count}`, spoken(2_000))).statusCode).toBe(200);
      expect((await add("A ninth", spoken(2_000))).json()).toMatchObject({
        code: "TOO_MANY_REPLIES",
      });
      for (const { id } of await replies())
        expect((await hub.call("DELETE", `/api/replies/${id}`, { as: owner })).statusCode).toBe(
          200,
        );
      expect(await replies()).toEqual([]);
    });
  });

  test("ends when the camera hangs, within 10 s, and no process is left", async () => {
    using speaker = await talk("door");
    await speaker.opened;
    server.freeze();
    try {
      const startedAtMs = performance.now();
      const stop = new AbortController();
      void keepTalking(speaker, stop.signal);
      expect(await speaker.closed).toBe(TALK_CLOSE.refused);
      stop.abort();
      expect(performance.now() - startedAtMs).toBeLessThan(12_000);
      expect(speaker.said.at(-1)).toMatchObject({ type: "ended", code: "SILENT" });
      await expect.poll(talkers, WAIT).toBe(0);
    } finally {
      server.thaw();
    }
  });

  test("ends with the hub: the camera is told, and nothing is left", async () => {
    const own = await startTestHub({ settings: { cameras: talkCameras(server) } });
    using speaker = await openTalk(own.hub.url, "door", { token: own.owner.token });
    await speaker.opened;
    const before = server.count("teardown");
    await own[Symbol.asyncDispose]();
    expect(await talkers()).toBe(0);
    expect([TALK_CLOSE.refused, TALK_CLOSE.hubStops, 1005, 1006]).toContain(await speaker.closed);
    await expect.poll(() => server.count("teardown"), WAIT).toBe(before + 1);
  });
});

async function keepTalking(speaker: TalkSocket, signal: AbortSignal): Promise<void> {
  const { socket } = speaker;
  while (!signal.aborted && socket.readyState === socket.OPEN) await speaker.speak(spoken(1_600));
}
