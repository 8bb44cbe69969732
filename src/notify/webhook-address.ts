import net from "node:net";

/** Networks of a house (RFC 1918, RFC 4193) and this machine; nothing that a provider routes. */
const LOCAL = new net.BlockList();
for (const [network, bits] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  LOCAL.addSubnet(network, bits, "ipv4");
LOCAL.addAddress("::1", "ipv6");
LOCAL.addSubnet("fc00::", 7, "ipv6");

/** Whether an IP address is one of the house. An IPv4 address written as IPv6 counts as IPv4. */
export function isLocalAddress(address: string): boolean {
  const family = net.isIP(address);
  if (family === 0) return false;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return LOCAL.check(mapped, "ipv4");
  return LOCAL.check(address, family === 4 ? "ipv4" : "ipv6");
}
