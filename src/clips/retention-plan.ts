import type { ClipId } from "../protocol/ids.ts";

/** How long recordings stay. */
export interface RetentionRules {
  readonly motionMs: number;
  readonly bellMs: number;
  /** Most bytes that sealed files may take together; null = as much as the disk has. */
  readonly spaceBytes: number | null;
}

/** Where the settings say nothing. */
export const RETENTION_DEFAULT: RetentionRules = {
  motionMs: 30 * 24 * 3_600_000,
  bellMs: 90 * 24 * 3_600_000,
  spaceBytes: null,
};

/** `bell` goes last; everything that a person did not ring for is `motion`. */
export type RetentionClass = "motion" | "bell";
export const RETENTION_CLASSES: readonly RetentionClass[] = ["motion", "bell"];

/** A clip as the plan sees it. */
export interface RetentionClip {
  readonly clip: ClipId;
  /** Order in which the hub learnt of them: older ones are lower, whatever any clock said. */
  readonly sequence: number;
  readonly class: RetentionClass;
  /** How long it has been kept, by the hub's own count. */
  readonly ageMs: number;
  readonly sizeBytes: number;
  /** Why it must stay; null where nothing says so. */
  readonly keep: "recording" | "held" | "released" | null;
  /** An owner has deleted it, and until this much later it can be undone; null otherwise. */
  readonly goesInMs: number | null;
}

export type DeletionReason = "owner" | "age" | "space" | "disk-full";

export interface PlannedDeletion {
  readonly clip: ClipId;
  readonly sizeBytes: number;
  readonly reason: DeletionReason;
}

export interface RetentionState {
  readonly clips: readonly RetentionClip[];
  readonly rules: RetentionRules;
  /** Of all sealed files, also of clips that are not in `clips`. */
  readonly usedBytes: number;
  /** That the disk needs free and does not have; 0 where there is room. */
  readonly missingBytes: number;
}

/**
 * Which clips go, and why: what an owner deleted, what is too old for its class, and then, oldest
 * first and bells after everything else, what there is no room for. Pure. What is held, is being
 * recorded, or was released to somebody who may still fetch it never goes, whatever the disk says.
 */
export function planDeletions(state: RetentionState): readonly PlannedDeletion[] {
  const { rules } = state;
  const free = state.clips.filter(({ keep }) => keep === null).toSorted(byAge);
  const planned: PlannedDeletion[] = [];
  let freedBytes = 0;
  const take = ({ clip, sizeBytes }: RetentionClip, reason: DeletionReason): void => {
    planned.push({ clip, sizeBytes, reason });
    freedBytes += sizeBytes;
  };
  const left: RetentionClip[] = [];
  for (const clip of free) {
    const limitMs = clip.class === "bell" ? rules.bellMs : rules.motionMs;
    if (clip.goesInMs !== null && clip.goesInMs <= 0) take(clip, "owner");
    else if (clip.ageMs >= limitMs) take(clip, "age");
    else left.push(clip);
  }
  for (const clip of left.toSorted(byWorth)) {
    if (rules.spaceBytes !== null && state.usedBytes - freedBytes > rules.spaceBytes)
      take(clip, "space");
    else if (state.missingBytes > freedBytes) take(clip, "disk-full");
    else break;
  }
  return planned;
}

const FIRST_LOOK = 200;

/**
 * A plan from no more of the oldest clips than it needs: most often nothing goes, and a plan over
 * thousands at each turn would hold up everything else.
 *
 * @param limit - Of each class that are looked at, at most.
 * @param look - Plans with so many of the oldest of each class; what an owner deleted may come as well.
 */
export function planFromOldest(
  limit: number,
  look: (count: number) => {
    readonly clips: readonly RetentionClip[];
    readonly planned: readonly PlannedDeletion[];
  },
): readonly PlannedDeletion[] {
  for (let count = Math.min(FIRST_LOOK, limit); ; count = Math.min(count * 4, limit)) {
    const { clips, planned } = look(count);
    if (count >= limit) return planned;
    const going = new Set(planned.map(({ clip }) => clip));
    // The first of a class that stays, or the end of it: no older one is left to be looked at.
    const stays = ({ clip, keep, goesInMs }: RetentionClip): boolean =>
      keep === null && goesInMs === null && !going.has(clip);
    const isEnough = RETENTION_CLASSES.every((name) => {
      const ofClass = clips.filter((clip) => clip.class === name);
      return ofClass.length < count || ofClass.some(stays);
    });
    if (isEnough) return planned;
  }
}

function byAge(left: RetentionClip, right: RetentionClip): number {
  return left.sequence - right.sequence;
}

/** What is missed least comes first. */
function byWorth(left: RetentionClip, right: RetentionClip): number {
  return worth(left) - worth(right) || byAge(left, right);
}

function worth({ class: kind }: RetentionClip): number {
  return kind === "bell" ? 1 : 0;
}
