import http from "node:http";
import https from "node:https";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { WebSocket, type RawData } from "ws";
import { HubError } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";

/**
 * Passes requests of the page on to the hub. The hub may be one that lies: of what it answers, only
 * what is named here goes on, and none of it may run as a page of this origin, where the keys are.
 */
const IDLE_TIMEOUT_MS = 60_000;
const BODY_MAX_BYTES = LIMITS.renditionFileBytes;
const SOCKET_MESSAGE_MAX_BYTES = 32 * 1024 * 1024;
/** What may wait for a page that reads slowly, before the hub is made to wait. */
const SOCKET_WAITING_MAX_BYTES = 4 * 1024 * 1024;
const SOCKET_LOOK_AGAIN_MS = 20;
/** What a page may say before the hub's end is open. */
const SOCKET_EARLY_MAX = 16;
/** Try again later; the hub said no to the opening. */
const CLOSE_REFUSED = 1013;

const ASKED_HEADERS = [
  "accept",
  "accept-language",
  "authorization",
  "content-length",
  "content-type",
  "if-none-match",
  "range",
  "sec-fetch-site",
  "x-doorward-pairing",
] as const;
const ANSWERED_HEADERS = [
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-length",
  "content-range",
  "etag",
  "retry-after",
] as const;
/** Nothing among them runs. */
const ANSWERED_TYPES =
  /^(?:application\/(?:json|octet-stream|zip)|text\/plain)(?:; ?charset=[\w-]{1,20})?$/i;
const STATUS_PAGE_TYPE = /^text\/html(?:; ?charset=[\w-]{1,20})?$/i;
const SESSION_COOKIE = /^(?:__Host-)?doorward-session=/;

/** Address of the hub without a path. */
export interface RelayTarget {
  readonly hubUrl: string;
}

/** Relays one request. It has passed the checks of host, origin and site already. */
export async function relayRequest(
  { hubUrl }: RelayTarget,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const answer = await ask(hubUrl, request);
  const status = answer.statusCode ?? 502;
  const { location: _, ...headers } = answer.headers;
  if (status >= 300 && status < 400 && status !== 304) {
    answer.destroy();
    throw new HubError("HUB_FAILED", "Cannot go on: the hub wanted to send the page elsewhere");
  }
  reply.code(status);
  for (const name of ANSWERED_HEADERS) {
    const value = headers[name];
    if (value !== undefined) reply.header(name, value);
  }
  reply.header("content-type", safeType(request.url, headers["content-type"]));
  // Whatever it is, a browser that is sent there runs nothing in it.
  reply.header("content-security-policy", "default-src 'none'; style-src 'self'; sandbox");
  for (const cookie of headers["set-cookie"] ?? [])
    if (SESSION_COOKIE.test(cookie)) reply.header("set-cookie", withoutDomain(cookie));
  await reply.send(answer);
}

function ask(hubUrl: string, request: FastifyRequest): Promise<http.IncomingMessage> {
  const target = new URL(hubUrl);
  const client = target.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const unreachable = (cause: unknown): void =>
      reject(
        cause instanceof HubError
          ? cause
          : new HubError(
              "HUB_UNREACHABLE",
              `Cannot reach ${target.origin}: is the hub running there?`,
              {
                cause,
              },
            ),
      );
    const asked = client.request(
      {
        protocol: target.protocol,
        hostname: target.hostname.replace(/^\[|\]$/g, ""),
        port: target.port,
        method: request.method,
        // As the page wrote it: parsing it again could make another path of it.
        path: request.raw.url ?? "/",
        headers: hubHeaders(request, target),
        timeout: IDLE_TIMEOUT_MS,
      },
      resolve,
    );
    asked.on("timeout", () => asked.destroy(new Error("the hub does not answer")));
    asked.on("error", unreachable);
    const { body } = request;
    if (!isReadable(body)) asked.end();
    else pipeline(body, limited(BODY_MAX_BYTES), asked).catch(unreachable);
  });
}

function isReadable(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && "pipe" in body;
}

function limited(maxBytes: number): Transform {
  let sizeBytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) done(new HubError("TOO_LARGE", "Cannot relay: over the limit"));
      else done(null, chunk);
    },
  });
}

