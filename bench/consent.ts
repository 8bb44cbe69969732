import { sealBytes } from "../src/clips/sealed-file.ts";
import {
  approvalTerms,
  chooseFiles,
  signApproval,
  type DecisionGround,
} from "../src/owner/decide.ts";
import {
  identitiesOf,
  randomHex,
  signingKeyOf,
  type DeviceBundle,
} from "../src/owner/device-bundle.ts";
import { foundHousehold } from "../src/owner/household.ts";
import { envelopeSigner, generateReader, type KeyKind } from "../src/owner/identity.ts";
import { parseRecipient, requireAgeHeader } from "../src/protocol/age-header.ts";
import type { ClipDetail, HubInfo } from "../src/protocol/api.ts";
import { sha256Hex, toBase64 } from "../src/protocol/bytes.ts";
import type { SealedFile } from "../src/protocol/clip.ts";
import { originOf } from "../src/protocol/cosigner.ts";
import { fileName, type Terms } from "../src/protocol/decision.ts";
import { verifyKeyring } from "../src/protocol/keyring.ts";
import { requestSha256, type RequestRecord } from "../src/protocol/request.ts";
import { verifyBundle } from "../src/protocol/verify-bundle.ts";
import { approve, statusPath, typeRequest } from "../test/support/test-consent.ts";
import { requireOk, startTestHub } from "../test/support/test-hub.ts";
import { recordClip } from "../test/support/test-clips.ts";
import { testStream } from "../test/clips/test-stream.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

export const SEGMENTS = 10;
const SEGMENT_MS = 4_000;
const SAMPLES = 20;
/** Four seconds at 4 Mbit/s, as a common camera sends them. */
const SEGMENT_BYTES = 2_000_000;
const FRAMES_PER_SEGMENT = 40;
const CLIP = "c".repeat(32);

/** What a decision for ten segments costs an owner's device, and its bundle a verifier. */
export async function consentFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of ["x25519", "pq"] as const) figures.push(await decideFigure(kind));
  figures.push(await verifyFigure());
  return figures;
}

