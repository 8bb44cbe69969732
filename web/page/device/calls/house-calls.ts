import { readDeviceBundle, type NewLabel } from "../../../../src/owner/device-bundle.ts";
import { foundHousehold, type FoundedHousehold } from "../../../../src/owner/household.ts";
import { generateReader, type KeyKind } from "../../../../src/owner/identity.ts";
import { openSealedFile } from "../../../../src/owner/open-clip.ts";
import {
  pairingWords,
  receivePassedOn,
  startPairing,
  type Newcomer,
} from "../../../../src/owner/pairing.ts";
import {
  parseRecoverySheet,
  recoverySheet,
  recoveryWordsLike,
} from "../../../../src/owner/recovery.ts";
import { SeenSchema } from "../../../../src/owner/witness.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { fromBase64, sha256Hex } from "../../../../src/protocol/bytes.ts";
import { checkShape } from "../../../../src/protocol/check.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { verifyKeyring } from "../../../../src/protocol/keyring.ts";
import { signingKeyWords } from "../../../../src/protocol/words.ts";
import type { Passkey } from "../../../../src/protocol/webauthn.ts";
import type { VaultContext } from "../vault-worker.ts";

interface PasskeyChoice {
  readonly passkey: Passkey;
  readonly secret: Uint8Array;
}

/** Made and not yet claimed with: gone with the page, like a claim that was never made. */
let founded: (FoundedHousehold & { readonly choice: PasskeyChoice | null }) | null = null;
let joining: {
  readonly newcomer: Newcomer;
  readonly pairing: string;
  readonly token: string;
} | null = null;

const POLL_MS = 500;
const RECOVERY_WORDS_MAX = 4;

/** Founding a household, joining one, and this browser's own keys. */
export const houseCalls = {
  vaultState: async ({ device }: VaultContext) => device.state(),

  /** Opens the keys; a session is another matter. */
  open: async ({ device }: VaultContext, { secret }: { secret: Uint8Array | null }) => {
    await device.open(secret);
    secret?.fill(0);
    return device.state();
  },

  /** Logs in again with keys that are open. */
  logIn: async ({ device }: VaultContext) => device.logIn(),

  /** Closes the keys; the session stays. */
  sealKeys: async ({ device }: VaultContext) => device.lock(),

  /** Closes the keys and ends the session: a screen that is locked shows nothing any more. */
  lock: async ({ device }: VaultContext) => {
    device.lock();
    await device.client.delete("/api/session");
  },

  /** Ends the session and removes this browser's keys for good. */
  forget: async ({ device }: VaultContext) => {
    await device.client.delete("/api/session").catch(() => undefined);
    await device.forget();
  },

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
    founded = { ...household, choice };
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
      // The hub said no, or something else: only a plain no makes these keys worthless.
      if (error instanceof HubError && error.code.startsWith("CLAIM_")) await device.forget();
      throw error;
    }
    founded = null;
    await device.startFrom(null);
    await device.logIn();
    await device.follow();
  },

  /** Shows this browser to the hub as a device that would like to join. */
  join: async (
    { device }: VaultContext,
    { label, passkey }: { label: string; passkey: Passkey | null },
  ) => {
    const newcomer = await startPairing(label, passkey ?? undefined);
    const { commitment } = newcomer;
    const started = await device.client.post("/api/pairings", { commitment }, Api.PairingStarted);
    joining = { newcomer, pairing: started.pairing, token: started.token };
    return { expiresAtMs: started.expiresAtMs };
  },

  /**
   * Waits until an owner begins, and gives the three words that both screens must show, and the
   * eight of this device's key for owners who only sign.
   */
  joinWords: async ({ device, signal }: VaultContext) => {
    const { newcomer, pairing, token } = requireJoining();
    const ownerNonce = await pollPairing(device.client, signal, (state) => state.ownerNonce);
    await device.client.send(`/api/pairings/${pairing}/reveal`, newcomer.reveal, {
      "x-doorward-pairing": token,
    });
    return {
      three: pairingWords(newcomer.reveal, ownerNonce),
      ofKey: signingKeyWords(newcomer.signingKey.publicKey),
    };
  },

  /** Waits until an owner has signed, takes what he passed on, and checks the hub against it. */
  joined: async (
    { device, signal }: VaultContext,
    { secret }: { secret: PasskeySecret | null },
  ) => {
    const sealed = await pollPairing(device.client, signal, (state) => state.sealed);
    const { bundle, seen } = await receivePassedOn(requireJoining().newcomer, sealed);
    await device.keep(bundle, secret);
    await device.startFrom(seen);
    await device.logIn();
    // Genesis and checkpoint came from the owner's device: a hub that shows others is found out.
    await device.follow();
    joining = null;
  },

  /** Takes the keys that the command line on this machine lends (`owner ui`). */
  borrow: async ({ device }: VaultContext, { key }: { key: Uint8Array }) => {
    const response = await fetch("/local/keys", { cache: "no-store" });
    if (!response.ok)
      throw new HubError("KEYS_HANDED_OUT", "Cannot open: the keys were handed out already");
    const aes = await crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, [
      "decrypt",
      "encrypt",
    ]);
    const lent = await unsealLocal(aes, new Uint8Array(await response.arrayBuffer()));
    device.borrow(readDeviceBundle(lent["bundle"]), readSeen(lent["seen"]), async (seen) => {
      const body = await sealLocal(aes, { v: 1, seen });
      const headers = { "content-type": "application/octet-stream" };
      const answer = await fetch("/local/seen", { method: "POST", headers, body });
      // The command line may be gone; what was checked stays checked.
      if (!answer.ok && answer.status !== 409) return;
    });
    await device.logIn();
    return device.state();
  },
};

