import { createServer, type Socket } from "node:net";
import { once } from "node:events";

/** 1920 x 1080 at 15 a second, Baseline: what an ordinary encoder writes. */
export const SEQUENCE_SET = Buffer.from("Z0LAKNoB4AiflwEQAAADABAAAAMB6PGDKg==", "base64");
export const PICTURE_SET = Buffer.from("aM48gA==", "base64");

export interface CameraRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: ReadonlyMap<string, string>;
  /** How many requests of this method this connection has sent, this one included. */
  readonly count: number;
  readonly socket: Socket;
}

/** Answers one request; undefined leaves it to the well-behaved camera, null says nothing. */
export type CameraScript = (request: CameraRequest) => string | null | undefined;

export interface ScriptedCamera extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every byte that clients sent, as text. */
  readonly received: string[];
  connections(): number;
  sockets(): readonly Socket[];
}

export const VIDEO_SDP = [
  ...["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=camera", "t=0 0", "a=control:*"],
  ...["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000"],
  `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${SEQUENCE_SET.toString("base64")},${PICTURE_SET.toString("base64")}`,
  "a=control:track1",
  "",
].join("\r\n");

export function response(
  request: Pick<CameraRequest, "headers">,
  status: string,
  headers: readonly string[] = [],
  body = "",
): string {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [
    `RTSP/1.0 ${status}`,
    `CSeq: ${request.headers.get("cseq")}`,
    ...headers,
    ...length,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** A camera of our own on 127.0.0.1 that behaves well but for what the script says. */
export async function startScriptedCamera(
  script: CameraScript,
  sdp: string = VIDEO_SDP,
): Promise<ScriptedCamera> {
  const received: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    const counts = new Map<string, number>();
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      received.push(chunk.toString("latin1"));
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const request = parseRequest(text.slice(0, end), counts, socket);
        text = text.slice(end + 4);
        const scripted = script(request);
        const answer = scripted === undefined ? behave(request, sdp) : scripted;
        if (answer !== null && !socket.destroyed) socket.write(Buffer.from(answer, "latin1"));
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `rtsp://127.0.0.1:${address.port}/stream`,
    port: address.port,
    received,
    connections: () => sockets.length,
    sockets: () => sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function parseRequest(head: string, counts: Map<string, number>, socket: Socket): CameraRequest {
  const [start = "", ...lines] = head.split("\r\n");
  const [method = "", uri = ""] = start.split(" ");
  const count = (counts.get(method) ?? 0) + 1;
  counts.set(method, count);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { method, uri, headers, count, socket };
}

function behave(request: CameraRequest, sdp: string): string {
  switch (request.method) {
    case "OPTIONS":
      return response(request, "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"]);
    case "DESCRIBE":
      return response(request, "200 OK", ["Content-Type: application/sdp"], sdp);
    case "SETUP":
      return response(request, "200 OK", [
        "Session: 12345678;timeout=60",
        `Transport: ${request.headers.get("transport")}`,
      ]);
    default:
      return response(request, "200 OK", ["Session: 12345678"]);
  }
}

/** RTP packets of one access unit, interleaved on channel 0. */
export function interleaved(channel: number, packet: Uint8Array): Buffer {
  const header = Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]);
  return Buffer.concat([header, packet]);
}

export function rtpPacket(options: {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
  readonly payloadType?: number;
  readonly source?: number;
}): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = (options.marker ? 0x80 : 0) | (options.payloadType ?? 96);
  header.writeUInt16BE(options.sequenceNumber & 0xffff, 2);
  header.writeUInt32BE(options.timestamp >>> 0, 4);
  header.writeUInt32BE(options.source ?? 7, 8);
  return Buffer.concat([header, options.payload]);
}

/** A slice that is the first of its picture (or not). What follows is never decoded here. */
export function slice(type: "key" | "other", size: number, isFirst = true, fill = 0x55): Buffer {
  const nalUnit = Buffer.alloc(size, fill);
  nalUnit[0] = type === "key" ? 0x65 : 0x41;
  nalUnit[1] = isFirst ? 0x88 : 0x28;
  return nalUnit;
}

/** Frames of one slice each, one packet each, a key frame first: numbers and times count up. */
export function pictures(count: number, from = 0, size = 200): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    interleaved(
      0,
      rtpPacket({
        sequenceNumber: from + index,
        timestamp: (from + index) * 6_000,
        marker: true,
        payload: slice((from + index) % 15 === 0 ? "key" : "other", size),
      }),
    ),
  );
}
