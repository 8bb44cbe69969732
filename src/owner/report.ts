import { toHex } from "../protocol/bytes.ts";
import { canonicalJson, type Json } from "../protocol/canonical-json.ts";
import { verifyCheckpoint } from "../protocol/checkpoint.ts";
import { PAYLOAD_TYPES, signEnvelope, type Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { verifyKeyring } from "../protocol/keyring.ts";
import { LIMITS } from "../protocol/limits.ts";
import { reportFigures } from "../protocol/report.ts";
import { readEntry } from "../protocol/read-entry.ts";
import {
  isSoundReport,
  REPORT_FORMAT,
  verifyReport,
  type ReportFile,
  type ReportStatement,
  type ReportVerdict,
} from "../protocol/verify-report.ts";
import { envelopeSigner, type SigningKey } from "./identity.ts";
import { cosign, withCosignature } from "./witness.ts";

/** The ledger as this device has followed it, and the chain that goes with it. */
export interface ReportSource {
  readonly statements: readonly Envelope[];
  /** Signed note of a checkpoint that was found consistent with the last one seen. */
  readonly checkpoint: string;
  /** All of them, oldest first. */
  readonly entries: readonly Json[];
}

export interface MadeReport {
  readonly statement: ReportStatement;
  /** The file, that `verifyReport` takes. */
  readonly bytes: Uint8Array;
  readonly verdict: ReportVerdict;
  /** This device's signature line on the checkpoint, for the hub to keep. */
  readonly cosignature: { readonly size: number; readonly line: string };
}

/**
 * Counts the ledger and signs the figures, bad news included.
 *
 * @throws HubError REPORT_REFUSED when anybody who checks it would refuse it: this is no owner's
 * device, or the hub left out an entry; TOO_LARGE above 64 MiB or 200,000 entries.
 */
export async function makeReport(
  source: ReportSource,
  signingKey: SigningKey,
  nowMs: number,
): Promise<MadeReport> {
  const { statements, entries } = source;
  requireSize(entries.length, LIMITS.reportEntries, "200,000 entries");
  const keyring = verifyKeyring(statements);
  const { origin, ledgerKey: publicKey } = keyring;
  const { size, root } = verifyCheckpoint(source.checkpoint, { origin, publicKey });
  const cosignature = cosign(keyring, source.checkpoint, signingKey, nowMs);
  const statement: ReportStatement = {
    v: 4,
    origin,
    atMs: nowMs,
    checkpoint: { size, root: toHex(root) },
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
    figures: reportFigures(entries.map(readEntry)),
  };
  const file: ReportFile = {
    format: REPORT_FORMAT,
    checkpoint: withCosignature(source.checkpoint, cosignature.line),
    keyring: [...statements],
    entries: [...entries],
    report: await signEnvelope(PAYLOAD_TYPES.report, statement, envelopeSigner(signingKey)),
  };
  const bytes = canonicalJson(file);
  requireSize(bytes.length, LIMITS.reportBytes, "64 MiB");
  const verdict = verifyReport(bytes);
  if (!isSoundReport(verdict))
    throw new HubError("REPORT_REFUSED", verdict.checks.at(-1)?.detail ?? "Cannot make report");
  return { statement, bytes, verdict, cosignature };
}

function requireSize(found: number, most: number, words: string): void {
  if (found > most)
    throw new HubError("TOO_LARGE", `Cannot make report: the ledger is over ${words}`);
}
