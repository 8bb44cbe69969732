import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { Lane, PeerLanes, type ProvenPeers } from "../lan/lanes.ts";
import { networkOf, plainAddress } from "../lan/names.ts";
import { HubError } from "../protocol/errors.ts";
import type { ProxyBefore } from "./access-check.ts";
import { TOO_MANY_CALLS, type Front } from "./front.ts";

/** Several phones behind one address, each a page with all that belongs to it, at once. */
const PER_PROVEN_PER_SECOND = 120;
const PER_PROVEN_SAVED = 600;
const PER_PEER_PER_SECOND = 60;
const PER_PEER_SAVED = 240;
const UNPROVEN_PER_SECOND = 250;
/** What changes something or is checked by arithmetic: logging in, claiming, pairing. */
const CHANGES_PER_PEER_PER_SECOND = 8;
const CHANGES_PER_PEER_SAVED = 40;
const UNPROVEN_CHANGES_PER_SECOND = 40;
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/** Of an address as a proxy writes it. */
const ADDRESS_CHARACTERS_MAX = 64;

/** Checks of a listener that faces the local network. */
export interface LanGate extends Front {
  /**
   * Before anything else of a request is looked at.
   *
   * @throws HubError TOO_MANY_CALLS; NOT_CLAIMED for what is not for an unclaimed hub.
   */
  enter(request: FastifyRequest): void;
  /** A device of the household has shown itself: its address has lanes that nobody else fills. */
  proved(request: FastifyRequest): void;
}

export function createLanGate(options: {
  readonly isClaimed: () => boolean;
  readonly proven: ProvenPeers;
  readonly proxy: ProxyBefore | null;
  readonly monotonicMs: () => number;
}): LanGate {
  const { isClaimed, proven, proxy, monotonicMs } = options;
  const lanes = new RequestLanes();
  /** Those that came in by the front, and are not to be counted a second time. */
  const counted = new WeakSet<IncomingMessage>();
  const admits = (request: IncomingMessage): boolean => {
    counted.add(request);
    const caller = callerOf(request, proxy);
    return lanes.take(request.method ?? "", caller, proven.isProven(caller), monotonicMs());
  };
  return {
    admits,
    keepsConnection: ({ socket }) => proxy?.isPeer(socket.remoteAddress) === true,
    enter: (request) => {
      if (!counted.has(request.raw) && !admits(request.raw))
        throw new HubError("TOO_MANY_CALLS", TOO_MANY_CALLS);
      requireForUnclaimed(request, isClaimed());
    },
    proved: (request) => proven.prove(callerOf(request.raw, proxy)),
  };
}

class RequestLanes {
  readonly #proven = new PeerLanes(PER_PROVEN_PER_SECOND, PER_PROVEN_SAVED);
  readonly #peers = new PeerLanes(PER_PEER_PER_SECOND, PER_PEER_SAVED);
  readonly #changesOfPeers = new PeerLanes(CHANGES_PER_PEER_PER_SECOND, CHANGES_PER_PEER_SAVED);
  readonly #unproven = new Lane(UNPROVEN_PER_SECOND, UNPROVEN_PER_SECOND * 2);
  readonly #changes = new Lane(UNPROVEN_CHANGES_PER_SECOND, UNPROVEN_CHANGES_PER_SECOND * 2);

  take(method: string, caller: string, isProven: boolean, nowMs: number): boolean {
    if (isProven) return this.#proven.take(caller, nowMs);
    const network = networkOf(caller);
    if (!this.#peers.take(network, nowMs)) return false;
    // Apart, so that whoever tries to log in without end keeps no page from being loaded.
    if (SAFE_METHODS.has(method)) return this.#unproven.take(nowMs);
    return this.#changesOfPeers.take(network, nowMs) && this.#changes.take(nowMs);
  }
}

/** The one hop that is known, and what it says of its caller; nothing that the caller says. */
function callerOf({ headers, socket }: IncomingMessage, proxy: ProxyBefore | null): string {
  const peer = plainAddress(socket.remoteAddress);
  const said = headers["x-forwarded-for"];
  if (said === undefined || !proxy?.isPeer(peer)) return peer;
  const last = [said].flat().join(",").split(",").at(-1)?.trim() ?? "";
  return last === "" ? peer : plainAddress(last.slice(0, ADDRESS_CHARACTERS_MAX));
}

/** A route that is none of ours has no word for it: the not-found handler answers. */
function requireForUnclaimed(request: FastifyRequest, isClaimed: boolean): void {
  const { access, beforeClaim } = request.routeOptions.config;
  if (isClaimed || access === undefined || beforeClaim === true) return;
  throw new HubError(
    "NOT_CLAIMED",
    "Cannot answer: nobody has claimed this hub yet; until then it only takes the claim from here",
  );
}
