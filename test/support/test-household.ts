import { ed25519 } from "@noble/curves/ed25519.js";
import {
  deviceRecord,
  newLabel,
  randomHex,
  transferKeyOf,
  type NewLabel,
} from "../../src/owner/device-bundle.ts";
import { foundHousehold } from "../../src/owner/household.ts";
import {
  envelopeSigner,
  generateReader,
  generateSigningKey,
  signingKeyFromSeed,
  type KeyKind,
  type SigningKey,
} from "../../src/owner/identity.ts";
import type { Recovery } from "../../src/owner/recovery.ts";
import type { HubInfo } from "../../src/protocol/api.ts";
import { fromBase64, toBase64 } from "../../src/protocol/bytes.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import {
  PAYLOAD_TYPES,
  signedBytes,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
  type PayloadType,
} from "../../src/protocol/envelope.ts";
import {
  verifyKeyring,
  type Keyring,
  type KeyringChange,
  type KeyringStatement,
  type Readers,
  type Role,
} from "../../src/protocol/keyring.ts";
import { originOf } from "../../src/protocol/cosigner.ts";
import type { Passkey } from "../../src/protocol/webauthn.ts";

export const LEDGER_SECRET = new Uint8Array(32).fill(9);
export const NOW_MS = Date.UTC(2026, 10, 21, 20, 0, 0);

export const hubInfo: HubInfo = {
  name: "Test hub",
  version: "0.0.0",
  claimed: false,
  origin: originOf(ed25519.getPublicKey(LEDGER_SECRET)),
  ledgerKey: toBase64(ed25519.getPublicKey(LEDGER_SECRET)),
  genesis: null,
};

/** A chain of statements that grows in a test, with the key of its first owner. */
export interface TestChain {
  readonly statements: Envelope[];
  readonly founder: SigningKey;
  readonly founderPerson: string;
  readonly originalsIdentity: string;
  readonly recovery: Recovery;
  keyring(): Keyring;
  /** Signs `change` as the next statement, by the founder unless others are named. */
  sign(change: KeyringChange, signers?: readonly SigningKey[]): Promise<Envelope>;
  /** The same, and takes it into the chain. */
  add(change: KeyringChange, signers?: readonly SigningKey[]): Promise<Keyring>;
}

export async function testChain(kind: KeyKind = "x25519"): Promise<TestChain> {
  const founded = await foundHousehold(hubInfo, { kind, label: "first", nowMs: NOW_MS });
  const founder = signingKeyFromSeed(fromBase64(founded.bundle.signingSeed, "seed"));
  const statements = [founded.statement];
  const keyring = (): Keyring => verifyKeyring(statements);
  const signNext = (change: KeyringChange, signers: readonly SigningKey[] = [founder]) =>
    signStatement(statementAfter(keyring(), change), signers);
  return {
    statements,
    founder,
    founderPerson: founded.bundle.person,
    recovery: founded.recovery,
    originalsIdentity: founded.bundle.readers.originals ?? "",
    keyring,
    sign: signNext,
    add: async (change, signers) => {
      statements.push(await signNext(change, signers));
      return keyring();
    },
  };
}

export function statementAfter(
  keyring: Keyring,
  change: KeyringChange,
  atMs = NOW_MS,
): KeyringStatement {
  return { v: 1, epoch: keyring.epoch + 1, previous: keyring.head, atMs, change };
}

/** An envelope signed by all of `signers`, whatever they sign. */
export async function signByAll(
  payloadType: PayloadType,
  value: Json,
  signers: readonly EnvelopeSigner[],
  challenge?: Uint8Array,
): Promise<Envelope> {
  const envelopes = await Promise.all(
    signers.map((signer) => signEnvelope(payloadType, value, signer, challenge)),
  );
  const [first] = envelopes;
  if (!first) throw new Error("nobody signs");
  return { ...first, signatures: envelopes.flatMap(({ signatures }) => signatures) };
}

export function signStatement(
  statement: KeyringStatement,
  signers: readonly SigningKey[],
): Promise<Envelope> {
  return signByAll(PAYLOAD_TYPES.keyring, statement, signers.map(envelopeSigner));
}

/** Signs bytes that are no canonical JSON, or under another type: what our own code never makes. */
export async function signRaw(
  payloadType: string,
  payload: Uint8Array,
  signer: EnvelopeSigner,
): Promise<Envelope> {
  const signature = await signer.sign(signedBytes(payloadType, payload));
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: [{ keyid: signer.device, sig: toBase64(signature) }],
  };
}

export interface NewDevice {
  readonly key: SigningKey;
  readonly person: string;
  readonly label: NewLabel;
  readonly change: Extract<KeyringChange, { kind: "admit" }>;
}

/** The admission of a new device, ready to be signed. */
export function newDevice(
  role: Role,
  options: { person?: string; passkey?: Passkey } = {},
): NewDevice {
  const key = generateSigningKey();
  const person = options.person ?? randomHex(16);
  const label = newLabel("another device");
  const record = deviceRecord(key.publicKey, label);
  const device = options.passkey ? { ...record, passkey: options.passkey } : record;
  return { key, person, label, change: { kind: "admit", person, role, device } };
}

/** @param of - The keyring that they go on from: its kind, and its sheet's reader. */
export async function newReaders(
  of: KeyKind | Pick<Keyring, "readers"> | null = "x25519",
): Promise<Readers> {
  const before = typeof of === "string" ? null : (of?.readers ?? null);
  const kind = typeof of === "string" ? of : (before?.kind ?? "x25519");
  const [originals, blurred, owners, recovery] = await Promise.all(
    [1, 2, 3, 4].map(async () => (await generateReader(kind)).recipient),
  );
  return {
    kind,
    originals: originals ?? "",
    blurred: blurred ?? "",
    owners: owners ?? "",
    recovery: before?.recovery ?? recovery ?? "",
  };
}

/** A device that is to come back by the recovery sheet, and the notice of it. */
export async function recoveryNotice(
  keyring: Keyring,
  notice: Partial<Omit<RecoveryNotice, "kind">> & { readonly person?: string } = {},
): Promise<{ key: SigningKey; change: RecoveryNotice; label: NewLabel }> {
  const { person, ...rest } = notice;
  const { key, change, label } = newDevice("owner", person === undefined ? {} : { person });
  const { recipient: transfer } = await transferKeyOf(key);
  return {
    key,
    label,
    change: {
      kind: "recovery_notice",
      admit: { person: change.person, device: { ...change.device, transfer } },
      remove: [],
      readers: await newReaders(keyring),
      policy: keyring.policy,
      ...rest,
    },
  };
}

type RecoveryNotice = Extract<KeyringChange, { kind: "recovery_notice" }>;
