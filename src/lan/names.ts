import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import os from "node:os";

/** An address of this machine on a network of the house. */
export interface LanAddress {
  /** With its zone where it is link-local, as `fe80::1%eth0`. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly interface: string;
  /** As `192.168.1.5/24`; null where the system does not say. */
  readonly cidr: string | null;
}

const ADDRESSES_MAX = 32;
/** Networks inside this machine, where nobody's phone is. */
const INNER_INTERFACE = /^(?:docker|veth|virbr|lxc|lxd|cni|flannel|podman|br-[0-9a-f]{12}$)/;

/**
 * The addresses of this machine that only its own networks reach: private (RFC 1918), unique local
 * (RFC 4193), link-local, and those of a Tailscale interface. The one of the default route is first,
 * IPv4 before IPv6.
 */
export function lanAddresses(): LanAddress[] {
  const found: LanAddress[] = [];
  for (const [name, addresses] of Object.entries(os.networkInterfaces())) {
    if (INNER_INTERFACE.test(name)) continue;
    for (const { address, family, internal, cidr, scopeid } of addresses ?? []) {
      if (internal || !isOfTheHouse(address, name)) continue;
      const isLinkLocal = family === "IPv6" && scopeid !== undefined && scopeid !== 0;
      found.push({
        address: isLinkLocal ? `${address}%${name}` : address,
        family: family === "IPv6" ? 6 : 4,
        interface: name,
        cidr,
      });
    }
  }
  const first = defaultRouteInterface();
  const rank = (each: LanAddress): number =>
    (each.family === 6 ? 2 : 0) +
    (each.interface === first ? 0 : 1) +
    (isLinkLocalAddress(each.address) ? 4 : 0);
  return found.toSorted((left, right) => rank(left) - rank(right)).slice(0, ADDRESSES_MAX);
}

/** Whether an address is one that the Internet cannot send from or to; loopback is, too. */
export function isPrivateAddress(text: string | undefined): boolean {
  const address = plainAddress(text);
  if (isIP(address) === 4) return isPrivateV4(address) || isCarrierGrade(address);
  if (isIP(address) !== 6) return false;
  return address === "::1" || /^(?:fe[89ab][0-9a-f]|f[cd][0-9a-f]{2}):/i.test(address);
}

/** Without a zone, and as IPv4 where it is IPv4 in IPv6's clothes. */
export function plainAddress(text: string | undefined): string {
  const address = (text ?? "").split("%")[0] ?? "";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address;
}

/**
 * What one machine has to itself: its IPv4 address, or the /64 of its IPv6 one, in which it may go by
 * as many addresses as it likes.
 */
export function networkOf(text: string): string {
  const address = plainAddress(text);
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  while (groups.length + last.length < 8) groups.push("0");
  const first = [...groups, ...last].slice(0, 4);
  return `${first.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

export function isLinkLocalAddress(address: string): boolean {
  return /^(?:169\.254\.|fe[89ab])/i.test(address);
}

function isOfTheHouse(address: string, name: string): boolean {
  if (isCarrierGrade(address)) return name.startsWith("tailscale");
  return isPrivateAddress(address);
}

function isPrivateV4(address: string): boolean {
  return /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/.test(address);
}

/** 100.64.0.0/10: Tailscale's, and also that of providers who share one address among customers. */
function isCarrierGrade(address: string): boolean {
  return /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(address);
}

/** By the kernel's own table; null where there is none. */
function defaultRouteInterface(): string | null {
  try {
    const [, ...rows] = readFileSync("/proc/net/route", "utf8").split("\n");
    for (const row of rows) {
      const [name, destination, , flags] = row.split("\t");
      if (destination === "00000000" && (Number.parseInt(flags ?? "0", 16) & 1) === 1)
        return name ?? null;
    }
  } catch {
    // A system without this file has an order of its own.
  }
  return null;
}
