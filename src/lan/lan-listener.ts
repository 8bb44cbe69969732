import net from "node:net";
import { ConnectionBudget, type ConnectionRates } from "./connection-budget.ts";
import { networkOf, plainAddress } from "./names.ts";

/** How many connections there may be, and how fast new ones may come. */
export interface LanLimits extends ConnectionRates {
  /** From addresses of which no device has logged in. */
  readonly connections: number;
  /** Kept for addresses of which one has. */
  readonly provenConnections: number;
  /** Of an address from which nobody has logged in, or of its /64. */
  readonly connectionsPerPeer: number;
  /** Of one from which a device has: there may be several phones behind it. */
  readonly connectionsPerProvenPeer: number;
  /** Going on at once, of addresses of which no device has logged in. */
  readonly handshakes: number;
  /** From the first byte to the last, however often something comes in between. */
  readonly handshakeMs: number;
}

export const LAN_LIMITS: LanLimits = {
  connections: 192,
  provenConnections: 128,
  connectionsPerPeer: 32,
  connectionsPerProvenPeer: 64,
  handshakes: 32,
  handshakeMs: 5_000,
  newPerPeerPerSecond: 10,
  newPerProvenPeerPerSecond: 30,
  newPerSecond: 40,
};

export interface LanListenerOptions {
  readonly port: number;
  readonly limits: LanLimits;
  /** Each connection begins with a handshake, whose end is told by `shaken`. */
  readonly isTls: boolean;
  readonly isPeer: (address: string) => boolean;
  /** Whether a device of the household has lately logged in from there. */
  readonly isProven: (address: string) => boolean;
  /** Through whom many call, and who has limits of his own. */
  readonly isProxy: (address: string) => boolean;
  readonly take: (socket: net.Socket) => void;
  readonly monotonicMs: () => number;
}

interface Held {
  readonly peer: string;
  readonly network: string;
  /** Once it is, it stays so for as long as the connection does. */
  isProven: boolean;
  readonly isProxied: boolean;
  /** Runs while a handshake goes on. */
  deadline: NodeJS.Timeout | null;
}

/**
 * Listens on single addresses, never on all, and decides over each connection before a byte of it is
 * read. Where there are too many, the oldest of whoever has most makes room, and nobody's who has
 * logged in for somebody's who has not: so that whoever fills the hub keeps nobody out.
 */
export class LanListener implements AsyncDisposable {
  readonly #options: LanListenerOptions;
  readonly #servers = new Map<string, net.Server>();
  readonly #sockets = new Map<net.Socket, Held>();
  /** By both ends of the connection: what encrypts it is another object of the same two. */
  readonly #byEnds = new Map<string, Held>();
  readonly #budget: ConnectionBudget;
  #port: number;

  constructor(options: LanListenerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#budget = new ConnectionBudget(options.limits);
  }

  /** The port that it has: the same on all addresses. */
  get port(): number {
    return this.#port;
  }

