import Type from "typebox";
import { saysWhatIsGranted, secondsAsked } from "./amounts.ts";
import { VerifiedApproval, type DecisionContext } from "./approval.ts";
import { memberOf, requireExactFiles } from "./bundle-files.ts";
import { BUNDLE_NAMES, KeyringFileSchema, ProofsSchema, type Proofs } from "./bundle.ts";
import { concatBytes, equalBytes, fromBase64, fromHex } from "./bytes.ts";
import { parseCanonicalJson, type Json } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { ownerWitnesses, requireKnownCosigners } from "./checkpoint-witnesses.ts";
import { verifyCheckpoint, type VerifiedCheckpoint } from "./checkpoint.ts";
import { blurOfTerms, fileName, filesOfTerms } from "./decision.ts";
import { openEnvelope, PAYLOAD_TYPES } from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import { parseCameraId, parseRequestId } from "./ids.ts";
import { verifyKeyring, type Keyring } from "./keyring.ts";
import type { LedgerEntry, LedgerEntryKind } from "./ledger-entry.ts";
import { LIMITS } from "./limits.ts";
import { listedFiles } from "./listed-files.ts";
import { hashLeaf, verifyConsistency, verifyInclusion } from "./merkle.ts";
import { readEntry } from "./read-entry.ts";
import { requestSha256, RequestRecordSchema, type RequestRecord } from "./request.ts";
import { readZip, writeZip } from "./zip.ts";

/** One thing that was checked. `detail` says what does not hold, or what was found. */
export interface BundleCheck {
  readonly check: string;
  readonly holds: boolean;
  readonly detail: string;
}

export interface BundleReport {
  readonly holds: boolean;
  readonly checks: readonly BundleCheck[];
  /** Present where the approval verified. */
  readonly approval: VerifiedApproval | null;
  readonly request: RequestRecord | null;
  /** Devices of owners in force that cosigned the checkpoint; other devices do not count. */
  readonly cosignedBy: number;
  /**
   * The page that was signed for and goes along, or null. That it was signed for says that nobody
   * exchanged it since; whether it is a good one, only its maker can say.
   */
  readonly viewer: BundleViewer | null;
}

export interface BundleViewer {
  readonly sha256: string;
  /** One of those that the verifier knows by its own build, or was told of. */
  readonly isKnown: boolean;
}

/** The parts of a bundle that was at least well-formed. */
interface Parts {
  readonly members: ReadonlyMap<string, Uint8Array>;
  readonly keyring: Keyring;
  readonly statements: readonly unknown[];
  readonly proofs: Proofs;
  readonly checkpoint: VerifiedCheckpoint;
  readonly witnesses: number;
  readonly entries: readonly { index: number; entry: LedgerEntry }[];
  readonly request: RequestRecord;
  readonly approval: VerifiedApproval;
}

/** True when some part of `bytes` says that it is, or was, one of our bundles. */
export function looksLikeBundle(bytes: Uint8Array): boolean {
  // Several marks far apart: one changed byte makes a bundle wrong, not something else.
  const marks = [BUNDLE_NAMES.decision, BUNDLE_NAMES.proofs, BUNDLE_NAMES.hashes];
  const text = new TextDecoder("latin1").decode(
    concatBytes(bytes.subarray(0, 4_000_000), bytes.subarray(Math.max(0, bytes.length - 65_536))),
  );
  return marks.some((mark) => text.includes(mark));
}

/**
 * Checks a bundle with nothing but itself: that the owners of a keyring signed for exactly these
 * bytes, and that request, decision, release and recordings are in their ledger. Never throws for
 * what is in `bytes`.
 *
 * What it cannot show: that the ledger is the one of a certain house (compare the origin or the
 * owner's words), and what the recipient does with the files.
 *
 * @param knownViewers - SHA-256 of each `viewer.html` that the caller knows to be one.
 */
