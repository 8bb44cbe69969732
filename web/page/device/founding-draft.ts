import { readDeviceBundle, type NewLabel } from "../../../src/owner/device-bundle.ts";
import type { FoundedHousehold } from "../../../src/owner/household.ts";
import type { KeyKind } from "../../../src/owner/identity.ts";
import { parseRecoverySheet, recoverySheet } from "../../../src/owner/recovery.ts";
import { HubError } from "../../../src/protocol/errors.ts";
import { EnvelopeSchema, type Envelope } from "../../../src/protocol/envelope.ts";
import { checkShape } from "../../../src/protocol/check.ts";
import type { Passkey } from "../../../src/protocol/webauthn.ts";
import {
  browserKey,
  forgetItem,
  readItem,
  sealingKey,
  writeItem,
  type SealedDevice,
} from "./device-store.ts";

/**
 * A first run that was interrupted: phones end an app that is not looked at, and between the words
 * being made and being on paper it is not looked at for minutes. Keys lie in here as they will lie
 * after the claim, sealed by the same passkey or by this browser; nothing of it outlives the claim.
 */
export interface FoundingDraft {
  readonly v: 1;
  /** Ledger of the hub that it was begun with: keys for another one are worth nothing. */
  readonly origin: string;
  readonly code: string;
  readonly device: string;
  readonly house: string;
  readonly kind: KeyKind;
  /** Numbers, from 0, of the words of the sheet that were already typed right from paper. */
  readonly typedRight: readonly number[];
  readonly keys: SealedKeys | null;
}

interface SealedKeys {
  readonly seal: SealedDevice["seal"];
  readonly iv: Uint8Array;
  readonly sealed: ArrayBuffer;
  readonly label: string;
  readonly kind: KeyKind;
  readonly passkey: Passkey | null;
}

export interface PasskeyChoice {
  readonly passkey: Passkey;
  readonly secret: Uint8Array;
}

export type Founded = FoundedHousehold & {
  readonly kind: KeyKind;
  readonly choice: PasskeyChoice | null;
};

const TEXT_LENGTH_MAX = 80;
const SHEET_WORDS = 24;

export async function readDraft(): Promise<FoundingDraft | null> {
  const draft = await readItem<FoundingDraft>("draft");
  return draft?.v === 1 ? draft : null;
}

/** Remembers what was typed; the keys that lie there already stay. */
export async function writeDraft(
  typed: Pick<FoundingDraft, "origin" | "code" | "device" | "house" | "kind" | "typedRight">,
): Promise<void> {
  const known = await readDraft();
  const { origin, code, device, house, kind, typedRight } = typed;
  const texts = [code, device, house].map((text) => text.slice(0, TEXT_LENGTH_MAX));
  const [shortCode = "", shortDevice = "", shortHouse = ""] = texts;
  const draft: FoundingDraft = {
    v: 1,
    ...{ origin, code: shortCode, device: shortDevice, house: shortHouse, kind },
    typedRight: typedRight.filter((index) => index >= 0 && index < SHEET_WORDS),
    keys: known?.origin === origin ? known.keys : null,
  };
  await writeItem("draft", draft);
}

/** Puts keys that were just made into the draft, sealed as they will be after the claim. */
export async function sealIntoDraft(origin: string, founded: Founded): Promise<void> {
  const { bundle, label, statement, recovery, kind, choice } = founded;
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = choice ? await sealingKey(choice.secret, salt) : await browserKey();
  const sheet = recoverySheet(recovery, kind);
  const content = new TextEncoder().encode(JSON.stringify({ bundle, label, statement, sheet }));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, content);
  content.fill(0);
  const known = await readDraft();
  const draft: FoundingDraft = {
    v: 1,
    ...{ origin, kind, device: label.label, typedRight: [] },
    ...{ code: known?.code ?? "", house: known?.house ?? "" },
    keys: {
      seal: choice
        ? { by: "passkey", credentialId: choice.passkey.credentialId, salt }
        : { by: "browser", key },
      ...{ iv, sealed, label: label.label, kind, passkey: choice?.passkey ?? null },
    },
  };
  await writeItem("draft", draft);
}

/**
 * Opens the keys of a first run that was interrupted.
 *
 * @param secret - The passkey's, where one seals them.
 * @throws HubError KEYS_MISSING, KEYS_SEALED when the secret does not fit.
 */
export async function openDraft(secret: Uint8Array | null): Promise<Founded> {
  const keys = (await readDraft())?.keys;
  if (!keys) throw new HubError("KEYS_MISSING", "Cannot go on: no keys were made here");
  const { seal, iv, kind, passkey } = keys;
  if (seal.by === "passkey" && !secret)
    throw new HubError("KEYS_SEALED", "Cannot open: the passkey is needed");
  const key =
    seal.by === "browser" ? seal.key : await sealingKey(secret ?? new Uint8Array(), seal.salt);
  let content: ArrayBuffer;
  try {
    const algorithm = { name: "AES-GCM", iv: new Uint8Array(iv) };
    content = await crypto.subtle.decrypt(algorithm, key, keys.sealed);
  } catch (cause) {
    throw new HubError("KEYS_SEALED", "Cannot open: this passkey does not open these keys", {
      cause,
    });
  }
  const kept = JSON.parse(new TextDecoder().decode(content)) as {
    readonly bundle: unknown;
    readonly label: NewLabel;
    readonly statement: unknown;
    readonly sheet: string;
  };
  new Uint8Array(content).fill(0);
  const statement: Envelope = checkShape(EnvelopeSchema, kept.statement, "statement");
  return {
    bundle: readDeviceBundle(kept.bundle),
    label: kept.label,
    statement,
    recovery: await parseRecoverySheet(kept.sheet),
    kind,
    choice: passkey && secret ? { passkey, secret: secret.slice() } : null,
  };
}

export async function putDraft(draft: FoundingDraft): Promise<void> {
  await writeItem("draft", draft);
}

export async function dropDraft(): Promise<void> {
  await forgetItem("draft");
}
