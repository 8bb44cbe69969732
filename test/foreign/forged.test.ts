import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader, generateSigningKey, envelopeSigner } from "../../src/owner/identity.ts";
import { fromBase64, sha256Hex } from "../../src/protocol/bytes.ts";
import { termsHash, type Decision } from "../../src/protocol/decision.ts";
import { PAYLOAD_TYPES, signEnvelope, type Envelope } from "../../src/protocol/envelope.ts";
import type { KeyringStatement } from "../../src/protocol/keyring.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { cosigned, forgedBundle, type Lies } from "../support/forged-house.ts";
import { ForeignVerifier, lacksForeignVerifier, ownVerdict } from "../support/foreign-verifier.ts";
import { approvalCase, signDecision, type ApprovalCase } from "../support/test-approval.ts";
import { entry, HONEST, LIES, record, terms } from "../support/house-lies.ts";
import { newDevice, signByAll, testChain } from "../support/test-household.ts";

const lacks = lacksForeignVerifier();
describe.skipIf(lacks)("a house that signs for whatever it says", () => {
  let house: ApprovalCase;
  let foreign: ForeignVerifier;
  beforeAll(async () => {
    house = await approvalCase();
    foreign = new ForeignVerifier();
  });
  afterAll(() => foreign[Symbol.dispose]());

  const codes = async (lies: Lies, of = house) => {
    const bundle = await forgedBundle(of, lies);
    const [theirs, ours] = [
      await foreign.verdict("bundle", bundle),
      await ownVerdict("bundle", bundle),
    ];
    return { codes: [theirs.code, ours.code], why: `${theirs.why} | ${ours.why}` };
  };

  test.each(Object.keys(HONEST))("is believed by both verifiers: %s", async (name) => {
    const found = await codes(HONEST[name] ?? {});
    expect(found.codes, found.why).toEqual([0, 0]);
  });

  test.each(Object.keys(LIES))("is believed by neither: %s", async (name) => {
    const found = await codes(LIES[name] ?? {});
    expect(found.codes, found.why).toEqual([1, 1]);
  });

  test.each(["ES256", "EdDSA"] as const)(
    "confirms with a passkey of %s, or is not believed",
    async (algorithm) => {
      const authenticator = createAuthenticator(algorithm);
      const chain = await testChain();
      const phone = newDevice("owner", {
        person: chain.founderPerson,
        passkey: authenticator.passkey,
      });
      await chain.add(phone.change);
      const of = await approvalCase({ chain });
      const signedWith = (change: Parameters<typeof authenticator.assert>[1] | null): Lies => ({
        signed: (decision: Decision): Promise<Envelope> => {
          const signer = envelopeSigner(phone.key);
          const assert = (challenge: Uint8Array) =>
            Promise.resolve(authenticator.assert(challenge, change ?? {}));
          return signEnvelope(
            PAYLOAD_TYPES.decision,
            decision,
            change === null ? signer : { ...signer, assert },
            termsHash(decision.terms),
          );
        },
      });
      expect((await codes(signedWith({}), of)).codes).toEqual([0, 0]);
      for (const change of [
        null,
        { challenge: new Uint8Array(32) },
        { origin: "http://elsewhere" },
        { relyingPartyId: "elsewhere" },
        { type: "webauthn.create" },
        { crossOrigin: true },
        { flags: 0x01 },
        { flags: 0x04 },
        { credentialId: "AAAA" },
        { clientData: "{" },
        { clientData: "[]" },
        { cut: 1 },
      ]) {
        const found = await codes(signedWith(change), of);
        expect(found.codes, `${JSON.stringify(change)}: ${found.why}`).toEqual([1, 1]);
      }
    },
  );

  test("wants as many owners as its keyring says", async () => {
    const chain = await testChain();
    const second = newDevice("owner");
    const adult = newDevice("adult");
    const same = newDevice("owner", { person: chain.founderPerson });
    for (const { change } of [second, adult, same]) await chain.add(change);
    await chain.add({ kind: "policy", policy: { ...chain.keyring().policy, exportSigners: 2 } });
    const of = await approvalCase({ chain });
    const by = (...keys: Parameters<typeof signDecision>[1]): Lies => ({
      signed: (decision) => signDecision(decision, keys),
    });
    expect((await codes(by(chain.founder, second.key), of)).codes).toEqual([0, 0]);
    for (const keys of [
      [chain.founder],
      [chain.founder, adult.key],
      [chain.founder, same.key],
      [second.key, second.key],
    ])
      expect((await codes(by(...keys), of)).codes).toEqual([1, 1]);
  });

  test("is not believed with an owner's name over a stranger's signature", async () => {
    const found = await codes({
      signed: async (decision) => {
        const envelope = await signDecision(decision, [generateSigningKey()]);
        const keyid = house.chain.founder.device;
        return { ...envelope, signatures: envelope.signatures.map((one) => ({ ...one, keyid })) };
      },
    });
    expect(found.codes, found.why).toEqual([1, 1]);
  });

  test("is witnessed by its own devices alone", async () => {
    const { chain } = house;
    const origin = chain.keyring().origin;
    const by = (seed: Uint8Array, name = origin): Lies => ({
      signatures: (text) => {
        const [, size = "", root = ""] = text.split("\n");
        return [
          cosigned(seed, { origin: name, size: Number(size), root: fromBase64(root, "root") }),
        ];
      },
    });
    expect((await codes(by(chain.founder.secret))).codes).toEqual([0, 0]);
    expect((await codes(by(generateSigningKey().secret))).codes).toEqual([1, 1]);
    expect((await codes(by(chain.founder.secret, "doorward/elsewhere"))).codes).toEqual([1, 1]);
  });

  test("cannot take the name of another house", async () => {
    const { founder, statements } = house.chain;
    const [genesis] = statements;
    const payload = JSON.parse(
      Buffer.from(genesis?.payload ?? "", "base64").toString(),
    ) as KeyringStatement;
    const origin = `doorward/${"0".repeat(32)}`;
    const change = { ...payload.change, origin };
    const renamed = await signByAll(PAYLOAD_TYPES.keyring, { ...payload, change }, [
      envelopeSigner(founder),
    ]);
    const keyringHead = sha256Hex(fromBase64(renamed.payload, "payload"));
    // All of it is signed with this house's own keys; only the name is what people compare.
    const found = await codes({
      ...{ origin, keyring: () => [renamed], ...terms({ origin, keyringHead }) },
      ...entry("decision", { keyringHead }),
    });
    expect(found.codes, found.why).toEqual([1, 1]);
    expect(found.why.match(/the keyring is one signed chain: .*origin/g)).toHaveLength(1);
  });

  test("may use a post-quantum recipient, whose key is looked at", async () => {
    const of = await approvalCase({ recipientKind: "pq" });
    expect((await codes({}, of)).codes).toEqual([0, 0]);
    const other = await generateReader("x25519");
    const words = [...recipientWords(other.recipient)];
    const changed = terms({ recipient: other.recipient, recipientWords: words });
    const free = record(({ asked: { recipient: _recipient, ...asked } }) => ({ asked }));
    expect((await codes({ ...free, ...changed }, of)).codes).toEqual([1, 1]);
  });
});
