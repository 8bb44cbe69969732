import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { AGE_HEADER_MAX_BYTES, requireAgeHeader } from "../protocol/age-header.ts";
import type { VerifiedApproval } from "../protocol/approval.ts";
import {
  BUNDLE_NAMES,
  bundleFileNames,
  bundleReadme,
  hashSheet,
  VIEWER_NAME,
  type Proofs,
} from "../protocol/bundle.ts";
import { toBase64, utf8Bytes } from "../protocol/bytes.ts";
import { canonicalJson, type Json } from "../protocol/canonical-json.ts";
import { parseCheckpointText } from "../protocol/checkpoint.ts";
import type { FileKey, SealedFile } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import { parseSha256Hex, type ClipId, type Sha256Hex } from "../protocol/ids.ts";
import { parseSignedNote } from "../protocol/signed-note.ts";
import { writeZip, zipBytes, type ZipMember } from "../protocol/zip.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { StoredRequest } from "./request-rows.ts";

export interface BundleSource {
  readonly ledger: Ledger;
  readonly keyringStatements: () => readonly Json[];
  /** Path of a closed sealed file, built from checked ids. */
  readonly pathOf: (clip: ClipId, file: FileKey) => string;
  /** Index of the ledger entry of a clip. */
  readonly entryIndexOf: (clip: ClipId) => number;
  /** Index of the entry that lists a file: the clip's, or that of a rendition made since. */
  readonly entryIndexOfFile: (clip: ClipId, file: FileKey) => number;
  /** A viewer that an approval named; throws where it is gone. */
  readonly viewer: (sha256: Sha256Hex) => Promise<Uint8Array>;
}

/** A bundle that can be handed out, from its first byte or from where an earlier try broke off. */
export interface OpenedBundle {
  /** Names these very bytes; proofs grow with the ledger, so that another day's are others. */
  readonly etag: string;
  readonly sizeBytes: number;
  read(fromByte: number): AsyncGenerator<Uint8Array>;
}

/**
 * The bundle as it goes over the wire. Takes a {@link VerifiedApproval} and nothing else that could
 * stand for consent; it joins the signed headers to ciphertext that it cannot open (invariant 4).
 * Every payload is hashed before the first byte is handed out, so that damage on the disk is an
 * error here and not a surprise to the recipient.
 *
 * @param etag - Of an earlier answer: the same bytes again where they are still known, else new ones.
 * @throws HubError FILE_DAMAGED, FILE_MISSING.
 */
export async function openBundle(
  approval: VerifiedApproval,
  request: StoredRequest,
  source: BundleSource,
  etag?: string,
): Promise<OpenedBundle> {
  const files = approval.files.map(({ clip, file, header }) => ({
    path: source.pathOf(clip, file),
    file,
    header,
  }));
  const { sums, offsets } = await measure(approval.decisionSha256, files);
  const { viewerSha256 } = approval.terms;
  const viewer =
    viewerSha256 === undefined ? null : await source.viewer(parseSha256Hex(viewerSha256));
  const parts =
    keptParts(approval.decisionSha256, etag) ??
    signedParts(approval, request, source, { sums, viewer });
  const names = bundleFileNames(approval.terms);
  const members = (): ZipMember[] => [
    ...parts.map(({ name, content }) => ({ name, chunks: [content] })),
    ...files.map(({ path, header }, index) => ({
      name: names[index] ?? "",
      chunks: joined(header, payloadChunks(path, offsets[index] ?? 0)),
    })),
  ];
  const sizes = files.map(({ file, header }, index) => ({
    name: names[index] ?? "",
    sizeBytes: header.length + file.sizeBytes - (offsets[index] ?? 0),
  }));
  return {
    etag: etagOf(approval.decisionSha256, parts),
    sizeBytes: zipBytes([
      ...parts.map(({ name, content }) => ({ name, sizeBytes: content.length })),
      ...sizes,
    ]),
    read: (fromByte) => untilEnded(approval.decisionSha256, skip(writeZip(members()), fromByte)),
  };
}

interface Part {
  readonly name: string;
  readonly content: Uint8Array;
}

/** What was handed out lately, by its etag: whoever was cut off gets the rest of the same bytes. */
const KEPT_MAX = 16;
const kept = new Map<string, { readonly decision: string; readonly parts: readonly Part[] }>();

function keptParts(decision: string, etag: string | undefined): readonly Part[] | null {
  const known = etag === undefined ? undefined : kept.get(etag);
  return known?.decision === decision ? known.parts : null;
}

function etagOf(decisionSha256: string, parts: readonly Part[]): string {
  const hash = createHash("sha256").update(decisionSha256);
  for (const { name, content } of parts) hash.update(`${name} ${content.length} `).update(content);
  const etag = `"${hash.digest("hex")}"`;
  kept.delete(etag);
  kept.set(etag, { decision: decisionSha256, parts });
  const [oldest] = kept.keys();
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
  return etag;
}

/** Bundles that are on their way out, by their decision. */
const onTheWay = new Map<string, Set<{ isEnded: boolean }>>();

/**
 * An approval has ended: what is in memory of its new headers goes, and who is just fetching them
 * gets no more of them.
 */
export function forgetBundle(decisionSha256: string): void {
  for (const [etag, { decision }] of kept) if (decision === decisionSha256) kept.delete(etag);
  measured.delete(decisionSha256);
  for (const reading of onTheWay.get(decisionSha256) ?? []) reading.isEnded = true;
}

