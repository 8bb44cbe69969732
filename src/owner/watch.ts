import * as Api from "../protocol/api.ts";
import { PresenceAnswer } from "../protocol/api-presence.ts";
import { equalBytes, fromBase64, fromHex } from "../protocol/bytes.ts";
import { parseCanonicalJson } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import { hashLeaf, verifyConsistency } from "../protocol/merkle.ts";
import { LedgerWatch, type Alarm, type Pause, type StoredWatch } from "./alarms.ts";
import type { FetchOptions } from "./all-entries.ts";
import type { FollowedHub } from "./hub-client.ts";
import type { Seen } from "./witness.ts";

const PAGE_ENTRIES = 1_000;
/** A device that comes to a long ledger for the first time reads on at its next contact. */
const ENTRIES_A_CONTACT = 200_000;
const CLIPS_A_QUESTION = 1_000;
const CLIPS_A_CONTACT = 20_000;

export interface WatchResult {
  /** To be remembered for the next contact. */
  readonly watch: LedgerWatch;
  readonly alarms: readonly Alarm[];
  /** What the hub explains itself, of entries that were read at this contact. */
  readonly pauses: readonly Pause[];
  /** Entries judged so far, and all that there are. */
  readonly judged: number;
  readonly size: number;
}

/**
 * Goes on with the judgement of the ledger from where this device stood: reads the entries since,
 * shows that they are those of the checkpoint it has followed, and asks for the recordings.
 *
 * @param stored - What `watch` of the last contact was; null at the first.
 * @throws HubError LEDGER_CHANGED when the entries are not those of the checkpoint.
 */
export async function watchLedger(
  hub: FollowedHub,
  stored: StoredWatch | null,
  nowMs: () => number,
  options: FetchOptions = {},
): Promise<WatchResult> {
  const from = await whereItStood(hub, stored);
  const startSize = from.tree.size;
  const watch = await readOn(hub, from, hub.seen, options);
  const seen = await lookForClips(hub, watch, options);
  const { size } = watch.tree;
  return {
    watch,
    alarms: watch.alarms(nowMs()),
    pauses: watch.pauses.filter(({ index }) => index >= startSize),
    judged: size,
    size: seen.size,
  };
}

/** What does not go on from what is remembered is judged from its start, not believed to be bad. */
async function whereItStood(hub: FollowedHub, stored: StoredWatch | null): Promise<LedgerWatch> {
  const kept = stored === null ? LedgerWatch.begin() : LedgerWatch.read(stored);
  const { size } = kept.tree;
  if (size === 0) return kept;
  const goesOn = size <= hub.seen.size && (await isPartOf(hub, kept, hub.seen));
  return goesOn ? kept : LedgerWatch.begin();
}

async function readOn(
  hub: FollowedHub,
  watch: LedgerWatch,
  seen: Seen,
  { signal, onProgress }: FetchOptions,
): Promise<LedgerWatch> {
  const { tree } = watch;
  const end = Math.min(seen.size, tree.size + ENTRIES_A_CONTACT);
  while (tree.size < end) {
    signal?.throwIfAborted();
    const limit = Math.min(PAGE_ENTRIES, end - tree.size);
    const url = `/api/ledger/entries?from=${tree.size}&limit=${limit}`;
    const page = await hub.client.get(url, Api.EntriesAnswer);
    if (page.length === 0) throw changed("the hub leaves out entries");
    for (const { entry } of page.slice(0, limit)) {
      const bytes = fromBase64(entry, "entry");
      watch.take(parseCanonicalJson(bytes, "entry"), hashLeaf(bytes));
    }
    onProgress?.(tree.size, end);
  }
  if (!(await isPartOf(hub, watch, seen))) throw changed("these are not the entries it signed for");
  return watch;
}

/** The checkpoint was found consistent; that these are its entries, only their own hashes show. */
async function isPartOf(hub: FollowedHub, { tree }: LedgerWatch, seen: Seen): Promise<boolean> {
  const root = fromHex(seen.root, "root");
  if (tree.size === seen.size) return equalBytes(tree.root(), root);
  const query = `from=${tree.size}&to=${seen.size}`;
  const { proof } = await hub.client.get(`/api/ledger/consistency?${query}`, Api.ProofAnswer);
  return verifyConsistency({
    size1: tree.size,
    root1: tree.root(),
    size2: seen.size,
    root2: root,
    proof: proof.map((hash) => fromBase64(hash, "proof")),
  });
}

/** @returns The newest state that was followed. */
async function lookForClips(
  hub: FollowedHub,
  watch: LedgerWatch,
  options: FetchOptions,
): Promise<Seen> {
  const clips = watch.nextClips(CLIPS_A_CONTACT);
  const doubtful = await askFor(hub, watch, clips, options);
  if (doubtful.length === 0) return hub.seen;
  // One of them may have been deleted, with its entry, since the checkpoint: look again after it.
  const seen = await hub.followTo(hub.seen.size);
  await readOn(hub, watch, seen, options);
  const listed = doubtful.filter((clip) => watch.filesOf(clip) !== null);
  await askFor(hub, watch, listed, options);
  return seen;
}

/** @returns Those that are not there as the ledger lists them. */
async function askFor(
  hub: FollowedHub,
  watch: LedgerWatch,
  clips: readonly string[],
  { signal }: FetchOptions,
): Promise<string[]> {
  const doubtful: string[] = [];
  for (let from = 0; from < clips.length; from += CLIPS_A_QUESTION) {
    signal?.throwIfAborted();
    const asked = clips.slice(from, from + CLIPS_A_QUESTION);
    const body = { clips: asked };
    const { files } = await hub.client.post("/api/clips/present", body, PresenceAnswer);
    for (const [place, clip] of asked.entries()) {
      const found = files[place] ?? null;
      watch.compare(clip, found);
      if (found === null || found < (watch.filesOf(clip) ?? 0)) doubtful.push(clip);
    }
  }
  return doubtful;
}

function changed(what: string): HubError {
  return new HubError("LEDGER_CHANGED", `Cannot confirm ledger: ${what}`);
}
