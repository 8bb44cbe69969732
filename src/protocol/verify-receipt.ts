import Type, { type Static } from "typebox";
import { KeyringFileSchema } from "./bundle.ts";
import { equalBytes, fromBase64, fromHex, sha256Hex, utf8Bytes, utf8Text } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { ownerWitnesses, requireKnownCosigners } from "./checkpoint-witnesses.ts";
import { verifyCheckpoint, type VerifiedCheckpoint } from "./checkpoint.ts";
import { EnvelopeSchema, openEnvelope, PAYLOAD_TYPES } from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import { verifyKeyring, type Keyring } from "./keyring.ts";
import type { LedgerEntry } from "./ledger-entry.ts";
import { LIMITS } from "./limits.ts";
import { hashLeaf, verifyConsistency, verifyInclusion } from "./merkle.ts";
import {
  MonthlyStatementSchema,
  verifyMonthlyStatement,
  type MonthlyStatement,
} from "./monthly-statement.ts";
import { readEntry } from "./read-entry.ts";
import { formatTlogProof, parseTlogProof, type TlogProof } from "./tlog-proof.ts";
import type { BundleCheck } from "./verify-bundle.ts";

const closed = { additionalProperties: false } as const;

/** What a receipt brings besides the proof, so that nobody has to ask the hub (canonical JSON). */
export const ReceiptExtraSchema = Type.Object(
  {
    format: Type.Literal("doorward-receipt/v1"),
    /** The entry itself: its canonical JSON is what the ledger hashed. */
    entry: Type.Unsafe<Json>({}),
    /** The chain, as far as the checkpoint's time; it names the ledger's key and the devices. */
    keyring: KeyringFileSchema,
    /** Of a `statement` entry: what was signed, and that it was signed after what it has seen. */
    statement: Type.Optional(
      Type.Object(
        {
          envelope: EnvelopeSchema,
          seen: Type.Array(Type.String({ maxLength: 44 }), { maxItems: 128 }),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type ReceiptExtra = Static<typeof ReceiptExtraSchema>;

export interface ReceiptVerdict {
  readonly holds: boolean;
  readonly checks: readonly BundleCheck[];
  /** Present where the entry was found to be in the ledger. */
  readonly entry: LedgerEntry | null;
  readonly index: number | null;
  readonly origin: string | null;
  /** Devices of owners in force that cosigned the checkpoint. */
  readonly cosignedBy: number;
  /** Present where an owner's statement came along and holds. */
  readonly statement: MonthlyStatement | null;
}

/** True when some part of `bytes` says that it is, or was, a receipt. */
export function looksLikeReceipt(bytes: Uint8Array): boolean {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
  return start.includes("tlog-proof") || start.includes("\nindex ") || start.includes("extra ");
}

interface Parts {
  proof?: TlogProof;
  extra?: ReceiptExtra;
  keyring?: Keyring;
  checkpoint?: VerifiedCheckpoint;
  entry?: LedgerEntry;
  statement?: MonthlyStatement;
}

/**
 * Checks a receipt with nothing but itself: that the entry is in the ledger of this household, at a
 * checkpoint that a device of it has cosigned. Never throws for what is in `bytes`.
 *
 * What it cannot show: that the household is a certain one (compare the origin), and that the hub
 * did what the entry says.
 */
export function verifyReceipt(bytes: Uint8Array): ReceiptVerdict {
  const checks: BundleCheck[] = [];
  const parts: Parts = {};
  for (const [check, work] of STEPS) {
    try {
      const detail = work(parts, bytes);
      if (detail !== null) checks.push({ check, holds: true, detail });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      checks.push({ check, holds: false, detail: error.message });
      break;
    }
  }
  const { keyring, checkpoint } = parts;
  return {
    holds: checks.every(({ holds }) => holds),
    checks,
    entry: parts.entry ?? null,
    index: parts.entry ? (parts.proof?.index ?? null) : null,
    origin: keyring?.origin ?? null,
    cosignedBy: keyring && checkpoint ? ownerWitnesses(checkpoint, keyring) : 0,
    statement: parts.statement ?? null,
  };
}

/** Null: the check has nothing to look at in this receipt. */
type Step = readonly [check: string, work: (parts: Parts, bytes: Uint8Array) => string | null];

const STEPS: readonly Step[] = [
  ["the file is a receipt, byte for byte as written", readFile],
  ["the keyring is one signed chain", readKeyring],
  ["the ledger signed the checkpoint, and a device of the household cosigned it", readCheckpoint],
  ["the entry is in the ledger", readIncluded],
  ["an owner's device signed this statement", readStatement],
];

function readFile(parts: Parts, bytes: Uint8Array): string {
  if (bytes.length > LIMITS.receiptBytes) refuse("receipt", "it is over 8 MiB");
  const proof = parseTlogProof(utf8Text(bytes, "receipt"));
  // Base64 and numbers have one form here; whatever else reads the same is not what was written.
  if (!equalBytes(utf8Bytes(formatTlogProof(proof)), bytes)) refuse("receipt", "it was altered");
  if (proof.extra === null) refuse("extra", "it does not bring its entry");
  const extra = parseCanonicalJson(proof.extra, "extra");
  parts.proof = proof;
  parts.extra = checkShape(ReceiptExtraSchema, extra, "extra");
  return `${bytes.length} bytes`;
}

function readKeyring(parts: Parts): string {
  const { keyring } = need(parts.extra);
  parts.keyring = verifyKeyring(keyring);
  return `${keyring.length} statements`;
}

function readCheckpoint(parts: Parts): string {
  const keyring = need(parts.keyring);
  const { origin, ledgerKey: publicKey } = keyring;
  const checkpoint = verifyCheckpoint(need(parts.proof).checkpoint, { origin, publicKey });
  requireKnownCosigners(checkpoint, keyring);
  const cosignatures = checkpoint.note.signatures.length - 1;
  if (cosignatures < 1) refuse("checkpoint", "no device has cosigned its checkpoint");
  parts.checkpoint = checkpoint;
  return `${checkpoint.size} entries, ${cosignatures} cosignatures`;
}

function readIncluded(parts: Parts): string {
  const { index, proof } = need(parts.proof);
  const { entry } = need(parts.extra);
  const { size, root } = need(parts.checkpoint);
  const leafHash = hashLeaf(canonicalJson(entry));
  if (!verifyInclusion({ leafIndex: index, leafHash, treeSize: size, proof, root }))
    refuse("proof", "its entry is not in the ledger of this checkpoint");
  parts.entry = readEntry(entry);
  return `entry ${index}, ${parts.entry.kind}`;
}

function readStatement(parts: Parts): string | null {
  const { statement: brought, keyring } = need(parts.extra);
  const entry = need(parts.entry);
  if (entry.kind !== "statement") {
    if (brought) refuse("statement", "its entry is about something else");
    return null;
  }
  if (!brought) refuse("statement", "it does not bring what its entry is of");
  const { payload, content } = openEnvelope(brought.envelope, PAYLOAD_TYPES.statement, "statement");
  const { keyringEpoch } = checkShape(MonthlyStatementSchema, content, "statement");
  // The chain up to what it was signed under; later statements do not unsign it.
  const then = verifyKeyring(keyring.slice(0, keyringEpoch + 1));
  const { statement } = verifyMonthlyStatement(brought.envelope, then);
  if (entry.statementSha256 !== sha256Hex(payload) || entry.month !== statement.month)
    refuse("statement", "the ledger has another one");
  requireSeen(parts, statement, brought.seen);
  parts.statement = statement;
  return statement.month;
}

function requireSeen(
  parts: Parts,
  { checkpoint }: MonthlyStatement,
  seen: readonly string[],
): void {
  const { size, root } = need(parts.checkpoint);
  const holds = verifyConsistency({
    size1: checkpoint.size,
    root1: fromHex(checkpoint.root, "root"),
    size2: size,
    root2: root,
    proof: seen.map((hash) => fromBase64(hash, "seen")),
  });
  if (!holds || checkpoint.size > need(parts.proof).index)
    refuse("checkpoint", "its ledger is not the one that was seen when it was signed");
}

function refuse(field: string, reason: string): never {
  throw new MalformedInput(field, `Cannot accept receipt: ${reason}`);
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a step ran before the one it builds on");
  return value;
}
