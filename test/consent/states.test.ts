import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  advance,
  isReleased,
  type RequestEvent,
  type RequestState,
} from "../../src/consent/states.ts";

const STATES: RequestState[] = [
  "received",
  "held",
  "approved",
  "refused",
  "expired",
  "withdrawn",
  "packaged",
  "accessed",
  "revoked",
  "lapsed",
];
const EVENTS: RequestEvent[] = [
  "hold",
  "approve",
  "refuse",
  "expire",
  "withdraw",
  "package",
  "access",
  "revoke",
  "lapse",
];

/** Every edge that there is; all others must be null. */
const EDGES: readonly [RequestState, RequestEvent, RequestState, string][] = [
  ["received", "hold", "held", "hold"],
  ["received", "approve", "approved", "decision"],
  ["received", "refuse", "refused", "decision"],
  ["received", "expire", "expired", "decision"],
  ["received", "withdraw", "withdrawn", "decision"],
  ["held", "approve", "approved", "decision"],
  ["held", "refuse", "refused", "decision"],
  ["held", "expire", "expired", "decision"],
  ["held", "withdraw", "withdrawn", "decision"],
  ["approved", "package", "packaged", "release"],
  ["approved", "revoke", "revoked", "revocation"],
  ["approved", "lapse", "lapsed", "revocation"],
  ["packaged", "access", "accessed", "access"],
  ["packaged", "revoke", "revoked", "revocation"],
  ["packaged", "lapse", "lapsed", "revocation"],
  ["accessed", "access", "accessed", "access"],
  ["accessed", "revoke", "revoked", "revocation"],
  ["accessed", "lapse", "lapsed", "revocation"],
];

test("these edges exist, each with its ledger entry, and no other", () => {
  for (const state of STATES)
    for (const event of EVENTS) {
      const edge = EDGES.find(([from, by]) => from === state && by === event);
      const expected = edge ? { state: edge[2], entry: edge[3] } : null;
      expect(advance(state, event), `${state} ${event}`).toEqual(expected);
    }
});

describe("over any history", () => {
  const history = fc.array(fc.constantFrom(...EVENTS), { maxLength: 20 });

  function walk(events: readonly RequestEvent[]): {
    taken: RequestEvent[];
    states: RequestState[];
  } {
    const states: RequestState[] = ["received"];
    const taken: RequestEvent[] = [];
    for (const event of events) {
      const step = advance(states.at(-1) ?? "received", event);
      if (!step) continue;
      states.push(step.state);
      taken.push(event);
    }
    return { taken, states };
  }

  test("nothing is released that was not approved first, and packaged after that", () => {
    fc.assert(
      fc.property(history, (events) => {
        const { taken, states } = walk(events);
        if (!states.some(isReleased)) return;
        expect(taken.indexOf("approve")).toBeGreaterThanOrEqual(0);
        expect(taken.indexOf("package")).toBeGreaterThan(taken.indexOf("approve"));
      }),
      { numRuns: 2_000 },
    );
  });

  test("a no is the last word: refused, expired and withdrawn lead nowhere", () => {
    fc.assert(
      fc.property(history, history, (before, after) => {
        const ended = walk(before).states.at(-1) ?? "received";
        fc.pre(["refused", "expired", "withdrawn", "revoked", "lapsed"].includes(ended));
        for (const event of after) expect(advance(ended, event)).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  test("a request is decided once", () => {
    fc.assert(
      fc.property(history, (events) => {
        const decided = walk(events).taken.filter((event) =>
          ["approve", "refuse", "expire", "withdraw"].includes(event),
        );
        expect(decided.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2_000 },
    );
  });
});
