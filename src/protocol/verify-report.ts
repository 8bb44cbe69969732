import Type, { type Static } from "typebox";
import { KeyringFileSchema } from "./bundle.ts";
import { equalBytes, fromBase64, sha256Hex, toHex } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { verifyCheckpoint, type VerifiedCheckpoint } from "./checkpoint.ts";
import {
  EnvelopeSchema,
  openEnvelope,
  PAYLOAD_TYPES,
  verifyEnvelopeSignature,
  type Envelope,
} from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import { parseDeviceId } from "./ids.ts";
import { roleOfDevice, verifyKeyring, type Keyring } from "./keyring.ts";
import type { LedgerEntry } from "./ledger-entry.ts";
import { LIMITS } from "./limits.ts";
import { hashLeaf, rootOfLeafHashes } from "./merkle.ts";
import { reportFigures, ReportFiguresSchema, type ReportFigures } from "./report.ts";
import {
  figuresOfVersion1,
  figuresOfVersion2,
  figuresOfVersion3,
  ReportFiguresV1Schema,
  ReportFiguresV2Schema,
  ReportFiguresV3Schema,
} from "./report-versions.ts";
import { readEntry } from "./read-entry.ts";
import { requireKnownCosigners } from "./checkpoint-witnesses.ts";
import type { BundleCheck } from "./verify-bundle.ts";

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const closed = { additionalProperties: false } as const;

export const REPORT_FORMAT = "doorward-report/v1";

const statementMembers = {
  origin: Type.String({ maxLength: 200 }),
  atMs: Type.Integer({ minimum: 0, maximum: LIMITS.timeMs }),
  checkpoint: Type.Object({ size: Type.Integer({ minimum: 1 }), root: hex(64) }, closed),
  keyringEpoch: Type.Integer({ minimum: 0 }),
  keyringHead: hex(64),
};

/** What an owner's device signs: figures, and the state of ledger and keyring they are of. */
export const ReportStatementSchema = Type.Object(
  { v: Type.Literal(4), ...statementMembers, figures: ReportFiguresSchema },
  closed,
);
export type ReportStatement = Static<typeof ReportStatementSchema>;

/** Of a report that was made before a hub could go on from a copy. */
const Version3StatementSchema = Type.Object(
  { v: Type.Literal(3), ...statementMembers, figures: ReportFiguresV3Schema },
  closed,
);

/** Of a report that was made before cameras could be switched off. */
const Version2StatementSchema = Type.Object(
  { v: Type.Literal(2), ...statementMembers, figures: ReportFiguresV2Schema },
  closed,
);

/** Of a report that was made before requests and decisions said how much. */
const OldStatementSchema = Type.Object(
  { v: Type.Literal(1), ...statementMembers, figures: ReportFiguresV1Schema },
  closed,
);
const AnyStatementSchema = Type.Union([
  ReportStatementSchema,
  Version3StatementSchema,
  Version2StatementSchema,
  OldStatementSchema,
]);

/**
 * A report as a file, one canonical JSON object. Entries stand in it as they are: written alone,
 * each gives again exactly the bytes that the ledger hashed.
 */
export const ReportFileSchema = Type.Object(
  {
    format: Type.Literal(REPORT_FORMAT),
    /** Signed note with at least one cosignature of a device of the household. */
    checkpoint: Type.String({ maxLength: 65_536 }),
    keyring: KeyringFileSchema,
    /** Every entry of the ledger, oldest first: with one left out, the root is another. */
    entries: Type.Array(Type.Unsafe<Json>({}), { maxItems: LIMITS.reportEntries }),
    report: EnvelopeSchema,
  },
  closed,
);
export type ReportFile = Static<typeof ReportFileSchema>;

export interface ReportVerdict {
  readonly holds: boolean;
  readonly checks: readonly BundleCheck[];
  /** Present where the figures were counted again and are the same. */
  readonly statement: ReportStatement | null;
  readonly cosignedBy: number;
}

