import { admissionShown, type ShownAdmission } from "../../../../src/owner/admission.ts";
import { deviceOfBundle } from "../../../../src/owner/device-bundle.ts";
import {
  changePolicy,
  cosignProposal,
  cutOffBy,
  makeSheet,
  objectToRecovery,
  putSheetInForce,
  readProposal,
  removeDevice,
  type ChangeGround,
} from "../../../../src/owner/keyring-changes.ts";
import {
  finishRecovery,
  handInNotice,
  meetHub,
  ownersOf,
  pendingReaders,
  prepareNotice,
  type RecoveryGround,
} from "../../../../src/owner/recover.ts";
import { parseRecoverySheet } from "../../../../src/owner/recovery.ts";
import { combineSheets } from "../../../../src/owner/sheet-split.ts";
import * as Api from "../../../../src/protocol/api.ts";
import {
  KeyringProposalList,
  PassedOnAnswer,
  RecoveryState,
} from "../../../../src/protocol/api-keyring.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { parseDeviceId } from "../../../../src/protocol/ids.ts";
import {
  findDevice,
  isPromisedReaders,
  type KeyringChange,
  type Policy,
} from "../../../../src/protocol/keyring.ts";
import { confirmingSigner } from "../confirming-signer.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Between the sheet and the notice: gone with the page. */
let recovering: RecoveryGround | null = null;

export interface ShownProposal {
  readonly proposal: string;
  readonly kind: KeyringChange["kind"];
  /** Which device it removes, or null. */
  readonly device: string | null;
  readonly policy: Policy | null;
  readonly admission: ShownAdmission | null;
  readonly signers: number;
  readonly needed: number;
  /** This device's person has signed it. */
  readonly isSignedHere: boolean;
}

