import fc from "fast-check";
import { expect, test } from "vitest";
import { generateReader, generateSigningKey, type SigningKey } from "../../src/owner/identity.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { HubError } from "../../src/protocol/errors.ts";
import {
  checkStatement,
  extendKeyring,
  roleOfDevice,
  verifyKeyring,
  type Keyring,
  type KeyringChange,
} from "../../src/protocol/keyring.ts";
import { RECOVERY_NOTICE_MS } from "../../src/protocol/limits.ts";
import {
  newDevice,
  newReaders,
  NOW_MS,
  recoveryNotice,
  signStatement,
  statementAfter,
  testChain,
} from "../support/test-household.ts";

const COMPLETE = { kind: "recovery_complete" } as const;
const HOUR_MS = 3_600_000;

/** What somebody tries next, by numbers that choose among what is there. */
const stepOf = fc.record({
  what: fc.constantFrom(
    ...(["admit", "admit", "remove", "policy", "sheet", "notice", "notice"] as const),
    ...(["objection", "complete", "complete", "complete"] as const),
  ),
  who: fc.nat(20),
  whom: fc.nat(20),
  count: fc.integer({ min: 1, max: 3 }),
  hours: fc.constantFrom(0, 1, 71, 72),
});
type Step = typeof stepOf extends fc.Arbitrary<infer Each> ? Each : never;

/** A household of which the test knows every key. */
class Played {
  readonly keys = new Map<string, SigningKey>();
  keyring: Keyring;
  sheet: SigningKey;
  nowMs = NOW_MS;
  readonly accepted: string[] = [];

  constructor(keyring: Keyring, founder: SigningKey, sheet: SigningKey) {
    this.keyring = keyring;
    this.sheet = sheet;
    this.keys.set(founder.device, founder);
  }

  get owners(): SigningKey[] {
    return [...this.keyring.devices.keys()].flatMap((id) => {
      const key = roleOfDevice(this.keyring, id) === "owner" ? this.keys.get(id) : undefined;
      return key ? [key] : [];
    });
  }

  async try(step: Step): Promise<void> {
    const { what } = step;
    this.nowMs += step.hours * HOUR_MS;
    const nextSheet = generateSigningKey();
    const { change, key } = await this.#change(step, nextSheet);
    const isBySheet = what === "notice" || what === "complete";
    const signers = isBySheet ? [this.sheet] : this.owners.slice(0, (step.who % 4) + 1);
    const statement = statementAfter(this.keyring, change, this.nowMs);
    try {
      this.keyring = extendKeyring(this.keyring, await signStatement(statement, signers));
    } catch (error) {
      if (error instanceof HubError) return;
      throw error;
    }
    this.accepted.push(what);
    if (what === "sheet") this.sheet = nextSheet;
    if (key) this.keys.set(key.device, key);
  }

  async #change(
    { what, who, whom, count }: Step,
    nextSheet: SigningKey,
  ): Promise<{ change: KeyringChange; key?: SigningKey }> {
    const ids = [...this.keyring.devices.keys()];
    const target = ids[whom % ids.length] ?? "";
    const policy = { exportSigners: count, keyringSigners: (whom % 3) + 1, vetoWindowMs: 0 };
    switch (what) {
      case "admit":
        return newDevice(who % 3 === 0 ? "adult" : "owner");
      case "remove": {
        const readers = await newReaders(this.keyring);
        return { change: { kind: "remove", device: target, readers } };
      }
      case "policy":
        return { change: { kind: "policy", policy } };
      case "sheet": {
        const { recipient: recovery } = await generateReader("x25519");
        const recoveryKey = toBase64(nextSheet.publicKey);
        return { change: { kind: "sheet", recovery, recoveryKey } };
      }
      case "notice":
        return recoveryNotice(this.keyring, {
          remove: who % 2 === 0 ? ids.slice(whom % ids.length) : [target],
          policy: { ...policy, keyringSigners: (who % 2) + 1 },
        });
      case "objection":
        return { change: { kind: "recovery_objection" } };
      case "complete":
        return { change: COMPLETE };
    }
  }

  /** All owners together change the keyring, whoever they are by now. */
  async isChangeable(): Promise<boolean> {
    const statement = statementAfter(this.keyring, { kind: "policy", policy: this.keyring.policy });
    const signed = await signStatement(statement, this.owners);
    const { signers, needed } = checkStatement(this.keyring, signed);
    return needed > 0 && signers.length >= needed;
  }

  /** What the sheet has announced, it can have when its time has come. */
  async isCompletable(): Promise<boolean> {
    const { pending } = this.keyring;
    if (!pending) return true;
    const atMs = pending.atMs + RECOVERY_NOTICE_MS;
    const finish = await signStatement(statementAfter(this.keyring, COMPLETE, atMs), [this.sheet]);
    return extendKeyring(this.keyring, finish).pending === null;
  }
}

test("whatever owners and sheets do, a set of owners in force can always change the keyring", async () => {
  const chain = await testChain();
  const genesis = verifyKeyring(chain.statements);
  const counts = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(stepOf, { minLength: 4, maxLength: 14 }), async (tried) => {
      const played = new Played(genesis, chain.founder, chain.recovery.signingKey);
      for (const step of tried) {
        await played.try(step);
        expect(await played.isChangeable()).toBe(true);
        expect(await played.isCompletable()).toBe(true);
      }
      for (const what of played.accepted) counts.set(what, (counts.get(what) ?? 0) + 1);
    }),
    { numRuns: 50, seed: 1 },
  );
  // The walk must have gone everywhere, or it shows nothing; it is the same walk at every run.
  for (const what of ["admit", "remove", "policy", "sheet", "notice", "objection", "complete"])
    expect(counts.get(what) ?? 0, what).toBeGreaterThan(2);
});
