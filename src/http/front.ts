import type http from "node:http";
import type { Duplex } from "node:stream";

export const TOO_MANY_CALLS = "Cannot answer: too many calls; wait a moment";

/** Stands before everything that a request costs: routing, headers, bodies. */
export interface Front {
  /** False: it is refused, by a few fixed bytes. */
  admits(request: http.IncomingMessage): boolean;
  /**
   * Whether its connection stays: a proxy's carries other people's requests. Everybody else has to
   * come again, past the limits for new connections.
   */
  keepsConnection(request: http.IncomingMessage): boolean;
}

const BODY = JSON.stringify({ code: "TOO_MANY_CALLS", message: TOO_MANY_CALLS });
const HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "content-length": String(Buffer.byteLength(BODY)),
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'",
  "x-content-type-options": "nosniff",
};
const RAW = [
  "HTTP/1.1 429 Too Many Requests",
  ...Object.entries({ ...HEADERS, connection: "close" }).map((pair) => pair.join(": ")),
  "",
  BODY,
].join("\r\n");

/** What a server calls with each request, behind a front. */
export function behindFront(front: Front, handler: http.RequestListener): http.RequestListener {
  return (request, response) => {
    if (front.admits(request)) {
      handler(request, response);
      return;
    }
    const connection = front.keepsConnection(request) ? "keep-alive" : "close";
    response.writeHead(429, { ...HEADERS, connection }).end(BODY);
  };
}

/** The same for requests to open a socket; to be called when all who listen for them do. */
export function guardUpgrades(server: http.Server, front: Front): void {
  type Listener = (request: http.IncomingMessage, socket: Duplex, head: Buffer) => void;
  const listeners = server.listeners("upgrade") as Listener[];
  if (listeners.length === 0) return;
  server.removeAllListeners("upgrade");
  server.on("upgrade", (request, socket, head) => {
    if (front.admits(request)) for (const listener of listeners) listener(request, socket, head);
    else {
      socket.on("error", () => socket.destroy());
      socket.end(RAW, () => socket.destroy());
    }
  });
}