export async function verifyBundle(
  bytes: Uint8Array,
  knownViewers: ReadonlySet<string> = new Set(),
): Promise<BundleReport> {
  const checks: BundleCheck[] = [];
  let members: ReadonlyMap<string, Uint8Array> = new Map();
  let parts: Partial<Parts> = {};
  const step = async (check: string, work: () => string | Promise<string>): Promise<void> => {
    if (checks.some(({ holds }) => !holds)) return;
    try {
      checks.push({ check, holds: true, detail: await work() });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      checks.push({ check, holds: false, detail: error.message });
    }
  };
  await step("the file is a bundle, byte for byte as written", async () => {
    members = readZip(bytes, LIMITS.filesPerApproval + 16);
    await requireSameZip(bytes, members);
    return `${members.size} members`;
  });
  await step("the keyring is one signed chain", () => {
    const statements = readJson(members, BUNDLE_NAMES.keyring, KeyringFileSchema);
    parts = { members, statements, keyring: verifyKeyring(statements) };
    return `${statements.length} statements`;
  });
  await step("the ledger signed the checkpoint, and so did no stranger", () => {
    const proofs = readJson(members, BUNDLE_NAMES.proofs, ProofsSchema);
    const keyring = need(parts.keyring);
    const checkpoint = verifyCheckpoint(proofs.checkpoint, {
      origin: keyring.origin,
      publicKey: keyring.ledgerKey,
    });
    requireKnownCosigners(checkpoint, keyring);
    parts = { ...parts, proofs, checkpoint, witnesses: ownerWitnesses(checkpoint, keyring) };
    return `${checkpoint.size} entries, cosigned by ${need(parts.witnesses)} devices of owners`;
  });
  await step("every entry is in the ledger", () => {
    const entries = readEntries(need(parts.proofs), need(parts.checkpoint));
    parts = { ...parts, entries };
    return `${entries.length} entries`;
  });
  await step("the request is the one in the ledger", () => {
    const request = readRequest(members, need(parts.entries));
    parts = { ...parts, request };
    return request.asked.kind;
  });
  await step("the owners signed this approval", () => {
    const approval = verifyApproval(parts);
    parts = { ...parts, approval };
    return whatWasSigned(approval);
  });
  await step("nothing but what was signed for is inside", () => {
    const files = requireExactFiles(need(parts.members), need(parts.approval));
    return `${files} files`;
  });
  return {
    holds: checks.every(({ holds }) => holds),
    checks,
    approval: parts.approval ?? null,
    request: parts.request ?? null,
    cosignedBy: parts.witnesses ?? 0,
    viewer: viewerOf(parts.approval, knownViewers),
  };
}

function whatWasSigned({ files, signers, terms }: VerifiedApproval): string {
  const { byHub, byDevice, whole } = blurOfTerms(terms);
  return [
    `${files.length} files, ${signers.length} signers`,
    ...(byDevice > 0 ? [`${byDevice} files were blurred on an owner's device`] : []),
    ...(byHub > 0 ? [`${byHub} files were blurred by the hub`] : []),
    ...(whole > 0 ? [`${whole} of them are pixelated whole`] : []),
  ].join("; ");
}

function viewerOf(
  approval: VerifiedApproval | undefined,
  known: ReadonlySet<string>,
): BundleViewer | null {
  const sha256 = approval?.terms.viewerSha256;
  return sha256 === undefined ? null : { sha256, isKnown: known.has(sha256) };
}

async function requireSameZip(
  bytes: Uint8Array,
  members: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  let offset = 0;
  const again = [...members].map(([name, content]) => ({ name, chunks: [content] }));
  for await (const chunk of writeZip(again)) {
    if (!equalBytes(chunk, bytes.subarray(offset, offset + chunk.length)))
      throw new MalformedInput("bundle", `Cannot accept bundle: altered near byte ${offset}`);
    offset += chunk.length;
  }
  if (offset !== bytes.length)
    throw new MalformedInput("bundle", "Cannot accept bundle: there is more after its end");
}

function readJson<Schema extends Parameters<typeof checkShape>[0]>(
  members: ReadonlyMap<string, Uint8Array>,
  name: string,
  schema: Schema,
): ReturnType<typeof checkShape<Schema>> {
  return checkShape(schema, parseCanonicalJson(memberOf(members, name), name), name);
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a step ran before the one it builds on");
  return value;
}

function readEntries(proofs: Proofs, checkpoint: VerifiedCheckpoint): Parts["entries"] {
  return proofs.entries.map(({ index, entry, proof }) => {
    const bytes = fromBase64(entry, "entry");
    if (bytes.length > LIMITS.entryBytes)
      throw new MalformedInput("entry", `Cannot accept entry ${index}: it is too long`);
    const included = verifyInclusion({
      leafIndex: index,
      leafHash: hashLeaf(bytes),
      treeSize: checkpoint.size,
      proof: proof.map((hash) => fromBase64(hash, "proof")),
      root: checkpoint.root,
    });
    if (!included)
      throw new MalformedInput("proof", `Cannot accept entry ${index}: its proof does not hold`);
    return { index, entry: readEntry(parseCanonicalJson(bytes, "entry")) };
  });
}

/** The request of the bundle, which the ledger's entry has to be of. */
function readRequest(
  members: ReadonlyMap<string, Uint8Array>,
  entries: Parts["entries"],
): RequestRecord {
  const request = readJson(members, BUNDLE_NAMES.request, RequestRecordSchema);
  const entry = onlyEntry(entries, "request");
  const isSame =
    entry.request === request.request &&
    entry.requestSha256 === requestSha256(request) &&
    entry.requestKind === request.asked.kind &&
    entry.channel === request.channel &&
    entry.urgency === request.asked.urgency &&
    (entry.v === 1 || entry.secondsAsked === secondsAsked(request.asked));
  if (!isSame)
    throw new MalformedInput("request", "Cannot accept request: the ledger has another one");
  return request;
}

