import type { FastifyReply, FastifyRequest } from "fastify";
import { HubError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { clearSessionCookie, sessionTokensOf, setSessionCookie } from "./session-cookie.ts";
import type { SessionDevice, Sessions } from "./sessions.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const HOST = /^(\[[0-9a-f:]+\]|[^:,@\s]+)(:\d{1,5})?$/;

const NOTICE_SECRET = /^Notice ([0-9a-f]{64})$/;

/** Secrets of browsers that pushes reach, each for looking up notices and for nothing else. */
export interface NoticeSecrets {
  /** The device of a secret, or null when its subscription or the device is gone. */
  readerOf(secret: string): DeviceId | null;
}

/** A reverse proxy that publishes a listener. */
export interface ProxyBefore {
  /** What browsers see, as `https://door.example.org`. */
  readonly origin: string;
  readonly isPeer: (address: string | undefined) => boolean;
}

/** As what a listener is addressed. */
export interface AddressedAs {
  /** Without port. */
  readonly hostNames: readonly string[];
  readonly isTls: boolean;
  readonly proxy: ProxyBefore | null;
}

/**
 * Against DNS rebinding.
 *
 * @returns The origin under which the hub is called: scheme, host and port.
 * @throws HubError WRONG_HOST
 */
export function requireOwnHost(
  { headers, raw }: FastifyRequest,
  { hostNames, isTls, proxy }: AddressedAs,
): string {
  const host = headers.host ?? "";
  // Read here and strictly: `request.hostname` takes what stands before the first colon.
  const name = HOST.exec(host)?.[1];
  // Said by whoever is no proxy, the proxy's name is as foreign as any other.
  if (proxy && host === new URL(proxy.origin).host && proxy.isPeer(raw.socket.remoteAddress))
    return proxy.origin;
  const url = `${isTls ? "https" : "http"}://${host}`;
  if (name === undefined || !hostNames.includes(name) || !URL.canParse(url))
    throw new HubError("WRONG_HOST", "Cannot answer: this hub is not known under that name");
  return new URL(url).origin;
}

/** What a browser says of itself must not be that another site's page asked. */
export function requireOwnOrigin(request: FastifyRequest): void {
  if (request.routeOptions.config.anyOrigin === true) return;
  const isForeignOrigin = request.headers.origin !== undefined && !hasOwnOrigin(request);
  const isForeignChange = isForeignSite(request) && !SAFE_METHODS.has(request.method);
  // A socket is read by whoever opened it, whatever the browser's rules for answers are. A page can
  // open none with a bearer token, so whoever has one is no page.
  const isUnsaidSocket =
    isUpgrade(request) && request.headers.authorization === undefined && !hasOwnOrigin(request);
  if (isForeignOrigin || isForeignChange || isUnsaidSocket) throw wrongOrigin();
}

/**
 * Finds the device behind a request and whether its role may. A bearer token counts before a
 * cookie, and a cookie only where this hub's own page shows that it asked. A notice's route takes a
 * subscription's secret, too, which sets the reader and never the device: no other route finds one.
 *
 * @throws HubError NOT_LOGGED_IN, NOT_ALLOWED, WRONG_ORIGIN.
 */
export function requireAccess(
  request: FastifyRequest,
  reply: FastifyReply,
  { sessions, noticeSecrets }: { sessions: Sessions | null; noticeSecrets: NoticeSecrets | null },
): void {
  const access = request.routeOptions.config.access;
  // No access word: not one of our routes, so the not-found handler answers.
  if (access === undefined || access === "public") return;
  request.noticeReader = access === "notice" ? readerOfSecret(request, noticeSecrets) : null;
  if (request.noticeReader !== null) return;
  const device =
    request.headers.authorization === undefined
      ? deviceOfCookie(request, reply, sessions)
      : deviceOfBearer(request.headers.authorization, sessions);
  if (!device) throw new HubError("NOT_LOGGED_IN", "Cannot answer: log in with a device key first");
  if (access !== "session" && access !== "notice" && !device.rights.includes(access))
    throw new HubError("NOT_ALLOWED", `Cannot answer: this device has no right to ${access}`);
  request.device = device;
}

export function isSecure(request: FastifyRequest): boolean {
  return request.ownOrigin.startsWith("https:");
}

function readerOfSecret(
  { headers }: FastifyRequest,
  secrets: NoticeSecrets | null,
): DeviceId | null {
  const [, secret] = NOTICE_SECRET.exec(headers.authorization ?? "") ?? [];
  return secret === undefined ? null : (secrets?.readerOf(secret) ?? null);
}

function deviceOfBearer(authorization: string, sessions: Sessions | null): SessionDevice | null {
  const [scheme, token] = authorization.split(" ");
  return scheme === "Bearer" && token ? (sessions?.deviceOf(token) ?? null) : null;
}

function deviceOfCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  sessions: Sessions | null,
): SessionDevice | null {
  const tokens = sessionTokensOf(request.headers.cookie, isSecure(request));
  if (tokens === null || sessions === null) return null;
  // Sent by the browser without anybody's doing, and also to a page of another port's server.
  const isOwn = SAFE_METHODS.has(request.method) ? !isForeignSite(request) : isSaidToBeOwn(request);
  if (!isOwn) throw wrongOrigin();
  const found = tokens.flatMap((token) => {
    const device = sessions.deviceOf(token);
    return device ? [{ token, device }] : [];
  });
  const [only, another] = found;
  if (!only || another) {
    clearSessionCookie(reply, isSecure(request));
    return null;
  }
  // An answer to an upgrade carries no cookie, so that the two would end at different times.
  if (isUpgrade(request) || !sessions.isToRenew(only.device)) return only.device;
  const expiresAtMs = sessions.renew(only.device);
  setSessionCookie(reply, only.token, isSecure(request));
  return { ...only.device, expiresAtMs };
}

function isUpgrade(request: FastifyRequest): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

function isSaidToBeOwn(request: FastifyRequest): boolean {
  return hasOwnOrigin(request) || request.headers["sec-fetch-site"] === "same-origin";
}

/** Scheme, host and port: another port is another server. */
function hasOwnOrigin({ headers, ownOrigin }: FastifyRequest): boolean {
  return headers.origin !== undefined && headers.origin === ownOrigin;
}

function isForeignSite({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  return site !== undefined && site !== "same-origin" && site !== "none";
}

function wrongOrigin(): HubError {
  return new HubError("WRONG_ORIGIN", "Cannot answer: another site's page asked for this");
}
