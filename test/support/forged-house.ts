import { ed25519 } from "@noble/curves/ed25519.js";
import {
  BUNDLE_NAMES,
  bundleFileNames,
  bundleReadme,
  hashSheet,
  VIEWER_NAME,
  type Proofs,
} from "../../src/protocol/bundle.ts";
import {
  concatBytes,
  fromBase64,
  fromHex,
  sha256Hex,
  toBase64,
  toHex,
  utf8Bytes,
} from "../../src/protocol/bytes.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { canonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import { checkpointText, cosignCheckpoint, signCheckpoint } from "../../src/protocol/checkpoint.ts";
import { cosignerKey } from "../../src/protocol/cosigner.ts";
import { fileName, filesOfTerms, type Decision, type Terms } from "../../src/protocol/decision.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { hashLeaf } from "../../src/protocol/merkle.ts";
import { requestSha256, type RequestRecord } from "../../src/protocol/request.ts";
import { formatSignedNote, type NoteSignature } from "../../src/protocol/signed-note.ts";
import { zipOf } from "./hostile-bundles.ts";
import { naiveConsistencyProof, naiveInclusionProof, naiveRoot } from "./naive-tree.ts";
import { recordFor, signDecision, type ApprovalCase } from "./test-approval.ts";
import { LEDGER_SECRET, NOW_MS } from "./test-household.ts";

const ledgerKey = ed25519.getPublicKey(LEDGER_SECRET);
const sign = (message: Uint8Array): Uint8Array => ed25519.sign(message, LEDGER_SECRET);

/** An entry as anybody could write it who keeps a ledger: no type says what is in it. */
export type AnyEntry = Readonly<Record<string, Json>>;

/** What a house that lies says, each in place of what an honest one would. */
export interface Lies {
  readonly record?: (record: RequestRecord) => Json;
  readonly terms?: (terms: Terms) => Json;
  readonly release?: (release: Decision["release"]) => Json;
  /** Who signs; by default the founder. */
  readonly signed?: (decision: Decision) => Promise<Envelope>;
  readonly envelope?: (envelope: Envelope) => Json;
  /** Entries of the ledger, whose order is genesis, keyring, request, clip, decision, release. */
  readonly entries?: (entries: readonly AnyEntry[]) => readonly AnyEntry[];
  readonly keyring?: (statements: readonly Envelope[]) => Json;
  readonly proofs?: (proofs: Proofs) => Json;
  /** More lines under the checkpoint. */
  readonly signatures?: (text: string) => readonly NoteSignature[];
  readonly viewer?: Uint8Array;
  /** What the ledger calls itself. */
  readonly origin?: string;
}

/** Signs a checkpoint over these entries as the ledger and, where there is one, its founder. */
export function signedLedger(
  entries: readonly AnyEntry[],
  origin: string,
  more: (text: string) => readonly NoteSignature[] = () => [],
) {
  const bytes = entries.map((entry) => canonicalJson(entry));
  const leaves = bytes.map(hashLeaf);
  const checkpoint = { origin, size: leaves.length, root: naiveRoot(leaves) };
  const text = checkpointText(checkpoint);
  const signatures = [signCheckpoint(checkpoint, ledgerKey, sign), ...more(text)];
  return { bytes, leaves, checkpoint, note: formatSignedNote({ text, signatures }) };
}

/** A cosignature of a device over a checkpoint. */
export function cosigned(
  seed: Uint8Array,
  checkpoint: { origin: string; size: number; root: Uint8Array },
  cosignedAtMs = NOW_MS,
): NoteSignature {
  const key = cosignerKey(checkpoint.origin, ed25519.getPublicKey(seed));
  return cosignCheckpoint(checkpoint, {
    key,
    cosignedAtMs,
    sign: (message) => ed25519.sign(message, seed),
  });
}

/**
 * A bundle of a house whose owner and ledger say what a test wants, signed and proven throughout:
 * what a verifier finds wrong with it is what was said, and never a hash.
 */
