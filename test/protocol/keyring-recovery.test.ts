import { beforeEach, describe, expect, test } from "vitest";
import { transferKeyOf } from "../../src/owner/device-bundle.ts";
import {
  envelopeSigner,
  generateReader,
  generateSigningKey,
  type SigningKey,
} from "../../src/owner/identity.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import {
  extendKeyring,
  findDevice,
  roleOfDevice,
  type Keyring,
  type KeyringChange,
} from "../../src/protocol/keyring.ts";
import { RECOVERY_NOTICE_MS } from "../../src/protocol/limits.ts";
import {
  newDevice,
  newReaders,
  NOW_MS,
  recoveryNotice,
  signByAll,
  signStatement,
  statementAfter,
  testChain,
  type TestChain,
} from "../support/test-household.ts";

const OBJECTION = { kind: "recovery_objection" } as const;
const COMPLETE = { kind: "recovery_complete" } as const;
const LATER_MS = NOW_MS + RECOVERY_NOTICE_MS;

let chain: TestChain;
let sheet: SigningKey;
beforeEach(async () => {
  chain = await testChain();
  sheet = chain.recovery.signingKey;
});

/** What comes of a change as the next statement; a plain error fails the test. */
async function outcome(
  change: KeyringChange,
  signers: readonly SigningKey[],
  atMs = NOW_MS,
): Promise<string> {
  const statement = await signStatement(statementAfter(chain.keyring(), change, atMs), signers);
  try {
    extendKeyring(chain.keyring(), statement);
  } catch (error) {
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return "accepted";
}

async function take(
  change: KeyringChange,
  signers: readonly SigningKey[],
  atMs = NOW_MS,
): Promise<Keyring> {
  const statement = await signStatement(statementAfter(chain.keyring(), change, atMs), signers);
  chain.statements.push(statement);
  return chain.keyring();
}

describe("a lost phone", () => {
  test("comes back by the sheet: it reads at once and signs after 72 hours", async () => {
    const person = chain.founderPerson;
    const lost = chain.founder.device;
    const before = chain.keyring();
    const { key, change } = await recoveryNotice(before, { person, remove: [lost] });
    const announced = await take(change, [sheet]);
    expect(announced.pending).toMatchObject({ atMs: NOW_MS, remove: [lost], epoch: 1 });
    expect(announced.pending?.notice).toBe(announced.head);
    expect(roleOfDevice(announced, key.device)).toBe("adult");
    expect(findDevice(announced, key.device)?.person).toBe(person);
    // No effect but that it is there.
    expect(announced.devices).toEqual(before.devices);
    expect(announced.readers).toEqual(before.readers);
    expect(await outcome(newDevice("viewer").change, [key])).toBe("KEYRING_BAD_SIGNATURE");
    expect(await outcome(COMPLETE, [sheet], LATER_MS - 1)).toBe("KEYRING_INVALID_CHANGE");
    const after = await take(COMPLETE, [sheet], LATER_MS);
    expect(after.pending).toBeNull();
    expect(after.readers).toEqual(change.readers);
    expect(roleOfDevice(after, key.device)).toBe("owner");
    expect(roleOfDevice(after, lost)).toBeNull();
    expect(await outcome(newDevice("viewer").change, [key])).toBe("accepted");
    expect(await outcome(newDevice("viewer").change, [chain.founder])).toBe(
      "KEYRING_BAD_SIGNATURE",
    );
  });

  test("and an owner who still has his objects, alone: then it is as if it had not been", async () => {
    const partner = newDevice("owner");
    await chain.add(partner.change);
    await chain.add({
      kind: "policy",
      policy: { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 },
    });
    const { key, change } = await recoveryNotice(chain.keyring());
    await take(change, [sheet]);
    // A thief of the sheet cannot have a notice stand by removing those who could object.
    const after = await take(OBJECTION, [partner.key]);
    expect(after.pending).toBeNull();
    expect(roleOfDevice(after, key.device)).toBeNull();
    expect(await outcome(COMPLETE, [sheet], LATER_MS)).toBe("KEYRING_INVALID_CHANGE");
    expect(await outcome(OBJECTION, [partner.key])).toBe("KEYRING_INVALID_CHANGE");
    expect(await outcome(change, [sheet])).toBe("accepted");
  });
});

test("a co-owner who left no longer holds up a quorum", async () => {
  const left = newDevice("owner");
  await chain.add(left.change);
  const two = { exportSigners: 2, keyringSigners: 2, vetoWindowMs: 0 };
  await chain.add({ kind: "policy", policy: two });
  const remove = [left.key.device];
  const policy = { ...two, exportSigners: 1, keyringSigners: 1 };
  expect(await outcome({ kind: "policy", policy }, [chain.founder])).toBe(
    "KEYRING_NOT_ENOUGH_OWNERS",
  );
  const hopeless = await recoveryNotice(chain.keyring(), { admit: null, remove });
  expect(await outcome(hopeless.change, [sheet])).toBe("KEYRING_INVALID_CHANGE");
  const { change } = await recoveryNotice(chain.keyring(), { admit: null, remove, policy });
  await take(change, [sheet]);
  const after = await take(COMPLETE, [sheet], LATER_MS);
  expect(after.policy).toEqual(policy);
  expect(await outcome({ kind: "policy", policy }, [chain.founder])).toBe("accepted");
});

describe("a notice is refused", () => {
  test("when it is signed by anybody but the sheet in force, alone", async () => {
    const { key, change } = await recoveryNotice(chain.keyring());
    const others = [[chain.founder], [key], [generateSigningKey()], [sheet, chain.founder]];
    for (const signers of [...others, [chain.founder, sheet], [sheet, sheet]])
      expect(await outcome(change, signers)).toBe("KEYRING_BAD_SIGNATURE");
    // The name of the sheet under another key's signature.
    const forger = { ...envelopeSigner(generateSigningKey()), device: sheet.device };
    const forged = await signByAll(PAYLOAD_TYPES.keyring, statementAfter(chain.keyring(), change), [
      forger,
    ]);
    expect(() => extendKeyring(chain.keyring(), forged)).toThrow(/does not verify/);
    expect(await outcome(change, [sheet])).toBe("accepted");
  });

  test("when another one is pending, or when it is replayed", async () => {
    const { change } = await recoveryNotice(chain.keyring());
    await take(change, [sheet]);
    const another = await recoveryNotice(chain.keyring());
    expect(await outcome(another.change, [sheet])).toBe("KEYRING_INVALID_CHANGE");
    const replayed = chain.statements[1];
    await take(OBJECTION, [chain.founder]);
    expect(() => extendKeyring(chain.keyring(), replayed)).toThrow(/does not follow/);
  });

  test("when it admits a device that is or was there, or the sheet's own key", async () => {
    const gone = newDevice("owner");
    await chain.add(gone.change);
    const readers = await newReaders(chain.keyring());
    await chain.add({ kind: "remove", device: gone.key.device, readers });
    const { change } = await recoveryNotice(chain.keyring());
    for (const key of [chain.founder, gone.key, sheet]) {
      const device = { ...change.admit?.device, signingKey: toBase64(key.publicKey) };
      const admit = { person: chain.founderPerson, device } as typeof change.admit;
      expect(await outcome({ ...change, admit }, [sheet])).toBe("KEYRING_INVALID_CHANGE");
    }
  });

  test("when it makes an owner of somebody who is none, or names nothing to pass keys to", async () => {
    const viewer = newDevice("viewer");
    await chain.add(viewer.change);
    const { change } = await recoveryNotice(chain.keyring(), { person: viewer.person });
    expect(await outcome(change, [sheet])).toBe("KEYRING_INVALID_CHANGE");
    const { admit } = (await recoveryNotice(chain.keyring())).change;
    const { transfer: _none, ...device } = admit?.device ?? { signingKey: "", labelSha256: "" };
    const without = { ...change, admit: { person: chain.founderPerson, device } };
    expect(await outcome(without, [sheet])).toBe("KEYRING_INVALID_CHANGE");
  });

  test("when nobody could ever sign after it", async () => {
    const { change } = await recoveryNotice(chain.keyring());
    const policy = { exportSigners: 1, keyringSigners: 3, vetoWindowMs: 0 };
    const alone = { ...change, admit: null, remove: [chain.founder.device] };
    const dead = { ...change.admit?.device, signingKey: toBase64(new Uint8Array(32)) };
    const admit = { person: chain.founderPerson, device: dead } as typeof change.admit;
    const wrong = [
      { ...change, policy },
      alone,
      { ...change, admit },
      { ...change, admit: null },
      { ...change, remove: [chain.founder.device, chain.founder.device] },
      { ...change, remove: [generateSigningKey().device] },
      { ...change, remove: [sheet.device] },
    ];
    for (const each of wrong) expect(await outcome(each, [sheet])).toBe("KEYRING_INVALID_CHANGE");
  });

  test("when its readers are those in force, or take the sheet's reader away", async () => {
    const { readers } = chain.keyring();
    const { change } = await recoveryNotice(chain.keyring());
    const wrong = [
      readers,
      { ...change.readers, originals: readers.originals },
      { ...change.readers, recovery: (await newReaders()).recovery },
      await newReaders("pq"),
    ];
    for (const each of wrong)
      expect(await outcome({ ...change, readers: each }, [sheet])).toBe("KEYRING_INVALID_CHANGE");
  });
});

test("the sheet signs a notice and its completion, and nothing else", async () => {
  const viewer = newDevice("viewer");
  await chain.add(viewer.change);
  const { change } = await recoveryNotice(chain.keyring());
  await take(change, [sheet]);
  const readers = await newReaders(chain.keyring());
  const others: KeyringChange[] = [
    newDevice("owner").change,
    { kind: "remove", device: viewer.key.device, readers },
    { kind: "policy", policy: chain.keyring().policy },
    await newSheet(),
    OBJECTION,
  ];
  for (const other of others)
    expect(await outcome(other, [sheet]), other.kind).toBe("KEYRING_BAD_SIGNATURE");
  expect(await outcome(COMPLETE, [chain.founder], LATER_MS)).toBe("KEYRING_BAD_SIGNATURE");
});

describe("a completion is refused", () => {
  test("without a notice, before its time, and when the clock runs backwards", async () => {
    expect(await outcome(COMPLETE, [sheet], LATER_MS)).toBe("KEYRING_INVALID_CHANGE");
    await take((await recoveryNotice(chain.keyring())).change, [sheet]);
    for (const atMs of [0, NOW_MS - RECOVERY_NOTICE_MS, NOW_MS, LATER_MS - 1])
      expect(await outcome(COMPLETE, [sheet], atMs)).toBe("KEYRING_INVALID_CHANGE");
    expect(await outcome(COMPLETE, [sheet], LATER_MS)).toBe("accepted");
  });

  test("when it was signed before something else happened", async () => {
    await take((await recoveryNotice(chain.keyring())).change, [sheet]);
    const prepared = await signStatement(statementAfter(chain.keyring(), COMPLETE, LATER_MS), [
      sheet,
    ]);
    await chain.add(newDevice("viewer").change);
    expect(() => extendKeyring(chain.keyring(), prepared)).toThrow(/does not follow/);
    expect(await outcome(COMPLETE, [sheet], LATER_MS)).toBe("accepted");
  });
});

describe("an objection is refused", () => {
  test("of somebody who was removed, is no owner, or is only to become one", async () => {
    const [gone, adult] = [newDevice("owner"), newDevice("adult")];
    await chain.add(gone.change);
    await chain.add(adult.change);
    const readers = await newReaders(chain.keyring());
    await chain.add({ kind: "remove", device: gone.key.device, readers });
    const { key, change } = await recoveryNotice(chain.keyring());
    await take(change, [sheet]);
    for (const signer of [gone.key, adult.key, key, sheet, generateSigningKey()])
      expect(await outcome(OBJECTION, [signer])).toBe("KEYRING_BAD_SIGNATURE");
    expect(await outcome(OBJECTION, [chain.founder])).toBe("accepted");
  });
});

describe("while a recovery is pending, owners", () => {
  test("go on, and what they did in the meantime does not hold it up", async () => {
    const [one, other] = [newDevice("owner"), newDevice("owner")];
    await chain.add(one.change);
    await chain.add(other.change);
    const remove = [one.key.device, other.key.device];
    const { key, change } = await recoveryNotice(chain.keyring(), { remove });
    await take(change, [sheet]);
    const readers = await newReaders(chain.keyring());
    await chain.add({ kind: "remove", device: one.key.device, readers });
    await chain.add(newDevice("viewer").change);
    await chain.add({
      kind: "policy",
      policy: { exportSigners: 2, keyringSigners: 1, vetoWindowMs: 1 },
    });
    // Owners who rotate to the very readers of the notice do not hold it up either.
    const tablet = newDevice("guest");
    await chain.add(tablet.change);
    await chain.add({ kind: "remove", device: tablet.key.device, readers: change.readers });
    const after = await take(COMPLETE, [sheet], LATER_MS);
    expect(after.readers).toEqual(change.readers);
    expect(after.policy).toEqual(change.policy);
    expect(remove.map((id) => roleOfDevice(after, id))).toEqual([null, null]);
    expect(roleOfDevice(after, key.device)).toBe("owner");
  });

  test("cannot make it impossible but by an objection", async () => {
    const partner = newDevice("owner");
    await chain.add(partner.change);
    const policy = { exportSigners: 2, keyringSigners: 2, vetoWindowMs: 0 };
    const person = chain.founderPerson;
    const remove = [chain.founder.device];
    const { key, change } = await recoveryNotice(chain.keyring(), { person, remove, policy });
    await take(change, [sheet]);
    const readers = await newReaders(chain.keyring());
    const removal = { kind: "remove", device: partner.key.device, readers } as const;
    expect(await outcome(removal, [chain.founder])).toBe("KEYRING_INVALID_CHANGE");
    const { change: admit } = newDevice("owner");
    const sameDevice = { ...admit, device: change.admit?.device ?? admit.device };
    expect(await outcome(sameDevice, [chain.founder])).toBe("KEYRING_INVALID_CHANGE");
    const completed = await signStatement(statementAfter(chain.keyring(), COMPLETE, LATER_MS), [
      sheet,
    ]);
    expect(roleOfDevice(extendKeyring(chain.keyring(), completed), key.device)).toBe("owner");
    await take(OBJECTION, [chain.founder]);
    expect(await outcome(removal, [chain.founder])).toBe("accepted");
  });

  test("shut nobody out who was handed its readers, before they have objected to it", async () => {
    const flatmate = newDevice("adult");
    const { recipient: transfer } = await transferKeyOf(flatmate.key);
    await chain.add({ ...flatmate.change, device: { ...flatmate.change.device, transfer } });
    const { change } = await recoveryNotice(chain.keyring());
    await take(change, [sheet]);
    const readers = await newReaders(chain.keyring());
    const removal = { kind: "remove", device: flatmate.key.device, readers } as const;
    // He holds what would be in force 72 hours later, and would read on.
    expect(await outcome(removal, [chain.founder])).toBe("KEYRING_INVALID_CHANGE");
    await take(OBJECTION, [chain.founder]);
    expect(await outcome(removal, [chain.founder])).toBe("accepted");
  });

  test("cannot give its person another role", async () => {
    const { change } = await recoveryNotice(chain.keyring());
    await take(change, [sheet]);
    const { person } = change.admit ?? { person: "" };
    const viewer = newDevice("viewer", { person });
    expect(await outcome(viewer.change, [chain.founder])).toBe("KEYRING_INVALID_CHANGE");
    const owner = newDevice("owner", { person });
    expect(await outcome(owner.change, [chain.founder])).toBe("accepted");
  });

  test("end it with a new sheet, too", async () => {
    const { key, change } = await recoveryNotice(chain.keyring());
    await take(change, [sheet]);
    const next = generateSigningKey();
    const after = await take(await newSheet(next), [chain.founder]);
    expect(after.pending).toBeNull();
    expect(roleOfDevice(after, key.device)).toBeNull();
    for (const signer of [sheet, next])
      expect(await outcome(COMPLETE, [signer], LATER_MS)).toBe("KEYRING_INVALID_CHANGE");
    const again = await recoveryNotice(chain.keyring());
    expect(await outcome(again.change, [sheet])).toBe("KEYRING_BAD_SIGNATURE");
    await take(again.change, [next]);
    expect(await outcome(COMPLETE, [sheet], LATER_MS)).toBe("KEYRING_BAD_SIGNATURE");
  });
});

async function newSheet(key = generateSigningKey()): Promise<KeyringChange> {
  const { recipient: recovery } = await generateReader("x25519");
  return { kind: "sheet", recovery, recoveryKey: toBase64(key.publicKey) };
}

describe("a new sheet", () => {
  test("takes the old one's place, and is signed as any change of the keyring", async () => {
    const partner = newDevice("owner");
    await chain.add(partner.change);
    await chain.add({
      kind: "policy",
      policy: { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 },
    });
    const next = generateSigningKey();
    const change = await newSheet(next);
    expect(await outcome(change, [chain.founder])).toBe("KEYRING_NOT_ENOUGH_OWNERS");
    const { readers } = chain.keyring();
    const after = await take(change, [chain.founder, partner.key]);
    expect(after.recoveryKey).toEqual(next.publicKey);
    expect({ ...after.readers, recovery: readers.recovery }).toEqual(readers);
    const { change: notice } = await recoveryNotice(after);
    expect(await outcome(notice, [sheet])).toBe("KEYRING_BAD_SIGNATURE");
    expect(await outcome(notice, [next])).toBe("accepted");
  });

  test("is refused when part of it is the old one, another's, or none", async () => {
    const good = await newSheet();
    if (good.kind !== "sheet") throw new Error("no sheet");
    const { readers } = chain.keyring();
    const { recipient: pq } = await generateReader("pq");
    const recoveryKeys = [sheet, chain.founder].map((key) => toBase64(key.publicKey));
    const wrong = [
      ...[readers.recovery, readers.originals, readers.owners, pq].map((recovery) =>
        Object.assign({}, good, { recovery }),
      ),
      ...[...recoveryKeys, toBase64(new Uint8Array(32))].map((recoveryKey) =>
        Object.assign({}, good, { recoveryKey }),
      ),
    ];
    for (const each of wrong)
      expect(await outcome(each, [chain.founder])).toBe("KEYRING_INVALID_CHANGE");
    expect(await outcome({ ...good, recovery: "age1x" }, [chain.founder])).toBe("MALFORMED_INPUT");
    expect(await outcome(good, [chain.founder])).toBe("accepted");
  });
});
