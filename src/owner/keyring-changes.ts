import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter } from "age-encryption";
import { ClaimTestAnswer } from "../protocol/api.ts";
import {
  KeyringChanged,
  type KeyringProposalList,
  type PassedOnBlob,
} from "../protocol/api-keyring.ts";
import { fromBase64, sha256Hex, toBase64 } from "../protocol/bytes.ts";
import {
  PAYLOAD_TYPES,
  openEnvelope,
  signEnvelope,
  type EnvelopeSigner,
} from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseDeviceId, type PersonId } from "../protocol/ids.ts";
import {
  checkStatement,
  roleOfDevice,
  type Keyring,
  type KeyringChange,
  type KeyringDevice,
  type Policy,
} from "../protocol/keyring.ts";
import type { DeviceBundle } from "./device-bundle.ts";
import { signChange } from "./household.ts";
import type { FollowedHub } from "./hub-client.ts";
import type { KeyKind } from "./identity.ts";
import { generateRecovery, parseRecoverySheet, recoverySheet } from "./recovery.ts";
import { openPassedOn, rotateReaders, type ReaderHolder } from "./rotate.ts";

/** A hub just followed, and who signs: with the passkey that must confirm, where there is one. */
export interface ChangeGround extends Pick<FollowedHub, "client" | "keyring"> {
  readonly signer: EnvelopeSigner;
}

/** Devices in force that new readers can be passed on to, but for `without`. */
export function holdersIn(keyring: Keyring, without: readonly string[] = []): ReaderHolder[] {
  return devicesInForce(keyring).flatMap(({ id, record }) => {
    const role = roleOfDevice(keyring, id);
    const { transfer } = record;
    const isLeftOut = role === null || role === "guest" || without.includes(id);
    return isLeftOut || transfer === undefined ? [] : [{ device: id, role, transfer }];
  });
}

/** Devices of before there were transfer keys: after a change of readers they must be paired anew. */
export function cutOffBy(keyring: Keyring, without: readonly string[] = []): KeyringDevice[] {
  return devicesInForce(keyring).filter(
    ({ id, record }) =>
      record.transfer === undefined &&
      !without.includes(id) &&
      roleOfDevice(keyring, id) !== "guest",
  );
}

export function devicesInForce(keyring: Keyring): KeyringDevice[] {
  return [...keyring.devices.values()].filter(({ removed }) => !removed);
}

/**
 * Removes a device: new readers for what is recorded from now on, passed on to all that stay. What
 * it could open before, it can still open.
 *
 * @throws HubError, KeyringRefused as the hub says.
 */
export async function removeDevice(ground: ChangeGround, device: string): Promise<KeyringChanged> {
  const { readers, passedOn } = await rotateReaders(
    ground.keyring,
    holdersIn(ground.keyring, [device]),
  );
  const id = parseDeviceId(device);
  return handIn(ground, { kind: "remove", device: id, readers }, { passedOn });
}

export function changePolicy(ground: ChangeGround, policy: Policy): Promise<KeyringChanged> {
  return handIn(ground, { kind: "policy", policy });
}

/** Says no to the recovery that is pending; one owner is enough. */
export function objectToRecovery(ground: ChangeGround): Promise<KeyringChanged> {
  return handIn(ground, { kind: "recovery_objection" });
}

/** A new sheet, not in force yet. */
export async function makeSheet(kind: KeyKind): Promise<string> {
  return recoverySheet(await generateRecovery(kind), kind);
}

/**
 * Puts a new sheet into force, once it has opened what the hub sealed for it.
 *
 * @param text - As it was written down: read back from paper or file, not from memory.
 */
export async function putSheetInForce(ground: ChangeGround, text: string): Promise<KeyringChanged> {
  const { reader, signingKey } = await parseRecoverySheet(text);
  const { file } = await ground.client.post(
    "/api/keyring/sheet-test",
    { recovery: reader.recipient },
    ClaimTestAnswer,
  );
  const decrypter = new Decrypter();
  decrypter.addIdentity(reader.identity);
  let content: Uint8Array;
  try {
    content = await decrypter.decrypt(fromBase64(file, "file"));
  } catch (cause) {
    throw new HubError("NO_READER", "Cannot go on: the sheet does not open the test file", {
      cause,
    });
  }
  return handIn(
    ground,
    {
      kind: "sheet",
      recovery: reader.recipient,
      recoveryKey: toBase64(signingKey.publicKey),
    },
    { proof: sha256Hex(content) },
  );
}

type Proposal = KeyringProposalList[number];

/** What a proposal would change, and which persons have signed that so far. */
export interface ReadProposal {
  readonly change: KeyringChange;
  readonly signers: readonly PersonId[];
  readonly needed: number;
}

/**
 * Checks a proposal like any other statement. It must be the one of its id: a hub that gives two
 * answers must not have another signed than was shown.
 *
 * @throws KeyringRefused, HubError PROPOSAL_ALTERED.
 */
export function readProposal(
  keyring: Keyring,
  { proposal, statement }: Pick<Proposal, "proposal" | "statement">,
): ReadProposal {
  const { head, statement: checked, signers, needed } = checkStatement(keyring, statement);
  if (head !== proposal)
    throw new HubError("PROPOSAL_ALTERED", "Cannot sign: this is not what was proposed");
  return { change: checked.change, signers, needed };
}

/**
 * Signs what another owner has proposed. New readers must have been passed on to this device, too:
 * an owner must not sign himself out.
 *
 * @throws KeyringRefused; HubError PROPOSAL_ALTERED, READERS_NOT_NAMED.
 */
export async function cosignProposal(
  { client, keyring, signer }: ChangeGround,
  bundle: DeviceBundle,
  proposal: Proposal,
): Promise<KeyringChanged> {
  const { change } = readProposal(keyring, proposal);
  if (change.kind === "remove") await openPassedOn(bundle, proposal.sealed ?? "", [change.readers]);
  const { payload, content } = openEnvelope(proposal.statement, PAYLOAD_TYPES.keyring, "keyring");
  const statement = await signEnvelope(PAYLOAD_TYPES.keyring, content, signer, sha256(payload));
  const id = sha256Hex(payload);
  return client.post(`/api/keyring/proposals/${id}`, { statement }, KeyringChanged);
}

async function handIn(
  { client, keyring, signer }: ChangeGround,
  change: KeyringChange,
  more: { readonly passedOn?: readonly PassedOnBlob[]; readonly proof?: string } = {},
): Promise<KeyringChanged> {
  const statement = await signChange(signer, keyring, change, Date.now());
  // What this device would not accept from others, it does not ask of the hub.
  checkStatement(keyring, statement);
  return client.post("/api/keyring", { passedOn: [], ...more, statement }, KeyringChanged);
}