  get addresses(): string[] {
    return [...this.#servers.keys()];
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get handshakes(): number {
    return this.#count(isShaking);
  }

  /** The handshake of a connection that was handed over is done. */
  shaken(socket: net.Socket): void {
    const held = this.#byEnds.get(endsOf(socket));
    if (held) endDeadline(held);
  }

  /**
   * Listens on these addresses and on no other from now on.
   *
   * @returns Addresses that could not be had, with the system's code: `EADDRINUSE` and the like.
   */
  async listenOn(addresses: readonly string[]): Promise<{ address: string; code: string }[]> {
    for (const [address, server] of this.#servers)
      if (!addresses.includes(address)) {
        server.close();
        this.#servers.delete(address);
      }
    const failed: { address: string; code: string }[] = [];
    for (const address of addresses) {
      if (this.#servers.has(address)) continue;
      try {
        await this.#listen(address);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
        failed.push({ address, code });
      }
    }
    return failed;
  }

  /** No new connection; those that are there stay until they are ended. */
  stop(): void {
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [...this.#servers.values()].map(
      (server) => new Promise<void>((resolve) => void server.close(() => resolve())),
    );
    this.#servers.clear();
    for (const socket of this.#sockets.keys()) socket.destroy();
    await Promise.all(closed);
  }

  async #listen(address: string): Promise<void> {
    const server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port: this.#port, backlog: 128 }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    // An accept that fails, for want of file descriptors, ends no process.
    server.on("error", () => undefined);
    const bound = server.address();
    if (this.#port === 0 && bound !== null && typeof bound !== "string") this.#port = bound.port;
    this.#servers.set(address, server);
  }

  #accept(socket: net.Socket): void {
    const { isProven, isProxy, isTls, take } = this.#options;
    const peer = plainAddress(socket.remoteAddress);
    const proxied = isProxy(peer);
    const proven = proxied || isProven(peer);
    if (!(proxied ? this.#mayConnectThrough() : this.#mayConnect(peer, proven))) {
      socket.resetAndDestroy();
      return;
    }
    if (!proxied) this.#makeRoom(proven);
    const held: Held = {
      ...{ peer, network: networkOf(peer), isProven: proven, isProxied: proxied },
      deadline: null,
    };
    const ends = endsOf(socket);
    this.#sockets.set(socket, held);
    this.#byEnds.set(ends, held);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      endDeadline(held);
      this.#sockets.delete(socket);
      if (this.#byEnds.get(ends) === held) this.#byEnds.delete(ends);
    });
    if (isTls) this.#watchHandshake(socket, held);
    take(socket);
  }

  /**
   * Who it is behind a proxy shows only in what he asks. So nobody there makes room for another: the
   * oldest connections are those of who looks at a live picture.
   */
  #mayConnectThrough(): boolean {
    return this.#count(({ isProxied }) => isProxied) < this.#options.limits.provenConnections;
  }

  #mayConnect(peer: string, proven: boolean): boolean {
    const { limits, isPeer, monotonicMs } = this.#options;
    if (!isPeer(peer) || !this.#budget.take(peer, proven, monotonicMs())) return false;
    if (proven) return this.#count((held) => held.peer === peer) < limits.connectionsPerProvenPeer;
    const network = networkOf(peer);
    const ofNetwork = (held: Held): boolean => !held.isProven && held.network === network;
    return this.#count(ofNetwork) < limits.connectionsPerPeer;
  }

  #makeRoom(proven: boolean): void {
    const { limits, isProven, isTls } = this.#options;
    for (const held of this.#sockets.values()) held.isProven ||= isProven(held.peer);
    const isAlike = (held: Held): boolean => !held.isProxied && held.isProven === proven;
    const most = proven ? limits.provenConnections : limits.connections;
    if (this.#count(isAlike) >= most) this.#dropOne(isAlike);
    if (proven || !isTls) return;
    const isShakingAlike = (held: Held): boolean => isAlike(held) && isShaking(held);
    if (this.#count(isShakingAlike) >= limits.handshakes) this.#dropOne(isShakingAlike);
  }

  /** The TLS server's own limit begins anew with each byte that comes. */
  #watchHandshake(socket: net.Socket, held: Held): void {
    held.deadline = setTimeout(
      () => socket.resetAndDestroy(),
      this.#options.limits.handshakeMs,
    ).unref();
  }

  #count(matches: (held: Held) => boolean): number {
    let count = 0;
    for (const held of this.#sockets.values()) if (matches(held)) count += 1;
    return count;
  }

  /** The oldest of whoever has most. */
  #dropOne(matches: (held: Held) => boolean): void {
    const counts = new Map<string, number>();
    for (const held of this.#sockets.values())
      if (matches(held)) counts.set(held.network, (counts.get(held.network) ?? 0) + 1);
    const most = Math.max(...counts.values());
    for (const [socket, held] of this.#sockets) {
      if (!matches(held) || counts.get(held.network) !== most) continue;
      this.#sockets.delete(socket);
      socket.resetAndDestroy();
      return;
    }
  }
}

function isShaking(held: Held): boolean {
  return held.deadline !== null;
}

function endDeadline(held: Held): void {
  if (held.deadline) clearTimeout(held.deadline);
  held.deadline = null;
}

function endsOf({ localAddress, remoteAddress, remotePort }: net.Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}
