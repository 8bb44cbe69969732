import type { WebAuthnAssertion } from "../../../src/protocol/envelope.ts";
import type { VaultCalls } from "./vault-worker.ts";

/**
 * What the page and its vault say to each other. The vault is the worker that holds the device's
 * keys: it alone talks to the hub's API, checks each answer and opens what is sealed. Keys never
 * cross this line in clear; what a passkey derives crosses it once, to unseal them.
 */
export type VaultCallName = keyof VaultCalls;
/** Null for calls that take nothing. */
export type VaultArguments<Name extends VaultCallName> =
  Parameters<VaultCalls[Name]> extends [unknown, infer Value] ? Value : null;
export type VaultResult<Name extends VaultCallName> = Awaited<ReturnType<VaultCalls[Name]>>;

export type ToVault =
  | { readonly type: "call"; readonly id: number; readonly name: string; readonly value: unknown }
  | { readonly type: "cancel"; readonly id: number }
  | {
      readonly type: "asserted";
      readonly ask: number;
      readonly assertion: WebAuthnAssertion | null;
    };

export type FromVault =
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: VaultErrorData }
  | {
      readonly type: "progress";
      readonly id: number;
      readonly done: number;
      readonly total: number;
    }
  /** The vault has something to sign that the passkey must confirm. */
  | {
      readonly type: "assert";
      readonly ask: number;
      readonly credentialId: string;
      readonly challenge: Uint8Array;
    };

export interface VaultErrorData {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  /** Both signed notes, where the ledger is not the one this device saw before. */
  readonly checkpoints?: { readonly before: string; readonly now: string };
}

/** A failure inside the vault, on the page's side of the line. */
export class VaultError extends Error {
  override readonly name = "VaultError";
  readonly code: string;
  readonly field: string | null;
  readonly checkpoints: { readonly before: string; readonly now: string } | null;

  constructor({ code, message, field, checkpoints }: VaultErrorData) {
    super(message);
    this.code = code;
    this.field = field ?? null;
    this.checkpoints = checkpoints ?? null;
  }
}
