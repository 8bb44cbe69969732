import { once } from "node:events";
import net from "node:net";
import { describe, expect, test } from "vitest";
import { LAN_LIMITS, LanListener, type LanLimits } from "../../src/lan/lan-listener.ts";
import { Lane, PeerLanes, ProvenPeers } from "../../src/lan/lanes.ts";
import { isPrivateAddress, plainAddress } from "../../src/lan/names.ts";
import { isHouseName } from "../../src/protocol/house-name.ts";

const LIMITS: LanLimits = {
  connections: 4,
  provenConnections: 4,
  connectionsPerPeer: 3,
  connectionsPerProvenPeer: 3,
  handshakes: 100,
  handshakeMs: 60_000,
  newPerPeerPerSecond: 100,
  newPerProvenPeerPerSecond: 100,
  newPerSecond: 100,
};
const OWNER = "127.0.0.200";

async function listener(options: Partial<ConstructorParameters<typeof LanListener>[0]> = {}) {
  const taken: net.Socket[] = [];
  const made = new LanListener({
    ...{ port: 0, limits: LIMITS, isTls: false, isPeer: isPrivateAddress, monotonicMs: () => 0 },
    ...{ isProven: (address: string) => address === OWNER, isProxy: () => false },
    take: (socket) => void taken.push(socket),
    ...options,
  });
  expect(await made.listenOn(["127.0.0.1"])).toEqual([]);
  return { made, taken };
}

/** Whatever becomes of it; a connection that is ended at once may never be said to have begun. */
async function connect(port: number, localAddress: string): Promise<net.Socket> {
  const socket = net.connect({ host: "127.0.0.1", port, localAddress });
  socket.on("error", () => undefined);
  await new Promise((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", resolve);
  });
  return socket;
}

const isEnded = async (socket: net.Socket): Promise<boolean> => {
  if (!socket.closed) await once(socket, "close");
  return true;
};

describe("connections", () => {
  test("of one address are bounded, and of all; the oldest makes room, the owner's does not", async () => {
    const { made } = await listener();
    await using _listener = made;
    const { port } = made;
    const owner = await connect(port, OWNER);
    const many: net.Socket[] = [];
    for (let count = 0; count < 3; count += 1) many.push(await connect(port, "127.0.0.2"));
    // A fourth of the same address is ended.
    expect(await isEnded(await connect(port, "127.0.0.2"))).toBe(true);
    many.push(await connect(port, "127.0.0.3"));
    await expect.poll(() => made.connections).toBe(5);
    // There are four of those who have not logged in: the oldest goes.
    for (let last = 4; last < 60; last += 1) many.push(await connect(port, `127.0.0.${last}`));
    await expect.poll(() => many.filter((socket) => !socket.closed).length).toBe(4);
    expect(many.slice(-4).every((socket) => !socket.closed)).toBe(true);
    expect([owner.closed, made.connections]).toEqual([false, 5]);
    for (const socket of [owner, ...many]) socket.destroy();
  });

  test("that come too fast are ended before a byte is read, and the owner's are not", async () => {
    const { made, taken } = await listener({
      limits: { ...LIMITS, newPerSecond: 2, connections: 100 },
    });
    await using _listener = made;
    const sockets: net.Socket[] = [];
    for (let last = 2; last < 22; last += 1)
      sockets.push(await connect(made.port, `127.0.0.${last}`));
    await expect.poll(() => sockets.filter(({ closed }) => closed).length).toBe(16);
    expect(taken).toHaveLength(4);
    const owner = await connect(made.port, OWNER);
    await expect.poll(() => taken.length).toBe(5);
    for (const socket of [owner, ...sockets]) socket.destroy();
  });

  test("through a proxy end none that is there, however many they are", async () => {
    const { made } = await listener({ isProxy: (address) => address === "127.0.0.50" });
    await using _listener = made;
    const first = await connect(made.port, "127.0.0.50");
    const many: net.Socket[] = [];
    for (let count = 0; count < 20; count += 1) many.push(await connect(made.port, "127.0.0.50"));
    await expect.poll(() => many.filter((socket) => !socket.closed).length).toBe(3);
    expect([first.closed, made.connections]).toEqual([false, 4]);
    const owner = await connect(made.port, OWNER);
    await expect.poll(() => made.connections).toBe(5);
    for (const socket of [first, owner, ...many]) socket.destroy();
  });

  test("of an address outside the house are ended", async () => {
    const { made, taken } = await listener({ isPeer: (address) => address !== "127.0.0.66" });
    await using _listener = made;
    expect(await isEnded(await connect(made.port, "127.0.0.66"))).toBe(true);
    expect(taken).toEqual([]);
  });

  test("are taken on the addresses that were named and no others, and on none that is gone", async () => {
    const { made } = await listener();
    await using _listener = made;
    const refused = net.connect({ host: "127.0.0.5", port: made.port });
    await expect(once(refused, "connect")).rejects.toThrow("ECONNREFUSED");
    expect(await made.listenOn(["127.0.0.5", "192.0.2.250"])).toEqual([
      { address: "192.0.2.250", code: "EADDRNOTAVAIL" },
    ]);
    expect(made.addresses).toEqual(["127.0.0.5"]);
    const gone = net.connect({ host: "127.0.0.1", port: made.port });
    await expect(once(gone, "connect")).rejects.toThrow("ECONNREFUSED");
  });
});

