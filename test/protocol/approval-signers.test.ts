import { beforeAll, describe, expect, test } from "vitest";
import { envelopeSigner, generateSigningKey, type SigningKey } from "../../src/owner/identity.ts";
import { fromBase64, toBase64 } from "../../src/protocol/bytes.ts";
import { termsHash, type Decision } from "../../src/protocol/decision.ts";
import type { Envelope, EnvelopeSigner } from "../../src/protocol/envelope.ts";
import { createAuthenticator, type AssertionChanges } from "../support/authenticator.ts";
import {
  approvalCase,
  approvalOutcome,
  refusalOutcome,
  signDecision,
  type ApprovalCase,
} from "../support/test-approval.ts";
import { newDevice, testChain } from "../support/test-household.ts";

const decisionOf = ({ terms, release }: ApprovalCase): Decision => ({ terms, release });

describe("where two persons must sign", () => {
  let two: ApprovalCase;
  const partner = newDevice("owner");
  let tablet: ReturnType<typeof newDevice>;
  beforeAll(async () => {
    const chain = await testChain();
    tablet = newDevice("owner", { person: chain.founderPerson });
    await chain.add(partner.change);
    await chain.add(tablet.change);
    await chain.add({
      kind: "policy",
      policy: { exportSigners: 2, keyringSigners: 1, vetoWindowMs: 0 },
    });
    two = await approvalCase({ chain });
  });
  const outcome = async (signers: SigningKey[]): Promise<string> =>
    approvalOutcome(await signDecision(decisionOf(two), signers), two.context);

  test("both together are enough, in either order", async () => {
    expect(await outcome([two.chain.founder, partner.key])).toBe("accepted");
    expect(await outcome([partner.key, two.chain.founder])).toBe("accepted");
  });

  test("one alone is not", async () => {
    expect(await outcome([two.chain.founder])).toBe("DECISION_NOT_ENOUGH_SIGNERS");
    expect(await outcome([partner.key])).toBe("DECISION_NOT_ENOUGH_SIGNERS");
  });

  test("one person twice is not, neither by one device nor by two", async () => {
    expect(await outcome([two.chain.founder, two.chain.founder])).toBe(
      "DECISION_SAME_PERSON_TWICE",
    );
    expect(await outcome([two.chain.founder, tablet.key])).toBe("DECISION_SAME_PERSON_TWICE");
  });

  test("a stranger beside an owner spoils it", async () => {
    expect(await outcome([two.chain.founder, generateSigningKey()])).toBe("DECISION_UNKNOWN_KEY");
    expect(await outcome([two.chain.founder, partner.key, generateSigningKey()])).toBe(
      "DECISION_UNKNOWN_KEY",
    );
  });

  test("a signature for other terms does not count as the second", async () => {
    const good = await signDecision(decisionOf(two), [two.chain.founder]);
    const terms = { ...two.terms, purpose: "something else" };
    const other = await signDecision({ ...decisionOf(two), terms }, [partner.key]);
    const joined = { ...good, signatures: [...good.signatures, ...other.signatures] };
    expect(approvalOutcome(joined, two.context)).toBe("DECISION_BAD_SIGNATURE");
  });

  test("one alone is enough to refuse", async () => {
    const refusal = { terms: two.refusal(), release: [] };
    const envelope = await signDecision(refusal, [partner.key]);
    expect(refusalOutcome(envelope, two.context)).toBe("accepted");
  });
});

