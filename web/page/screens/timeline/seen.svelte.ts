import { SvelteSet } from "svelte/reactivity";

/**
 * Which events were opened on this device; nobody else learns of it from here. Those from before
 * this device first looked at the time line count as seen.
 */
const STORED = "doorward-seen";
const SEEN_MAX = 10_000;
/** Enough of a clip's id to tell ten thousand of them apart. */
const ID_LENGTH = 12;

const seen = new SvelteSet<string>();
const sinceMs = restore();

export function isSeen(clip: { readonly id: string; readonly startedAtMs: number }): boolean {
  return clip.startedAtMs < sinceMs || seen.has(clip.id.slice(0, ID_LENGTH));
}

export function markSeen(clip: string): void {
  const id = clip.slice(0, ID_LENGTH);
  if (seen.has(id)) return;
  seen.add(id);
  for (const oldest of seen) {
    if (seen.size <= SEEN_MAX) break;
    seen.delete(oldest);
  }
  store(sinceMs);
}

/** @returns since when events can be unseen, UTC. */
function restore(): number {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? "null");
    if (stored !== null && typeof stored === "object" && "sinceMs" in stored && "ids" in stored) {
      const { sinceMs: since, ids } = stored;
      if (typeof since === "number" && Array.isArray(ids)) {
        for (const id of ids.slice(-SEEN_MAX)) if (typeof id === "string") seen.add(id);
        return since;
      }
    }
  } catch {
    // Written by something else: begun anew below.
  }
  const nowMs = Date.now();
  store(nowMs);
  return nowMs;
}

function store(since: number): void {
  try {
    localStorage.setItem(STORED, JSON.stringify({ sinceMs: since, ids: [...seen] }));
  } catch {
    // A browser that keeps nothing: marks last as long as this page.
  }
}
