import * as Api from "../protocol/api.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { parseCanonicalJson, type Json } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { FollowedHub } from "./hub-client.ts";

const PAGE_ENTRIES = 1_000;

export interface FetchOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Every entry of the ledger as this device has followed it, oldest first. They are as the hub gives
 * them: whoever uses them computes the root from them.
 *
 * @throws HubError TOO_LARGE above 200,000 entries, REPORT_REFUSED when the hub leaves some out.
 */
export async function fetchAllEntries(
  { client, seen }: Pick<FollowedHub, "client" | "seen">,
  { signal, onProgress }: FetchOptions = {},
): Promise<Json[]> {
  if (seen.size > LIMITS.reportEntries)
    throw new HubError(
      "TOO_LARGE",
      `Cannot make report: the ledger has ${seen.size} entries, and a report holds 200,000`,
    );
  const entries: Json[] = [];
  while (entries.length < seen.size) {
    signal?.throwIfAborted();
    const url = `/api/ledger/entries?from=${entries.length}&limit=${PAGE_ENTRIES}`;
    const page = await client.get(url, Api.EntriesAnswer);
    // A page that brings nothing would be asked for again and again.
    if (page.length === 0)
      throw new HubError("REPORT_REFUSED", "Cannot make report: the hub left out entries");
    for (const { entry } of page.slice(0, seen.size - entries.length))
      entries.push(parseCanonicalJson(fromBase64(entry, "entry"), "entry"));
    onProgress?.(entries.length, seen.size);
  }
  return entries;
}
