import { randomHex } from "../../src/owner/device-bundle.ts";
import {
  approvalTerms,
  chooseFiles,
  refusalTerms,
  type DecisionGround,
} from "../../src/owner/decide.ts";
import {
  envelopeSigner,
  generateReader,
  type KeyKind,
  type SigningKey,
} from "../../src/owner/identity.ts";
import { makeRelease } from "../../src/owner/release.ts";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { parseRecipient, requireAgeHeader } from "../../src/protocol/age-header.ts";
import type { ClipDetail, RequestSummary } from "../../src/protocol/api.ts";
import type { DecisionContext } from "../../src/protocol/approval.ts";
import { VerifiedApproval, VerifiedRefusal } from "../../src/protocol/approval.ts";
import { sha256Hex, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { SealedFile } from "../../src/protocol/clip.ts";
import { fileName, termsHash, type Decision, type Terms } from "../../src/protocol/decision.ts";
import { PAYLOAD_TYPES, type Envelope, type EnvelopeSigner } from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { parseCameraId, parseClipId, parseRequestId } from "../../src/protocol/ids.ts";
import { requestSha256, type RequestRecord } from "../../src/protocol/request.ts";
import { requestDocument } from "./test-consent.ts";
import { NOW_MS, signByAll, testChain, type TestChain } from "./test-household.ts";

const CLIP = parseClipId("c".repeat(32));
const SEGMENT_MS = 4_000;
const SEGMENTS = 3;

/** A decision that holds, and everything it is held against: each test changes one thing. */
export interface ApprovalCase {
  readonly chain: TestChain;
  readonly ground: DecisionGround;
  readonly context: DecisionContext;
  readonly clip: ClipDetail;
  readonly sealed: Map<string, Uint8Array>;
  readonly terms: Terms;
  readonly release: Decision["release"];
  readonly recipientIdentity: string;
  /** Terms for other choices on the same ground. */
  draft(choice: { audio?: boolean; recipient?: string }): Terms;
  refusal(): Terms;
  /** Headers as an owner's device makes them for these terms. */
  headers(terms: Terms): Promise<Decision["release"]>;
}

export interface CaseOptions {
  readonly kind?: KeyKind;
  readonly recipientKind?: KeyKind;
  /** False: the request names no key, and the owner chooses one. */
  readonly requestNamesRecipient?: boolean;
  readonly chain?: TestChain;
}

export async function approvalCase(options: CaseOptions = {}): Promise<ApprovalCase> {
  const { kind = "x25519", recipientKind = "x25519", requestNamesRecipient = true } = options;
  const chain = options.chain ?? (await testChain(kind));
  const keyring = chain.keyring();
  const recipient = await generateReader(recipientKind);
  const record = recordFor(requestNamesRecipient ? recipient.recipient : undefined);
  const { sealed, clip } = sealClip(keyring.readers.originals);
  const nonce = { nonce: randomHex(32), expiresAtMs: NOW_MS + 900_000 };
  const ground = {
    keyring,
    request: summaryOf(record),
    nonce,
    checkpoint: { size: 7, root: "ab".repeat(32) },
    nowMs: NOW_MS,
  };
  const draft: ApprovalCase["draft"] = ({ audio = true, recipient: other }) =>
    approvalTerms(ground, {
      clips: [chooseFiles({ clip, rendition: "original", audio, fromMs: null, toMs: null })],
      recipient: other ?? recipient.recipient,
      purpose: "a test",
      isPart: false,
    });
  const headers = (terms: Terms) =>
    makeRelease(
      terms,
      () => [chain.originalsIdentity],
      async (id, file) => {
        const bytes = sealed.get(fileName(id, file));
        if (!bytes) throw new Error("no such file");
        return bytes;
      },
    );
  const terms = draft({});
  return {
    chain,
    ground,
    clip,
    sealed,
    terms,
    release: await headers(terms),
    recipientIdentity: recipient.identity,
    draft,
    headers,
    refusal: () => refusalTerms(ground),
    context: {
      keyring,
      request: {
        id: parseRequestId(record.request),
        sha256: requestSha256(record),
        recipient: record.asked.recipient ?? null,
        expiresAtMs: record.expiresAtMs,
      },
      nonce: nonce.nonce,
      nowMs: NOW_MS,
      findFile: (id, wanted) => {
        const file = clip.files.find((one) => fileName(id, one) === fileName(id, wanted));
        const known = file as SealedFile | undefined;
        return known && id === CLIP ? { camera: parseCameraId("front"), file: known } : null;
      },
      knowsCheckpoint: (size, root) => size === 7 && root === "ab".repeat(32),
    },
  };
}

export function recordFor(recipient: string | undefined): RequestRecord {
  const { asked } = readRequestDocument(requestDocument(recipient ? { recipient } : {}));
  return {
    v: 1,
    request: "d".repeat(32),
    receivedAtMs: NOW_MS - 1_000,
    expiresAtMs: NOW_MS + 14 * 86_400_000,
    channel: "typed_by_owner",
    asked,
    personalSha256: "e".repeat(64),
    salt: "f".repeat(32),
  };
}

export function summaryOf(record: RequestRecord): RequestSummary {
  return {
    record,
    recordSha256: requestSha256(record),
    state: "received",
    outcome: null,
    decidedAtMs: null,
    personal: null,
    statusUrl: "http://localhost/status/x",
  };
}

/** Three segments of video with sound, sealed by the hub's own writer. */
function sealClip(originals: string): { sealed: Map<string, Uint8Array>; clip: ClipDetail } {
  const sealed = new Map<string, Uint8Array>();
  const files: SealedFile[] = [];
  for (let segment = 0; segment < SEGMENTS; segment += 1)
    for (const track of ["audio", "video"] as const) {
      const plaintext = utf8Bytes(`${track} of segment ${segment} `.repeat(20));
      const bytes = sealBytes(plaintext, [parseRecipient(originals)]);
      const { payloadOffset } = requireAgeHeader(bytes);
      const file: SealedFile = {
        segment,
        track,
        rendition: "original",
        sizeBytes: bytes.length,
        payloadSha256: sha256Hex(bytes.subarray(payloadOffset)),
        fromMs: NOW_MS + segment * SEGMENT_MS,
        toMs: NOW_MS + (segment + 1) * SEGMENT_MS,
      };
      files.push(file);
      sealed.set(fileName(CLIP, file), bytes);
    }
  const clip: ClipDetail = {
    id: CLIP,
    camera: "front",
    kind: "motion",
    startedAtMs: NOW_MS,
    durationMs: SEGMENTS * SEGMENT_MS,
    state: "closed",
    renditions: ["original"],
    segments: SEGMENTS,
    eventAtMs: NOW_MS,
    why: { kind: "motion", zone: "door", areaShare: 0.1, score: 1 },
    keyringHead: "0".repeat(64),
    files,
    torn: [],
    entryIndex: 4,
  };
  return { sealed, clip };
}

export function signDecision(
  decision: Decision,
  signers: readonly (SigningKey | EnvelopeSigner)[],
): Promise<Envelope> {
  const asSigners = signers.map((one) => ("secret" in one ? envelopeSigner(one) : one));
  return signByAll(PAYLOAD_TYPES.decision, decision, asSigners, termsHash(decision.terms));
}

/** The code with which an approval is refused, or "accepted". */
export function approvalOutcome(envelope: unknown, context: DecisionContext): string {
  return outcomeOf(() => VerifiedApproval.verify(envelope, context));
}

export function refusalOutcome(envelope: unknown, context: DecisionContext): string {
  return outcomeOf(() => VerifiedRefusal.verify(envelope, context));
}

function outcomeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    // Anything else is a crash, which no decision may cause.
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return "accepted";
}
