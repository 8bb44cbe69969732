import type { NewLabel } from "../../../../src/owner/device-bundle.ts";
import { foundHousehold } from "../../../../src/owner/household.ts";
import { generateReader, type KeyKind } from "../../../../src/owner/identity.ts";
import { openSealedFile } from "../../../../src/owner/open-clip.ts";
import {
  parseRecoverySheet,
  recoverySheet,
  recoveryWordsLike,
} from "../../../../src/owner/recovery.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { fromBase64, sha256Hex } from "../../../../src/protocol/bytes.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { verifyKeyring } from "../../../../src/protocol/keyring.ts";
import {
  dropDraft,
  openDraft,
  putDraft,
  readDraft,
  sealIntoDraft,
  writeDraft,
  type Founded,
  type FoundingDraft,
  type PasskeyChoice,
} from "../founding-draft.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Made and not yet claimed with; sealed in the draft as well, until the claim. */
let founded: Founded | null = null;

const RECOVERY_WORDS_MAX = 4;

export interface ShownDraft extends Pick<
  FoundingDraft,
  "code" | "device" | "house" | "kind" | "typedRight"
> {
  /** Of the keys that were made already; null where there are none. */
  readonly keys: { readonly credentialId: string | null } | null;
}

/** Founding a household: nobody's hub becomes this person's. */
export const foundingCalls = {
  /** @throws HubError CLAIM_CODE_WRONG before any key is made and written down for nothing. */
  checkCode: async ({ device }: VaultContext, { code }: { code: string }) => {
    // The hub seals its test file for whatever readers it is told; these are nobody's.
    const { recipient } = await generateReader("x25519");
    const body = { code, originals: recipient, recovery: recipient };
    await device.client.post("/api/claim/test", body, Api.ClaimTestAnswer);
  },

  /** Words of the recovery list that begin as typed. */
  recoveryWords: async (_context: VaultContext, { typed }: { typed: string }) =>
    recoveryWordsLike(typed, RECOVERY_WORDS_MAX),

  /** Which of the words that were typed are not those of the sheet made here, counted from 1. */
  wrongWords: async (_context: VaultContext, { words }: { words: readonly string[] }) =>
    requireFounded().recovery.words.flatMap((word, index) =>
      words[index] === word ? [] : [index + 1],
    ),

  /** Makes every key of a new household; nothing is claimed or stored yet. */
  found: async (
    { device }: VaultContext,
    options: { label: string; kind: KeyKind; choice: PasskeyChoice | null },
  ) => {
    const { label, kind, choice } = options;
    const hub = await device.client.get("/api/hub", Api.HubInfo);
    if (hub.claimed)
      throw new HubError("CLAIM_GONE", "Cannot claim: this hub has a household already");
    const household = await foundHousehold(hub, {
      ...{ label, kind, nowMs: Date.now() },
      ...(choice ? { passkey: choice.passkey } : {}),
    });
    founded = { ...household, kind, choice };
    await sealIntoDraft(hub.origin, founded);
    return {
      words: household.recovery.words,
      sheet: recoverySheet(household.recovery, kind),
    };
  },

  /**
   * Opens a file that the hub has sealed just now with nothing but what was written down.
   *
   * @returns proof of it for the claim.
   */
  testRestore: async ({ device }: VaultContext, options: { code: string; sheet: string }) => {
    const { readers } = verifyKeyring([requireFounded().statement]);
    const { originals, recovery } = readers;
    const { file } = await device.client.post(
      "/api/claim/test",
      { code: options.code, originals, recovery },
      Api.ClaimTestAnswer,
    );
    const sheet = await parseRecoverySheet(options.sheet);
    const content = await openSealedFile(fromBase64(file, "file"), [sheet.reader.identity], null);
    return sha256Hex(content);
  },

  /** The claim itself: keys are stored here first, so that no household is ever nobody's. */
  claim: async ({ device }: VaultContext, { code, proof }: { code: string; proof: string }) => {
    const { statement, label, bundle, choice } = requireFounded();
    await device.keep(
      bundle,
      choice && { credentialId: choice.passkey.credentialId, secret: choice.secret },
    );
    try {
      const body: { code: string; statement: unknown; label: NewLabel; proof: string } = {
        ...{ code, statement, label, proof },
      };
      await device.client.post("/api/claim", body, Api.HubInfo);
    } catch (error) {
      // The hub said no, or something else: after a plain no they are not this browser's device.
      if (error instanceof HubError && error.code.startsWith("CLAIM_")) {
        const draft = await readDraft();
        await device.forget();
        // A hub that was only started again, with another code, is still to be claimed with them.
        if (draft && error.code !== "CLAIM_GONE") await putDraft(draft);
      }
      throw error;
    }
    founded = null;
    await dropDraft();
    await device.startFrom(null);
    await device.logIn();
    await device.follow();
  },

  /** What a first run that was interrupted has left; nothing where it was with another hub. */
  draft: async ({ device }: VaultContext): Promise<ShownDraft | null> => {
    const draft = await readDraft();
    if (!draft) return null;
    const hub = await device.client.get("/api/hub", Api.HubInfo);
    if (hub.claimed || hub.origin !== draft.origin) {
      await dropDraft();
      return null;
    }
    const { code, device: label, house, kind, typedRight, keys } = draft;
    const credentialId = keys?.seal.by === "passkey" ? keys.seal.credentialId : null;
    return { code, device: label, house, kind, typedRight, keys: keys && { credentialId } };
  },

  keepDraft: async (
    _context: VaultContext,
    typed: Omit<ShownDraft, "keys"> & { readonly origin: string },
  ) => writeDraft(typed),

  dropDraft: async (_context: VaultContext) => {
    founded = null;
    await dropDraft();
  },

  /** Opens the keys that an interrupted first run has made, and its sheet. */
  openDraft: async (_context: VaultContext, { secret }: { secret: Uint8Array | null }) => {
    founded = await openDraft(secret);
    secret?.fill(0);
    const { kind, label, recovery, choice } = founded;
    return {
      words: recovery.words,
      sheet: recoverySheet(recovery, kind),
      ...{
        label: label.label,
        kind,
        sealedBy: choice ? ("passkey" as const) : ("browser" as const),
      },
    };
  },
};

function requireFounded(): Founded {
  if (!founded) throw new HubError("NOT_OPEN", "Cannot claim: start again with new keys");
  return founded;
}
