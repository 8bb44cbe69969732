import { ed25519 } from "@noble/curves/ed25519.js";
import { beforeAll, describe, expect, test } from "vitest";
import { envelopeSigner, signingKeyFromSeed } from "../../src/owner/identity.ts";
import { signRestoration } from "../../src/owner/restore-sign.ts";
import { checkpointText, signCheckpoint } from "../../src/protocol/checkpoint.ts";
import { PAYLOAD_TYPES, type Envelope, type EnvelopeSigner } from "../../src/protocol/envelope.ts";
import { verifyKeyring } from "../../src/protocol/keyring.ts";
import { signOwnerStatement } from "../../src/protocol/owner-statement.ts";
import {
  verifyAcceptance,
  verifyRestoration,
  type Acceptance,
} from "../../src/protocol/restoration.ts";
import { formatSignedNote } from "../../src/protocol/signed-note.ts";
import {
  LEDGER_SECRET,
  newDevice,
  newReaders,
  NOW_MS,
  testChain,
  type NewDevice,
  type TestChain,
} from "../support/test-household.ts";

/** Another owner's device, and a viewer's. */
let chain: TestChain;
let owner: NewDevice;
let viewer: NewDevice;
beforeAll(async () => {
  chain = await testChain();
  [owner, viewer] = [newDevice("owner"), newDevice("viewer")];
  await chain.add(owner.change);
  await chain.add(viewer.change);
});

const COPIED = { size: 20, root: "ab".repeat(32), copiedToMs: NOW_MS };
const now = () => ({ chain: chain.statements, keyring: chain.keyring() });
/** What it is once the device is removed. */
async function without(device: NewDevice): Promise<ReturnType<typeof now>> {
  const readers = await newReaders(chain.keyring());
  const removal = await chain.sign({ kind: "remove", device: device.key.device, readers });
  const statements = [...chain.statements, removal];
  return { chain: statements, keyring: verifyKeyring(statements) };
}
const restored = (signer: EnvelopeSigner): Promise<Envelope> =>
  signRestoration(chain.keyring(), COPIED, signer, NOW_MS);
const sheet = (): EnvelopeSigner => envelopeSigner(chain.recovery.signingKey);

function note(size: number, secret = LEDGER_SECRET): string {
  const { origin } = chain.keyring();
  const checkpoint = { origin, size, root: new Uint8Array(32).fill(size) };
  const sign = (message: Uint8Array): Uint8Array => ed25519.sign(message, secret);
  const signature = signCheckpoint(checkpoint, ed25519.getPublicKey(secret), sign);
  return formatSignedNote({ text: checkpointText(checkpoint), signatures: [signature] });
}

async function accepted(
  sha256: string,
  signer: EnvelopeSigner,
  changed: Partial<Acceptance> = {},
): Promise<Envelope> {
  const { origin, epoch: keyringEpoch, head: keyringHead } = chain.keyring();
  return signOwnerStatement(
    PAYLOAD_TYPES.acceptance,
    {
      ...{ v: 1, origin, keyringEpoch, keyringHead, atMs: NOW_MS, restorationSha256: sha256 },
      ...{ before: note(30), now: note(21), provenSize: 10, ...changed },
    },
    signer,
  );
}

const refused = expect.objectContaining({ code: "RESTORATION_REFUSED" });

describe("a restoration", () => {
  test("is signed by the recovery sheet or by an owner, and by nobody else", async () => {
    expect(verifyRestoration(await restored(sheet()), now())).toMatchObject({ by: null });
    const byOwner = verifyRestoration(await restored(envelopeSigner(owner.key)), now());
    expect(byOwner).toMatchObject({ by: owner.key.device, isInForce: true });
    const ledgerKey = signingKeyFromSeed(LEDGER_SECRET);
    for (const key of [viewer.key, newDevice("owner").key, ledgerKey]) {
      const statement = await restored(envelopeSigner(key));
      expect(() => verifyRestoration(statement, now())).toThrow(refused);
    }
  });

  test("of a device that was removed since is in force no more, and of a later keyring it is none", async () => {
    const later = await without(owner);
    const before = await restored(envelopeSigner(owner.key));
    expect(verifyRestoration(before, later)).toMatchObject({ isInForce: false });
    const founder = envelopeSigner(chain.founder);
    const after = await signRestoration(later.keyring, COPIED, founder, NOW_MS);
    expect(verifyRestoration(after, later)).toMatchObject({ isInForce: true });
    expect(() => verifyRestoration(after, now())).toThrow(refused);
    const other = { ...chain.keyring(), head: later.keyring.head };
    const foreign = await signRestoration(other, COPIED, founder, NOW_MS);
    expect(() => verifyRestoration(foreign, now())).toThrow(refused);
  });
});

describe("an acceptance", () => {
  test("is of one restoration, by an owner who is in force now", async () => {
    const restoration = verifyRestoration(await restored(sheet()), now());
    const another = verifyRestoration(await restored(sheet()), now());
    const statement = await accepted(restoration.sha256, envelopeSigner(owner.key));
    expect(verifyAcceptance(statement, restoration, now())).toMatchObject({
      device: owner.key.device,
      before: { size: 30 },
    });
    const later = await without(owner);
    expect(() => verifyAcceptance(statement, another, now())).toThrow(refused);
    expect(() => verifyAcceptance(statement, restoration, later)).toThrow(refused);
    for (const signer of [sheet(), envelopeSigner(viewer.key)]) {
      const theirs = await accepted(restoration.sha256, signer);
      expect(() => verifyAcceptance(theirs, restoration, now())).toThrow(refused);
    }
  });

  test("shows a state of before that had more, and one of after, both signed by the ledger", async () => {
    const restoration = verifyRestoration(await restored(sheet()), now());
    const secret = new Uint8Array(32).fill(3);
    const wrong: Partial<Acceptance>[] = [
      { before: note(20) },
      { now: note(20) },
      { provenSize: 21 },
      { before: note(30, secret) },
      { now: note(21, secret) },
    ];
    for (const changed of wrong) {
      const statement = await accepted(restoration.sha256, envelopeSigner(owner.key), changed);
      expect(() => verifyAcceptance(statement, restoration, now())).toThrow();
    }
  });
});
