import { HubError } from "../protocol/errors.ts";
import type { HubServer, ServerLimits } from "./server.ts";

/**
 * Of a listener that faces everybody. One connection may not be kept for nothing: headers come within
 * ten seconds, a body (4 MiB at most) within two minutes, and a socket that says nothing is closed.
 */
export const OUTSIDE_LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 120_000,
  idleMs: 60_000,
  checkEveryMs: 2_000,
  requestsPerSocket: 100,
  connections: 128,
};

/** All callers together, whatever their addresses: behind a reverse proxy everybody has the same. */
const CALLS_AT_ONCE = 300;
const CALLS_PER_SECOND = 10;

/**
 * A bucket for the whole listener, before anything is read or looked up, and the words that keep what
 * it answers out of search engines.
 *
 * @param monotonicMs - Only ever runs forward.
 */
export function addOutsideLimits(server: HubServer, monotonicMs: () => number): void {
  let left = CALLS_AT_ONCE;
  let atMs = monotonicMs();
  server.addHook("onRequest", async (_request, reply) => {
    reply.header("x-robots-tag", "noindex, nofollow");
    const nowMs = monotonicMs();
    left = Math.min(CALLS_AT_ONCE, left + ((nowMs - atMs) / 1_000) * CALLS_PER_SECOND);
    atMs = nowMs;
    if (left < 1)
      throw new HubError("TOO_MANY_CALLS", "Cannot answer: too many calls; wait a minute");
    left -= 1;
  });
}
