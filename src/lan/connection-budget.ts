import { Lane, PeerLanes } from "./lanes.ts";
import { networkOf } from "./names.ts";

/** How fast new connections may come, each of which is a handshake. */
export interface ConnectionRates {
  /** Of an address from which nobody has logged in, or of its /64. */
  readonly newPerPeerPerSecond: number;
  /** Of one from which a device of the household has. */
  readonly newPerProvenPeerPerSecond: number;
  /** Of all from which nobody has, however many there are. */
  readonly newPerSecond: number;
}

/** Seconds' worth that an address may save up: several phones behind it open a page at once. */
const SAVED_SECONDS = 6;
const ALL_SAVED_SECONDS = 2;

/** Decides over a new connection by where it comes from, with maps of bounded size. */
export class ConnectionBudget {
  readonly #unproven: PeerLanes;
  readonly #proven: PeerLanes;
  readonly #all: Lane;

  constructor(rates: ConnectionRates) {
    const { newPerPeerPerSecond, newPerProvenPeerPerSecond, newPerSecond } = rates;
    this.#unproven = new PeerLanes(newPerPeerPerSecond, newPerPeerPerSecond * SAVED_SECONDS);
    this.#proven = new PeerLanes(
      newPerProvenPeerPerSecond,
      newPerProvenPeerPerSecond * SAVED_SECONDS,
    );
    this.#all = new Lane(newPerSecond, newPerSecond * ALL_SAVED_SECONDS);
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#unproven.size + this.#proven.size;
  }

  /** A proven address never shares with its neighbours of the same /64. */
  take(peer: string, isProven: boolean, nowMs: number): boolean {
    if (isProven) return this.#proven.take(peer, nowMs);
    return this.#unproven.take(networkOf(peer), nowMs) && this.#all.take(nowMs);
  }
}
