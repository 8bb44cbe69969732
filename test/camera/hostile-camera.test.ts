import { createServer } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CameraStream, type CameraSource, type CameraStatus } from "../../src/camera/stream.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import {
  interleaved,
  pictures,
  response,
  startScriptedCamera,
  VIDEO_SDP,
  type CameraScript,
} from "./scripted-camera.ts";

const PASSWORD = "correct horse";

interface Watched extends AsyncDisposable {
  readonly stream: CameraStream;
  readonly fragments: Fragment[];
  readonly statuses: CameraStatus[];
  until(test: (status: CameraStatus) => boolean): Promise<CameraStatus>;
  failure(): Promise<CameraStatus & { state: "waiting-to-retry" }>;
}

function watch(url: string, source: Partial<CameraSource & { kind: "rtsp" }> = {}): Watched {
  const fragments: Fragment[] = [];
  const statuses: CameraStatus[] = [];
  const stream = CameraStream.start({
    camera: parseCameraId("front"),
    role: "main",
    source: { kind: "rtsp", url, username: "viewer", password: PASSWORD, audio: false, ...source },
    clock: systemClock,
    onFragment: (fragment) => fragments.push(fragment),
    onStatus: (status) => statuses.push(status),
    timing: { silenceMs: 600, retryFirstMs: 60_000, retryMaxMs: 60_000 },
  });
  const until = async (isWanted: (status: CameraStatus) => boolean): Promise<CameraStatus> => {
    for (;;) {
      const found = statuses.find(isWanted);
      if (found !== undefined) return found;
      await sleep(10);
    }
  };
  return {
    stream,
    fragments,
    statuses,
    until,
    async failure() {
      const status = await until(({ state }) => state === "waiting-to-retry");
      if (status.state !== "waiting-to-retry") throw new Error("not waiting");
      return status;
    },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

/** Sends what `bytes` gives right after the answer to PLAY. */
function afterPlay(bytes: () => readonly Uint8Array[]): CameraScript {
  return (request) => {
    if (request.method !== "PLAY") return undefined;
    request.socket.write(response(request, "200 OK", ["Session: 12345678"]));
    for (const part of bytes()) request.socket.write(part);
    return null;
  };
}

const DIGEST = 'WWW-Authenticate: Digest realm="camera", nonce="n1", qop="auth", algorithm=SHA-256';

describe("a camera that behaves", () => {
  test("streams, and is said good-bye to when the stream is closed", async () => {
    await using camera = await startScriptedCamera(afterPlay(() => pictures(30)));
    const watched = watch(camera.url);
    expect(await watched.until(({ state }) => state === "streaming")).toMatchObject({
      codec: "avc1.42c028",
      width: 1920,
      height: 1080,
      fps: 15,
      sound: { state: "off" },
    });
    while (watched.fragments.length < 30) await sleep(5);
    await watched[Symbol.asyncDispose]();
    expect(camera.received.at(-1)).toMatch(/^TEARDOWN /);
    expect(watched.statuses.at(-1)).toEqual({ state: "idle" });
    expect(watched.fragments.map((fragment) => fragment.sequence)).toEqual([...Array(30).keys()]);
  });

  test("is kept alive within its session's time-out, by OPTIONS where it knows nothing else", async () => {
    const kept: string[] = [];
    await using camera = await startScriptedCamera((request) => {
      if (request.method === "OPTIONS" && request.count === 1)
        return response(request, "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY"]);
      if (request.method === "SETUP")
        return response(request, "200 OK", [
          "Session: abc;timeout=2",
          `Transport: ${request.headers.get("transport")}`,
        ]);
      if (request.headers.get("session") === "abc") kept.push(request.method);
      if (request.method !== "PLAY") return undefined;
      let sent = 0;
      const timer = setInterval(() => {
        if (request.socket.destroyed) clearInterval(timer);
        else request.socket.write(Buffer.concat(pictures(1, sent)));
        sent += 1;
      }, 50);
      return undefined;
    });
    await using watched = watch(camera.url);
    await watched.until(({ state }) => state === "streaming");
    await sleep(2_500);
    expect(kept).toEqual(["PLAY", "OPTIONS", "OPTIONS"]);
  });

  test("gets the password as SHA-256 digest, once it asked, and a fresh nonce is followed", async () => {
    await using camera = await startScriptedCamera((request) => {
      const authorization = request.headers.get("authorization") ?? "";
      const wanted = request.method === "PLAY" ? "n2" : "n1";
      if (authorization.includes(`nonce="${wanted}"`)) return undefined;
      const stale = authorization === "" ? "" : ", stale=true";
      return response(request, "401 Unauthorized", [
        'WWW-Authenticate: Basic realm="camera"',
        'WWW-Authenticate: Digest realm="camera", nonce="n0"',
        `${DIGEST.replace("n1", wanted)}${stale}`,
      ]);
    });
    await using watched = watch(camera.url);
    await watched.until((status) => status.state === "waiting-to-retry");
    const sent = camera.received.join("");
    expect(sent).toContain("algorithm=SHA-256");
    expect(sent).toMatch(/PLAY [^]*nonce="n2"/);
    expect(sent).not.toContain(PASSWORD);
    expect(sent).not.toContain("Basic");
    // Nothing was streamed, so it ends as silent, not as a wrong password.
    expect(await watched.failure()).toMatchObject({ code: "SILENT" });
  });

  test("may put garbage between its packets: the pictures go on", async () => {
    const bytes = (): Buffer[] => {
      const parts = pictures(60);
      parts.splice(20, 0, Buffer.from("\0\x01\x02 some debug output of the firmware\n"));
      return parts;
    };
    await using camera = await startScriptedCamera(afterPlay(bytes));
    await using watched = watch(camera.url);
    while (watched.fragments.length < 60) await sleep(5);
    expect(watched.stream.status.state).toBe("streaming");
  });

  test("with sound of an unknown codec still gives pictures, and the status says so", async () => {
    const sdp = `${VIDEO_SDP}m=audio 0 RTP/AVP 9\r\na=control:track2\r\n`;
    await using camera = await startScriptedCamera(
      afterPlay(() => pictures(5)),
      sdp,
    );
    await using watched = watch(camera.url, { audio: true });
    expect(await watched.until(({ state }) => state === "streaming")).toMatchObject({
      sound: { state: "unsupported", message: expect.stringContaining("G722") },
    });
    expect(camera.received.join("").match(/SETUP /g)).toHaveLength(1);
  });
});

describe("a camera that does not behave is named and left", () => {
  const noSdp = "v=0\r\ns=x\r\n";
  const oldCodec = VIDEO_SDP.replace("H264/90000", "MP4V-ES/90000");
  const unauthorized: CameraScript = (request) =>
    request.method === "OPTIONS" ? undefined : response(request, "401 Unauthorized", [DIGEST]);
  test.each<[string, string, CameraScript, string?]>([
    ["wrong password", "WRONG_PASSWORD", unauthorized],
    [
      "a new nonce for every try",
      "WRONG_PASSWORD",
      (request) =>
        response(request, "401 Unauthorized", [
          `${DIGEST.replace("n1", `n${Math.random()}`)}, stale=true`,
        ]),
    ],
    [
      "basic only",
      "BASIC_REFUSED",
      (request) => response(request, "401 Unauthorized", ['WWW-Authenticate: Basic realm="c"']),
    ],
    [
      "no such stream",
      "NO_SUCH_STREAM",
      (request) => (request.method === "DESCRIBE" ? response(request, "404 Not Found") : undefined),
    ],
    ["an old codec", "UNSUPPORTED_CODEC", () => undefined, oldCodec],
    ["no session description", "PROTOCOL_ERROR", () => undefined, noSdp],
    ["a session description of 70 KB", "PROTOCOL_ERROR", () => undefined, "v=0\r\n".repeat(14_000)],
    [
      "an endless header",
      "PROTOCOL_ERROR",
      (request) => {
        const flood = (): void => {
          while (!request.socket.destroyed && request.socket.write("x".repeat(10_000)));
        };
        request.socket.on("drain", flood);
        request.socket.write("RTSP/1.0 200 OK\r\nX: ");
        flood();
        return null;
      },
    ],
    [
      "a body of a gigabyte",
      "PROTOCOL_ERROR",
      () => "RTSP/1.0 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
    ],
    ["silence after connecting to it", "SILENT", afterPlay(() => [])],
    ["key frames that never come", "SILENT", afterPlay(() => pictures(10, 1))],
    [
      "UDP instead of TCP",
      "PROTOCOL_ERROR",
      (request) =>
        request.method === "SETUP"
          ? response(request, "200 OK", ["Session: 1", "Transport: RTP/AVP;unicast"])
          : undefined,
    ],
    [
      "an end in the middle of an answer",
      "UNREACHABLE",
      ({ socket }) => (socket.end("RTSP/1."), null),
    ],
    [
      "an end in the middle of a packet",
      "UNREACHABLE",
      afterPlay(() => [...pictures(3), interleaved(0, Buffer.alloc(900, 0x80)).subarray(0, 100)]),
    ],
  ])("%s: %s", async (name, code, script, sdp) => {
    await using camera = await startScriptedCamera(script, sdp);
    await using watched = watch(camera.url);
    if (name === "an end in the middle of a packet") {
      await watched.until(({ state }) => state === "streaming");
      camera.sockets()[0]?.end();
    }
    const failure = await watched.failure();
    expect(failure.code).toBe(code);
    expect(failure.message).not.toContain(PASSWORD);
    expect(failure.attempt).toBe(1);
    if (name === "an old codec") expect(failure.message).toContain("MP4V-ES");
    expect(camera.received.join("")).not.toContain(PASSWORD);
    expect(camera.connections()).toBe(1);
  });

  test("a wrong password is tried once: cameras lock an account after a few", async () => {
    await using camera = await startScriptedCamera(unauthorized);
    await using watched = watch(camera.url);
    await watched.failure();
    expect(camera.received.join("").match(/Authorization:/g)).toHaveLength(1);
  });

  test("nobody listens: UNREACHABLE, and closing does not wait for the next try", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    server.close();
    await once(server, "close");
    await using watched = watch(`rtsp://127.0.0.1:${port}/main`);
    expect(await watched.failure()).toMatchObject({ code: "UNREACHABLE" });
  });

  test("it cannot send the hub elsewhere, by redirect, by request or by URL", async () => {
    let elsewhere = 0;
    const other = createServer((socket) => {
      elsewhere += 1;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const otherUrl = `rtsp://127.0.0.1:${typeof address === "object" ? address?.port : 0}/take`;
    const scripts: [string, CameraScript][] = [
      ...[301, 302, 305].map((status): [string, CameraScript] => [
        "REDIRECT_REFUSED",
        (request) =>
          request.method === "OPTIONS"
            ? undefined
            : response(request, `${status} Moved`, [`Location: ${otherUrl}`]),
      ]),
      [
        "REDIRECT_REFUSED",
        afterPlay(() => [
          Buffer.from(`REDIRECT * RTSP/1.0\r\nCSeq: 9\r\nLocation: ${otherUrl}\r\n\r\n`),
        ]),
      ],
      [
        "SILENT",
        (request) =>
          request.method === "DESCRIBE"
            ? response(
                request,
                "200 OK",
                [`Content-Base: ${otherUrl}/`, "Content-Type: application/sdp"],
                VIDEO_SDP.replace("a=control:track1", `a=control:${otherUrl}/track1`),
              )
            : undefined,
      ],
    ];
    for (const [code, script] of scripts) {
      await using camera = await startScriptedCamera(script);
      await using watched = watch(camera.url);
      expect((await watched.failure()).code).toBe(code);
      // Every request line names the configured host and port, whatever the camera wrote.
      for (const line of camera.received.join("").match(/rtsp:\/\/\S+/g) ?? [])
        expect(line).toContain(`rtsp://127.0.0.1:${camera.port}/`);
    }
    expect(elsewhere).toBe(0);
    other.close();
  });

  test("a flood of what is no stream does not grow the hub's memory", async () => {
    const junk = Buffer.alloc(60_000, 0x80);
    await using camera = await startScriptedCamera((request) => {
      if (request.method !== "PLAY") return undefined;
      request.socket.write(response(request, "200 OK"));
      // Packets of a track nobody asked for, and fragments of a picture that never ends.
      const endless = interleaved(0, Buffer.concat([Buffer.from([0x80, 96]), junk]));
      const other = interleaved(9, junk);
      const flood = (): void => {
        while (!request.socket.destroyed && request.socket.write(Buffer.concat([endless, other])));
      };
      request.socket.on("drain", flood);
      flood();
      return null;
    });
    const before = process.memoryUsage.rss();
    await using watched = watch(camera.url);
    expect((await watched.failure()).code).toBe("SILENT");
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
  });
});
