import type { VerifiedApproval } from "../../src/protocol/approval.ts";
import {
  BUNDLE_FOLDER,
  BUNDLE_MAX_BYTES,
  BUNDLE_NAMES,
  bundleMemberNames,
  KeyringFileSchema,
  ProofsSchema,
} from "../../src/protocol/bundle.ts";
import { concatBytes, utf8Text } from "../../src/protocol/bytes.ts";
import { parseCanonicalJson } from "../../src/protocol/canonical-json.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { DecisionSchema } from "../../src/protocol/decision.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import type { RequestRecord } from "../../src/protocol/request.ts";
import {
  looksLikeBundle,
  verifyBundle,
  type BundleCheck,
} from "../../src/protocol/verify-bundle.ts";
import { readZip, writeZip } from "../../src/protocol/zip.ts";

const FILE_MAX_BYTES = BUNDLE_MAX_BYTES + 64 * 1024 * 1024;

/** A bundle of which everything holds, and nothing that does not. */
export interface CheckedBundle {
  readonly approval: VerifiedApproval;
  readonly request: RequestRecord;
  readonly members: ReadonlyMap<string, Uint8Array>;
  readonly cosignedBy: number;
  /** As the ledger and its witnesses signed it. */
  readonly checkpoint: string;
  /** Lines of `hashes.txt`. */
  readonly hashes: readonly { readonly name: string; readonly sha256: string }[];
}

export interface Verdict {
  readonly checks: readonly BundleCheck[];
  readonly bundle: CheckedBundle | null;
}

export type Unreadable = "tooMuch" | "notBundle" | "unreadable";

/**
 * The bytes of a bundle as somebody chose it: the zip, or the files that were in it.
 *
 * @returns Why there are none, in words of `choose`.
 */
export async function readChosen(files: readonly File[]): Promise<Uint8Array | Unreadable> {
  if (files.reduce((sum, { size }) => sum + size, 0) > FILE_MAX_BYTES) return "tooMuch";
  try {
    const [only] = files;
    if (files.length === 1 && only) return new Uint8Array(await only.arrayBuffer());
    const loose = new Map<string, Uint8Array>();
    for (const file of files) loose.set(file.name, new Uint8Array(await file.arrayBuffer()));
    return await joinLoose(loose);
  } catch (error) {
    if (error instanceof HubError) return "notBundle";
    if (error instanceof DOMException || error instanceof RangeError) return "unreadable";
    throw error;
  }
}

/** The zip again: its bytes follow from its members, and their order from the terms. */
async function joinLoose(loose: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  const decision = loose.get(BUNDLE_NAMES.decision);
  if (!decision) throw new HubError("NOT_A_BUNDLE", "Cannot read bundle: no decision");
  const envelope = parseCanonicalJson(decision, BUNDLE_NAMES.decision);
  const { content } = openEnvelope(envelope, PAYLOAD_TYPES.decision, "decision");
  const { terms } = checkShape(DecisionSchema, content, "decision");
  const members = bundleMemberNames(terms).flatMap((name) => {
    const content = loose.get(name.replace(BUNDLE_FOLDER, ""));
    return content ? [{ name, chunks: [content] }] : [];
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeZip(members)) chunks.push(chunk);
  return concatBytes(...chunks);
}

/** @returns null where it is nothing of ours. */
export async function check(bytes: Uint8Array): Promise<Verdict | null> {
  if (!looksLikeBundle(bytes)) return null;
  const { holds, checks, approval, request, cosignedBy } = await verifyBundle(bytes);
  if (!holds || !approval || !request) return { checks, bundle: null };
  const members = readZip(bytes, LIMITS.filesPerApproval + 16);
  const { checkpoint } = checkShape(ProofsSchema, json(members, BUNDLE_NAMES.proofs), "proofs");
  const sheet = utf8Text(memberOf(members, BUNDLE_NAMES.hashes), BUNDLE_NAMES.hashes);
  const hashes = sheet
    .trimEnd()
    .split("\n")
    .map((line) => ({ sha256: line.slice(0, 64), name: line.slice(66) }));
  return { checks, bundle: { approval, request, members, cosignedBy, checkpoint, hashes } };
}

/** Every statement of a checked bundle's keyring. */
export function statementsOf(members: ReadonlyMap<string, Uint8Array>): readonly unknown[] {
  return checkShape(KeyringFileSchema, json(members, BUNDLE_NAMES.keyring), "keyring");
}

function memberOf(members: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const content = members.get(name);
  if (!content) throw new HubError("NOT_A_BUNDLE", `Cannot read bundle: ${name} is missing`);
  return content;
}

function json(members: ReadonlyMap<string, Uint8Array>, name: string) {
  return parseCanonicalJson(memberOf(members, name), name);
}
