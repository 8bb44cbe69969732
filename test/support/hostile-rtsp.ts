import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { CameraErrorCode } from "../../src/camera/camera-error.ts";
import { pictures, response, VIDEO_SDP } from "../camera/scripted-camera.ts";

export interface HostileRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: ReadonlyMap<string, string>;
  /** How many requests of this method this connection has sent, this one included. */
  readonly count: number;
  readonly socket: Socket;
  /** `rtsp://` address of somebody else, who listens. */
  readonly trap: string;
}

/** One way in which a camera attacks, or is simply broken. */
export interface HostileCase {
  readonly name: string;
  /** What has to become of it: an error by name, or pictures all the same. */
  readonly becomes: CameraErrorCode | "streaming" | "SILENT or PROTOCOL_ERROR";
  readonly sdp?: (trap: string) => string;
  /** Instead of RTSP: called for every connection. */
  readonly connect?: (socket: Socket, isWanted: () => boolean) => void;
  /** Answers a request; undefined leaves it to the honest camera, null says nothing. */
  readonly answer?: (request: HostileRequest) => string | Uint8Array | null | undefined;
  /** What is sent after PLAY, every 40 ms, as picture number n; otherwise honest pictures. */
  readonly pictures?: (n: number) => readonly Uint8Array[];
  /** After PLAY, as fast as the client reads. */
  readonly flood?: (n: number) => Uint8Array;
  /** The client has to be offered this much before the case counts as tried. */
  readonly offersBytes?: number;
}

export interface HostileCamera extends AsyncDisposable {
  readonly hostileCase: HostileCase | null;
  readonly url: string;
  readonly port: number;
  /** Everything that came, as text; the last megabyte. */
  received(): string;
  connections(): number;
  /** Bytes that left for clients. */
  offeredBytes(): number;
  /** From now on it is an ordinary camera; connections that are open go silent. */
  behave(): void;
}

export const PICTURE_INTERVAL_MS = 40;
const RECEIVED_MAX = 1024 * 1024;

/** @param hostileCase - Null for a camera that does nothing wrong. */
export async function startHostileCamera(
  hostileCase: HostileCase | null,
  trap: string,
): Promise<HostileCamera> {
  const sockets = new Set<Socket>();
  let received = "";
  let connections = 0;
  let closedBytes = 0;
  let inForce = hostileCase;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    const own = inForce;
    const isWanted = (): boolean => own === inForce && !socket.destroyed && socket.writable;
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      sockets.delete(socket);
      closedBytes += socket.bytesWritten;
    });
    socket.on("data", (chunk) => {
      received = (received + chunk.toString("latin1")).slice(-RECEIVED_MAX);
    });
    if (own?.connect !== undefined) own.connect(socket, isWanted);
    else serve(socket, own, trap, isWanted);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  return {
    hostileCase,
    url: `rtsp://127.0.0.1:${port}/stream`,
    port,
    received: () => received,
    connections: () => connections,
    offeredBytes: () =>
      [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, closedBytes),
    behave: () => void (inForce = null),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function serve(
  socket: Socket,
  own: HostileCase | null,
  trap: string,
  isWanted: () => boolean,
): void {
  const counts = new Map<string, number>();
  let text = "";
  socket.on("data", (chunk) => {
    // What is written in the middle of the client's own answers is not asked for.
    text = (text + chunk.toString("latin1")).slice(-RECEIVED_MAX);
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      const head = text.slice(0, end);
      text = text.slice(end + 4);
      if (head.startsWith("RTSP/")) continue;
      const request = parseRequest(head, counts, socket, trap);
      const scripted = isWanted() ? own?.answer?.(request) : undefined;
      const answer = scripted === undefined ? honestAnswer(request, own) : scripted;
      if (answer !== null && !socket.destroyed && socket.writable)
        socket.write(typeof answer === "string" ? Buffer.from(answer, "latin1") : answer);
      if (request.method === "PLAY" && answer !== null) sendPictures(socket, own, isWanted);
    }
  });
}

function parseRequest(
  head: string,
  counts: Map<string, number>,
  socket: Socket,
  trap: string,
): HostileRequest {
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
  return { method, uri, headers, count, socket, trap };
}

function honestAnswer(request: HostileRequest, own: HostileCase | null): string {
  switch (request.method) {
    case "OPTIONS":
      return response(request, "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"]);
    case "DESCRIBE": {
      const sdp = own?.sdp?.(request.trap) ?? VIDEO_SDP;
      return response(request, "200 OK", ["Content-Type: application/sdp"], sdp);
    }
    case "SETUP":
      return response(request, "200 OK", [
        "Session: 12345678;timeout=2",
        `Transport: ${request.headers.get("transport")}`,
      ]);
    default:
      return response(request, "200 OK", ["Session: 12345678"]);
  }
}

function sendPictures(socket: Socket, own: HostileCase | null, isWanted: () => boolean): void {
  const flood = own?.flood;
  if (flood !== undefined) return floodSocket(socket, flood, isWanted);
  const give = own?.pictures ?? ((n: number) => pictures(1, n));
  let n = 0;
  const timer = setInterval(() => {
    if (!isWanted()) return clearInterval(timer);
    // A client that does not read is not waited for with all that it misses in memory.
    if (socket.writableLength < RECEIVED_MAX) for (const part of give(n)) socket.write(part);
    n += 1;
  }, PICTURE_INTERVAL_MS);
}

/** Sends as fast as the client reads, in turns, so that this process does other things too. */
export function floodSocket(
  socket: Socket,
  give: (n: number) => Uint8Array,
  isWanted: () => boolean,
): void {
  let n = 0;
  const go = (): void => {
    for (let turn = 0; turn < 16; turn += 1) {
      if (!isWanted()) return;
      const hasRoom = socket.write(give(n));
      n += 1;
      if (!hasRoom) return void socket.once("drain", () => setImmediate(go));
    }
    setImmediate(go);
  };
  go();
}

/** Listens where cameras try to send the hub, and counts who comes. */
export interface Trap extends AsyncDisposable {
  readonly url: string;
  visits(): number;
}

export async function startTrap(host: string): Promise<Trap> {
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.destroy();
  }).listen(0, host);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `rtsp://${host}:${port}/elsewhere`,
    visits: () => visits,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
