import type { CameraId } from "../protocol/ids.ts";
import { heldOf, type CopyState, type HeldSegment } from "./clip-copy.ts";

/** Clips that the worker has begun with at once: far below what it takes for a misdeed. */
export const BEGUN_MAX = 64;

/** What of a camera waits, from all its clips. */
export function bytesOf(copies: readonly CopyState[], camera: CameraId): number {
  return copies
    .filter((copy) => copy.camera === camera)
    .flatMap(heldOf)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Pure: who gives way where there is no room, or null where it is the one who asks. */
export function whoGivesWay(
  copies: readonly CopyState[],
  asking: CameraId,
): { readonly copy: CopyState; readonly held: HeldSegment } | null {
  const cameras = [...new Set(copies.map(({ camera }) => camera))];
  const own = bytesOf(copies, asking);
  let most = own;
  let found: { copy: CopyState; held: HeldSegment } | null = null;
  for (const camera of cameras) {
    const bytes = bytesOf(copies, camera);
    if (camera === asking || bytes <= most) continue;
    const newest = newestOf(copies.filter((copy) => copy.camera === camera));
    if (newest === null) continue;
    most = bytes;
    found = newest;
  }
  return found;
}

/** The newest that the worker does not have: what is oldest is worked on first, and stays. */
function newestOf(copies: readonly CopyState[]): { copy: CopyState; held: HeldSegment } | null {
  for (const copy of copies.toReversed()) {
    const held = copy.open?.isLost === false ? copy.open : copy.waiting.at(-1);
    if (held) return { copy, held };
  }
  return null;
}

/**
 * Pure: whose turn it is. The cameras take turns, each with its oldest work; a copy has at most
 * `perCopy` segments with the worker, since the answer to one may wait for the next. After the worker
 * ended, each segment that it had is tried again alone, so that what ends it takes nothing else with it.
 *
 * @param servedAt - When each camera last had its turn, as a count.
 * @param hasRoom - Whether so many more bytes may go to the worker.
 */
export function nextSegment(
  copies: readonly CopyState[],
  servedAt: ReadonlyMap<CameraId, number>,
  hasRoom: (bytes: number) => boolean,
  perCopy: number,
): CopyState | null {
  const tried = copies.find((copy) =>
    [...copy.flying.values(), ...copy.waiting].some(({ tries }) => tries > 0),
  );
  if (tried) return copies.every(({ flying }) => flying.size === 0) ? tried : null;
  const begun = copies.filter(isBegun).length;
  const ready = copies.filter((copy) => {
    const [first] = copy.waiting;
    if (first === undefined || copy.flying.size >= perCopy) return false;
    if (!isBegun(copy) && begun >= BEGUN_MAX) return false;
    // One that is with the worker may be waiting for just this one.
    return copy.flying.size > 0 || hasRoom(first.bytes);
  });
  let next: CopyState | null = null;
  for (const copy of ready) {
    const turn = servedAt.get(copy.camera) ?? 0;
    if (next === null || turn < (servedAt.get(next.camera) ?? 0)) next = copy;
  }
  return next;
}

function isBegun({ job, hasEnded }: CopyState): boolean {
  return job !== null && !hasEnded;
}
