import Type, { type Static } from "typebox";
import { fromBase64, fromHex, toHex } from "../protocol/bytes.ts";
import {
  cosignCheckpoint,
  verifyCheckpoint,
  type VerifiedCheckpoint,
} from "../protocol/checkpoint.ts";
import { cosignerKey } from "../protocol/cosigner.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import { verifyConsistency } from "../protocol/merkle.ts";
import {
  formatSignatureLine,
  formatSignedNote,
  parseSignatureLine,
  parseSignedNote,
} from "../protocol/signed-note.ts";
import { signWith, type SigningKey } from "./identity.ts";

/** What a device remembers of the ledger between two contacts: the newest checkpoint it believed. */
export const SeenSchema = Type.Object(
  {
    v: Type.Literal(1),
    size: Type.Integer({ minimum: 1 }),
    root: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
    /** The signed note, as evidence. */
    checkpoint: Type.String({ maxLength: 65_536 }),
    epoch: Type.Integer({ minimum: 0 }),
    keyringHead: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
    /** This device's clock at that contact. */
    atMs: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    /** Restorations (SHA-256 of what was signed) that this device has gone past. */
    restorations: Type.Optional(
      Type.Array(Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }), { maxItems: 64 }),
    ),
  },
  { additionalProperties: false },
);
export type Seen = Static<typeof SeenSchema>;

/** The ledger is not the one this device saw before; both checkpoints are kept as evidence. */
export class LedgerChanged extends HubError {
  override readonly name: string = "LedgerChanged";
  readonly before: string;
  readonly now: string;

  constructor(reason: string, before: string, now: string, code = "LEDGER_CHANGED") {
    super(code, `Cannot confirm ledger: ${reason}`);
    this.before = before;
    this.now = now;
  }
}

/**
 * Compares the hub's word with what this device saw before.
 *
 * @param fetchProof - Asks the hub for a consistency proof between two sizes.
 * @returns What to remember from now on.
 * @throws LedgerChanged when entries were changed, removed or rolled back.
 */
export async function followLedger(
  keyring: Keyring,
  note: string,
  seen: Seen | null,
  fetchProof: (from: number, to: number) => Promise<readonly string[]>,
): Promise<Seen> {
  const checkpoint = verifyCheckpoint(note, {
    origin: keyring.origin,
    publicKey: keyring.ledgerKey,
  });
  if (seen) {
    requireSameKeyring(keyring, seen, note);
    await requireConsistent(checkpoint, seen, note, fetchProof);
  }
  const restorations = seen?.restorations;
  return {
    v: 1,
    size: checkpoint.size,
    root: toHex(checkpoint.root),
    checkpoint: note,
    epoch: keyring.epoch,
    keyringHead: keyring.head,
    ...(restorations ? { restorations } : {}),
  };
}

/** True when the chain goes on from where this device last saw it (invariant 9). */
export function continuesKeyring(
  keyring: Keyring,
  seen: Pick<Seen, "epoch" | "keyringHead">,
): boolean {
  if (keyring.epoch === seen.epoch) return keyring.head === seen.keyringHead;
  return keyring.epoch > seen.epoch;
}

function requireSameKeyring(keyring: Keyring, seen: Seen, note: string): void {
  if (!continuesKeyring(keyring, seen))
    throw new LedgerChanged(
      "the hub shows an older or another keyring than this device has seen",
      seen.checkpoint,
      note,
    );
}

async function requireConsistent(
  checkpoint: VerifiedCheckpoint,
  seen: Seen,
  note: string,
  fetchProof: (from: number, to: number) => Promise<readonly string[]>,
): Promise<void> {
  if (checkpoint.size < seen.size)
    throw new LedgerChanged(
      `it has ${checkpoint.size} entries, and this device has seen ${seen.size}`,
      seen.checkpoint,
      note,
    );
  const proof = await fetchProof(seen.size, checkpoint.size);
  const holds = verifyConsistency({
    size1: seen.size,
    root1: fromHex(seen.root, "root"),
    size2: checkpoint.size,
    root2: checkpoint.root,
    proof: proof.map((hash) => fromBase64(hash, "proof")),
  });
  if (!holds)
    throw new LedgerChanged(
      `its first ${seen.size} entries are not those this device has seen`,
      seen.checkpoint,
      note,
    );
}

/** One signature line that says: this device has followed the ledger to here and found it whole. */
export function cosign(
  keyring: Keyring,
  note: string,
  signingKey: SigningKey,
  nowMs: number,
): { size: number; line: string } {
  const checkpoint = verifyCheckpoint(note, {
    origin: keyring.origin,
    publicKey: keyring.ledgerKey,
  });
  const signature = cosignCheckpoint(checkpoint, {
    key: cosignerKey(keyring.origin, signingKey.publicKey),
    cosignedAtMs: nowMs,
    sign: (message) => signWith(signingKey, message),
  });
  return { size: checkpoint.size, line: formatSignatureLine(signature) };
}

/** `note` with one more line, in the place of an older one of the same name. */
export function withCosignature(note: string, line: string): string {
  const { text, signatures } = parseSignedNote(note);
  const added = parseSignatureLine(line);
  const others = signatures.filter(({ name }) => name !== added.name);
  return formatSignedNote({ text, signatures: [...others, added] });
}
