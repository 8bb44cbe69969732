import * as Api from "../protocol/api.ts";
import { equalBytes, fromBase64, fromHex } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import type { TermsFile } from "../protocol/decision.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import { LEDGER_ENTRY_SCHEMAS, type LedgerEntry } from "../protocol/ledger-entry.ts";
import { listedFiles } from "../protocol/listed-files.ts";
import { hashLeaf, verifyInclusion } from "../protocol/merkle.ts";
import type { FollowedHub } from "./hub-client.ts";

/**
 * A clip as the ledger lists it. The hub's word on files, hashes and times is only taken where this
 * device has just seen it proven: what an owner signs for must be what was recorded. A blurred file
 * that an owner's device made is proven by the rendition's own entry, and must be made from the
 * recording of its segment.
 *
 * A clip that is still being recorded, or of which no file became whole, is in no entry. It can be
 * looked at, and never released: `purpose` says which of the two this is for.
 *
 * @throws HubError CLIP_NOT_PROVEN; MalformedInput for an entry that is none.
 */
export async function fetchListedClip(
  hub: FollowedHub,
  id: string,
  purpose: "look" | "release",
): Promise<Api.ClipDetail> {
  const { client } = hub;
  const clip = await client.get(`/api/clips/${parseClipId(id)}`, Api.ClipDetail);
  // Another recording's files would be proven as well.
  if (clip.id !== id) throw notProven(id);
  if (clip.entryIndex === null) {
    const isUnlisted =
      clip.state === "recording" || (clip.state === "torn" && clip.files.length === 0);
    if (purpose === "look" && isUnlisted) return clip;
    throw new HubError(
      "CLIP_NOT_PROVEN",
      `Cannot use clip ${clip.id}: no ledger entry lists its files${
        clip.state === "recording" ? " before it has ended" : ""
      }`,
    );
  }
  const entries: LedgerEntry[] = [
    checkShape(
      LEDGER_ENTRY_SCHEMAS.clip,
      await provenEntry(hub, clip.id, clip.entryIndex),
      "clip entry",
    ),
  ];
  for (const index of clip.renditionEntries ?? []) {
    const content = await provenEntry(hub, clip.id, index);
    entries.push(checkShape(LEDGER_ENTRY_SCHEMAS.rendition, content, "rendition entry"));
  }
  const listed = listedFiles(clip.id, entries);
  const isSame =
    listed?.camera === clip.camera &&
    equalBytes(canonicalJson(sorted(listed.files)), canonicalJson(sorted(clip.files)));
  if (!isSame) throw notProven(clip.id);
  // From what was proven: without this word an owner would be led to clear faces.
  const renditions = new Set(listed.files.map(({ rendition }) => rendition));
  return {
    ...clip,
    renditions: (["original", "blurred"] as const).filter((one) => renditions.has(one)),
  };
}

/** An entry that this device has just seen to be in the ledger. */
async function provenEntry(hub: FollowedHub, clip: string, index: number): Promise<Json> {
  const { client } = hub;
  const seen = await hub.followTo(index);
  const [record] = await client.get(`/api/ledger/entries?from=${index}&limit=1`, Api.EntriesAnswer);
  const bytes = fromBase64(record?.entry ?? "", "entry");
  const { proof } = await client.get(
    `/api/ledger/inclusion?index=${index}&size=${seen.size}`,
    Api.ProofAnswer,
  );
  const isIncluded = verifyInclusion({
    leafIndex: index,
    leafHash: hashLeaf(bytes),
    treeSize: seen.size,
    proof: proof.map((hash) => fromBase64(hash, "proof")),
    root: fromHex(seen.root, "root"),
  });
  if (!isIncluded) throw notProven(clip);
  return parseCanonicalJson(bytes, "entry");
}

function notProven(clip: string): HubError {
  return new HubError(
    "CLIP_NOT_PROVEN",
    `Cannot use clip ${clip}: what the hub says of it is not what its ledger lists`,
  );
}

function sorted(files: readonly TermsFile[]): TermsFile[] {
  const key = ({ segment, track, rendition }: TermsFile): string =>
    `${segment ?? -1} ${track} ${rendition}`;
  return files.toSorted((left, right) => (key(left) < key(right) ? -1 : 1));
}
