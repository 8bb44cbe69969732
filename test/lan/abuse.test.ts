import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { describe, expect, test } from "vitest";
import { openLanDoor, type LanDoor, type LanDoorOptions } from "../../src/hub/lan-doors.ts";
import { ConnectionBudget } from "../../src/lan/connection-budget.ts";
import { LanCertificates } from "../../src/lan/lan-certificates.ts";
import { LAN_LIMITS, type LanLimits } from "../../src/lan/lan-listener.ts";
import { ProvenPeers } from "../../src/lan/lanes.ts";
import { networkOf } from "../../src/lan/names.ts";
import { LAN_DEFAULT } from "../../src/settings/listen.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

const NAME = "doorward.local";
const OWNER = "127.0.2.1";
const OTHER = "127.0.3.1";
const REQUESTS = {
  ...{ headersMs: 60_000, requestMs: 60_000, idleMs: 60_000, checkEveryMs: 20 },
  ...{ requestsPerSocket: 10_000, connections: 1_000 },
};

/** With a clock that stands still, so that what is used up stays so. */
async function openDoor(
  { hub, dataDirectory }: TestHub,
  connections: Partial<LanLimits> = {},
  requests: Partial<typeof REQUESTS> = {},
): Promise<{ door: LanDoor; proven: ProvenPeers }> {
  const certificates = new LanCertificates({
    ...{ directory: dataDirectory, nowMs: Date.now, isClockBelieved: () => true },
  });
  await certificates.show([NAME], null);
  const proven = new ProvenPeers(() => 0);
  const options: LanDoorOptions = {
    ...{ services: hub.services, pageDirectory: "/nowhere", hostNames: [NAME] },
    ...{ settings: { ...LAN_DEFAULT, port: 0 }, certificates, proven, monotonicMs: () => 0 },
    limits: {
      connections: { ...LAN_LIMITS, ...connections },
      requests: { ...REQUESTS, ...requests },
    },
  };
  const door = await openLanDoor(options);
  expect(await door.listener.listenOn(["127.0.0.1"])).toEqual([]);
  return { door, proven };
}

function dial({ listener }: LanDoor, localAddress: string): net.Socket {
  const socket = net.connect({ host: "127.0.0.1", port: listener.port, localAddress });
  return socket.on("error", () => undefined);
}

function secure(socket: net.Socket, options: tls.ConnectionOptions = {}): tls.TLSSocket {
  const secured = tls.connect({
    ...{ socket, servername: NAME, rejectUnauthorized: false },
    ...options,
  });
  return secured.on("error", () => undefined);
}

/** Whether a handshake came to its end, before the connection did. */
async function isShaken(secured: tls.TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    secured.once("secureConnect", () => resolve(true));
    secured.once("close", () => resolve(false));
  });
}

async function isEnded(socket: net.Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => void socket.once("close", resolve));
}

