import { sha256 } from "@noble/hashes/sha2.js";
import { requireAgeHeader } from "./age-header.ts";
import type { VerifiedApproval } from "./approval.ts";
import {
  BUNDLE_NAMES,
  bundleFileNames,
  bundleMemberNames,
  bundleReadme,
  hashSheet,
  VIEWER_MAX_BYTES,
  VIEWER_NAME,
} from "./bundle.ts";
import { equalBytes, sha256Hex, toHex, utf8Bytes } from "./bytes.ts";
import { MalformedInput } from "./errors.ts";

/** Members of a bundle, by name, in their order. */
export type Members = ReadonlyMap<string, Uint8Array>;

/** @throws MalformedInput when there is no member of this name. */
export function memberOf(members: Members, name: string): Uint8Array {
  const content = members.get(name);
  if (!content) throw new MalformedInput(name, `Cannot read bundle: ${name} is missing`);
  return content;
}

/**
 * That a bundle has the members that were signed for, byte for byte, and no other.
 *
 * @returns How many age files there are.
 * @throws MalformedInput naming the first that is not.
 */
export function requireExactFiles(members: Members, approval: VerifiedApproval): number {
  const names = bundleFileNames(approval.terms);
  if ([...members.keys()].join("\n") !== bundleMemberNames(approval.terms).join("\n"))
    throw new MalformedInput("bundle", "Cannot accept bundle: a member is missing, extra or moved");
  const { viewerSha256 } = approval.terms;
  if (viewerSha256 !== undefined) requireViewer(memberOf(members, VIEWER_NAME), viewerSha256);
  const sums = approval.files.map(({ file, header }, index) => {
    const name = names[index] ?? "";
    const content = memberOf(members, name);
    const { payloadOffset, headerBytes } = requireAgeHeader(content);
    if (!equalBytes(headerBytes, header))
      throw new MalformedInput(name, `Cannot accept ${name}: its header is not the signed one`);
    if (toHex(sha256(content.subarray(payloadOffset))) !== file.payloadSha256)
      throw new MalformedInput(name, `Cannot accept ${name}: its payload is not the signed one`);
    return sha256(content);
  });
  const decision = { terms: approval.terms, release: approval.release };
  requireText(members, BUNDLE_NAMES.readme, bundleReadme(decision));
  requireText(members, BUNDLE_NAMES.hashes, hashSheet(approval.terms, sums));
  return names.length;
}

function requireViewer(content: Uint8Array, viewerSha256: string): void {
  if (content.length > VIEWER_MAX_BYTES || sha256Hex(content) !== viewerSha256)
    throw new MalformedInput(
      VIEWER_NAME,
      `Cannot accept ${VIEWER_NAME}: it is not the one that was signed for; give it no key`,
    );
}

function requireText(members: Members, name: string, text: string): void {
  if (!equalBytes(memberOf(members, name), utf8Bytes(text)))
    throw new MalformedInput(name, `Cannot accept ${name}: it is not what the signed terms give`);
}