/**
 * Headers for the hub, with its own name as host and origin. No length without a body: the hub would
 * read the next request on that connection as what is missing.
 */
function hubHeaders({ headers, body }: FastifyRequest, target: URL): Record<string, string> {
  const passed: Record<string, string> = { host: target.host };
  for (const name of ASKED_HEADERS) {
    const value = headers[name];
    if (typeof value === "string") passed[name] = value;
  }
  if (!isReadable(body)) delete passed["content-length"];
  if (headers.origin !== undefined) passed["origin"] = target.origin;
  const cookies = sessionCookies(headers.cookie);
  if (cookies !== "") passed["cookie"] = cookies;
  return passed;
}

/** Other servers of this machine have cookies for the same name: they are not the hub's to see. */
function sessionCookies(header: string | undefined): string {
  return (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => SESSION_COOKIE.test(pair))
    .join("; ");
}

function safeType(url: string, found: string | undefined): string {
  if (found !== undefined && ANSWERED_TYPES.test(found)) return found;
  const isStatusPage = found !== undefined && url.startsWith("/status/");
  return isStatusPage && STATUS_PAGE_TYPE.test(found) ? found : "application/octet-stream";
}

function withoutDomain(cookie: string): string {
  return cookie
    .split(";")
    .filter((part) => !/^\s*domain\s*=/i.test(part))
    .join(";");
}

/** Relays one socket: what the page says to the hub, what the hub says to the page, and the end. */
export function relaySocket(
  { hubUrl }: RelayTarget,
  request: FastifyRequest,
  page: WebSocket,
): void {
  const target = new URL(hubUrl);
  const address = `${target.origin.replace(/^http/, "ws")}${request.raw.url ?? "/"}`;
  const { host: _, ...headers } = hubHeaders(request, target);
  const hub = new WebSocket(address, {
    headers,
    followRedirects: false,
    handshakeTimeout: IDLE_TIMEOUT_MS,
    maxPayload: SOCKET_MESSAGE_MAX_BYTES,
    perMessageDeflate: false,
  });
  const early: { data: RawData; isBinary: boolean }[] = [];
  page.on("message", (data, isBinary) => {
    if (hub.readyState === WebSocket.OPEN) pass(page, hub, data, isBinary);
    else if (early.length < SOCKET_EARLY_MAX) early.push({ data, isBinary });
    else page.terminate();
  });
  hub.on("open", () => {
    for (const { data, isBinary } of early.splice(0)) pass(page, hub, data, isBinary);
  });
  hub.on("message", (data, isBinary) => pass(hub, page, data, isBinary));
  hub.on("unexpected-response", (asked, answer) => {
    page.close(CLOSE_REFUSED, `the hub answered ${answer.statusCode ?? "nothing"}`);
    asked.destroy();
  });
  hub.on("close", (code, reason) => end(page, code, reason));
  page.on("close", (code, reason) => end(hub, code, reason));
  hub.on("error", () => page.close(CLOSE_REFUSED, "the hub cannot be reached"));
  page.on("error", () => hub.terminate());
}

function pass(from: WebSocket, to: WebSocket, data: RawData, isBinary: boolean): void {
  if (to.readyState !== WebSocket.OPEN) return;
  to.send(data, { binary: isBinary });
  if (to.bufferedAmount > SOCKET_WAITING_MAX_BYTES && !from.isPaused) {
    from.pause();
    waitForRoom(from, to);
  }
}

function waitForRoom(from: WebSocket, to: WebSocket): void {
  setTimeout(() => {
    if (to.readyState === WebSocket.OPEN && to.bufferedAmount > SOCKET_WAITING_MAX_BYTES / 2)
      waitForRoom(from, to);
    else from.resume();
  }, SOCKET_LOOK_AGAIN_MS);
}

function end(socket: WebSocket, code: number, reason: Buffer): void {
  const isSayable =
    code === 1000 ||
    (code >= 1001 && code <= 1014 && ![1004, 1005, 1006].includes(code)) ||
    (code >= 3000 && code <= 4999);
  if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
  else if (isSayable) socket.close(code, reason);
  else socket.close();
}