async function* untilEnded(
  decision: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const reading = { isEnded: false };
  const readings = onTheWay.get(decision) ?? new Set();
  onTheWay.set(decision, readings.add(reading));
  try {
    for await (const chunk of chunks) {
      if (reading.isEnded)
        throw new HubError("NOT_OPEN", "Cannot go on with the bundle: its approval has ended");
      yield chunk;
    }
  } finally {
    readings.delete(reading);
    if (readings.size === 0) onTheWay.delete(decision);
  }
}

/** The check sums of a zip run over all of it, so that the bytes before `fromByte` are made too. */
async function* skip(
  chunks: AsyncIterable<Uint8Array>,
  fromByte: number,
): AsyncGenerator<Uint8Array> {
  let left = fromByte;
  for await (const chunk of chunks) {
    if (chunk.length > left) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

interface BundleFile {
  readonly path: string;
  readonly file: SealedFile;
  readonly header: Uint8Array;
}

interface Measured {
  /** Size and time of change of each file: what was hashed once is not hashed again. */
  readonly stamp: string;
  /** SHA-256 of each file as it leaves. */
  readonly sums: readonly Uint8Array[];
  readonly offsets: readonly number[];
}

const MEASURED_MAX = 100;
const measured = new Map<string, Measured>();

async function measure(decision: string, files: readonly BundleFile[]): Promise<Measured> {
  const stamp = await stampOf(files);
  const known = measured.get(decision);
  if (known?.stamp === stamp) return known;
  const sums: Uint8Array[] = [];
  const offsets: number[] = [];
  for (const { path, file, header } of files) {
    const payloadOffset = await payloadOffsetOf(path);
    const payloadHash = createHash("sha256");
    const wholeHash = createHash("sha256").update(header);
    for await (const chunk of payloadChunks(path, payloadOffset)) {
      payloadHash.update(chunk);
      wholeHash.update(chunk);
    }
    if (payloadHash.digest("hex") !== file.payloadSha256)
      throw new HubError("FILE_DAMAGED", "Cannot make bundle: a recording was altered on the disk");
    sums.push(wholeHash.digest());
    offsets.push(payloadOffset);
  }
  if (measured.size >= MEASURED_MAX) measured.clear();
  const fresh = { stamp, sums, offsets };
  measured.set(decision, fresh);
  return fresh;
}

async function stampOf(files: readonly BundleFile[]): Promise<string> {
  const stamps = await Promise.all(
    files.map(async ({ path }) => {
      const { size, mtimeMs, ino } = await stat(path).catch(missing);
      return `${size} ${mtimeMs} ${ino}`;
    }),
  );
  return stamps.join("\n");
}

function missing(cause: unknown): never {
  throw new HubError("FILE_MISSING", "Cannot make bundle: a recording is not on the disk", {
    cause,
  });
}

function signedParts(
  approval: VerifiedApproval,
  request: StoredRequest,
  source: BundleSource,
  { sums, viewer }: { sums: readonly Uint8Array[]; viewer: Uint8Array | null },
): Part[] {
  const decision = { terms: approval.terms, release: approval.release };
  const part = (name: string, content: Uint8Array): Part => ({ name, content });
  return [
    part(BUNDLE_NAMES.readme, utf8Bytes(bundleReadme(decision))),
    ...(viewer ? [part(VIEWER_NAME, viewer)] : []),
    part(BUNDLE_NAMES.decision, canonicalJson(approval.envelope)),
    part(BUNDLE_NAMES.request, canonicalJson(request.record)),
    part(BUNDLE_NAMES.keyring, canonicalJson(source.keyringStatements())),
    part(BUNDLE_NAMES.proofs, canonicalJson(proofsOf(approval, request, source))),
    part(BUNDLE_NAMES.hashes, utf8Bytes(hashSheet(approval.terms, sums))),
  ];
}

/** Proofs against the newest checkpoint that an owner's device has cosigned, where it is new enough. */
function proofsOf(
  approval: VerifiedApproval,
  request: StoredRequest,
  { ledger, entryIndexOf, entryIndexOfFile }: BundleSource,
): Proofs {
  if (request.decisionIndex === null || request.releaseIndex === null)
    throw new Error(`request ${request.id} has no release to prove`);
  const cosigned = ledger.cosignedCheckpoint();
  const isNewEnough = cosigned !== null && checkpointSize(cosigned) > request.releaseIndex;
  const checkpoint = isNewEnough ? cosigned : ledger.checkpoint();
  const size = checkpointSize(checkpoint);
  const listing = new Set(approval.files.map(({ clip }) => entryIndexOf(clip)));
  for (const { clip, file } of approval.files) listing.add(entryIndexOfFile(clip, file));
  const indexes = [request.requestIndex, ...listing, request.decisionIndex, request.releaseIndex];
  return {
    v: 1,
    checkpoint,
    seen: ledger.consistencyProof(approval.terms.checkpoint.size, size).map(toBase64),
    entries: indexes.map((index) => {
      const record = ledger.entry(index);
      if (!record) throw new Error(`ledger entry ${index} is gone`);
      return {
        index,
        entry: toBase64(record.bytes),
        proof: ledger.inclusionProof(index, size).map(toBase64),
      };
    }),
  };
}

function checkpointSize(note: string): number {
  return parseCheckpointText(parseSignedNote(note).text).size;
}

async function payloadOffsetOf(file: string): Promise<number> {
  await using handle = await open(file, "r").catch(missing);
  const start = new Uint8Array(AGE_HEADER_MAX_BYTES);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  return requireAgeHeader(start.subarray(0, bytesRead)).payloadOffset;
}

async function* payloadChunks(file: string, offset: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(file, { start: offset })) yield chunk as Uint8Array;
}

async function* joined(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}
