import { verifyInclusion, hashLeaf } from "../protocol/merkle.ts";
import * as Api from "../protocol/api.ts";
import { equalBytes, fromBase64, fromHex } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import { LEDGER_ENTRY_SCHEMAS } from "../protocol/ledger-entry.ts";
import type { FollowedHub } from "./hub-client.ts";

/**
 * A clip as the ledger lists it. The hub's word on files, hashes and times is only taken where this
 * device has just seen it proven: what an owner signs for must be what was recorded.
 *
 * A clip that is still being recorded, or of which no file became whole, is in no entry. It can be
 * looked at, and never released: `purpose` says which of the two this is for.
 *
 * @throws HubError CLIP_NOT_PROVEN.
 */
export async function fetchListedClip(
  hub: FollowedHub,
  id: string,
  purpose: "look" | "release",
): Promise<Api.ClipDetail> {
  const { client } = hub;
  const clip = await client.get(`/api/clips/${parseClipId(id)}`, Api.ClipDetail);
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
  const seen = await hub.followTo(clip.entryIndex);
  const [record] = await client.get(
    `/api/ledger/entries?from=${clip.entryIndex}&limit=1`,
    Api.EntriesAnswer,
  );
  const bytes = fromBase64(record?.entry ?? "", "entry");
  const { proof } = await client.get(
    `/api/ledger/inclusion?index=${clip.entryIndex}&size=${seen.size}`,
    Api.ProofAnswer,
  );
  const isIncluded = verifyInclusion({
    leafIndex: clip.entryIndex,
    leafHash: hashLeaf(bytes),
    treeSize: seen.size,
    proof: proof.map((hash) => fromBase64(hash, "proof")),
    root: fromHex(seen.root, "root"),
  });
  const entry = checkShape(
    LEDGER_ENTRY_SCHEMAS.clip,
    parseCanonicalJson(bytes, "entry"),
    "clip entry",
  );
  const isSame =
    entry.clip === clip.id &&
    entry.camera === clip.camera &&
    equalBytes(canonicalJson(sorted(entry.files)), canonicalJson(sorted(clip.files)));
  if (!isIncluded || !isSame)
    throw new HubError(
      "CLIP_NOT_PROVEN",
      `Cannot use clip ${clip.id}: what the hub says of it is not what its ledger lists`,
    );
  return clip;
}

function sorted(files: Api.ClipDetail["files"]): Api.ClipDetail["files"] {
  const key = ({ segment, track, rendition }: Api.ClipDetail["files"][number]): string =>
    `${segment ?? -1} ${track} ${rendition}`;
  return files.toSorted((left, right) => (key(left) < key(right) ? -1 : 1));
}
