import { describe, expect, test } from "vitest";
import { amountsGranted, saysWhatIsGranted, secondsAsked } from "../../src/protocol/amounts.ts";
import type { Terms } from "../../src/protocol/decision.ts";
import type { LedgerEntryOf } from "../../src/protocol/ledger-entry.ts";
import { requestDocument } from "../support/test-consent.ts";

const { kind, urgency, sought } = requestDocument();
const asked = (changes: Partial<typeof sought>) => ({
  ...{ kind, urgency },
  sought: { ...sought, ...changes },
});
const HEAD = "a".repeat(64);

/** As much of terms as says how much leaves. */
function terms(ranges: [number, number][], redactions: Terms["redactions"]): Terms {
  const clips = ranges.map(([fromMs, toMs]) => ({
    ...{ clip: "b".repeat(32), camera: "front", fromMs, toMs, files: [] },
  }));
  return { clips, redactions } as unknown as Terms;
}

describe("how much", () => {
  test("is asked for is the range for each camera that is named", () => {
    expect(secondsAsked(asked({}))).toBe(600);
    expect(secondsAsked(asked({ cameras: "unspecified" }))).toBe(600);
    expect(secondsAsked(asked({ cameras: ["front", "back", "front"] }))).toBe(1_200);
    expect(secondsAsked(asked({ to: "2026-11-21T20:00:00.001Z" }))).toBe(1);
  });

  test("is granted is what the terms list, rounded up once", () => {
    const none = { faces: "none", audio: "left_out" } as const;
    expect(amountsGranted(terms([], none))).toEqual({
      ...{ secondsGranted: 0, clearFaces: false, audio: false },
    });
    const given = amountsGranted(
      terms(
        [
          [0, 4_100],
          [10_000, 14_100],
        ],
        { faces: "mixed", audio: "included" },
      ),
    );
    expect(given).toEqual({ secondsGranted: 9, clearFaces: true, audio: true });
  });

  test("an entry says, has to be what its terms give, in each of its three numbers", () => {
    const signed = terms([[0, 4_000]], { faces: "blurred", audio: "left_out" });
    const entry = {
      ...{ v: 2, kind: "decision", atMs: 0, request: "c".repeat(32), outcome: "approved" },
      ...{ decisionSha256: HEAD, keyringHead: HEAD, ...amountsGranted(signed) },
    } as LedgerEntryOf<"decision"> & { v: 2 };
    expect(saysWhatIsGranted(entry, signed)).toBe(true);
    expect(saysWhatIsGranted({ ...entry, secondsGranted: 5 }, signed)).toBe(false);
    expect(saysWhatIsGranted({ ...entry, clearFaces: true }, signed)).toBe(false);
    expect(saysWhatIsGranted({ ...entry, audio: true }, signed)).toBe(false);
  });
});
