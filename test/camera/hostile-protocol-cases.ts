import type { Socket } from "node:net";
import { floodSocket, type HostileCase, type HostileRequest } from "../support/hostile-rtsp.ts";
import { response, VIDEO_SDP } from "./scripted-camera.ts";

type Answer = NonNullable<HostileCase["answer"]>;

function at(method: string, give: (request: HostileRequest) => ReturnType<Answer>): Answer {
  return (request) => (request.method === method ? give(request) : undefined);
}

/** Answers the first request with this, whatever it was. */
function bytes(give: string | Uint8Array): Answer {
  return () => give;
}

function redirect(method: string, status: string): HostileCase {
  return {
    name: `${status} in answer to ${method}`,
    becomes: "REDIRECT_REFUSED",
    answer: at(method, (request) =>
      response(request, status, [`Location: ${request.trap.replace("//", "//viewer:pass@")}`]),
    ),
  };
}

function silentAt(method: string): HostileCase {
  return { name: `no answer to ${method}`, becomes: "SILENT", answer: at(method, () => null) };
}

function unauthorized(...challenges: readonly string[]): Answer {
  return (request) =>
    response(
      request,
      "401 Unauthorized",
      challenges.map((challenge) => `WWW-Authenticate: ${challenge}`),
    );
}

/** Asks for the password before anything else, as most cameras do. */
const DIGEST = 'Digest realm="camera", nonce="n1", qop="auth", algorithm=SHA-256';

function dripping(what: (n: number) => string): NonNullable<HostileCase["connect"]> {
  return (socket, isWanted) => {
    let n = 0;
    const timer = setInterval(() => {
      if (!isWanted()) return clearInterval(timer);
      socket.write(what(n));
      n += 1;
    }, 100);
  };
}

function afterFirstBytes(act: (socket: Socket) => void): NonNullable<HostileCase["connect"]> {
  return (socket) => void socket.once("data", () => act(socket));
}

function endless(start: string, more: string): NonNullable<HostileCase["connect"]> {
  const part = Buffer.from(more.repeat(Math.ceil(16_384 / more.length)));
  return (socket, isWanted) => {
    socket.write(start);
    floodSocket(socket, () => part, isWanted);
  };
}