/** The status, or null where the connection was ended without one. */
async function ask(
  socket: tls.TLSSocket,
  method: string,
  path = "/api/hub",
): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    const read = (part: Buffer): void => {
      text += part.toString();
      const [head = "", body = ""] = text.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (Buffer.byteLength(body) === length) done(head.split(" ")[1] ?? null);
    };
    const ended = (): void => done(null);
    const done = (status: string | null): void => {
      socket.off("data", read).off("close", ended);
      resolve(status);
    };
    socket.on("data", read).on("close", ended);
    if (socket.destroyed) ended();
    else socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${NAME}\r\nContent-Length: 0\r\n\r\n`);
  });
}

describe("connections over the budget", () => {
  test("get no handshake, and a proven address gets one while another is refused", async () => {
    await using hub = await startTestHub();
    const { door, proven } = await openDoor(hub, { newPerPeerPerSecond: 1 });
    await using _door = door;
    proven.prove(OWNER);
    const shaken: boolean[] = [];
    for (let count = 0; count < 10; count += 1) {
      const socket = dial(door, OTHER);
      const secured = secure(socket);
      shaken.push(await isShaken(secured));
      if (shaken.at(-1) === false) expect(socket.bytesRead).toBe(0);
      secured.destroy();
    }
    expect(shaken).toEqual([...Array(6).fill(true), ...Array(4).fill(false)]);
    for (let count = 0; count < 10; count += 1) {
      const owner = secure(dial(door, OWNER));
      expect(await isShaken(owner)).toBe(true);
      owner.destroy();
    }
  });

  test("of a hundred thousand addresses share one lane, and few of them are remembered", () => {
    const rates = { newPerPeerPerSecond: 10, newPerProvenPeerPerSecond: 30, newPerSecond: 40 };
    const budget = new ConnectionBudget(rates);
    let taken = 0;
    for (let index = 0; index < 100_000; index += 1) {
      const network = `fd00:${(index >> 16).toString(16)}:${(index & 0xffff).toString(16)}`;
      if (budget.take(`${network}::1`, false, 0)) taken += 1;
    }
    expect(taken).toBe(80);
    expect(budget.size).toBeLessThanOrEqual(2_000);
    expect(budget.take("fd00::7", true, 0)).toBe(true);
    // Bounded as well: a device of the household that has gone wrong.
    const own = Array.from({ length: 1_000 }, () => budget.take("10.0.0.9", true, 0));
    expect(own.filter(Boolean)).toHaveLength(180);
  });

  test("of one /64 count as one, whichever of its addresses they come from", () => {
    const rates = { newPerPeerPerSecond: 5, newPerProvenPeerPerSecond: 5, newPerSecond: 1_000 };
    const budget = new ConnectionBudget(rates);
    const taken = Array.from({ length: 500 }, (_, index) =>
      budget.take(`fd00:1:2:3::${index.toString(16)}`, false, 0),
    );
    expect(taken.filter(Boolean)).toHaveLength(30);
    expect(budget.take("fd00:1:2:4::1", false, 0)).toBe(true);
    expect(budget.take("fd00:1:2:3::1", true, 0)).toBe(true);
    expect(networkOf("FD00:1:2:3:4:5:6:7")).toBe("fd00:1:2:3::/64");
    expect(networkOf("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
    expect(networkOf("::1")).toBe("0:0:0:0::/64");
    expect(networkOf("::ffff:10.0.0.1")).toBe("10.0.0.1");
  });
});

describe("a connection that is kept", () => {
  test("and abused is answered before a route is looked for, and cut", async () => {
    await using hub = await startTestHub();
    const { door, proven } = await openDoor(hub);
    await using _door = door;
    const abuser = secure(dial(door, OTHER));
    expect(await isShaken(abuser)).toBe(true);
    let text = "";
    abuser.on("data", (part: Buffer) => void (text = part.toString()));
    const statuses: (string | null)[] = [];
    for (let count = 0; count < 60 && !abuser.destroyed; count += 1) {
      statuses.push(await ask(abuser, "POST", "/api/nothing"));
      if (statuses.at(-1) === "429") break;
    }
    expect(statuses.slice(0, -1).every((status) => status === "404")).toBe(true);
    expect([statuses.at(-1), statuses.length]).toEqual(["429", 41]);
    // A server that keeps it says so, and ends it only when nothing has come for a while.
    expect(text).toMatch(/^connection: close\r$/im);
    // The framework's own answers have it, whatever they are.
    expect(text).not.toMatch(/referrer-policy/i);
    await isEnded(abuser);
    // A page can still be loaded from there: what changes something has a lane apart.
    const reader = secure(dial(door, OTHER));
    expect(await ask(reader, "GET")).toBe("200");
    reader.destroy();
    proven.prove(OWNER);
    const owner = secure(dial(door, OWNER));
    for (let count = 0; count < 60; count += 1)
      expect(await ask(owner, "POST", "/api/nothing")).toBe("404");
    owner.destroy();
  });

  test("asks for a socket at the same front, and is cut as well", async () => {
    await using hub = await startTestHub();
    const { door } = await openDoor(hub);
    await using _door = door;
    const upgrade = `GET /api/news HTTP/1.1\r\nHost: ${NAME}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`;
    const reader = secure(dial(door, OTHER));
    for (let count = 0; count < 240; count += 1) expect(await ask(reader, "GET")).toBe("200");
    const asker = secure(dial(door, OTHER));
    let text = "";
    asker.on("data", (part: Buffer) => void (text += part.toString()));
    asker.write(upgrade);
    await isEnded(asker);
    expect(text).toMatch(/^HTTP\/1\.1 429 /);
    expect(text).not.toMatch(/referrer-policy/i);
    reader.destroy();
  });
});

describe("handshakes", () => {
  test("that never end are ended, though a byte comes every now and then", async () => {
    await using hub = await startTestHub();
    const { door } = await openDoor(hub, { handshakeMs: 200 });
    await using _door = door;
    const silent = dial(door, OTHER);
    const slow = dial(door, OTHER);
    await once(slow, "connect");
    const hello = Buffer.from("16030100ff010000fb0303", "hex");
    let at = 0;
    const drip = setInterval(() => void slow.write(hello.subarray(at, (at += 1))), 40);
    await Promise.all([silent, slow].map(isEnded));
    clearInterval(drip);
    expect(at).toBeLessThan(hello.length);
    await expect.poll(() => [door.listener.handshakes, door.listener.connections]).toEqual([0, 0]);
  });

  test("are bounded for all who have not logged in; the oldest of whoever has most goes", async () => {
    await using hub = await startTestHub();
    const { door, proven } = await openDoor(hub, { handshakes: 4, handshakeMs: 60_000 });
    await using _door = door;
    proven.prove(OWNER);
    const owner = dial(door, OWNER);
    await expect.poll(() => door.listener.handshakes).toBe(1);
    const idle: net.Socket[] = [];
    for (let count = 0; count < 12; count += 1) {
      idle.push(dial(door, OTHER));
      await expect.poll(() => door.listener.handshakes).toBe(Math.min(count + 2, 5));
    }
    await expect.poll(() => idle.filter(({ closed }) => closed).length).toBe(8);
    expect(owner.closed).toBe(false);
    // Somebody else's is let in, and one that is done counts no more.
    const other = secure(dial(door, "127.0.3.2"));
    expect(await isShaken(other)).toBe(true);
    await expect.poll(() => door.listener.handshakes).toBe(4);
    expect(await ask(other, "GET")).toBe("200");
    for (const socket of [owner, other, ...idle]) socket.destroy();
  });

  test("are short for a device that comes again", async () => {
    await using hub = await startTestHub();
    const { door } = await openDoor(hub);
    await using _door = door;
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const versions = { minVersion: version, maxVersion: version };
      const first = secure(dial(door, OTHER), versions);
      const [session] = (await once(first, "session")) as [Buffer];
      expect(first.isSessionReused()).toBe(false);
      first.destroy();
      const again = secure(dial(door, OTHER), { ...versions, session });
      expect(await isShaken(again)).toBe(true);
      expect([version, again.isSessionReused()]).toEqual([version, true]);
      again.destroy();
    }
  });
});

test("who sends a request slowly is ended", async () => {
  await using hub = await startTestHub();
  const { door } = await openDoor(hub, {}, { headersMs: 200, requestMs: 400 });
  await using _door = door;
  const sockets = [
    `GET / HTTP/1.1\r\nHost: ${NAME}\r\nX-Slow: `,
    `POST /api/session HTTP/1.1\r\nHost: ${NAME}\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{`,
  ].map((text) => {
    const socket = secure(dial(door, OTHER));
    socket.write(text);
    socket.resume();
    return socket;
  });
  await Promise.all(sockets.map(isEnded));
  await expect.poll(() => door.listener.connections).toBe(0);
});