function onlyEntry<Kind extends LedgerEntryKind>(
  entries: Parts["entries"],
  kind: Kind,
): Extract<LedgerEntry, { kind: Kind }> {
  const found = entries.filter(({ entry }) => entry.kind === kind);
  const [first] = found;
  if (!first || found.length !== 1)
    throw new MalformedInput("entry", `Cannot accept bundle: ${found.length} ${kind} entries`);
  return first.entry as Extract<LedgerEntry, { kind: Kind }>;
}

function verifyApproval(parts: Partial<Parts>): VerifiedApproval {
  const envelope = parseCanonicalJson(
    memberOf(need(parts.members), BUNDLE_NAMES.decision),
    BUNDLE_NAMES.decision,
  );
  const decided = onlyEntry(need(parts.entries), "decision");
  const released = onlyEntry(need(parts.entries), "release");
  const approval = VerifiedApproval.verify(envelope, contextOf(parts, decided.atMs, envelope));
  const { terms, decisionSha256 } = approval;
  const sameDecision =
    decided.request === terms.request &&
    decided.outcome === terms.outcome &&
    decided.keyringHead === terms.keyringHead &&
    decided.decisionSha256 === decisionSha256 &&
    saysWhatIsGranted(decided, terms) &&
    released.request === terms.request &&
    released.decisionSha256 === decisionSha256 &&
    released.files === approval.files.length;
  if (!sameDecision)
    throw new MalformedInput("decision", "Cannot accept decision: the ledger has another one");
  requireOnlyOwnEntries(need(parts.entries), approval);
  return approval;
}

/** How many files of an approval an owner's device has made from recordings. */
export function blurredOnDevice({ terms }: VerifiedApproval): number {
  return blurOfTerms(terms).byDevice;
}

/** Request, decision, release, and the clips of the terms: other entries are nobody's business. */
function requireOnlyOwnEntries(entries: Parts["entries"], approval: VerifiedApproval): void {
  const clips = new Set(approval.terms.clips.map(({ clip }) => clip));
  const names = new Set(
    filesOfTerms(approval.terms).map(({ clip, file }) => fileName(clip.clip, file)),
  );
  const isOfTerms = (entry: LedgerEntry): boolean => {
    if (entry.kind === "clip") return clips.delete(entry.clip);
    // Only where something of it leaves: that a clip was blurred is nobody's business else.
    if (entry.kind === "rendition")
      return entry.files.some((file) => names.has(fileName(entry.clip, file)));
    return ["request", "decision", "release"].includes(entry.kind);
  };
  for (const { index, entry } of entries) {
    const isOwn = isOfTerms(entry);
    if (!isOwn)
      throw new MalformedInput(
        "proof",
        `Cannot accept bundle: entry ${index} does not belong to it`,
      );
  }
}

function contextOf(parts: Partial<Parts>, decidedAtMs: number, envelope: Json): DecisionContext {
  const request = need(parts.request);
  const terms = claimedTerms(envelope);
  const entries = need(parts.entries);
  const checkpoint = need(parts.checkpoint);
  const seen = need(parts.proofs).seen.map((hash) => fromBase64(hash, "seen"));
  return {
    // The chain up to the epoch it was signed under; later statements do not unsign it.
    keyring: verifyKeyring(need(parts.statements).slice(0, terms.keyringEpoch + 1)),
    request: {
      id: parseRequestId(request.request),
      sha256: requestSha256(request),
      recipient: request.asked.recipient ?? null,
      expiresAtMs: request.expiresAtMs,
    },
    // Whether a nonce was fresh is the hub's to know; the ledger shows that it was used once.
    nonce: terms.nonce,
    nowMs: decidedAtMs,
    findFile: (clip, wanted) => {
      const listed = listedFiles(
        clip,
        entries.map(({ entry }) => entry),
      );
      const file = listed?.files.find((one) => fileName(clip, one) === fileName(clip, wanted));
      return listed && file ? { camera: parseCameraId(listed.camera), file } : null;
    },
    knowsCheckpoint: (size, root) =>
      verifyConsistency({
        size1: size,
        root1: fromHex(root, "root"),
        size2: checkpoint.size,
        root2: checkpoint.root,
        proof: seen,
      }),
  };
}

const ClaimedTerms = Type.Object({
  terms: Type.Object({ nonce: Type.String(), keyringEpoch: Type.Integer({ minimum: 0 }) }),
});

/** Nonce and epoch as the envelope claims them; `VerifiedApproval` then checks what can be. */
function claimedTerms(envelope: Json): { nonce: string; keyringEpoch: number } {
  const { content } = openEnvelope(envelope, PAYLOAD_TYPES.decision, "decision");
  return checkShape(ClaimedTerms, content, "decision").terms;
}