describe.each(["ES256", "EdDSA"] as const)("a device with a passkey of kind %s", (algorithm) => {
  const required = createAuthenticator(algorithm, true);
  const optional = createAuthenticator(algorithm, false);
  const strict = newDevice("owner", { passkey: required.passkey });
  const lenient = newDevice("owner", { passkey: optional.passkey });
  let one: ApprovalCase;
  beforeAll(async () => {
    const chain = await testChain();
    await chain.add(strict.change);
    await chain.add(lenient.change);
    one = await approvalCase({ chain });
  });
  const asserting = (
    { key }: { key: SigningKey },
    authenticator: typeof required,
    changes: AssertionChanges = {},
  ): EnvelopeSigner => ({
    ...envelopeSigner(key),
    assert: async (challenge) => authenticator.assert(challenge, changes),
  });
  const outcome = async (signer: SigningKey | EnvelopeSigner): Promise<string> =>
    approvalOutcome(await signDecision(decisionOf(one), [signer]), one.context);

  test("confirms with it what it signs", async () => {
    expect(await outcome(asserting(strict, required))).toBe("accepted");
    expect(await outcome(asserting(lenient, optional))).toBe("accepted");
  });

  test("must, where the keyring says so, and may leave it where it does not", async () => {
    expect(await outcome(strict.key)).toBe("DECISION_PASSKEY_MISSING");
    expect(await outcome(lenient.key)).toBe("accepted");
  });

  test("must to refuse as well: a stolen key alone decides nothing", async () => {
    const refusal = { terms: one.refusal(), release: [] };
    const envelope = await signDecision(refusal, [strict.key]);
    expect(refusalOutcome(envelope, one.context)).toBe("DECISION_PASSKEY_MISSING");
  });

  test("is refused with an assertion for other terms, another site, or without the user", async () => {
    const wrong: AssertionChanges[] = [
      { challenge: termsHash({ ...one.terms, purpose: "something else" }) },
      { origin: "http://localhost:9999" },
      { relyingPartyId: "evil.example" },
      { flags: 0x01 },
      { type: "webauthn.create" },
    ];
    for (const changes of wrong) {
      expect(await outcome(asserting(strict, required, changes))).toBe("DECISION_PASSKEY_INVALID");
      // Optional does not mean that a wrong one is overlooked.
      expect(await outcome(asserting(lenient, optional, changes))).toBe("DECISION_PASSKEY_INVALID");
    }
  });

  test("is refused with the passkey of another device, or on a device that has none", async () => {
    const borrowed = { credentialId: required.passkey.credentialId };
    expect(await outcome(asserting(strict, optional, borrowed))).toBe("DECISION_PASSKEY_INVALID");
    expect(await outcome(asserting({ key: one.chain.founder }, required))).toBe(
      "DECISION_PASSKEY_INVALID",
    );
  });
});

describe("an accepted approval with anything changed afterwards is refused", () => {
  let one: ApprovalCase;
  let envelope: Envelope;
  beforeAll(async () => {
    one = await approvalCase();
    envelope = await signDecision(decisionOf(one), [one.chain.founder]);
  });

  test("(control: unchanged it is accepted)", () => {
    expect(approvalOutcome(envelope, one.context)).toBe("accepted");
  });

  test("the recipient, the purpose, a header, a file, in valid canonical JSON", () => {
    const text = Buffer.from(envelope.payload, "base64").toString();
    const exchanges: [string, string][] = [
      [`"purpose":"a test"`, `"purpose":"another"`],
      [one.terms.recipient ?? "", one.chain.keyring().readers.recovery],
      [one.release[0]?.header ?? "", one.release[1]?.header ?? ""],
      [`"outcome":"approved"`, `"outcome":"approved_in_part"`],
      [`"segment":0`, `"segment":1`],
    ];
    for (const [from, to] of exchanges) {
      expect(text).toContain(from);
      const payload = toBase64(new Uint8Array(Buffer.from(text.replace(from, to))));
      expect(approvalOutcome({ ...envelope, payload }, one.context)).not.toBe("accepted");
    }
  });

  test("any byte of payload or signature (a dense sample)", () => {
    const payload = fromBase64(envelope.payload, "payload");
    for (let at = 0; at < payload.length; at += 17) {
      const changed = Uint8Array.from(payload);
      changed[at] = (changed[at] ?? 0) ^ 0x02;
      const forged = { ...envelope, payload: toBase64(changed) };
      expect(approvalOutcome(forged, one.context), `byte ${at}`).not.toBe("accepted");
    }
    const [signature] = envelope.signatures;
    if (!signature) throw new Error("unsigned");
    const bytes = fromBase64(signature.sig, "sig");
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      const forged = { ...envelope, signatures: [{ ...signature, sig: toBase64(changed) }] };
      expect(approvalOutcome(forged, one.context), `byte ${at}`).toBe("DECISION_BAD_SIGNATURE");
    }
  });
});
