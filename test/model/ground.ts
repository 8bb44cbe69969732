import { openDatabase } from "../../src/base/database.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { generateReader, type SigningKey } from "../../src/owner/identity.ts";
import { parseRecipient, requireAgeHeader } from "../../src/protocol/age-header.ts";
import { toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { SealedFile } from "../../src/protocol/clip.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { parseSha256Hex } from "../../src/protocol/ids.ts";
import { verifyKeyring, type Keyring } from "../../src/protocol/keyring.ts";
import { newDevice, newReaders, NOW_MS, testChain } from "../support/test-household.ts";
import type { Rules } from "./reference.ts";

const HOUR_MS = 3_600_000;

/** Who may sign in a model run: two devices of one owner, one of another, and an adult's. */
export const DEVICES = ["first", "second", "other", "adult"] as const;
export type DeviceName = (typeof DEVICES)[number];

export interface Signer {
  readonly name: DeviceName;
  readonly key: SigningKey;
  readonly person: string;
}

/** All that is the same in every run: a household's whole chain, one recording, one header. */
export interface Ground {
  readonly template: Buffer;
  readonly statements: readonly Envelope[];
  /** By epoch. */
  readonly keyrings: readonly Keyring[];
  readonly signers: ReadonlyMap<DeviceName, Signer>;
  readonly file: SealedFile;
  readonly recipient: string;
  readonly header: string;
}

/** The first epoch with all devices in it: a run begins there or later. */
export const FIRST_EPOCH = 3;

export async function prepareGround(): Promise<Ground> {
  const chain = await testChain();
  const second = newDevice("owner", { person: chain.founderPerson });
  const other = newDevice("owner");
  const adult = newDevice("adult");
  const policy = (exportSigners: number, vetoWindowMs: number) =>
    chain.add({ kind: "policy", policy: { exportSigners, keyringSigners: 1, vetoWindowMs } });
  for (const device of [second, other, adult]) await chain.add(device.change);
  await policy(2, 0);
  await policy(2, HOUR_MS);
  await policy(1, HOUR_MS);
  await policy(1, 0);
  await chain.add({
    kind: "remove",
    device: other.key.device,
    readers: await newReaders(chain.keyring()),
  });
  const { recipient } = await generateReader("x25519");
  const sealed = sealBytes(utf8Bytes("released"), [parseRecipient(recipient)]);
  const signers: Signer[] = [
    { name: "first", key: chain.founder, person: chain.founderPerson },
    { name: "second", key: second.key, person: second.person },
    { name: "other", key: other.key, person: other.person },
    { name: "adult", key: adult.key, person: adult.person },
  ];
  const database = openDatabase(":memory:");
  const template = database.serialize();
  database.close();
  return {
    template,
    statements: [...chain.statements],
    keyrings: chain.statements.map((_, epoch) =>
      verifyKeyring(chain.statements.slice(0, epoch + 1)),
    ),
    signers: new Map(signers.map((signer) => [signer.name, signer])),
    file: recordedFile(),
    recipient,
    header: toBase64(requireAgeHeader(sealed).headerBytes),
  };
}

function recordedFile(): SealedFile {
  return {
    ...{ segment: 0, track: "video", rendition: "original", sizeBytes: 1_000 },
    payloadSha256: parseSha256Hex("ab".repeat(32)),
    ...{ fromMs: NOW_MS - 10_000, toMs: NOW_MS - 6_000 },
  };
}

/** What the reference may know of a keyring. */
export function rulesOf({ keyrings, signers }: Ground, epoch: number): Rules {
  const keyring = keyrings[epoch];
  if (!keyring) throw new Error(`no epoch ${epoch}`);
  const owners = [...signers.values()].flatMap(({ name, key, person }) => {
    const device = keyring.devices.get(key.device);
    const isOwner = device && !device.removed && keyring.persons.get(device.person) === "owner";
    return isOwner ? [[name, person] as const] : [];
  });
  const { exportSigners, vetoWindowMs } = keyring.policy;
  const { head } = keyring;
  return { head, signers: exportSigners, vetoMs: vetoWindowMs, owners: new Map(owners) };
}
