const PEERS_MAX = 2_000;

/** A number of goes a second, of which some may be saved up. */
export class Lane {
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #atMs: number | null = null;

  constructor(perSecond: number, most: number) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#left = most;
  }

  /** False where it is used up. */
  take(nowMs: number): boolean {
    const ranMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = nowMs;
    this.#left = Math.min(this.#most, this.#left + (ranMs / 1_000) * this.#perSecond);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

/** A lane for each address; those that were not used for the longest time are forgotten first. */
export class PeerLanes {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #lanes = new Map<string, Lane>();

  constructor(perSecond: number, most: number) {
    this.#perSecond = perSecond;
    this.#most = most;
  }

  get size(): number {
    return this.#lanes.size;
  }

  take(peer: string, nowMs: number): boolean {
    const lane = this.#lanes.get(peer) ?? new Lane(this.#perSecond, this.#most);
    this.#lanes.delete(peer);
    this.#lanes.set(peer, lane);
    for (const oldest of this.#lanes.keys()) {
      if (this.#lanes.size <= PEERS_MAX) break;
      this.#lanes.delete(oldest);
    }
    return lane.take(nowMs);
  }
}

/** Addresses from which a device of the household has lately logged in. */
export class ProvenPeers {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  prove(peer: string): void {
    this.#untilMs.delete(peer);
    this.#untilMs.set(peer, this.#nowMs() + PROVEN_MS);
    for (const oldest of this.#untilMs.keys()) {
      if (this.#untilMs.size <= PROVEN_MAX) break;
      this.#untilMs.delete(oldest);
    }
  }

  isProven(peer: string): boolean {
    return (this.#untilMs.get(peer) ?? 0) > this.#nowMs();
  }
}

const PROVEN_MAX = 64;
const PROVEN_MS = 12 * 3_600_000;
