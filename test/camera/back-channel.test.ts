import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CameraError } from "../../src/camera/camera-error.ts";
import { BACK_CHANNEL_TIMING, BackChannel } from "../../src/camera/talk/back-channel.ts";
import { SpeechSender } from "../../src/camera/talk/speech-sender.ts";
import {
  ONVIF_TALK_COMMANDS,
  startOnvifTalkServer,
  type OnvifTalkServer,
} from "../support/onvif-talk-server.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  interleaved,
  response,
  rtpPacket,
  startScriptedCamera,
  VIDEO_SDP,
  type CameraScript,
} from "./scripted-camera.ts";

const isMissing = missingCommands(...ONVIF_TALK_COMMANDS);
const WAIT = { timeout: 15_000, interval: 20 };

const IMPATIENT = { answerMs: 500, keepAliveMs: 300 };

const open = (
  url: string,
  password: string | null = null,
  timing = BACK_CHANNEL_TIMING,
): Promise<BackChannel> =>
  BackChannel.open({
    timing,
    url,
    credentials: password === null ? null : { username: "door", password, allowBasic: false },
    signal: AbortSignal.timeout(20_000),
  });

async function refusal(opening: Promise<BackChannel>): Promise<CameraError> {
  try {
    await using opened = await opening;
    throw new Error(`opened with ${opened.law}`);
  } catch (error) {
    if (error instanceof CameraError) return error;
    throw error;
  }
}

/** Says it all and waits until it is said. */
async function speak(channel: BackChannel, bytes: Uint8Array): Promise<void> {
  const { payloadType } = channel;
  const sender = new SpeechSender({
    ...{ payloadType, queueBytesMax: bytes.length },
    send: (packet) => channel.send(packet),
  });
  sender.push(bytes);
  sender.finish();
  for (;;) {
    const waitMs = sender.tick(performance.now());
    if (waitMs === null) return;
    await sleep(waitMs);
  }
}

