import net from "node:net";
import { plainAddress } from "./names.ts";
import { Lane, PeerLanes } from "./lanes.ts";

/** How many connections there may be, and how fast new ones may come. */
export interface LanLimits {
  /** From addresses of which no device has logged in. */
  readonly connections: number;
  /** Kept for addresses of which one has. */
  readonly provenConnections: number;
  readonly connectionsPerPeer: number;
  /** New connections, each of which is a handshake. */
  readonly newPerPeerPerSecond: number;
  readonly newPerSecond: number;
}

export const LAN_LIMITS: LanLimits = {
  connections: 192,
  provenConnections: 96,
  connectionsPerPeer: 32,
  newPerPeerPerSecond: 20,
  newPerSecond: 80,
};

export interface LanListenerOptions {
  readonly port: number;
  readonly limits: LanLimits;
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
  readonly isProven: boolean;
}

/**
 * Listens on single addresses, never on all, and decides over each connection before a byte of it is
 * read. Where there are too many, the oldest of somebody who has not logged in makes room: so that
 * whoever fills the hub keeps nobody out.
 */
export class LanListener implements AsyncDisposable {
  readonly #options: LanListenerOptions;
  readonly #servers = new Map<string, net.Server>();
  readonly #sockets = new Map<net.Socket, Held>();
  readonly #peers: PeerLanes;
  readonly #all: Lane;
  #port: number;

  constructor(options: LanListenerOptions) {
    const { newPerPeerPerSecond, newPerSecond } = options.limits;
    this.#options = options;
    this.#port = options.port;
    this.#peers = new PeerLanes(newPerPeerPerSecond, newPerPeerPerSecond * 3);
    this.#all = new Lane(newPerSecond, newPerSecond * 2);
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
    const { limits, isProven, isProxy, take } = this.#options;
    const peer = plainAddress(socket.remoteAddress);
    const proxied = isProxy(peer);
    const proven = proxied || isProven(peer);
    if (!proxied && !this.#mayConnect(peer, proven)) {
      socket.resetAndDestroy();
      return;
    }
    const most = proven ? limits.provenConnections : limits.connections;
    if (this.#count((held) => held.isProven === proven) >= most) this.#dropOldest(proven);
    this.#sockets.set(socket, { peer, isProven: proven });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
    take(socket);
  }

  #mayConnect(peer: string, proven: boolean): boolean {
    const { limits, isPeer, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    return (
      isPeer(peer) &&
      this.#peers.take(peer, nowMs) &&
      (proven || this.#all.take(nowMs)) &&
      this.#count((held) => held.peer === peer) < limits.connectionsPerPeer
    );
  }

  #count(matches: (held: Held) => boolean): number {
    let count = 0;
    for (const held of this.#sockets.values()) if (matches(held)) count += 1;
    return count;
  }

  #dropOldest(proven: boolean): void {
    for (const [socket, held] of this.#sockets) {
      if (held.isProven !== proven) continue;
      this.#sockets.delete(socket);
      socket.resetAndDestroy();
      return;
    }
  }
}