/** The check that an honest report of a bad ledger fails; see {@link isSoundReport}. */
const DISCLOSURES_CHECK = "nothing left without an owner's approval";
const PLACE_CHECK = "every decision and revocation has its place";

/** True when some part of `bytes` says that it is, or was, one of our reports. */
export function looksLikeReport(bytes: Uint8Array): boolean {
  // Two marks far apart: one changed byte makes a report wrong, not something else.
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, LIMITS.reportBytes));
  const marks = [`"format":"${REPORT_FORMAT}"`, PAYLOAD_TYPES.report];
  return marks.some((mark) => text.includes(mark));
}

/** True when file, signatures and figures hold, also where the figures are bad news. */
export function isSoundReport({ checks }: ReportVerdict): boolean {
  return checks.every(
    ({ check, holds }) => holds || check === DISCLOSURES_CHECK || check === PLACE_CHECK,
  );
}

/** The parts of a report that was at least well-formed. */
interface Parts {
  file?: ReportFile;
  keyring?: Keyring;
  checkpoint?: VerifiedCheckpoint;
  entries?: readonly LedgerEntry[];
  signed?: Static<typeof AnyStatementSchema>;
  counted?: ReportStatement;
}

/**
 * Checks a report with nothing but itself: that the entries are the whole ledger, that the figures
 * are those of the entries, and that a device of an owner signed them. Never throws for what is in
 * `bytes`.
 *
 * What it cannot show: that the ledger is the one of a certain house (compare the origin), what
 * happened after the checkpoint, and the signature under each approval, of which the ledger has
 * the hash; that is in the bundle (`verifyBundle`).
 */
export function verifyReport(bytes: Uint8Array): ReportVerdict {
  const checks: BundleCheck[] = [];
  const parts: Parts = {};
  for (const [check, work] of STEPS) {
    try {
      checks.push({ check, holds: true, detail: work(parts, bytes) });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      checks.push({ check, holds: false, detail: error.message });
      break;
    }
  }
  return {
    holds: checks.every(({ holds }) => holds),
    checks,
    statement: parts.counted ?? null,
    cosignedBy: (parts.checkpoint?.note.signatures.length ?? 1) - 1,
  };
}

type Step = readonly [check: string, work: (parts: Parts, bytes: Uint8Array) => string];

const STEPS: readonly Step[] = [
  ["the file is a report, byte for byte as written", readFile],
  ["the keyring is one signed chain", readKeyring],
  ["the ledger signed the checkpoint, and a device of the household cosigned it", readCheckpoint],
  ["no entry of the ledger is missing, added or changed", readEntries],
  ["the ledger has this keyring", requireSameKeyring],
  ["an owner's device signed this report", readStatement],
  ["the figures are those of the entries", requireSameFigures],
  [DISCLOSURES_CHECK, requireNoDisclosure],
  [PLACE_CHECK, requireEverythingInPlace],
];

function refuse(field: string, reason: string): never {
  throw new MalformedInput(field, `Cannot accept report: ${reason}`);
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a step ran before the one it builds on");
  return value;
}

function readFile(parts: Parts, bytes: Uint8Array): string {
  if (bytes.length > LIMITS.reportBytes) refuse("report", "it is over 64 MiB");
  parts.file = checkShape(ReportFileSchema, parseCanonicalJson(bytes, "report"), "report");
  return `${bytes.length} bytes`;
}

function readKeyring(parts: Parts): string {
  const { keyring } = need(parts.file);
  parts.keyring = verifyKeyring(keyring);
  return `${keyring.length} statements`;
}

function readCheckpoint(parts: Parts): string {
  const { origin, ledgerKey: publicKey } = need(parts.keyring);
  const checkpoint = verifyCheckpoint(need(parts.file).checkpoint, { origin, publicKey });
  requireKnownCosigners(checkpoint, need(parts.keyring));
  const cosignatures = checkpoint.note.signatures.length - 1;
  if (cosignatures < 1) refuse("checkpoint", "no device has cosigned its checkpoint");
  parts.checkpoint = checkpoint;
  return `${checkpoint.size} entries, ${cosignatures} cosignatures`;
}

