import type { FastifyRequest } from "fastify";
import { Lane, PeerLanes, type ProvenPeers } from "../lan/lanes.ts";
import { plainAddress } from "../lan/names.ts";
import { HubError } from "../protocol/errors.ts";

const PER_PEER_PER_SECOND = 60;
/** A page with all that belongs to it, at once. */
const PER_PEER_SAVED = 240;
const UNPROVEN_PER_SECOND = 250;
/** What changes something or is checked by arithmetic: logging in, claiming, pairing. */
const UNPROVEN_CHANGES_PER_SECOND = 40;
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Checks of a listener that faces the local network. */
export interface LanGate {
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
  readonly monotonicMs: () => number;
}): LanGate {
  const { isClaimed, proven, monotonicMs } = options;
  const peers = new PeerLanes(PER_PEER_PER_SECOND, PER_PEER_SAVED);
  const unproven = new Lane(UNPROVEN_PER_SECOND, UNPROVEN_PER_SECOND * 2);
  const changes = new Lane(UNPROVEN_CHANGES_PER_SECOND, UNPROVEN_CHANGES_PER_SECOND * 2);
  return {
    enter: (request) => {
      const peer = plainAddress(request.ip);
      const nowMs = monotonicMs();
      let mayEnter = peers.take(peer, nowMs);
      if (mayEnter && !proven.isProven(peer))
        mayEnter =
          unproven.take(nowMs) && (SAFE_METHODS.has(request.method) || changes.take(nowMs));
      if (!mayEnter)
        throw new HubError("TOO_MANY_CALLS", "Cannot answer: too many calls; wait a moment");
      requireForUnclaimed(request, isClaimed());
    },
    proved: (request) => proven.prove(plainAddress(request.ip)),
  };
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
