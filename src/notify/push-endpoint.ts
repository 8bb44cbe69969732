import { createPublicKey } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { HubError } from "../protocol/errors.ts";

/**
 * Services that browsers bring along, by host; a dot at the front stands for every name below it.
 * An endpoint anywhere else would make the hub connect to whatever a device says.
 */
export const PUSH_SERVICES: readonly string[] = [
  "fcm.googleapis.com",
  "updates.push.services.mozilla.com",
  ".push.services.mozilla.com",
  "web.push.apple.com",
  ".push.apple.com",
  ".notify.windows.com",
];
export const ENDPOINT_LENGTH_MAX = 1_024;
export const HTTPS_PORT = 443;

/** Where a push goes. */
export interface PushPlace {
  readonly host: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
  /** What the key's token is for. */
  readonly audience: string;
  /** The settings name the host: it may lie in the house. */
  readonly isNamed: boolean;
}

/**
 * @param services Hosts that the settings name, as `push.example.org` or `push.example.org:8443`.
 * @throws HubError `ENDPOINT_NOT_ALLOWED`, without the endpoint in it: whoever knows one can annoy.
 */
export function placeOf(endpoint: string, services: readonly string[]): PushPlace {
  const url = endpoint.length <= ENDPOINT_LENGTH_MAX ? URL.parse(endpoint) : null;
  if (!url || url.protocol !== "https:" || url.username !== "" || url.password !== "")
    throw refused("it is no https address of a push service");
  const port = url.port === "" ? HTTPS_PORT : Number(url.port);
  const isNamed = services.some((service) => isHostOf(service, url.hostname, port));
  if (
    !isNamed &&
    !(port === HTTPS_PORT && PUSH_SERVICES.some((each) => covers(each, url.hostname)))
  )
    throw refused("its push service is not one that this hub knows; an owner can add the host");
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    path: `${url.pathname}${url.search}`,
    audience: url.origin,
    isNamed,
  };
}

/** @param service - As the settings name it; without a port it stands for that of https alone. */
export function isHostOf(service: string, host: string, port: number): boolean {
  const [, name = "", own] = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(service.toLowerCase()) ?? [];
  return name === host && Number(own ?? HTTPS_PORT) === port;
}

function covers(service: string, host: string): boolean {
  return service.startsWith(".") ? host.endsWith(service) : host === service;
}

function refused(why: string): HubError {
  return new HubError("ENDPOINT_NOT_ALLOWED", `Cannot push to this device: ${why}`);
}

const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  PRIVATE.addSubnet(network, prefix, "ipv4");
const PUBLIC_IPV6 = new BlockList();
PUBLIC_IPV6.addSubnet("2000::", 3, "ipv6");
/** Parts of it that stand for an IPv4 address or for no place at all. */
const ODD_IPV6 = new BlockList();
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  ODD_IPV6.addSubnet(network, prefix, "ipv6");

/** True of every address that is not a place on the Internet (IANA's special-purpose registries). */
export function isInsideAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return PRIVATE.check(address, "ipv4");
    case 6:
      return !PUBLIC_IPV6.check(address, "ipv6") || ODD_IPV6.check(address, "ipv6");
    default:
      return true;
  }
}

/**
 * The browser's keys, as bytes (RFC 8291).
 *
 * @throws HubError `ENDPOINT_NOT_ALLOWED` where the point is not on P-256.
 */
export function pushKeysOf(keys: { readonly p256dh: string; readonly auth: string }): {
  p256dh: Buffer;
  auth: Buffer;
} {
  const p256dh = Buffer.from(keys.p256dh, "base64url");
  const auth = Buffer.from(keys.auth, "base64url");
  if (p256dh.length !== 65 || p256dh[0] !== 4 || auth.length !== 16)
    throw refused("its keys are not those of a browser");
  const [x, y] = [p256dh.subarray(1, 33), p256dh.subarray(33)];
  try {
    createPublicKey({
      key: {
        ...{ kty: "EC", crv: "P-256" },
        ...{ x: x.toString("base64url"), y: y.toString("base64url") },
      },
      format: "jwk",
    });
  } catch {
    throw refused("its keys are not those of a browser");
  }
  return { p256dh, auth };
}