type PasskeySecret = { readonly credentialId: string; readonly secret: Uint8Array };

function requireFounded(): NonNullable<typeof founded> {
  if (!founded) throw new HubError("NOT_OPEN", "Cannot claim: start again with new keys");
  return founded;
}

function requireJoining(): NonNullable<typeof joining> {
  if (!joining) throw new HubError("NOT_OPEN", "Cannot join: start again");
  return joining;
}

type PairingPick = (state: { ownerNonce: string | null; sealed: string | null }) => string | null;

/** @throws HubError PAIRING_OVER when the hub knows nothing of it any more: it lives ten minutes. */
async function pickFromPairing(
  client: VaultContext["device"]["client"],
  pairing: string,
  token: string,
  pick: PairingPick,
): Promise<string | null> {
  try {
    const path = `/api/pairings/${pairing}`;
    const response = await client.fetch("GET", path, undefined, { "x-doorward-pairing": token });
    return pick(checkShape(Api.PairingState, await response.json(), "pairing"));
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    // A phone that sleeps or changes networks while somebody looks for the other device.
    if (error.code === "HUB_UNREACHABLE" || error.code === "TOO_MANY_CALLS") return null;
    if (error.code === "NOT_FOUND")
      throw new HubError("PAIRING_OVER", "Cannot join: this exchange is over; start again");
    throw error;
  }
}

/** Polls until there is an answer; the pairing itself runs out after ten minutes. */
async function pollPairing(
  client: VaultContext["device"]["client"],
  signal: AbortSignal,
  pick: PairingPick,
): Promise<string> {
  const { pairing, token } = requireJoining();
  for (;;) {
    signal.throwIfAborted();
    const found = await pickFromPairing(client, pairing, token, pick);
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function unsealLocal(key: CryptoKey, blob: Uint8Array): Promise<Record<string, unknown>> {
  const algorithm = { name: "AES-GCM", iv: new Uint8Array(blob.slice(0, 12)) };
  const content = await crypto.subtle.decrypt(algorithm, key, new Uint8Array(blob.slice(12)));
  return JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>;
}

async function sealLocal(key: CryptoKey, value: unknown): Promise<Blob> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const content = new TextEncoder().encode(JSON.stringify(value));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, content);
  return new Blob([iv, sealed]);
}

function readSeen(value: unknown): ReturnType<typeof checkShape<typeof SeenSchema>> | null {
  return value === null || value === undefined
    ? null
    : checkShape(SeenSchema, value, "last checkpoint");
}