function readEntries(parts: Parts): string {
  const { entries } = need(parts.file);
  const { size, root } = need(parts.checkpoint);
  if (entries.length !== size)
    refuse("entries", `it has ${entries.length} entries, and its ledger has ${size}`);
  const leafHashes = entries.map((entry) => hashLeaf(canonicalJson(entry)));
  if (!equalBytes(rootOfLeafHashes(leafHashes), root))
    refuse("entries", "its entries are not those of the checkpoint");
  parts.entries = entries.map(readEntry);
  return `${size} entries`;
}

/** The chain beside the entries is the one that the entries tell of, statement by statement. */
function requireSameKeyring(parts: Parts): string {
  const entered = need(parts.entries).flatMap((entry) =>
    entry.kind === "keyring" ? [entry.keyringHead] : [],
  );
  const chain = need(parts.file).keyring.map(({ payload }) =>
    sha256Hex(fromBase64(payload, "keyring payload")),
  );
  if (entered.join() !== chain.join()) refuse("keyring", "the ledger tells of another keyring");
  return `epoch ${need(parts.keyring).epoch}`;
}

function readStatement(parts: Parts): string {
  const keyring = need(parts.keyring);
  const { size, root } = need(parts.checkpoint);
  const { report } = need(parts.file);
  const { envelope, payload, content } = openEnvelope(report, PAYLOAD_TYPES.report, "report");
  const statement = checkShape(AnyStatementSchema, content, "report");
  const isOfThisLedger =
    statement.origin === keyring.origin &&
    statement.checkpoint.size === size &&
    statement.checkpoint.root === toHex(root) &&
    statement.keyringEpoch === keyring.epoch &&
    statement.keyringHead === keyring.head;
  if (!isOfThisLedger) refuse("report", "it was signed for another state of a ledger");
  requireOwners(envelope, payload, keyring);
  parts.signed = statement;
  return `${envelope.signatures.length} signers`;
}

function requireOwners(envelope: Envelope, payload: Uint8Array, keyring: Keyring): void {
  for (const signature of envelope.signatures) {
    const device = keyring.devices.get(parseDeviceId(signature.keyid));
    if (!device || device.removed || roleOfDevice(keyring, device.id) !== "owner")
      refuse("report", "it is signed by a key that is no owner's in force");
    const signingKey = fromBase64(device.record.signingKey, "signingKey");
    if (signature.assertion) refuse("report", "a passkey signs no report");
    if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))
      refuse("report", "a signature does not verify");
  }
}

function requireSameFigures(parts: Parts): string {
  const statement = need(parts.signed);
  const figures = reportFigures(need(parts.entries));
  const expected = {
    1: figuresOfVersion1,
    2: figuresOfVersion2,
    3: figuresOfVersion3,
    4: asTheyAre,
  }[statement.v](figures);
  if (!equalBytes(canonicalJson(expected), canonicalJson(statement.figures)))
    refuse("figures", "its figures are not those that its entries give");
  parts.counted = { ...statement, v: 4, figures };
  return `${figures.requests.reduce((sum, { received }) => sum + received, 0)} requests`;
}

function asTheyAre(figures: ReportFigures): Json {
  return figures;
}

function requireNoDisclosure(parts: Parts): string {
  const { disclosuresWithoutApproval, releases, accesses } = need(parts.counted).figures;
  if (disclosuresWithoutApproval > 0)
    refuse(
      "disclosuresWithoutApproval",
      `the ledger has ${disclosuresWithoutApproval} releases, links or accesses without an approval`,
    );
  return `${releases} releases, ${accesses} accesses`;
}

function requireEverythingInPlace(parts: Parts): string {
  const { outOfPlace } = need(parts.counted).figures;
  if (outOfPlace > 0) refuse("outOfPlace", `${outOfPlace} entries do not follow from those before`);
  return "0 out of place";
}
