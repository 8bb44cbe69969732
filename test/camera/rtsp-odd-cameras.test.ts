import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CameraStream, type CameraStatus, type StreamTiming } from "../../src/camera/stream.ts";
import { CUTTING_START, cutVideo } from "../../src/clips/cutting.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { sequenceSet } from "./h264-bits.ts";
import {
  interleaved,
  PICTURE_SET,
  pictures,
  response,
  rtpPacket,
  slice,
  startScriptedCamera,
  VIDEO_SDP,
  type CameraRequest,
  type CameraScript,
} from "./scripted-camera.ts";

interface Watched extends AsyncDisposable {
  readonly fragments: Fragment[];
  readonly statuses: CameraStatus[];
  until(isReached: () => boolean): Promise<void>;
}

function watch(url: string, timing: Partial<StreamTiming> = {}, allowBasic = false): Watched {
  const fragments: Fragment[] = [];
  const statuses: CameraStatus[] = [];
  const stream = CameraStream.start({
    camera: parseCameraId("front"),
    role: "main",
    source: { kind: "rtsp", url, username: "viewer", password: "secret", allowBasic, audio: false },
    clock: systemClock,
    onFragment: (fragment) => fragments.push(fragment),
    onStatus: (status) => statuses.push(status),
    timing: { retryFirstMs: 100, retryMaxMs: 200, ...timing },
  });
  return {
    fragments,
    statuses,
    async until(isReached) {
      while (!isReached()) await sleep(10);
    },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

function failures({ statuses }: Watched): string[] {
  return statuses.flatMap((status) => (status.state === "waiting-to-retry" ? [status.code] : []));
}

/** Sends what it is given for picture n, every 20 ms, from the answer to PLAY on. */
function play(request: CameraRequest, give: (n: number) => readonly Uint8Array[]): string {
  let n = 0;
  const timer = setInterval(() => {
    if (request.socket.destroyed) return clearInterval(timer);
    for (const part of give(n)) request.socket.write(part);
    n += 1;
  }, 20);
  return response(request, "200 OK", ["Session: 12345678"]);
}

const honest = (n: number): readonly Uint8Array[] => pictures(1, n);
const CHALLENGE = 'WWW-Authenticate: Digest realm="camera", nonce="n1", algorithm=MD5';

function isLoggedIn({ headers }: CameraRequest, nonce = "n1"): boolean {
  return headers.get("authorization")?.includes(`nonce="${nonce}"`) === true;
}

function sessionOf(request: CameraRequest, session: string): string {
  return response(request, "200 OK", [
    session,
    `Transport: ${request.headers.get("transport")?.replace("0-1", "6-7")}`,
  ]);
}

describe.concurrent("cameras as they are", () => {
  test("one that hangs up with its challenge is told the password on the next connection", async () => {
    await using camera = await startScriptedCamera((request) => {
      if (request.method === "PLAY") return play(request, honest);
      if (isLoggedIn(request)) return undefined;
      request.socket.end(response(request, "401 Unauthorized", [CHALLENGE]));
      return null;
    });
    await using watched = watch(camera.url);
    await watched.until(() => watched.fragments.length > 5);
    expect(failures(watched)).toEqual([]);
    expect(camera.connections()).toBe(2);
  });

  test("a nonce that runs out while it plays is followed, and the stream goes on", async () => {
    let asked = 0;
    await using camera = await startScriptedCamera((request) => {
      if (request.method === "SETUP") return sessionOf(request, "Session: a;timeout=2");
      if (request.method === "PLAY")
        return play(request, (n) => honest(n).map((part) => onChannel(part, 6)));
      if (request.method !== "GET_PARAMETER") return undefined;
      asked += 1;
      return isLoggedIn(request)
        ? undefined
        : response(request, "401 Unauthorized", [`${CHALLENGE}, stale=true`]);
    });
    await using watched = watch(camera.url);
    await watched.until(() => asked >= 3);
    expect(failures(watched)).toEqual([]);
    expect(camera.connections()).toBe(1);
  });

  test("a password that is refused while it plays is not sent again, and the stream goes on", async () => {
    let asked = 0;
    await using camera = await startScriptedCamera((request) => {
      if (request.method === "SETUP") return sessionOf(request, "Session: a;timeout=2");
      if (request.method === "PLAY")
        return play(request, (n) => honest(n).map((part) => onChannel(part, 6)));
      if (request.method !== "GET_PARAMETER") return undefined;
      asked += 1;
      return response(request, "401 Unauthorized", [CHALLENGE]);
    });
    await using watched = watch(camera.url);
    await watched.until(() => asked >= 2);
    const { length } = watched.fragments;
    await watched.until(() => watched.fragments.length > length + 100);
    expect(asked).toBe(2);
    expect(failures(watched)).toEqual([]);
  });

  test.each([
    ["no such session", "454 Session Not Found", "GET_PARAMETER"],
    ["no such method", "405 Method Not Allowed", "OPTIONS"],
  ])("%s in answer to a keep-alive (%s): the next one is %s", async (_name, status, next) => {
    const kept: string[] = [];
    await using camera = await startScriptedCamera((request) => {
      if (request.method === "SETUP") return sessionOf(request, "Session: a;timeout=2");
      if (request.method === "PLAY")
        return play(request, (n) => honest(n).map((part) => onChannel(part, 6)));
      if (request.headers.get("session") !== "a") return undefined;
      kept.push(request.method);
      return kept.length === 1 ? response(request, status) : undefined;
    });
    await using watched = watch(camera.url);
    await watched.until(() => kept.length >= 2);
    expect(kept).toEqual(["GET_PARAMETER", next]);
    expect(failures(watched)).toEqual([]);
  });

  test("basic goes out where it is allowed, and only after the camera asked", async () => {
    await using camera = await startScriptedCamera((request) => {
      if (request.method === "PLAY") return play(request, honest);
      const isIn = request.headers.get("authorization")?.startsWith("Basic") === true;
      return isIn
        ? undefined
        : response(request, "401 Unauthorized", ['WWW-Authenticate: Basic realm="camera"']);
    });
    await using watched = watch(camera.url, {}, true);
    await watched.until(() => watched.fragments.length > 5);
    expect(camera.received[0]).not.toContain("Authorization");
  });

  test("key frames further apart than the watchdog's patience are waited for", async () => {
    const late: CameraScript = (request) =>
      request.method === "PLAY"
        ? play(request, (n) => [
            interleaved(
              0,
              rtpPacket({
                ...{ sequenceNumber: n, timestamp: n * 1_800, marker: true },
                payload: slice(n === 60 ? "key" : "other", 200),
              }),
            ),
          ])
        : undefined;
    await using camera = await startScriptedCamera(late);
    await using watched = watch(camera.url, { silenceMs: 400 });
    await watched.until(() => watched.fragments.length > 5);
    expect(failures(watched)).toEqual([]);
  });

  test("an aggregate, ranges and sessions as the simplest servers know them", async () => {
    await using camera = await startScriptedCamera(
      (request) => {
        if (request.method === "SETUP")
          return response(request, "200 OK", ["Transport: RTP/AVP;interleaved=0-1"]);
        if (request.method !== "PLAY") return undefined;
        if (request.headers.has("range")) return response(request, "457 Invalid Range");
        return `\r\n\r\n${play(request, honest)}`;
      },
      VIDEO_SDP.replace("a=control:*\r\n", "").replace("RTP/AVP 96", "RTP/AVP/TCP 96"),
    );
    await using watched = watch(camera.url);
    await watched.until(() => watched.fragments.length > 5);
    expect(camera.received.join("")).not.toContain("Session:");
    expect(failures(watched)).toEqual([]);
  });

  test("questions of the camera are answered, and a good-bye over RTCP is not believed", async () => {
    const questions = ["OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "PLAY_NOTIFY"];
    const asking = Buffer.from(
      questions
        .map((method, index) => `${method} * RTSP/1.0\r\nCSeq: ${500 + index}\r\n\r\n`)
        .join(""),
    );
    const goodBye = interleaved(1, Buffer.from([0x81, 203, 0, 1, 0, 0, 0, 7]));
    await using camera = await startScriptedCamera((request) =>
      request.method === "PLAY"
        ? play(request, (n) => [...(n === 5 ? [asking, goodBye] : []), ...honest(n)])
        : undefined,
    );
    await using watched = watch(camera.url);
    await watched.until(() => watched.fragments.length > 40);
    const received = camera.received.join("");
    for (const number of [500, 501, 502, 503])
      expect(received).toContain(`RTSP/1.0 200 OK\r\nCSeq: ${number}`);
    expect(received).toContain("RTSP/1.0 501 Not Implemented\r\nCSeq: 504");
    expect(failures(watched)).toEqual([]);
  });
});

describe("another resolution in the middle of a stream", () => {
  test.each([
    ["with the same number", 0],
    ["with a number of its own", 1],
  ])("%s: another init segment, and the recorder begins another segment", async (_name, id) => {
    const large = sequenceSet({ width: 1_280, height: 720 });
    const small = sequenceSet({ width: 640, height: 352, id });
    await using camera = await startScriptedCamera((request) =>
      request.method === "PLAY"
        ? play(request, (n) => {
            const at = { sequenceNumber: 3 * n, timestamp: n * 1_800, marker: false };
            const sets = [n < 20 ? large : small, PICTURE_SET].map((payload, index) =>
              rtpPacket({ ...at, sequenceNumber: at.sequenceNumber + index, payload }),
            );
            const payload = slice(n % 10 === 0 ? "key" : "other", 200);
            const picture = { ...at, sequenceNumber: at.sequenceNumber + 2, marker: true, payload };
            return [...sets, rtpPacket(picture)].map((packet) => interleaved(0, packet));
          })
        : undefined,
    );
    await using watched = watch(camera.url);
    await watched.until(() => watched.fragments.length > 35);
    const sizes = watched.fragments.slice(0, 35).map(({ init }) => init.width);
    expect(sizes).toEqual([...Array(20).fill(1_280), ...Array(15).fill(640)]);
    expect(new Set(watched.fragments.map(({ init }) => init)).size).toBe(2);
    let cutting = CUTTING_START;
    const steps = watched.fragments.slice(0, 35).map((fragment) => {
      const decision = cutVideo(cutting, fragment);
      ({ cutting } = decision);
      return decision.step;
    });
    expect(steps.flatMap((step, index) => (step === "append" ? [] : [index]))).toEqual([0, 20]);
    expect(failures(watched)).toEqual([]);
  });
});

/** The same packet on another channel. */
function onChannel(packet: Uint8Array, channel: number): Buffer {
  const moved = Buffer.from(packet);
  moved[1] = channel;
  return moved;
}
