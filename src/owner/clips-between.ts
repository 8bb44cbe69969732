import type { Static } from "typebox";
import * as Api from "../protocol/api.ts";
import { CLIP_MAX_MS } from "../protocol/clip.ts";
import type { HubClient } from "./hub-client.ts";

const PAGE_CLIPS = 500;
/** A household that has more than this within one request's time looks at the first of them. */
const FOUND_MAX = 1_000;
/** Clocks are set back now and then, so that the order of recording is not quite that of time. */
const DISORDER_MS = 2 * 3_600_000;

export interface ClipsBetween {
  /** Oldest first. */
  readonly clips: readonly Api.ClipSummary[];
  /** False where there are more than a device would show. */
  readonly isAll: boolean;
}

/**
 * Clips that overlap a time. The list is ordered by recording and not by time: its end is found by
 * halving, and read from there.
 *
 * @param cameras - Null for all of them.
 */
export async function clipsBetween(
  client: Pick<HubClient, "get">,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  cameras: readonly string[] | null,
): Promise<ClipsBetween> {
  const found: Api.ClipSummary[] = [];
  let before: number | null = await positionAfter(client, toMs + DISORDER_MS);
  for (;;) {
    const page = await listClips(client, PAGE_CLIPS, before);
    for (const clip of page.clips)
      if (
        clip.startedAtMs < toMs &&
        endOf(clip) > fromMs &&
        (cameras === null || cameras.includes(clip.camera))
      )
        found.push(clip);
    const oldest = page.clips.at(-1);
    const isPast = !oldest || oldest.startedAtMs < fromMs - CLIP_MAX_MS - DISORDER_MS;
    const isEnd = isPast || page.next === null || (before !== null && page.next >= before);
    if (isEnd || found.length > FOUND_MAX) break;
    before = page.next;
  }
  const clips = found
    .toSorted((left, right) => left.startedAtMs - right.startedAtMs)
    .slice(0, FOUND_MAX);
  return { clips, isAll: found.length <= FOUND_MAX };
}

/** One that is still being recorded has no end yet. */
function endOf(clip: Api.ClipSummary): number {
  return clip.state === "recording"
    ? Number.POSITIVE_INFINITY
    : clip.startedAtMs + Math.max(clip.durationMs, 1);
}

/** A position in the list behind which nothing newer than `timeMs` is left out; null = its top. */
async function positionAfter(
  client: Pick<HubClient, "get">,
  timeMs: number,
): Promise<number | null> {
  const first = await listClips(client, 1, null);
  if (first.next === null || (first.clips[0]?.startedAtMs ?? 0) <= timeMs) return null;
  // `next` is the position of the clip that was just read.
  let [low, high] = [0, first.next];
  while (high - low > PAGE_CLIPS) {
    const middle = low + Math.floor((high - low) / 2);
    const { clips } = await listClips(client, 1, middle);
    const isNewer = (clips[0]?.startedAtMs ?? Number.NEGATIVE_INFINITY) > timeMs;
    if (isNewer) high = middle;
    else low = middle;
  }
  return high;
}

async function listClips(
  client: Pick<HubClient, "get">,
  limit: number,
  before: number | null,
): Promise<Static<typeof Api.ClipList>> {
  const from = before === null ? "" : `&before=${before}`;
  return client.get(`/api/clips?limit=${limit}${from}`, Api.ClipList);
}