/** Changes of who may do what, and the way back of a household that lost its devices. */
export const changeCalls = {
  removeDevice: async (context: VaultContext, { device }: { device: string }) => {
    const result = await removeDevice(await groundOf(context), device);
    await context.device.follow();
    return result;
  },

  /**
   * What is said before `device` goes: which devices stay and cannot be passed new readers, and
   * whether it must wait, because a recovery that is pending has promised its readers to it.
   */
  beforeRemoval: async ({ device: own }: VaultContext, { device }: { device: string }) => {
    const { keyring } = await own.follow();
    const leaving = findDevice(keyring, parseDeviceId(device));
    return {
      leftBehind: cutOffBy(keyring, [device]).map(({ id }) => id as string),
      isPromised: leaving !== null && isPromisedReaders(keyring, leaving),
    };
  },

  setPolicy: async (context: VaultContext, { policy }: { policy: Policy }) =>
    changePolicy(await groundOf(context), policy),

  keyringProposals: async ({ device }: VaultContext): Promise<ShownProposal[]> => {
    const { client, keyring } = await device.follow();
    const proposals = await client.get("/api/keyring/proposals", KeyringProposalList);
    return proposals.map((each) => {
      const { change, signers, needed } = readProposal(keyring, each);
      return {
        proposal: each.proposal,
        kind: change.kind,
        device: change.kind === "remove" ? change.device : null,
        policy: change.kind === "policy" ? change.policy : null,
        admission: change.kind === "admit" ? admissionShown(keyring, change) : null,
        signers: signers.length,
        needed,
        isSignedHere: signers.some((person) => person === device.bundle.person),
      };
    });
  },

  cosignKeyring: async (context: VaultContext, { proposal }: { proposal: string }) => {
    const { device } = context;
    const ground = await groundOf(context);
    const proposals = await ground.client.get("/api/keyring/proposals", KeyringProposalList);
    const found = proposals.find((each) => each.proposal === proposal);
    if (!found) throw new HubError("NOT_FOUND", "Cannot sign: this change waits no longer");
    const result = await cosignProposal(ground, device.bundle, found);
    await device.follow();
    return result;
  },

  withdrawKeyring: async ({ device }: VaultContext, { proposal }: { proposal: string }) =>
    device.client.delete(`/api/keyring/proposals/${proposal}`),

  /** What waits for this owner, by the hub's word: the screen itself looks at the keyring. */
  countHousehold: async ({ device }: VaultContext) => {
    const { pending } = await device.client.get("/api/recovery", RecoveryState);
    const proposals = await device.client.get("/api/keyring/proposals", KeyringProposalList);
    const unsigned = proposals.filter(
      ({ signers }) => !device.isOpen || !signers.includes(device.bundle.person),
    );
    return (pending ? 1 : 0) + unsigned.length;
  },

  /** What the recovery sheet has announced, from the keyring that this device has checked. */
  recoveryState: async ({ device }: VaultContext) => {
    const { client, keyring } = await device.follow();
    const { pending } = keyring;
    if (!pending) return null;
    const state = (await client.get("/api/recovery", RecoveryState)).pending;
    const devices = await client.get("/api/devices", Api.DeviceList);
    const admitted = pending.admit?.id ?? null;
    return {
      device: admitted as string | null,
      label: devices.find((each) => each.device === admitted)?.label ?? null,
      atMs: pending.atMs,
      remove: pending.remove.map((id) => id as string),
      policy: pending.policy,
      leftMs: Math.max(0, (state?.neededMs ?? 0) - (state?.ranMs ?? 0)),
      isOwn: admitted === deviceOfBundle(device.bundle),
    };
  },

  objectToRecovery: async (context: VaultContext) => objectToRecovery(await groundOf(context)),

  /** A new sheet, not in force yet. */
  makeSheet: async ({ device }: VaultContext) => {
    const sheet = await makeSheet(device.bundle.kind);
    return { sheet, words: [...(await parseRecoverySheet(sheet)).words] };
  },

  /** @throws HubError NO_READER where what was typed does not open what the hub seals for it. */
  putSheetInForce: async (context: VaultContext, { sheet }: { sheet: string }) =>
    putSheetInForce(await groundOf(context), sheet),

  /** Who the sheet finds: a new device may be one of these persons', or somebody else's. */
  meetBySheet: async ({ device }: VaultContext, { texts }: { texts: readonly string[] }) => {
    const sheet = await parseRecoverySheet(combineSheets(texts));
    recovering = await meetHub(device.client, sheet);
    const { keyring, labels } = recovering;
    return {
      isPending: keyring.pending !== null,
      persons: [...ownersOf(keyring)].map(([person, devices]) => ({
        person,
        devices: devices.map(({ id }) => ({ id: id as string, label: labels.get(id) ?? null })),
      })),
    };
  },

  /**
   * Announces this browser as an owner's device, and stores its keys first. It may look from now on,
   * and sign when 72 hours are over and no owner has objected.
   */
  announce: async (
    { device }: VaultContext,
    wanted: {
      readonly person: string;
      readonly label: string;
      readonly remove: readonly string[];
      readonly passkey: { readonly credentialId: string; readonly secret: Uint8Array } | null;
    },
  ) => {
    if (!recovering) throw new HubError("NOT_OPEN", "Cannot recover: type the sheet again");
    const { person, label, remove, passkey } = wanted;
    const notice = await prepareNotice(recovering, { person, label, remove });
    if (!notice.bundle) throw new Error("a notice for this browser without its keys");
    await device.keep(notice.bundle, passkey);
    try {
      await handInNotice(recovering, notice);
    } catch (error) {
      // The hub said no: keys that nobody will ever name are worthless.
      if (error instanceof HubError && error.code.startsWith("KEYRING_")) await device.forget();
      throw error;
    }
    recovering = null;
    await device.startFrom(null);
    await device.logIn();
    await device.follow();
  },

  /** Signs with the sheet once more, when the 72 hours are over. */
  completeRecovery: async ({ device }: VaultContext, { texts }: { texts: readonly string[] }) => {
    const sheet = await parseRecoverySheet(combineSheets(texts));
    const ground = await meetHub(device.client, sheet);
    const waiting = await device.client.get("/api/passed-on", PassedOnAnswer);
    const held = await pendingReaders(ground.keyring, device.bundle, waiting);
    await finishRecovery(ground, held && { held });
    await device.follow();
  },
};

async function groundOf(context: VaultContext): Promise<ChangeGround> {
  const { client, keyring } = await context.device.follow();
  return { client, keyring, signer: await confirmingSigner(context, keyring) };
}
