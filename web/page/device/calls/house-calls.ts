import { readDeviceBundle } from "../../../../src/owner/device-bundle.ts";
import {
  pairingWords,
  receivePassedOn,
  startPairing,
  type Newcomer,
} from "../../../../src/owner/pairing.ts";
import { SeenSchema } from "../../../../src/owner/witness.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { checkShape } from "../../../../src/protocol/check.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { signingKeyWords } from "../../../../src/protocol/words.ts";
import type { Passkey } from "../../../../src/protocol/webauthn.ts";
import { forgetSecret } from "../../../service-worker/notice-secret.ts";
import type { VaultContext } from "../vault-worker.ts";
import { foundingCalls } from "./founding-calls.ts";

let joining: {
  readonly newcomer: Newcomer;
  readonly pairing: string;
  readonly token: string;
} | null = null;

const POLL_MS = 500;

/** Joining a household, and this browser's own keys. */
export const houseCalls = {
  vaultState: async ({ device }: VaultContext) => device.state(),

  /** Opens the keys; a session is another matter. */
  open: async ({ device }: VaultContext, { secret }: { secret: Uint8Array | null }) => {
    await device.open(secret);
    secret?.fill(0);
    return device.state();
  },

  /** Logs in again with keys that are open. */
  logIn: async (context: VaultContext) => {
    await context.device.logIn();
    // Its hub is somebody's: the answer to the claim may have been lost, and the sheet left behind.
    await foundingCalls.dropDraft(context);
  },

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
    await forgetSecret();
    await device.forget();
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
