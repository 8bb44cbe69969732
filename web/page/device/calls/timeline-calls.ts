import { ClipList, DeletionAnswer, type ClipSummary } from "../../../../src/protocol/api.ts";
import { ClipViews, HOUR_MS, TimelineAnswer } from "../../../../src/protocol/api-timeline.ts";
import { checkShape } from "../../../../src/protocol/check.ts";
import { parseCameraId, parseClipId } from "../../../../src/protocol/ids.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What is shown of all recordings; undefined is "whichever". */
export interface ClipFilter {
  readonly camera?: string | undefined;
  readonly kind?: string | undefined;
}

export interface TimelineCounts {
  /** Newest first: UTC of the hour's beginning, and how many clips of the filter began in it. */
  readonly hours: readonly { readonly startMs: number; readonly count: number }[];
  /** What can be chosen, whatever the filter is; in the order of the alphabet. */
  readonly cameras: readonly string[];
  readonly kinds: readonly string[];
}

const PAGES_MAX = 100;

/** When something was recorded: counts for the whole time line, and single events where one looks. */
export const timelineCalls = {
  timeline: async (
    { device, signal }: VaultContext,
    filter: ClipFilter,
  ): Promise<TimelineCounts> => {
    const hours = new Map<number, number>();
    const [cameras, kinds] = [new Set<string>(), new Set<string>()];
    let before: number | null = null;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      signal.throwIfAborted();
      const query = before === null ? "" : `?before=${before}`;
      const answer: TimelineAnswer = await device.client.get(
        `/api/timeline${query}`,
        TimelineAnswer,
      );
      for (const [hour, cameraAt, kindAt, count] of answer.hours) {
        const [camera, kind] = [answer.cameras[cameraAt], answer.kinds[kindAt]];
        if (camera === undefined || kind === undefined || (before !== null && hour >= before))
          throw new HubError("HUB_FAILED", "Cannot show events: the hub's counts do not fit");
        cameras.add(camera);
        kinds.add(kind);
        if (matches(filter, camera, kind)) hours.set(hour, (hours.get(hour) ?? 0) + count);
      }
      before = answer.next;
      if (before === null) break;
    }
    return {
      hours: [...hours]
        .map(([hour, count]) => ({ startMs: hour * HOUR_MS, count }))
        .toSorted((left, right) => right.startMs - left.startMs),
      cameras: [...cameras].toSorted(),
      kinds: [...kinds].toSorted(),
    };
  },

  /** Events that began from `fromMs` to before `toMs`, newest first. */
  clips: async (
    { device }: VaultContext,
    wanted: ClipFilter & { fromMs: number; toMs: number; offset: number; limit: number },
  ): Promise<ClipSummary[]> => {
    const { fromMs, toMs, offset, limit } = wanted;
    const range = { fromMs, toMs, offset, limit };
    return (await device.client.get(`/api/clips?${queryOf(range, wanted)}`, ClipList)).clips;
  },

  /** The events before and after one, of those that the filter shows. */
  neighbours: async (
    { device }: VaultContext,
    { id, startedAtMs, ...filter }: ClipFilter & { id: string; startedAtMs: number },
  ): Promise<{ newer: ClipSummary | null; older: ClipSummary | null }> => {
    // Several may have begun in the same millisecond: a few more than one on either side.
    const limit = 20;
    const beside = async (order: "oldest" | "newest"): Promise<ClipSummary | null> => {
      const range = order === "oldest" ? { fromMs: startedAtMs } : { toMs: startedAtMs + 1 };
      const query = queryOf({ ...range, limit }, filter);
      const { clips } = await device.client.get(`/api/clips?${query}&order=${order}`, ClipList);
      const at = clips.findIndex((clip) => clip.id === id);
      return clips[at + 1] ?? null;
    };
    const [newer, older] = await Promise.all([beside("oldest"), beside("newest")]);
    return { newer, older };
  },

  /** Who has looked at a clip, newest first. */
  views: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.get(`/api/clips/${parseClipId(id)}/views`, ClipViews),

  /** @param untilMs - Null lets go of it. */
  holdClip: async (
    { device }: VaultContext,
    { id, untilMs }: { id: string; untilMs: number | null },
  ) => device.client.send(`/api/clips/${parseClipId(id)}/hold`, { untilMs }),

  /** @returns how long it can be taken back. */
  deleteClip: async ({ device }: VaultContext, { id }: { id: string }) => {
    const response = await device.client.fetch("DELETE", `/api/clips/${parseClipId(id)}`);
    return checkShape(DeletionAnswer, await response.json(), "answer to a deletion");
  },

  restoreClip: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.send(`/api/clips/${parseClipId(id)}/restore`, {}),
};

function matches(filter: ClipFilter, camera: string, kind: string): boolean {
  return (
    (filter.camera === undefined || filter.camera === camera) &&
    (filter.kind === undefined || filter.kind === kind)
  );
}

function queryOf(range: Record<string, number>, { camera, kind }: ClipFilter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(range)) query.set(name, String(value));
  if (camera !== undefined) query.set("camera", parseCameraId(camera));
  if (kind !== undefined) query.set("kind", kind);
  return query.toString();
}