/** Terms for ten whole segments, and what a device needs to sign them. */
export interface DecideCase {
  readonly bundle: DeviceBundle;
  readonly terms: () => Terms;
  /** Sealed files, by the name that `fileName` gives them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** @param payloadBytes - Of each segment, before it is sealed. */
export async function decideCase(kind: KeyKind, payloadBytes: number): Promise<DecideCase> {
  const ledgerKey = new Uint8Array(32).fill(1);
  const hub: HubInfo = {
    name: "bench",
    version: "0",
    claimed: false,
    origin: originOf(ledgerKey),
    ledgerKey: toBase64(ledgerKey),
    genesis: null,
  };
  const nowMs = Date.now();
  const { bundle, statement } = await foundHousehold(hub, { kind, label: "bench", nowMs });
  const keyring = verifyKeyring([statement]);
  const { recipient } = await generateReader(kind);
  const readers = [keyring.readers.originals, keyring.readers.recovery];
  const { clip, files } = sealedClip(readers, payloadBytes);
  const ground: DecisionGround = {
    keyring,
    request: requestFor(recipient, nowMs),
    nonce: { nonce: randomHex(32), expiresAtMs: nowMs + 900_000 },
    checkpoint: { size: 1, root: "0".repeat(64) },
    nowMs,
  };
  const chosen = chooseFiles({
    clip,
    rendition: "original",
    audio: false,
    fromMs: null,
    toMs: null,
  });
  const options = { clips: [chosen], recipient, purpose: "x", isPart: false };
  return { bundle, files, terms: () => approvalTerms(ground, options) };
}

async function decideFigure(kind: KeyKind): Promise<Figure> {
  // What the headers are in front of does not matter here.
  const { bundle, terms, files } = await decideCase(kind, 1_000);
  const signer = envelopeSigner(signingKeyOf(bundle));
  const durationsMs = await sample(async () => {
    await signApproval(
      terms(),
      identitiesOf(bundle),
      async (id, file) => files.get(fileName(id, file)) ?? new Uint8Array(),
      signer,
    );
  });
  return figure(
    `decide.node_ms${kind === "pq" ? ".pq" : ""}`,
    durationsMs,
    `open, re-wrap and sign ${SEGMENTS} segments in Node, keys of kind ${kind}`,
  );
}

/** Files as the recorder makes them. */
function sealedClip(readers: readonly string[], payloadBytes: number) {
  const sealedFiles = new Map<string, Uint8Array>();
  const files = Array.from({ length: SEGMENTS }, (_, segment): SealedFile => {
    const sealed = sealBytes(new Uint8Array(payloadBytes), readers.map(parseRecipient));
    const file: SealedFile = {
      segment,
      track: "video",
      rendition: "original",
      sizeBytes: sealed.length,
      payloadSha256: sha256Hex(sealed.subarray(requireAgeHeader(sealed).payloadOffset)),
      fromMs: segment * SEGMENT_MS,
      toMs: (segment + 1) * SEGMENT_MS,
    };
    sealedFiles.set(fileName(CLIP, file), sealed);
    return file;
  });
  const clip: ClipDetail = {
    id: CLIP,
    camera: "front",
    kind: "motion",
    startedAtMs: 0,
    durationMs: SEGMENTS * SEGMENT_MS,
    state: "closed",
    renditions: ["original"],
    segments: SEGMENTS,
    eventAtMs: 0,
    why: { kind: "motion", zone: "", areaShare: 0, score: 1 },
    keyringHead: "0".repeat(64),
    files,
    torn: [],
    entryIndex: 0,
  };
  return { clip, files: sealedFiles };
}

function requestFor(recipient: string, nowMs: number): DecisionGround["request"] {
  const record: RequestRecord = {
    v: 1,
    request: "d".repeat(32),
    receivedAtMs: nowMs,
    expiresAtMs: nowMs + 86_400_000,
    channel: "typed_by_owner",
    asked: {
      kind: "other",
      urgency: "normal",
      sought: {
        cameras: "unspecified",
        from: "2026-11-21T20:00:00Z",
        to: "2026-11-21T21:00:00Z",
        tracks: ["video"],
        clearFaces: true,
      },
      recipient,
    },
    personalSha256: "e".repeat(64),
    salt: "f".repeat(32),
  };
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

/** A bundle of ten whole segments from a real hub, verified in memory. */
async function verifyFigure(): Promise<Figure> {
  await using hub = await startTestHub({ kind: "pq" });
  const stream = testStream({ frameBytes: SEGMENT_BYTES / FRAMES_PER_SEGMENT });
  const fragments = stream.take(SEGMENTS * FRAMES_PER_SEGMENT);
  const clip = await recordClip(hub.hub.services, hub.dataDirectory, fragments);
  const { recipient } = await generateReader("pq");
  const request = await typeRequest(hub, { recipient });
  await approve(hub, request, { clip });
  const answer = requireOk(await hub.call("GET", statusPath(request)));
  const bytes = new Uint8Array(answer.rawPayload);
  const durationsMs = await sample(async () => {
    const { holds, approval } = await verifyBundle(bytes);
    if (!holds || approval?.files.length !== SEGMENTS) throw new Error("the bundle does not hold");
  });
  const megabytes = (bytes.length / 1_000_000).toFixed(1);
  return figure(
    "verify.bundle_ms",
    durationsMs,
    `${SEGMENTS} segments, ${megabytes} MB in memory, post-quantum headers`,
  );
}

/** Milliseconds each call took, in ascending order; the first is left out, code is cold then. */
async function sample(work: () => Promise<void>): Promise<number[]> {
  const durationsMs: number[] = [];
  for (let count = 0; count <= SAMPLES; count += 1) {
    const startedAtMs = performance.now();
    await work();
    if (count > 0) durationsMs.push(performance.now() - startedAtMs);
  }
  return durationsMs;
}

export function figure(name: string, durationsMs: readonly number[], what: string): Figure {
  const at = (share: number): string => percentile(durationsMs, share).toPrecision(3);
  const context = `${what}; median of ${durationsMs.length}, p95 ${at(0.95)} ms`;
  return { name, value: Number(at(0.5)), unit: "ms", context };
}
