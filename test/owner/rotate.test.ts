import { beforeAll, describe, expect, test } from "vitest";
import {
  clipIdentities,
  deviceOfBundle,
  readDeviceBundle,
  readersForRole,
  signingKeyOf,
  transferKeyOf,
  type DeviceBundle,
} from "../../src/owner/device-bundle.ts";
import { foundHousehold } from "../../src/owner/household.ts";
import { generateReader, generateSigningKey } from "../../src/owner/identity.ts";
import { ownersIdentities } from "../../src/owner/requests.ts";
import {
  holdsReaders,
  openPassedOn,
  rotateReaders,
  sealReaders,
  withReaders,
  type ReaderHolder,
} from "../../src/owner/rotate.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { verifyKeyring, type Keyring, type Role } from "../../src/protocol/keyring.ts";
import { hubInfo, NOW_MS } from "../support/test-household.ts";

let founder: DeviceBundle;
let keyring: Keyring;
beforeAll(async () => {
  const founded = await foundHousehold(hubInfo, { kind: "x25519", label: "first", nowMs: NOW_MS });
  founder = founded.bundle;
  keyring = verifyKeyring([founded.statement]);
});

async function device(role: Role): Promise<{ bundle: DeviceBundle; holder: ReaderHolder }> {
  const key = generateSigningKey();
  const readers = readersForRole(founder.readers, role);
  const bundle = { ...founder, role, readers, signingSeed: toBase64(key.secret) };
  const { recipient: transfer } = await transferKeyOf(key);
  return { bundle, holder: { device: deviceOfBundle(bundle), role, transfer } };
}

describe("a device's transfer key", () => {
  test("is post-quantum, follows from the signing seed alone, and is in the genesis", async () => {
    const key = signingKeyOf(founder);
    const [one, again] = [await transferKeyOf(key), await transferKeyOf(key)];
    expect(one).toEqual(again);
    expect(one.recipient).toMatch(/^age1pq1/);
    expect((await transferKeyOf(generateSigningKey())).recipient).not.toBe(one.recipient);
    expect(keyring.devices.get(key.device)?.record.transfer).toBe(one.recipient);
  });
});

describe("rotated readers", () => {
  test("reach each device as far as its role goes, and open for no other device", async () => {
    const [adult, viewer] = [await device("adult"), await device("viewer")];
    const rotated = await rotateReaders(keyring, [adult.holder, viewer.holder]);
    const [toAdult, toViewer] = rotated.passedOn.map(({ sealed }) => sealed);
    const { originals, blurred } = rotated.held;
    expect(await openPassedOn(adult.bundle, toAdult ?? "", [rotated.readers])).toEqual({
      readers: { originals, blurred },
      index: 0,
    });
    expect(await openPassedOn(viewer.bundle, toViewer ?? "", [rotated.readers])).toMatchObject({
      readers: { blurred },
    });
    await expect(
      openPassedOn(adult.bundle, toViewer ?? "", [rotated.readers]),
    ).rejects.toMatchObject({
      code: "READERS_NOT_NAMED",
    });
    expect(rotated.readers.recovery).toBe(keyring.readers.recovery);
    const names = ["originals", "blurred", "owners"] as const;
    for (const name of names) expect(rotated.readers[name]).not.toBe(keyring.readers[name]);
  });

  test("that the keyring does not name are not taken, whoever sealed them", async () => {
    const { bundle, holder } = await device("adult");
    const { identity } = await generateReader("x25519");
    for (const forged of [
      { ...founder.readers, originals: identity },
      { ...founder.readers, blurred: identity },
      { originals: "AGE-SECRET-KEY-".padEnd(74, "Q") },
      {},
    ]) {
      const { sealed } = await sealReaders(forged, holder);
      await expect(openPassedOn(bundle, sealed, [keyring.readers])).rejects.toMatchObject({
        code: "READERS_NOT_NAMED",
      });
    }
    const { sealed } = await sealReaders(founder.readers, holder);
    expect(await openPassedOn(bundle, sealed, [keyring.readers])).toEqual({
      readers: bundle.readers,
      index: 0,
    });
  });

  test("come before those of before, which are all kept", async () => {
    const { bundle } = await device("owner");
    const one = await rotateReaders(keyring, []);
    const two = await rotateReaders(one, []);
    const after = withReaders(withReaders(bundle, one.held), two.held);
    expect(readDeviceBundle(after)).toEqual(after);
    expect(clipIdentities({ ...after, recovery: "sheet" })).toEqual([
      ...[two.held.originals, two.held.blurred, one.held.originals, one.held.blurred],
      ...[bundle.readers.originals, bundle.readers.blurred, "sheet"],
    ]);
    expect(ownersIdentities(after)).toEqual([
      ...[two.held.owners, one.held.owners, bundle.readers.owners],
    ]);
    // Taken twice, they are there once.
    expect(withReaders(after, two.held)).toEqual(after);
  });

  test("are missed by a device that did not get them", async () => {
    const { bundle } = await device("viewer");
    const { readers, held } = await rotateReaders(keyring, []);
    expect(await holdsReaders(bundle, "viewer", keyring.readers)).toBe(true);
    expect(await holdsReaders(bundle, "adult", keyring.readers)).toBe(false);
    expect(await holdsReaders(bundle, "viewer", readers)).toBe(false);
    expect(await holdsReaders({ readers: held }, "owner", readers)).toBe(true);
    expect(await holdsReaders({ readers: {} }, "guest", readers)).toBe(true);
  });
});

test("keys of before there were earlier readers are still read", () => {
  const { earlier: _none, recovery: _sheet, ...older } = founder;
  expect(readDeviceBundle(older)).toEqual(older);
});
