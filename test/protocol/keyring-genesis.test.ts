import { expect, test } from "vitest";
import { toBase64 } from "../../src/protocol/bytes.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import { verifyKeyring, type KeyringChange } from "../../src/protocol/keyring.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { PAYLOAD_TYPES, signEnvelope } from "../../src/protocol/envelope.ts";
import { newReaders, testChain } from "../support/test-household.ts";

type Genesis = Extract<KeyringChange, { kind: "genesis" }>;
const chain = await testChain();
const [founding] = chain.statements;
const content = JSON.parse(atob(founding?.payload ?? "")) as { change: Genesis };

async function outcome(changes: Partial<Genesis>): Promise<string> {
  const statement = { ...content, change: { ...content.change, ...changes } };
  const envelope = await signEnvelope(
    PAYLOAD_TYPES.keyring,
    statement as unknown as Json,
    envelopeSigner(chain.founder),
  );
  try {
    return `epoch ${verifyKeyring([envelope]).epoch}`;
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

test("a household is founded with a policy that its one owner can meet", async () => {
  const { policy } = content.change;
  expect(await outcome({})).toBe("epoch 0");
  for (const change of [{ exportSigners: 2 }, { keyringSigners: 2 }])
    expect(await outcome({ policy: { ...policy, ...change } })).toMatch(/never meet the policy/);
});

test("a household is founded with a sheet and readers that are not each other's", async () => {
  const recoveryKey = toBase64(chain.founder.publicKey);
  expect(await outcome({ recoveryKey })).toMatch(/sheet's key is a device's/);
  const readers = await newReaders("x25519");
  expect(await outcome({ readers })).toBe("epoch 0");
  expect(await outcome({ readers: { ...readers, owners: readers.originals } })).not.toBe("epoch 0");
  expect(await outcome({ readers: { ...readers, kind: "pq" } })).toMatch(/not of kind pq/);
});

test("a household is founded once: its owner cannot found it again as the next statement", async () => {
  const again = await chain.sign(content.change);
  expect(() => verifyKeyring([...chain.statements, again])).toThrow(/one genesis/);
});