/** Every byte there is, many times and in an order that no loss keeps. */
const spoken = Uint8Array.from({ length: 8_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);

describe.skipIf(isMissing)("with GStreamer's ONVIF camera", () => {
  let server: OnvifTalkServer;
  const password = 'pa"ss\\word';
  beforeAll(async () => {
    server = await startOnvifTalkServer({
      mounts: { door: "PCMU", gate: "PCMA", studio: "OPUS", plain: "none" },
      ...{ username: "door", password },
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each([
    ["PCMU", "door", 0],
    ["PCMA", "gate", 8],
  ] as const)(
    "%s: what arrives is what was sent, 20 ms a packet, and then it is closed",
    async (law, mount, payloadType) => {
      const [closed, tornDown] = [server.count("closed"), server.count("teardown")];
      const channel = await open(server.url(mount), password);
      expect([channel.law, channel.payloadType]).toEqual([law, payloadType]);
      await speak(channel, spoken);
      await expect.poll(() => server.packets(mount).length, WAIT).toBe(50);
      expect(server.heard(mount).equals(spoken)).toBe(true);
      const packets = server.packets(mount);
      packets.forEach((packet, index) => {
        const before = packets[index - 1];
        expect(packet.marker).toBe(index === 0);
        expect(packet.payloadType).toBe(payloadType);
        if (!before) return;
        expect((packet.sequence - before.sequence) & 0xffff).toBe(1);
        expect((packet.timestamp - before.timestamp) >>> 0).toBe(160);
      });
      await channel[Symbol.asyncDispose]();
      await expect.poll(() => server.count("teardown"), WAIT).toBe(tornDown + 1);
      await expect.poll(() => server.count("closed"), WAIT).toBe(closed + 1);
      expect(server.events.at(-1)).toEqual({ event: "closed", talks: true, talkers: 0 });
    },
  );

  test("what it cannot take is said plainly, and leaves no connection", async () => {
    expect(await refusal(open(server.url("plain"), password))).toMatchObject({
      code: "NO_BACK_CHANNEL",
    });
    const opus = await refusal(open(server.url("studio"), password));
    expect(opus.code).toBe("UNSUPPORTED_CODEC");
    expect(opus.message).toContain("OPUS at 48000 Hz only; set its audio to G.711");
    expect((await refusal(open(server.url("door"), "wrong"))).code).toBe("WRONG_PASSWORD");
    expect((await refusal(open(server.url("door")))).code).toBe("WRONG_PASSWORD");
    expect((await refusal(open(server.url("nothing"), password))).code).toBe("NO_SUCH_STREAM");
    await expect
      .poll(() => server.events.at(-1), WAIT)
      .toMatchObject({ event: "closed", talkers: 0 });
  });
});

const TALK_SDP = [
  VIDEO_SDP.trimEnd(),
  ...["m=audio 0 RTP/AVP 97 8 0", "a=rtpmap:97 MPEG4-GENERIC/16000", "a=control:track2"],
  ...["a=recvonly", "m=audio 0 RTP/AVP 97 8", "a=rtpmap:97 MPEG4-GENERIC/16000", "a=sendonly"],
  ...["a=control:track3", "m=audio 0 RTP/AVP 0", "a=sendonly", "a=control:track4", ""],
].join("\r\n");

const REQUIRED = ["DESCRIBE", "SETUP", "PLAY"];
/** As ONVIF has it: without the word the camera says nothing of what it takes. */
const onvif: CameraScript = (request) => {
  const isAsked = request.headers.get("require") === "www.onvif.org/ver20/backchannel";
  return REQUIRED.includes(request.method) && !isAsked ? response(request, "400 No") : undefined;
};

describe("with a camera that", () => {
  test("takes two laws on two tracks: PCMU is taken, asked for as ONVIF says, and no Range", async () => {
    await using camera = await startScriptedCamera(onvif, TALK_SDP);
    const channel = await open(camera.url);
    expect(channel.law).toBe("PCMU");
    await channel[Symbol.asyncDispose]();
    await expect.poll(() => camera.received.join("")).toContain("TEARDOWN");
    const asked = camera.received.join("");
    expect(asked).toMatch(/^SETUP \S+\/track4 RTSP/m);
    expect(asked.match(/^SETUP/gm)).toHaveLength(1);
    expect(asked).not.toMatch(/^Range:/im);
    expect(asked).toMatch(/^Transport: RTP\/AVP\/TCP;unicast;interleaved=0-1\r$/m);
  });

  test("offers PCMA behind another codec on one track: its own payload type is used", async () => {
    const sdp = TALK_SDP.slice(0, TALK_SDP.indexOf("m=audio 0 RTP/AVP 0\r"));
    await using camera = await startScriptedCamera(onvif, sdp);
    await using channel = await open(camera.url);
    expect([channel.law, channel.payloadType]).toEqual(["PCMA", 8]);
  });

  const refuse =
    (method: string, status: string): CameraScript =>
    (request) =>
      request.method === method ? response(request, status) : undefined;

  const hostile: readonly (readonly [string, string, CameraScript, string?])[] = [
    ["knows no back channel", "NO_BACK_CHANNEL", refuse("DESCRIBE", "551 Option not supported")],
    ["ignores the question", "NO_BACK_CHANNEL", () => undefined, VIDEO_SDP],
    [
      "only sends sound",
      "NO_BACK_CHANNEL",
      () => undefined,
      TALK_SDP.replaceAll("a=sendonly", "a=recvonly"),
    ],
    [
      "takes G.711 at another rate",
      "UNSUPPORTED_CODEC",
      () => undefined,
      `${VIDEO_SDP}m=audio 0 RTP/AVP 96\r\na=rtpmap:96 PCMU/16000\r\na=sendonly\r\n`,
    ],
    ["has somebody talking already", "PROTOCOL_ERROR", refuse("SETUP", "453 Not Enough Bandwidth")],
    ["refuses to listen", "PROTOCOL_ERROR", refuse("PLAY", "455 Method Not Valid")],
    ["sends it elsewhere", "REDIRECT_REFUSED", refuse("DESCRIBE", "302 Found")],
    [
      "wants UDP",
      "PROTOCOL_ERROR",
      (request) =>
        request.method === "SETUP"
          ? response(request, "200 OK", ["Session: 1", "Transport: RTP/AVP;client_port=9-10"])
          : undefined,
    ],
    [
      "names a channel that there is not",
      "PROTOCOL_ERROR",
      (request) =>
        request.method === "SETUP"
          ? response(request, "200 OK", [
              "Session: 1",
              "Transport: RTP/AVP/TCP;unicast;interleaved=700-701",
            ])
          : undefined,
    ],
    [
      "answers with no description",
      "PROTOCOL_ERROR",
      (request) => (request.method === "DESCRIBE" ? response(request, "200 OK") : undefined),
    ],
    [
      "hangs up in the middle",
      "UNREACHABLE",
      (request) => {
        if (request.method === "SETUP") request.socket.destroy();
        return request.method === "SETUP" ? null : undefined;
      },
    ],
    [
      "has a head without an end",
      "PROTOCOL_ERROR",
      (request) => {
        if (request.method !== "DESCRIBE") return undefined;
        request.socket.write(`RTSP/1.0 200 OK\r\nX-Long: ${"a".repeat(70_000)}`);
        return null;
      },
    ],
  ];
  const cases = hostile.map(([what, code, script, sdp = TALK_SDP]) => ({
    ...{ what, code, script, sdp },
  }));
  test.each(cases)("$what: $code", async ({ code, script, sdp }) => {
    await using camera = await startScriptedCamera(script, sdp);
    const error = await refusal(open(camera.url));
    expect(error.code).toBe(code);
    expect(error.message).not.toMatch(/\p{Cc}/u);
    await expect.poll(() => camera.sockets().every((socket) => socket.destroyed), WAIT).toBe(true);
  });

  test("says nothing to PLAY: it is given up, and told good-bye", async () => {
    await using camera = await startScriptedCamera(
      (request) => (request.method === "PLAY" ? null : undefined),
      TALK_SDP,
    );
    expect((await refusal(open(camera.url, null, IMPATIENT))).code).toBe("SILENT");
    await expect.poll(() => camera.received.join(""), WAIT).toContain("TEARDOWN");
  });

  test("hangs while it is talked at: noticed, and in 10 s at the most", async () => {
    expect(BACK_CHANNEL_TIMING.answerMs + BACK_CHANNEL_TIMING.keepAliveMs).toBeLessThan(10_000);
    await using camera = await startScriptedCamera(
      (request) => (request.method === "GET_PARAMETER" ? null : undefined),
      TALK_SDP,
    );
    await using channel = await open(camera.url, null, IMPATIENT);
    expect((await channel.ended).code).toBe("SILENT");
  });

  test("wants the password again with a new nonce: it is kept up", async () => {
    let nonce = 1;
    const challenge = (): string[] => [
      `WWW-Authenticate: Digest realm="door", nonce="n${nonce}", qop="auth", stale=${nonce > 1 ? "true" : "false"}`,
    ];
    await using camera = await startScriptedCamera((request) => {
      const shown = request.headers.get("authorization") ?? "";
      if (!shown.includes(`nonce="n${nonce}"`))
        return response(request, "401 Unauthorized", challenge());
      // Used up by the next request.
      if (request.method === "SETUP" && request.count < 3) nonce += 1;
      return undefined;
    }, TALK_SDP);
    await using channel = await open(camera.url, "secret");
    expect(channel.law).toBe("PCMU");
    expect(nonce).toBeGreaterThan(1);
    expect(camera.received.join("")).not.toContain("secret");
  });

  test("hangs up as it asks for the password: it is shown on the next connection", async () => {
    let asked = 0;
    await using camera = await startScriptedCamera((request) => {
      if (request.headers.has("authorization")) return undefined;
      if (request.method !== "DESCRIBE") return undefined;
      asked += 1;
      const challenge = 'WWW-Authenticate: Digest realm="door", nonce="n1", qop="auth"';
      request.socket.end(response(request, "401 Unauthorized", [challenge]));
      return null;
    }, TALK_SDP);
    await using channel = await open(camera.url, "secret");
    expect(channel.law).toBe("PCMU");
    expect([asked, camera.connections()]).toEqual([1, 2]);
  });

  test("floods back sound and rubbish: none of it is kept, and it can still be talked at", async () => {
    const noise = interleaved(
      0,
      rtpPacket({ sequenceNumber: 1, timestamp: 1, marker: true, payload: Buffer.alloc(1_000) }),
    );
    await using camera = await startScriptedCamera((request) => {
      if (request.method === "PLAY")
        setImmediate(() => {
          for (let count = 0; count < 2_000; count += 1) request.socket.write(noise);
          request.socket.write(Buffer.alloc(100_000, "x"));
        });
      return undefined;
    }, TALK_SDP);
    await using channel = await open(camera.url);
    await speak(channel, spoken);
    const heard = (): number => Buffer.byteLength(camera.received.join(""), "latin1");
    await expect.poll(heard, WAIT).toBeGreaterThan(spoken.length);
  });
});
