import { beforeAll, describe, expect, test } from "vitest";
import { generateSigningKey, type SigningKey } from "../../src/owner/identity.ts";
import { VerifiedProposal } from "../../src/protocol/approval.ts";
import { HubError } from "../../src/protocol/errors.ts";
import {
  approvalCase,
  approvalOutcome,
  refusalOutcome,
  signDecision,
  type ApprovalCase,
} from "../support/test-approval.ts";
import { newDevice, NOW_MS, testChain } from "../support/test-household.ts";

const DAY_MS = 86_400_000;

function proposalOutcome(envelope: unknown, context: ApprovalCase["context"]): string {
  try {
    VerifiedProposal.verify(envelope, context);
  } catch (error) {
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return "accepted";
}

describe("a proposal", () => {
  const partner = newDevice("owner");
  let two: ApprovalCase;
  beforeAll(async () => {
    const chain = await testChain();
    await chain.add(partner.change);
    const policy = { exportSigners: 2, keyringSigners: 1, vetoWindowMs: 0 };
    await chain.add({ kind: "policy", policy });
    two = await approvalCase({ chain });
  });
  const signed = (signers: SigningKey[], changes: Partial<ApprovalCase["terms"]> = {}) =>
    signDecision({ terms: { ...two.terms, ...changes }, release: two.release }, signers);

  test("holds with one signature, and is no approval", async () => {
    const envelope = await signed([two.chain.founder]);
    expect(proposalOutcome(envelope, two.context)).toBe("accepted");
    expect(approvalOutcome(envelope, two.context)).toBe("DECISION_NOT_ENOUGH_SIGNERS");
  });

  test("is held to everything else that an approval is held to", async () => {
    const { founder } = two.chain;
    expect(proposalOutcome(await signed([founder, founder]), two.context)).toBe(
      "DECISION_SAME_PERSON_TWICE",
    );
    expect(proposalOutcome(await signed([generateSigningKey()]), two.context)).toBe(
      "DECISION_UNKNOWN_KEY",
    );
    expect(proposalOutcome(await signed([founder]), { ...two.context, nonce: null })).toBe(
      "DECISION_BAD_NONCE",
    );
    expect(proposalOutcome(await signed([founder], { origin: "doorward/x" }), two.context)).toBe(
      "DECISION_WRONG_ORIGIN",
    );
    const short = await signDecision({ terms: two.terms, release: two.release.slice(1) }, [
      founder,
    ]);
    expect(proposalOutcome(short, two.context)).toBe("DECISION_BAD_HEADER");
    const refusal = await signDecision({ terms: two.refusal(), release: [] }, [founder]);
    expect(proposalOutcome(refusal, two.context)).toBe("DECISION_WRONG_OUTCOME");
  });
});

describe("the time until which it can be fetched", () => {
  let one: ApprovalCase;
  beforeAll(async () => {
    one = await approvalCase();
  });
  const outcome = async (availableUntilMs: number | undefined): Promise<string> => {
    const { availableUntilMs: _signed, ...others } = one.terms;
    const terms = availableUntilMs === undefined ? others : { ...others, availableUntilMs };
    const release = await one.headers(terms);
    return approvalOutcome(
      await signDecision({ terms, release }, [one.chain.founder]),
      one.context,
    );
  };

  test("is thirty days after the decision's own, when nobody says otherwise", () => {
    expect(one.terms.availableUntilMs).toBe(one.terms.notAfterMs + 30 * DAY_MS);
  });

  test("may be left out, lies ahead, and at most 366 days after the beginning", async () => {
    const expected: [number | undefined, string][] = [
      [undefined, "accepted"],
      [NOW_MS + 1, "accepted"],
      [NOW_MS, "DECISION_EXPIRED"],
      [0, "DECISION_EXPIRED"],
      [one.terms.notBeforeMs + 366 * DAY_MS, "accepted"],
      [one.terms.notBeforeMs + 366 * DAY_MS + 1, "DECISION_MALFORMED"],
    ];
    for (const [untilMs, code] of expected) expect(await outcome(untilMs), `${untilMs}`).toBe(code);
  });

  test("has no place in a refusal", async () => {
    const terms = { ...one.refusal(), availableUntilMs: NOW_MS + DAY_MS };
    const envelope = await signDecision({ terms, release: [] }, [one.chain.founder]);
    expect(refusalOutcome(envelope, one.context)).toBe("DECISION_MALFORMED");
  });
});