export const PROTOCOL_CASES: readonly HostileCase[] = [
  redirect("OPTIONS", "302 Found"),
  redirect("DESCRIBE", "301 Moved Permanently"),
  redirect("SETUP", "305 Use Proxy"),
  redirect("PLAY", "307 Temporary Redirect"),
  redirect("GET_PARAMETER", "302 Found"),
  {
    name: "a request to go elsewhere in the middle of the stream",
    becomes: "REDIRECT_REFUSED",
    answer: at("PLAY", (request) => {
      const elsewhere = `REDIRECT * RTSP/1.0\r\nCSeq: 9\r\nLocation: ${request.trap}\r\n\r\n`;
      return response(request, "200 OK", ["Session: 12345678"]) + elsewhere;
    }),
  },
  {
    name: "another host in Content-Base, Content-Location and every control URL",
    becomes: "streaming",
    answer: at("DESCRIBE", (request) => {
      const { trap } = request;
      const sdp = VIDEO_SDP.replace("a=control:*", `a=control:${trap}/all`).replace(
        "a=control:track1",
        `a=control:${trap.replace("//", "//viewer:pass@")}/track1`,
      );
      const headers = [`Content-Base: ${trap}/`, `Content-Location: ${trap}/`];
      return response(request, "200 OK", [...headers, "Content-Type: application/sdp"], sdp);
    }),
  },
  {
    name: "another host in the description's o= and c= lines and in Transport",
    becomes: "streaming",
    sdp: (trap) => {
      const host = /\/\/([^:]+)/.exec(trap)?.[1] ?? "";
      return VIDEO_SDP.replace("IP4 0.0.0.0", `IP4 ${host}\r\nc=IN IP4 ${host}`);
    },
    answer: at("SETUP", (request) => {
      const host = /\/\/([^:]+)/.exec(request.trap)?.[1];
      const transport = `RTP/AVP/TCP;unicast;destination=${host};source=${host};interleaved=0-1`;
      return response(request, "200 OK", ["Session: 12345678", `Transport: ${transport}`]);
    }),
  },
  {
    name: "a header that never ends",
    becomes: "PROTOCOL_ERROR",
    connect: endless("RTSP/1.0 200 OK\r\nX: ", "x"),
  },
  {
    name: "a first line that never ends",
    becomes: "PROTOCOL_ERROR",
    connect: endless("RTSP/1.0 200 ", "x"),
  },
  {
    name: "headers that never end",
    becomes: "PROTOCOL_ERROR",
    connect: endless("RTSP/1.0 200 OK\r\n", "A: b\r\n"),
  },
  { name: "line ends without end", becomes: "PROTOCOL_ERROR", connect: endless("", "\r\n") },
  {
    name: "a body of 4 GiB",
    becomes: "PROTOCOL_ERROR",
    connect: endless("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4294967296\r\n\r\n", "x"),
  },
  {
    name: "a length of 30 digits",
    becomes: "PROTOCOL_ERROR",
    answer: bytes(`RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: ${"9".repeat(30)}\r\n\r\n`),
  },
  {
    name: "a length below nothing",
    becomes: "PROTOCOL_ERROR",
    answer: bytes("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n"),
  },
  {
    name: "ten bytes a second of a head",
    becomes: "SILENT",
    connect: dripping((n) => "RTSP/1.0 200 OK\r\nX: ".charAt(n) || "x"),
  },
  {
    name: "ten bytes a second of a body",
    becomes: "SILENT",
    connect: dripping((n) =>
      n === 0 ? "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 60000\r\n\r\n" : "x",
    ),
  },
  ...["OPTIONS", "DESCRIBE", "SETUP", "PLAY"].map(silentAt),
  {
    name: "a reset instead of an answer",
    becomes: "UNREACHABLE",
    connect: afterFirstBytes((socket) => socket.resetAndDestroy()),
  },
  {
    name: "a half-closed connection, from the first",
    becomes: "UNREACHABLE",
    connect: (socket) => void socket.end(),
  },
  {
    name: "a half-closed connection, while it plays",
    becomes: "UNREACHABLE",
    answer: at("PLAY", ({ socket }) => (socket.end(), null)),
  },
  {
    name: "a good-bye from the camera",
    becomes: "UNREACHABLE",
    answer: at("PLAY", (request) => {
      const goodBye = "TEARDOWN rtsp://camera/ RTSP/1.0\r\nCSeq: 5\r\n\r\n";
      return response(request, "200 OK") + goodBye;
    }),
  },
  {
    name: "TLS",
    becomes: "PROTOCOL_ERROR",
    answer: bytes(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])),
  },
  {
    name: "a web server",
    becomes: "PROTOCOL_ERROR",
    answer: bytes("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
  },
  {
    name: "an echo",
    becomes: "PROTOCOL_ERROR",
    connect: (socket) => void socket.on("data", (chunk) => socket.write(chunk)),
  },
  { name: "another service's greeting", becomes: "SILENT", answer: bytes("SSH-2.0-x\r\n") },
  {
    name: "answers with the wrong number",
    becomes: "SILENT",
    answer: () => response({ headers: new Map([["cseq", "77"]]) }, "200 OK"),
  },
  {
    name: "two answers to everything, and one before its time",
    becomes: "streaming",
    answer: (request) => {
      const early = response({ headers: new Map([["cseq", "99"]]) }, "404 Not Found");
      if (request.method !== "OPTIONS") return undefined;
      return early + response(request, "200 OK").repeat(2);
    },
  },
  {
    name: "provisional answers without end",
    becomes: "SILENT",
    connect: dripping(() => "RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n"),
  },
  {
    name: "binary and a NUL in the headers, and a line end in the session",
    becomes: "streaming",
    answer: at("SETUP", (request) =>
      response(request, "200 OK", [
        "X-\x01\xff: \x02\x00\xfe",
        "Session: ab\0c\rX-Injected: 1",
        `Transport: ${request.headers.get("transport")}`,
      ]),
    ),
  },
  {
    name: "a control URL with a line end",
    becomes: "PROTOCOL_ERROR",
    sdp: () => VIDEO_SDP.replace("a=control:track1", "a=control:track1 RTSP/1.0\x0bX: y"),
  },
  {
    name: "a channel of 300",
    becomes: "PROTOCOL_ERROR",
    answer: at("SETUP", (request) =>
      response(request, "200 OK", ["Session: 1", "Transport: RTP/AVP/TCP;interleaved=300-301"]),
    ),
  },
  {
    name: "UDP instead of TCP",
    becomes: "PROTOCOL_ERROR",
    answer: at("SETUP", (request) =>
      response(request, "200 OK", ["Session: 1", "Transport: RTP/AVP;unicast;client_port=9-10"]),
    ),
  },
  {
    name: "malformed challenges",
    becomes: "PROTOCOL_ERROR",
    answer: unauthorized('Digest realm="never closed', "Digest nonce=, =,,", "\0", "=".repeat(900)),
  },
  {
    name: "a challenge that takes long to read",
    becomes: "PROTOCOL_ERROR",
    answer: unauthorized("a ".repeat(3_500), "\\".repeat(3_500), `Digest ${"a=".repeat(2_000)}`),
  },
  {
    name: "an unknown algorithm",
    becomes: "PROTOCOL_ERROR",
    answer: unauthorized('Digest realm="r", nonce="n", algorithm=ROT-13'),
  },
  {
    name: "basic only",
    becomes: "BASIC_REFUSED",
    answer: unauthorized('Basic realm="r"'),
  },
  {
    name: "basic, once digest was taken",
    becomes: "BASIC_REFUSED",
    answer: (request) => {
      const isIn = request.headers.get("authorization")?.startsWith("Digest") === true;
      if (!isIn) return unauthorized(DIGEST)(request);
      return request.method === "PLAY" ? unauthorized('Basic realm="r"')(request) : undefined;
    },
  },
  {
    name: "a nonce of a megabyte",
    becomes: "PROTOCOL_ERROR",
    answer: unauthorized(`Digest realm="r", nonce="${"n".repeat(1024 * 1024)}"`),
  },
  { name: "a refused password", becomes: "WRONG_PASSWORD", answer: unauthorized(DIGEST) },
  {
    name: "a stale nonce every time",
    becomes: "WRONG_PASSWORD",
    answer: (request) =>
      unauthorized(`Digest realm="r", nonce="${Math.random()}", stale=true`)(request),
  },
  {
    name: "hanging up whenever it asks for the password",
    becomes: "WRONG_PASSWORD",
    answer: (request) => {
      request.socket.end(unauthorized(DIGEST)(request) ?? "");
      return null;
    },
  },
  {
    name: "too many viewers",
    becomes: "PROTOCOL_ERROR",
    answer: at("DESCRIBE", (request) => response(request, "453 Not Enough Bandwidth")),
  },
  {
    name: "no such stream",
    becomes: "NO_SUCH_STREAM",
    answer: at("DESCRIBE", (request) => response(request, "404 Not Found")),
  },
  {
    name: "a description of 10,000 tracks",
    becomes: "PROTOCOL_ERROR",
    sdp: () => `v=0\r\n${"m=video 0 RTP/AVP 96\r\n".repeat(10_000)}`,
  },
  {
    name: "a description of 2,000 tracks within its limit",
    becomes: "PROTOCOL_ERROR",
    sdp: () => `v=0\r\n${"m=video 0 RTP/AVP 96\r\n".repeat(2_000)}`,
  },
  {
    name: "a format line of 4 MB",
    becomes: "PROTOCOL_ERROR",
    sdp: () => `${VIDEO_SDP}a=fmtp:96 ${"x=y;".repeat(1_000_000)}\r\n`,
  },
  {
    name: "a description of something else",
    becomes: "PROTOCOL_ERROR",
    sdp: () => "<!DOCTYPE html><title>m=video</title>",
  },
  {
    name: "a codec that is not taken",
    becomes: "UNSUPPORTED_CODEC",
    sdp: () => VIDEO_SDP.replace("H264/90000", "JPEG/90000"),
  },
  {
    name: "pictures in another order than they are sent",
    becomes: "UNSUPPORTED_CODEC",
    sdp: () => VIDEO_SDP.replace("packetization-mode=1", "packetization-mode=2"),
  },
];