describe("lanes", () => {
  test("give a number of goes a second and forget the oldest of many addresses", () => {
    const lane = new Lane(2, 4);
    const goes = (nowMs: number) =>
      Array.from({ length: 10 }, () => lane.take(nowMs)).filter(Boolean);
    expect([goes(0), goes(0), goes(1_000), goes(60_000)].map(({ length }) => length)).toEqual([
      4, 0, 2, 4,
    ]);
    const peers = new PeerLanes(1, 1);
    for (let index = 0; index < 100_000; index += 1) peers.take(`fd00::${index}`, 0);
    expect(peers.size).toBeLessThanOrEqual(2_000);
    const proven = new ProvenPeers(() => 0);
    for (let index = 0; index < 1_000; index += 1) proven.prove(`fd00::${index}`);
    expect([proven.isProven("fd00::0"), proven.isProven("fd00::999")]).toEqual([false, true]);
  });

  test("(the limits that are in force leave room for a household)", () => {
    expect(LAN_LIMITS.connectionsPerPeer).toBeGreaterThanOrEqual(16);
    expect(LAN_LIMITS.connections + LAN_LIMITS.provenConnections).toBeLessThanOrEqual(512);
  });
});

describe("addresses and names", () => {
  test("of the house are private ones, in whatever clothes they come", () => {
    const own =
      "10.1.2.3 172.16.0.1 172.31.255.1 192.168.0.1 169.254.1.1 127.0.0.1 ::1 fe80::1%eth0 fd00::1 fc00::1 ::ffff:10.0.0.1 100.64.0.1 febf::1";
    const others =
      "8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 11.0.0.1 2001:db8::1 ::ffff:8.8.8.8 fec0::1 100.63.0.1 100.128.0.1 ff02::1 :: 0.0.0.0 x";
    for (const address of own.split(" ")) expect(isPrivateAddress(address), address).toBe(true);
    for (const address of others.split(" ")) expect(isPrivateAddress(address), address).toBe(false);
    expect(isPrivateAddress(undefined)).toBe(false);
    expect(plainAddress("::ffff:10.0.0.1")).toBe("10.0.0.1");
  });

  test("a house's name is a whole DNS name, never an address or a bare word", () => {
    for (const name of ["doorward.local", "door.example.org", "hub.tail1234.ts.net", "x.home.arpa"])
      expect(isHouseName(name), name).toBe(true);
    for (const name of [
      "local",
      "a.b.local",
      "10.0.0.1",
      "x.1",
      "-a.org",
      "a-.org",
      "A.org",
      "a..org",
      "x.localhost",
      "é.org",
      "*.example.org",
      `${"a".repeat(64)}.org`,
      "1.168.192.in-addr.arpa",
      "co.uk",
      "duckdns.org",
      "home.arpa",
      "",
    ])
      expect(isHouseName(name), name).toBe(false);
  });
});
