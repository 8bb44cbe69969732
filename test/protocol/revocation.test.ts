import { beforeAll, describe, expect, test } from "vitest";
import { envelopeSigner, generateSigningKey } from "../../src/owner/identity.ts";
import { signRevocation } from "../../src/owner/revocation.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import {
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
} from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { parseRequestId, parseSha256Hex } from "../../src/protocol/ids.ts";
import {
  VerifiedRevocation,
  type Revocation,
  type RevocationContext,
} from "../../src/protocol/revocation.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { recordFor, summaryOf } from "../support/test-approval.ts";
import {
  newDevice,
  newReaders,
  NOW_MS,
  signByAll,
  signRaw,
  testChain,
  type TestChain,
} from "../support/test-household.ts";

const DECISION = "b".repeat(64);
const passkey = createAuthenticator("ES256", true);
const strict = newDevice("owner", { passkey: passkey.passkey });
const adult = newDevice("adult");
const gone = newDevice("owner");
let chain: TestChain;
let context: RevocationContext;
let revocation: Revocation;

beforeAll(async () => {
  chain = await testChain();
  for (const { change } of [strict, adult, gone]) await chain.add(change);
  await chain.add({
    kind: "remove",
    device: gone.key.device,
    readers: await newReaders(chain.keyring()),
  });
  const keyring = chain.keyring();
  const record = recordFor(undefined);
  context = {
    keyring,
    request: parseRequestId(record.request),
    decisionSha256: parseSha256Hex(DECISION),
    nowMs: NOW_MS,
  };
  revocation = {
    v: 1,
    origin: keyring.origin,
    request: record.request,
    decisionSha256: DECISION,
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
    atMs: NOW_MS,
  };
});

function outcome(envelope: unknown, changes: Partial<RevocationContext> = {}): string {
  try {
    VerifiedRevocation.verify(envelope, { ...context, ...changes });
  } catch (error) {
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return "accepted";
}

const sign = (signer: EnvelopeSigner): Promise<Envelope> => {
  const request = { ...summaryOf(recordFor(undefined)), decisionSha256: DECISION };
  return signRevocation(chain.keyring(), { ...request, state: "packaged" }, NOW_MS, signer);
};

describe("a revocation", () => {
  test("of one owner holds, from two minutes before its time to fifteen after", async () => {
    const envelope = await sign(envelopeSigner(chain.founder));
    expect(outcome(envelope)).toBe("accepted");
    const times: [number, string][] = [
      [-120_000, "accepted"],
      [-120_001, "REVOCATION_NOT_NOW"],
      [900_000, "accepted"],
      [900_001, "REVOCATION_NOT_NOW"],
    ];
    for (const [laterMs, expected] of times)
      expect(outcome(envelope, { nowMs: NOW_MS + laterMs })).toBe(expected);
  });

  test("is none by anybody else: an adult, a removed owner, a stranger, or two at once", async () => {
    for (const { key } of [adult, gone, { key: generateSigningKey() }])
      expect(outcome(await sign(envelopeSigner(key)))).toBe("REVOCATION_UNKNOWN_KEY");
    const owner = envelopeSigner(chain.founder);
    const twice = await signByAll(PAYLOAD_TYPES.revocation, revocation, [owner, owner]);
    expect(outcome(twice)).toBe("REVOCATION_MALFORMED");
  });

  test("needs the passkey where the keyring says so, over this very payload", async () => {
    const bare = envelopeSigner(strict.key);
    expect(outcome(await sign(bare))).toBe("REVOCATION_NOT_CONFIRMED");
    const confirmed = {
      ...bare,
      assert: async (challenge: Uint8Array) => passkey.assert(challenge),
    };
    expect(outcome(await sign(confirmed))).toBe("accepted");
    const other = { ...bare, assert: async () => passkey.assert(new Uint8Array(32)) };
    expect(outcome(await sign(other))).toBe("REVOCATION_NOT_CONFIRMED");
  });

  test("names one approval, one request, one household and one keyring", async () => {
    const owner = envelopeSigner(chain.founder);
    const changes: [Partial<Revocation>, string][] = [
      [{ decisionSha256: "0".repeat(64) }, "REVOCATION_WRONG_DECISION"],
      [{ request: "0".repeat(32) }, "REVOCATION_WRONG_DECISION"],
      [{ origin: "doorward/another" }, "REVOCATION_WRONG_ORIGIN"],
      [{ keyringEpoch: 0 }, "REVOCATION_WRONG_KEYRING"],
      [{ keyringHead: "0".repeat(64) }, "REVOCATION_WRONG_KEYRING"],
    ];
    for (const [change, code] of changes)
      expect(
        outcome(await signEnvelope(PAYLOAD_TYPES.revocation, { ...revocation, ...change }, owner)),
      ).toBe(code);
  });

  test("is of its own type, canonical, closed, and as it was signed", async () => {
    const owner = envelopeSigner(chain.founder);
    const bytes = canonicalJson(revocation);
    const cases = [
      await signEnvelope(PAYLOAD_TYPES.decision, revocation, owner),
      await signEnvelope(PAYLOAD_TYPES.login, revocation, owner),
      await signEnvelope(PAYLOAD_TYPES.revocation, { ...revocation, more: 1 }, owner),
      await signRaw(PAYLOAD_TYPES.revocation, new Uint8Array([...bytes, 0x0a]), owner),
      null,
      [],
      {},
    ];
    for (const value of cases) expect(outcome(value)).toBe("REVOCATION_MALFORMED");
    const envelope = await sign(owner);
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(outcome({ ...envelope, payload: toBase64(changed) }), `byte ${at}`).not.toBe(
        "accepted",
      );
    }
  });
});
