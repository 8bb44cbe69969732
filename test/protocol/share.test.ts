import { base64urlnopad } from "@scure/base";
import { beforeAll, describe, expect, test } from "vitest";
import { envelopeSigner, type SigningKey } from "../../src/owner/identity.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import { PAYLOAD_TYPES, signEnvelope } from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { CLOCK_SKEW_MAX_MS, DECISION_LIFETIME_MS } from "../../src/protocol/limits.ts";
import {
  secretOfFragment,
  shareLink,
  VerifiedShare,
  type Share,
  type ShareContext,
} from "../../src/protocol/share.ts";
import { newDevice, NOW_MS, signByAll, testChain } from "../support/test-household.ts";
import type { TestChain } from "../support/test-household.ts";

const DAY_MS = 24 * 3_600_000;
let chain: TestChain;
let context: ShareContext;
beforeAll(async () => {
  chain = await testChain();
  const keyring = chain.keyring();
  context = {
    ...{ keyring, request: "d".repeat(32), decisionSha256: "ab".repeat(32), nowMs: NOW_MS },
  };
});

function share(changes: Partial<Share> = {}): Share {
  const { keyring, request, decisionSha256 } = context;
  return {
    ...{ v: 1, origin: keyring.origin, request, decisionSha256, tokenSha256: "cd".repeat(32) },
    ...{ meantFor: "YWdl", expiresAtMs: NOW_MS + DAY_MS, viewsMax: 2, atMs: NOW_MS },
    ...{ keyringEpoch: keyring.epoch, keyringHead: keyring.head },
    ...changes,
  };
}

async function outcome(
  changes: Partial<Share>,
  signers: readonly SigningKey[] = [chain.founder],
  nowMs: number | null = NOW_MS,
): Promise<string> {
  const signed = share(changes) as unknown as Json;
  const envelope = await signByAll(PAYLOAD_TYPES.share, signed, signers.map(envelopeSigner));
  try {
    VerifiedShare.verify(envelope, { ...context, nowMs });
    return "accepted";
  } catch (error) {
    if (error instanceof HubError) return error.code;
    throw error;
  }
}

describe("a share", () => {
  test("holds from one view to a hundred", async () => {
    expect(await outcome({ viewsMax: 1 })).toBe("accepted");
    expect(await outcome({ viewsMax: 100 })).toBe("accepted");
    expect(await outcome({ viewsMax: 0 })).toBe("SHARE_MALFORMED");
    expect(await outcome({ viewsMax: 101 })).toBe("SHARE_MALFORMED");
  });

  test("ends within thirty days, and not in the past", async () => {
    expect(await outcome({ expiresAtMs: NOW_MS + 30 * DAY_MS })).toBe("accepted");
    expect(await outcome({ expiresAtMs: NOW_MS + 30 * DAY_MS + 1 })).toBe("SHARE_TOO_LONG");
    expect(await outcome({ expiresAtMs: NOW_MS + 1 })).toBe("accepted");
    expect(await outcome({ expiresAtMs: NOW_MS })).toBe("SHARE_TOO_LONG");
  });

  test("was signed just now; read again later, that is not asked", async () => {
    expect(await outcome({ atMs: NOW_MS - DECISION_LIFETIME_MS })).toBe("accepted");
    expect(await outcome({ atMs: NOW_MS - DECISION_LIFETIME_MS - 1 })).toBe("SHARE_NOT_NOW");
    expect(await outcome({ atMs: NOW_MS + CLOCK_SKEW_MAX_MS })).toBe("accepted");
    expect(await outcome({ atMs: NOW_MS + CLOCK_SKEW_MAX_MS + 1 })).toBe("SHARE_NOT_NOW");
    expect(await outcome({ atMs: 0, expiresAtMs: 1 }, [chain.founder], null)).toBe("accepted");
  });

  test("is signed by exactly one owner", async () => {
    const { key } = newDevice("owner");
    expect(await outcome({}, [key])).toBe("SHARE_UNKNOWN_KEY");
    expect(await outcome({}, [chain.founder, key])).toBe("SHARE_MALFORMED");
    const signed = share() as unknown as Json;
    const envelope = await signEnvelope(PAYLOAD_TYPES.share, signed, envelopeSigner(chain.founder));
    const unsigned = { ...envelope, signatures: [] };
    expect(() => VerifiedShare.verify(unsigned, context)).toThrow(
      expect.objectContaining({ code: "SHARE_MALFORMED" }),
    );
  });

  test("is for this household, this approval and this keyring", async () => {
    expect(await outcome({ origin: "doorward/else" })).toBe("SHARE_WRONG_ORIGIN");
    expect(await outcome({ request: "e".repeat(32) })).toBe("SHARE_WRONG_DECISION");
    expect(await outcome({ decisionSha256: "e".repeat(64) })).toBe("SHARE_WRONG_DECISION");
    expect(await outcome({ keyringEpoch: 1 })).toBe("SHARE_WRONG_KEYRING");
    expect(await outcome({ keyringHead: "e".repeat(64) })).toBe("SHARE_WRONG_KEYRING");
  });
});

describe("the secret of a link", () => {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);

  test("is read from its fragment, with or without the mark", () => {
    const { hash } = new URL(shareLink("https://hub.example/", secret));
    expect(secretOfFragment(hash)).toEqual(secret);
    expect(secretOfFragment(hash.slice(1))).toEqual(secret);
    expect(secretOfFragment("")).toBeNull();
    expect(secretOfFragment("#")).toBeNull();
  });

  test("is refused where it is not whole, or written in a second way", () => {
    const text = base64urlnopad.encode(secret);
    const last = text.at(-1) ?? "";
    // The last character carries two bits that are not part of the secret.
    const others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const beside = others.charAt(others.indexOf(last) + 1);
    for (const wrong of [text.slice(1), `${text}A`, `${text.slice(0, -1)}${beside}`, `${text}=`])
      expect(() => secretOfFragment(`#${wrong}`), wrong).toThrow(/not whole/);
  });
});