export async function forgedBundle(house: ApprovalCase, lies: Lies = {}): Promise<Uint8Array> {
  const keyring = house.chain.keyring();
  const { origin = keyring.origin } = lies;
  const honest = recordFor(house.context.request.recipient ?? undefined);
  const record = (lies.record?.(honest) ?? honest) as RequestRecord;
  const first = [
    { v: 1, kind: "genesis", atMs: NOW_MS, origin, keyringHead: keyring.head },
    { v: 1, kind: "keyring", atMs: NOW_MS, epoch: 0, change: "genesis", keyringHead: keyring.head },
    requestEntry(record, honest),
    clipEntry(house),
  ];
  const told = lies.entries?.([...first, { kind: "decision" }, { kind: "release" }]) ?? first;
  const seen = signedLedger(told.slice(0, 4), origin).checkpoint;
  const viewerSha256 = lies.viewer === undefined ? {} : { viewerSha256: sha256Hex(lies.viewer) };
  const terms = {
    ...house.terms,
    requestSha256: requestSha256(record),
    checkpoint: { size: seen.size, root: toHex(seen.root) },
    ...viewerSha256,
  };
  const decision = {
    terms: lies.terms?.(terms) ?? terms,
    release: lies.release?.(house.release) ?? house.release,
  } as Decision;
  const signed = await (lies.signed?.(decision) ?? signDecision(decision, [house.chain.founder]));
  const whole = [...first, ...decided(signed, terms, decision)];
  const entries = lies.entries?.(whole) ?? whole;
  const ledger = signedLedger(entries, origin, lies.signatures);
  const proofs: Proofs = {
    v: 1,
    checkpoint: ledger.note,
    seen: naiveConsistencyProof(seen.size, ledger.leaves).map(toBase64),
    entries: ledger.bytes.flatMap((entry, index) =>
      index < 2 ? [] : [{ index, entry: toBase64(entry), proof: proofOf(index, ledger.leaves) }],
    ),
  };
  return zipOf(
    membersOf(house, {
      ...{ decision, signed: lies.envelope?.(signed) ?? signed, record },
      ...{ statements: lies.keyring?.(house.chain.statements) ?? house.chain.statements },
      ...{ proofs: lies.proofs?.(proofs) ?? proofs, viewer: lies.viewer },
    }),
  );
}

const proofOf = (index: number, leaves: readonly Uint8Array[]): string[] =>
  naiveInclusionProof(index, leaves).map(toBase64);

function requestEntry(record: RequestRecord, { asked, channel, request }: RequestRecord): AnyEntry {
  return {
    ...{ v: 2, kind: "request", atMs: NOW_MS, request, requestSha256: requestSha256(record) },
    ...{ requestKind: asked.kind, channel, urgency: asked.urgency, secondsAsked: 600 },
  };
}

function clipEntry({ clip, chain }: ApprovalCase): AnyEntry {
  const times = clip.files.flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  return {
    ...{ v: 1, kind: "clip", atMs: NOW_MS, clip: clip.id, camera: clip.camera, event: "motion" },
    ...{ fromMs: Math.min(...times), toMs: Math.max(...times), keyringHead: chain.keyring().head },
    files: clip.files as unknown as Json,
  };
}

function decided(signed: Envelope, honest: Terms, { terms }: Decision): AnyEntry[] {
  const decisionSha256 = sha256Hex(fromBase64(signed.payload, "payload"));
  const { request, keyringHead } = honest;
  const of = { atMs: NOW_MS, request, decisionSha256 };
  const lengths = (terms.clips ?? []).map(({ fromMs, toMs }) => toMs - fromMs);
  return [
    {
      ...{ v: 2, kind: "decision", ...of, outcome: terms.outcome, keyringHead },
      secondsGranted: Math.ceil(lengths.reduce((sum, each) => sum + each, 0) / 1_000),
      clearFaces: terms.redactions.faces === "clear" || terms.redactions.faces === "mixed",
      audio: terms.redactions.audio === "included",
    },
    { v: 1, kind: "release", ...of, files: filesOfTerms(terms).length },
  ];
}

/** Of times that no calendar has there is no README, which is for the verifier to survive. */
function readmeOf(decision: Decision): string {
  try {
    return bundleReadme(decision);
  } catch {
    return "";
  }
}

function membersOf(
  { sealed }: ApprovalCase,
  parts: Readonly<Record<"signed" | "statements" | "proofs", Json>> & {
    readonly decision: Decision;
    readonly record: RequestRecord;
    readonly viewer: Uint8Array | undefined;
  },
): [string, Uint8Array][] {
  const { decision, signed, record, statements, proofs, viewer } = parts;
  const names = bundleFileNames(decision.terms);
  const files = filesOfTerms(decision.terms).map(({ clip, file }, index): Uint8Array => {
    const whole = sealed.get(fileName(clip.clip, file)) ?? new Uint8Array();
    const header = fromBase64(decision.release[index]?.header ?? "", "header");
    return concatBytes(
      header,
      whole.subarray(whole.length && requireAgeHeader(whole).payloadOffset),
    );
  });
  const sums = files.map((bytes) => fromHex(sha256Hex(bytes), "sum"));
  return [
    [BUNDLE_NAMES.readme, utf8Bytes(readmeOf(decision))],
    ...(viewer === undefined ? [] : [[VIEWER_NAME, viewer] as [string, Uint8Array]]),
    [BUNDLE_NAMES.decision, canonicalJson(signed)],
    [BUNDLE_NAMES.request, canonicalJson(record as unknown as Json)],
    [BUNDLE_NAMES.keyring, canonicalJson(statements)],
    [BUNDLE_NAMES.proofs, canonicalJson(proofs)],
    [BUNDLE_NAMES.hashes, utf8Bytes(hashSheet(decision.terms, sums))],
    ...files.map((bytes, index): [string, Uint8Array] => [names[index] ?? "", bytes]),
  ];
}
