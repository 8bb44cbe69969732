import { Decrypter } from "age-encryption";
import { signingKeyOf, type NewLabel } from "../../src/owner/device-bundle.ts";
import type { SigningKey } from "../../src/owner/identity.ts";
import { rotateReaders, sealReaders, type ReaderHolder } from "../../src/owner/rotate.ts";
import type { RecoveryContent } from "../../src/protocol/api-keyring.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import {
  roleOfDevice,
  type Keyring,
  type KeyringChange,
  type Readers,
} from "../../src/protocol/keyring.ts";
import type { Static } from "typebox";
import { recoveryNotice, signStatement, statementAfter } from "./test-household.ts";
import type { TestDevice, TestHub } from "./test-hub.ts";

export function keyringOf({ hub }: TestHub): Keyring {
  const { keyring } = hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  return keyring;
}

/** Every device in force with a transfer key, as its role may have readers. */
export function holdersOf(keyring: Keyring, but: readonly string[] = []): ReaderHolder[] {
  return [...keyring.devices.values()].flatMap(({ id, record }) => {
    const role = roleOfDevice(keyring, id);
    const { transfer } = record;
    const isLeftOut = role === null || role === "guest" || but.includes(id);
    return isLeftOut || transfer === undefined ? [] : [{ device: id, role, transfer }];
  });
}

export function signAt(
  hub: TestHub,
  change: KeyringChange,
  signers: readonly SigningKey[],
): Promise<Envelope> {
  return signStatement(statementAfter(keyringOf(hub), change, hub.clock.nowMs), signers);
}

/** The body of a removal, signed by `signers`. */
export async function removal(hub: TestHub, device: string, signers: readonly SigningKey[]) {
  const keyring = keyringOf(hub);
  const { readers, passedOn } = await rotateReaders(keyring, holdersOf(keyring, [device]));
  return { statement: await signAt(hub, { kind: "remove", device, readers }, signers), passedOn };
}

export interface Announced {
  readonly key: SigningKey;
  readonly label: NewLabel;
  readonly readers: Readers;
  readonly body: { statement: Envelope; label: NewLabel | null; passedOn: unknown[] };
}

/** A notice for a new device of the founder's, in the place of his old one. */
export async function notice(
  hub: TestHub,
  options: { readonly person?: string; readonly remove?: readonly string[] } = {},
): Promise<Announced> {
  const keyring = keyringOf(hub);
  const remove = [...(options.remove ?? [hub.owner.key.device])];
  const { readers, held, passedOn } = await rotateReaders(keyring, holdersOf(keyring, remove));
  const person = options.person ?? hub.owner.bundle.person;
  const { key, label, change } = await recoveryNotice(keyring, { person, remove, readers });
  const transfer = change.admit?.device.transfer ?? "";
  const own = await sealReaders(held, { device: key.device, role: "owner", transfer });
  const statement = await signAt(hub, change, [sheetOf(hub)]);
  return { key, label, readers, body: { statement, label, passedOn: [...passedOn, own] } };
}

export async function completion(hub: TestHub) {
  const statement = await signAt(hub, { kind: "recovery_complete" }, [sheetOf(hub)]);
  return { statement, label: null, passedOn: [] };
}

export async function objection(hub: TestHub, by: TestDevice) {
  const key = signingKeyOf(by.bundle);
  return { statement: await signAt(hub, { kind: "recovery_objection" }, [key]), passedOn: [] };
}

export function sheetOf({ recovery }: TestHub): SigningKey {
  if (!recovery) throw new Error("this test hub has no sheet");
  return recovery.signingKey;
}

/** What the hub hands to whoever asks, opened by the sheet. */
export async function openRecoveryAnswer(
  hub: TestHub,
  identity: string,
): Promise<Static<typeof RecoveryContent>> {
  const answer = await hub.call("GET", "/api/recoveries");
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const sealed = fromBase64(answer.json<{ sealed: string }>().sealed, "sealed");
  const content = new TextDecoder().decode(await decrypter.decrypt(sealed));
  return JSON.parse(content) as Static<typeof RecoveryContent>;
}
