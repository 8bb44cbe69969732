import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { envelopeSigner, generateSigningKey } from "../../src/owner/identity.ts";
import { fromBase64, sha256Hex, toBase64 } from "../../src/protocol/bytes.ts";
import { PAYLOAD_TYPES, type Envelope } from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { parseSha256Hex } from "../../src/protocol/ids.ts";
import {
  extendKeyring,
  roleHasRight,
  roleOfDevice,
  verifyKeyring,
  type KeyringChange,
  type KeyringStatement,
} from "../../src/protocol/keyring.ts";
import {
  newDevice,
  newReaders,
  signByAll,
  signRaw,
  signStatement,
  statementAfter,
  testChain,
  type TestChain,
} from "../support/test-household.ts";

/** The code of the refusal; a plain error or none at all fails the test. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return "accepted";
}

function contentOf(envelope: Envelope): KeyringStatement {
  const text = Buffer.from(envelope.payload, "base64").toString();
  return JSON.parse(text) as KeyringStatement;
}

describe("a keyring", () => {
  test("says after genesis that one person with one device may do everything", async () => {
    const chain = await testChain();
    const keyring = chain.keyring();
    expect(keyring.epoch).toBe(0);
    expect(keyring.head).toBe(keyring.genesis);
    expect(roleOfDevice(keyring, chain.founder.device)).toBe("owner");
    expect(keyring.policy).toEqual({ exportSigners: 1, keyringSigners: 1, vetoWindowMs: 0 });
  });

  test("grows by statements of its owners, and each names the one before", async () => {
    const chain = await testChain();
    const viewer = newDevice("viewer");
    const { head } = chain.keyring();
    const grown = await chain.add(viewer.change);
    expect(grown.epoch).toBe(1);
    expect(contentOf(chain.statements[1] as Envelope).previous).toBe(head);
    expect(roleOfDevice(grown, viewer.key.device)).toBe("viewer");
  });

  test("gives each role its rights and no others", () => {
    const rights = ["view_originals", "view_blurred", "live", "sign", "administer"] as const;
    const allowed = (role: "owner" | "adult" | "viewer" | "guest") =>
      rights.filter((right) => roleHasRight(role, right));
    expect(allowed("owner")).toEqual(rights);
    expect(allowed("adult")).toEqual(["view_originals", "view_blurred", "live"]);
    expect(allowed("viewer")).toEqual(["view_blurred"]);
    expect(allowed("guest")).toEqual(["live"]);
  });

  test("is refused when it is empty, not a list of envelopes, or has two beginnings", async () => {
    const [one, other] = [await testChain(), await testChain()];
    expect(refusal(() => verifyKeyring([]))).toBe("KEYRING_BROKEN_CHAIN");
    expect(refusal(() => verifyKeyring([null]))).toBe("MALFORMED_INPUT");
    expect(refusal(() => verifyKeyring([...one.statements, ...other.statements]))).toBe(
      "KEYRING_BROKEN_CHAIN",
    );
  });

  test("is refused by a device that remembers another genesis", async () => {
    const [mine, other] = [await testChain(), await testChain()];
    const { genesis } = mine.keyring();
    expect(verifyKeyring(mine.statements, genesis).genesis).toBe(genesis);
    expect(refusal(() => verifyKeyring(other.statements, genesis))).toBe("KEYRING_ROLLED_BACK");
  });
});

describe("a statement is refused", () => {
  let chain: TestChain;
  const second = newDevice("owner");
  const viewer = newDevice("viewer");
  beforeAll(async () => {
    chain = await testChain();
    await chain.add(second.change);
    await chain.add(viewer.change);
  });
  const outcome = (statement: unknown): string =>
    refusal(() => extendKeyring(chain.keyring(), statement));
  const change: KeyringChange = {
    kind: "policy",
    policy: { exportSigners: 2, keyringSigners: 1, vetoWindowMs: 0 },
  };

  test("(control: as an owner signs it, it is accepted)", async () => {
    expect(outcome(await chain.sign(change))).toBe("accepted");
    expect(outcome(await chain.sign(change, [second.key]))).toBe("accepted");
  });

  test("when it is signed by a stranger", async () => {
    expect(outcome(await chain.sign(change, [generateSigningKey()]))).toBe("KEYRING_BAD_SIGNATURE");
  });

  test("when it is signed by a member who is no owner, also beside an owner", async () => {
    expect(outcome(await chain.sign(change, [viewer.key]))).toBe("KEYRING_BAD_SIGNATURE");
    expect(outcome(await chain.sign(change, [chain.founder, viewer.key]))).toBe(
      "KEYRING_BAD_SIGNATURE",
    );
  });

  test("when the device that it admits signed it itself", async () => {
    const newcomer = newDevice("owner");
    expect(outcome(await chain.sign(newcomer.change, [newcomer.key]))).toBe(
      "KEYRING_BAD_SIGNATURE",
    );
  });

  test("when the name of an owner stands under the signature of another key", async () => {
    const signer = { ...envelopeSigner(generateSigningKey()), device: chain.founder.device };
    const statement = statementAfter(chain.keyring(), change);
    const forged = await signByAll(PAYLOAD_TYPES.keyring, statement, [signer]);
    expect(outcome(forged)).toBe("KEYRING_BAD_SIGNATURE");
  });

  test("when it was signed for another purpose", async () => {
    const payload = fromBase64((await chain.sign(change)).payload, "payload");
    const login = await signRaw(PAYLOAD_TYPES.login, payload, envelopeSigner(chain.founder));
    expect(outcome(login)).toBe("MALFORMED_INPUT");
    expect(outcome({ ...login, payloadType: PAYLOAD_TYPES.keyring })).toBe("KEYRING_BAD_SIGNATURE");
  });

  test("when it is replayed, skips one, or names another one before it", async () => {
    expect(outcome(chain.statements[1])).toBe("KEYRING_BROKEN_CHAIN");
    const statement = statementAfter(chain.keyring(), change);
    const skipping = { ...statement, epoch: statement.epoch + 1 };
    const elsewhere = { ...statement, previous: chain.keyring().genesis };
    const rootless = { ...statement, previous: null };
    for (const wrong of [skipping, elsewhere, rootless])
      expect(outcome(await signStatement(wrong, [chain.founder]))).toBe("KEYRING_BROKEN_CHAIN");
  });

  test("when statements are reordered or one is left out", () => {
    const [genesis, first, last] = chain.statements;
    expect(refusal(() => verifyKeyring([genesis, last, first]))).toBe("KEYRING_BROKEN_CHAIN");
    expect(refusal(() => verifyKeyring([genesis, last]))).toBe("KEYRING_BROKEN_CHAIN");
    expect(refusal(() => verifyKeyring([first, last]))).toBe("KEYRING_BROKEN_CHAIN");
  });

  test("when it founds the household a second time", async () => {
    const genesis = contentOf((await testChain()).statements[0] as Envelope).change;
    expect(outcome(await chain.sign(genesis))).toBe("KEYRING_INVALID_CHANGE");
  });

  test("when it admits a device twice, or changes a person's role with a further device", async () => {
    expect(outcome(await chain.sign(viewer.change))).toBe("KEYRING_INVALID_CHANGE");
    const promoted = newDevice("owner", { person: viewer.person });
    expect(outcome(await chain.sign(promoted.change))).toBe("KEYRING_INVALID_CHANGE");
  });

  test("when its readers are of two kinds, of a new kind, or twice the same key", async () => {
    const [classic, pq] = [await newReaders(chain.keyring()), await newReaders("pq")];
    const remove = (readers: typeof classic): KeyringChange => ({
      kind: "remove",
      device: viewer.key.device,
      readers,
    });
    const wrong = [
      { ...classic, recovery: pq.recovery },
      { ...pq, recovery: classic.recovery },
      { ...classic, kind: "pq" as const },
      { ...classic, blurred: classic.originals },
      { ...classic, recovery: (await newReaders()).recovery },
      { ...classic, owners: chain.keyring().readers.owners },
      { ...classic, originals: chain.keyring().readers.blurred },
      pq,
    ];
    for (const readers of wrong)
      expect(outcome(await chain.sign(remove(readers)))).toBe("KEYRING_INVALID_CHANGE");
    const noRecipient = { ...classic, originals: `${classic.originals.slice(0, -1)}b` };
    expect(outcome(await chain.sign(remove(noRecipient)))).toBe("MALFORMED_INPUT");
    expect(outcome(await chain.sign(remove(classic)))).toBe("accepted");
  });

  test("when a key that it brings could never sign, or never be sealed to", async () => {
    const { change } = newDevice("owner");
    const points = [
      new Uint8Array(32),
      new Uint8Array(32).fill(255),
      Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0)),
      // Of no point on the curve.
      Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 2 : 0)),
      new Uint8Array(31).fill(88),
    ];
    for (const point of points) {
      const device = { ...change.device, signingKey: toBase64(point) };
      expect(outcome(await chain.sign({ ...change, device })), toBase64(point)).toMatch(
        /^(KEYRING_INVALID_CHANGE|MALFORMED_INPUT)$/,
      );
    }
    const { originals } = await newReaders("x25519");
    const sealedTo = (transfer: string): KeyringChange => ({
      ...change,
      device: { ...change.device, transfer },
    });
    expect(outcome(await chain.sign(sealedTo(originals)))).toBe("KEYRING_INVALID_CHANGE");
    expect(outcome(await chain.sign(sealedTo("age1pq1x")))).toBe("MALFORMED_INPUT");
    expect(outcome(await chain.sign(sealedTo((await newReaders("pq")).blurred)))).toBe("accepted");
  });

  test("when no set of owners could ever meet its policy", async () => {
    const policy = (exportSigners: number, keyringSigners: number): KeyringChange => ({
      kind: "policy",
      policy: { exportSigners, keyringSigners, vetoWindowMs: 0 },
    });
    expect(outcome(await chain.sign(policy(3, 1)))).toBe("KEYRING_INVALID_CHANGE");
    expect(outcome(await chain.sign(policy(1, 3)))).toBe("KEYRING_INVALID_CHANGE");
    expect(outcome(await chain.sign(policy(0, 1)))).toBe("MALFORMED_INPUT");
  });
});

describe("a removed device", () => {
  test("signs nothing any more, and its removal brings new readers", async () => {
    const chain = await testChain();
    const second = newDevice("owner");
    await chain.add(second.change);
    const readers = await newReaders(chain.keyring());
    const keyring = await chain.add({ kind: "remove", device: second.key.device, readers });
    expect(keyring.readers).toEqual(readers);
    expect(roleOfDevice(keyring, second.key.device)).toBeNull();
    const attempt = await chain.sign(newDevice("viewer").change, [second.key]);
    expect(refusal(() => extendKeyring(keyring, attempt))).toBe("KEYRING_BAD_SIGNATURE");
  });

  test("cannot be the last owner, be removed twice, or come back", async () => {
    const chain = await testChain();
    const readers = await newReaders(chain.keyring());
    const remove = (device: string): KeyringChange => ({ kind: "remove", device, readers });
    const tries = async (change: KeyringChange): Promise<string> => {
      const statement = await chain.sign(change);
      return refusal(() => extendKeyring(chain.keyring(), statement));
    };
    expect(await tries(remove(chain.founder.device))).toBe("KEYRING_INVALID_CHANGE");
    const second = newDevice("owner");
    await chain.add(second.change);
    await chain.add(remove(second.key.device));
    expect(await tries(remove(second.key.device))).toBe("KEYRING_INVALID_CHANGE");
    expect(await tries(second.change)).toBe("KEYRING_INVALID_CHANGE");
  });
});

describe("a keyring that asks for two owners", () => {
  let chain: TestChain;
  const second = newDevice("owner");
  beforeAll(async () => {
    chain = await testChain();
    await chain.add(second.change);
    // A second device of the founder counts as the founder.
    await chain.add({
      kind: "policy",
      policy: { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 },
    });
  });

  test("takes a statement of two persons, and none of one", async () => {
    const { change } = newDevice("viewer");
    const both = await chain.sign(change, [chain.founder, second.key]);
    const alone = await chain.sign(change, [chain.founder]);
    expect(refusal(() => extendKeyring(chain.keyring(), both))).toBe("accepted");
    expect(refusal(() => extendKeyring(chain.keyring(), alone))).toBe("KEYRING_NOT_ENOUGH_OWNERS");
  });

  test("counts persons, not devices or signatures", async () => {
    const tablet = newDevice("owner", { person: chain.founderPerson });
    const admission = await chain.sign(tablet.change, [chain.founder, second.key]);
    const keyring = extendKeyring(chain.keyring(), admission);
    const statement = statementAfter(keyring, newDevice("viewer").change);
    for (const signers of [
      [chain.founder, tablet.key],
      [chain.founder, chain.founder],
    ]) {
      const signed = await signStatement(statement, signers);
      expect(refusal(() => extendKeyring(keyring, signed))).toBe("KEYRING_NOT_ENOUGH_OWNERS");
    }
  });
});

test("any changed byte of any statement is refused, in the payload and in the signature", async () => {
  const chain = await testChain();
  await chain.add(newDevice("owner").change);
  await chain.add(newDevice("viewer").change);
  const heads = chain.statements.map(({ payload }) => sha256Hex(fromBase64(payload, "payload")));
  expect(chain.keyring().head).toBe(parseSha256Hex(heads.at(-1) ?? ""));
  fc.assert(
    fc.property(
      fc.nat(chain.statements.length - 1),
      fc.boolean(),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (index, inPayload, place, mask) => {
        const changed = structuredClone(chain.statements);
        const envelope = changed[index] as Envelope;
        const signature = envelope.signatures[0];
        if (!signature) throw new Error("unsigned");
        const bytes = fromBase64(inPayload ? envelope.payload : signature.sig, "bytes");
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        if (inPayload) envelope.payload = toBase64(bytes);
        else signature.sig = toBase64(bytes);
        expect(refusal(() => verifyKeyring(changed))).not.toBe("accepted");
      },
    ),
    { numRuns: 400 },
  );
});
