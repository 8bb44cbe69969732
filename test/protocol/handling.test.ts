import { describe, expect, test } from "vitest";
import { envelopeSigner } from "../../src/owner/identity.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import { PAYLOAD_TYPES, signEnvelope } from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import {
  nextPreservations,
  PRESERVATION_MAX_MS,
  verifyAssurance,
  verifyPreservation,
  type Assurance,
  type Preservation,
} from "../../src/protocol/handling.ts";
import { parseRequestId, parseSha256Hex } from "../../src/protocol/ids.ts";
import { NOW_MS, testChain } from "../support/test-household.ts";

const QUARTER_HOUR_MS = 15 * 60_000;
const chain = await testChain();
const keyring = chain.keyring();
const signer = envelopeSigner(chain.founder);
const about = {
  v: 1 as const,
  ...{ origin: keyring.origin, request: "d".repeat(32), requestSha256: "ab".repeat(32) },
  ...{ number: 1, atMs: NOW_MS, keyringHead: keyring.head },
};
const context = {
  request: { id: parseRequestId(about.request), sha256: parseSha256Hex(about.requestSha256) },
  ...{ keyring, count: 1, nowMs: NOW_MS },
};
const CLIPS = ["1".repeat(32), "2".repeat(32)];
const HELD: Preservation = {
  ...{ ...about, number: 0, action: "hold", untilMs: NOW_MS + 1_000, clips: CLIPS },
};

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return "accepted";
}

async function assurance(changes: Partial<Assurance>): Promise<string> {
  const statement = { ...about, level: "met", ...changes } as unknown as Json;
  const envelope = await signEnvelope(PAYLOAD_TYPES.assurance, statement, signer);
  return codeOf(() => verifyAssurance(envelope, context));
}

async function preservation(
  changes: Partial<Preservation>,
  before: Preservation | null = null,
): Promise<string> {
  const hold = { ...about, action: "hold", untilMs: NOW_MS + 1_000, clips: CLIPS, ...changes };
  const envelope = await signEnvelope(PAYLOAD_TYPES.hold, hold as unknown as Json, signer);
  return codeOf(() => verifyPreservation(envelope, context, before));
}

describe("a statement on a request", () => {
  test("is about this request of this household", async () => {
    expect(await assurance({})).toBe("accepted");
    expect(await assurance({ origin: "doorward/else" })).toBe("STATEMENT_REFUSED");
    expect(await assurance({ request: "e".repeat(32) })).toBe("STATEMENT_REFUSED");
    expect(await assurance({ requestSha256: "e".repeat(64) })).toBe("STATEMENT_REFUSED");
  });

  test("is the next one, made now, under the keyring in force", async () => {
    for (const number of [0, 2]) expect(await assurance({ number })).toBe("STATEMENT_OLD");
    expect(await assurance({ keyringHead: "e".repeat(64) })).toBe("STATEMENT_OLD");
    for (const way of [-1, 1]) {
      expect(await assurance({ atMs: NOW_MS + way * QUARTER_HOUR_MS })).toBe("accepted");
      const late = NOW_MS + way * (QUARTER_HOUR_MS + 1);
      expect(await assurance({ atMs: late })).toBe("STATEMENT_OLD");
    }
  });
});

describe("recordings are kept from deletion", () => {
  test("until a time ahead, and for ninety days at most", async () => {
    expect(PRESERVATION_MAX_MS).toBe(90 * 86_400_000);
    const until = (untilMs: number): Promise<string> => preservation({ untilMs });
    expect(await until(NOW_MS + 1)).toBe("accepted");
    expect(await until(NOW_MS)).toBe("HOLD_OUT_OF_RANGE");
    expect(await until(NOW_MS + PRESERVATION_MAX_MS)).toBe("accepted");
    expect(await until(NOW_MS + PRESERVATION_MAX_MS + 1)).toBe("HOLD_OUT_OF_RANGE");
    expect(await preservation({ clips: [] })).toBe("STATEMENT_REFUSED");
  });

  test("once, renewed once with the same recordings, and let go", async () => {
    const renew = { action: "renew" } as const;
    expect(await preservation(renew)).toBe("PRESERVATION_OVER");
    expect(await preservation({}, HELD)).toBe("PRESERVATION_OVER");
    expect(await preservation(renew, HELD)).toBe("accepted");
    expect(await preservation({ ...renew, clips: CLIPS.slice(1) }, HELD)).toBe("STATEMENT_REFUSED");
    expect(await preservation(renew, { ...HELD, ...renew })).toBe("PRESERVATION_OVER");
    const end = { action: "end", untilMs: NOW_MS, clips: [] as string[] } as const;
    expect(await preservation(end, HELD)).toBe("accepted");
    expect(await preservation({ ...end, untilMs: NOW_MS + 1 }, HELD)).toBe("STATEMENT_REFUSED");
    expect(await preservation({ ...end, clips: CLIPS }, HELD)).toBe("STATEMENT_REFUSED");
  });

  test("what may come next follows from what was last, and from the time", () => {
    const after = (action: Preservation["action"], untilMs: number) =>
      nextPreservations({ action, untilMs }, NOW_MS);
    expect(nextPreservations(null, NOW_MS)).toEqual(["hold"]);
    expect(after("hold", NOW_MS + 1)).toEqual(["renew", "end"]);
    expect(after("renew", NOW_MS + 1)).toEqual(["end"]);
    expect(after("hold", NOW_MS)).toEqual([]);
    expect(after("end", NOW_MS + 1)).toEqual([]);
  });
});
