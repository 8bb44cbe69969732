import { expect, test } from "vitest";
import { transferKeyOf } from "../../src/owner/device-bundle.ts";
import {
  extendKeyring,
  isPromisedReaders,
  type Keyring,
  type KeyringDevice,
  type Role,
} from "../../src/protocol/keyring.ts";
import {
  newDevice,
  newReaders,
  recoveryNotice,
  testChain,
  type NewDevice,
} from "../support/test-household.ts";

/** A household with one device of this role that readers could be passed on to, or could not. */
async function householdWith(role: Role, canBeSent = true) {
  const chain = await testChain();
  const { key, change } = newDevice(role);
  const { recipient: transfer } = await transferKeyOf(key);
  const device = canBeSent ? { ...change.device, transfer } : change.device;
  await chain.add({ ...change, device });
  return { chain, id: key.device };
}

function deviceOf(keyring: Keyring, id: string): KeyringDevice {
  const device = [...keyring.devices.values()].find((one) => one.id === id);
  if (!device) throw new Error("no such device");
  return device;
}

test.each([
  ["owner", true],
  ["adult", true],
  ["viewer", true],
  ["guest", false],
] as const)(
  "the device of a person who is %s is promised readers: %s",
  async (role, isPromised) => {
    const { chain, id } = await householdWith(role);
    const before = chain.keyring();
    expect(isPromisedReaders(before, deviceOf(before, id))).toBe(false);
    const { change } = await recoveryNotice(before);
    const pending = await chain.add(change, [chain.recovery.signingKey]);
    expect(isPromisedReaders(pending, deviceOf(pending, id))).toBe(isPromised);
    const readers = await newReaders(pending);
    const removal = chain.add({ kind: "remove", device: id, readers });
    if (isPromised) await expect(removal).rejects.toThrow(/promised its readers/);
    else expect((await removal).devices.get(deviceOf(pending, id).id)?.removed).toBe(true);
  },
);

test("nothing is promised to a device that nothing can be sent to, or that the notice removes", async () => {
  const mute = await householdWith("adult", false);
  const { change } = await recoveryNotice(mute.chain.keyring());
  const pending = await mute.chain.add(change, [mute.chain.recovery.signingKey]);
  expect(isPromisedReaders(pending, deviceOf(pending, mute.id))).toBe(false);
  const out = await householdWith("adult");
  const notice = await recoveryNotice(out.chain.keyring(), { remove: [out.id] });
  const without = await out.chain.add(notice.change, [out.chain.recovery.signingKey]);
  expect(isPromisedReaders(without, deviceOf(without, out.id))).toBe(false);
});

test("who is to come back by a notice is admitted by nothing else meanwhile", async () => {
  const chain = await testChain();
  const { change } = await recoveryNotice(chain.keyring());
  const { person, device } = change.admit ?? {};
  if (person === undefined || !device) throw new Error("the notice admits nobody");
  await chain.add(change, [chain.recovery.signingKey]);
  const outcome = async (admission: Partial<NewDevice["change"]>): Promise<string> => {
    const statement = await chain.sign({ ...newDevice("owner").change, ...admission });
    try {
      extendKeyring(chain.keyring(), statement);
      return "accepted";
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
  };
  const refused = /recovery that is pending admits this one/;
  expect(await outcome({ device })).toMatch(refused);
  expect(await outcome({ person, role: "adult" })).toMatch(refused);
  // Another device of his, as the owner that he will be: who admits it knows him.
  expect(await outcome({ person, role: "owner" })).toBe("accepted");
  expect(await outcome({ role: "adult" })).toBe("accepted");
});
