import type { HubDatabase } from "../base/database.ts";
import { DIGEST_PLACES_MAX, type NotificationRules } from "../protocol/api-notices.ts";
import { parseCameraId, type CameraId } from "../protocol/ids.ts";

/** How many recordings there are of one camera and zone. */
export interface DigestCount {
  readonly camera: CameraId;
  readonly zone: string | null;
  readonly count: number;
}

interface CountRow {
  readonly camera: string;
  readonly zone: string | null;
  readonly count: number;
}

/** Counted whenever it is asked for: what was deleted meanwhile is in no digest. */
export function countMotion(
  database: HubDatabase,
  span: { readonly fromMs: number; readonly toMs: number },
  { classes, cameras }: Pick<NotificationRules, "classes" | "cameras">,
): DigestCount[] {
  const wanted = {
    ...span,
    classes: JSON.stringify(classes),
    cameras: JSON.stringify(cameras),
    anyClass: classes.length === 0 ? 1 : 0,
    anyCamera: cameras.length === 0 ? 1 : 0,
  };
  return database
    .prepare<[typeof wanted], CountRow>(
      `SELECT camera, why ->> '$.zone' AS zone, count(*) AS count
       FROM clips INDEXED BY clips_by_time
       WHERE started_at_ms >= @fromMs AND started_at_ms < @toMs AND kind <> 'bell'
       AND (@anyClass OR kind IN (SELECT value FROM json_each(@classes)))
       AND (@anyCamera OR camera IN (SELECT value FROM json_each(@cameras)))
       GROUP BY camera, zone ORDER BY count DESC, camera, zone LIMIT ${DIGEST_PLACES_MAX}`,
    )
    .all(wanted)
    .map(({ camera, zone, count }) => ({
      camera: parseCameraId(camera),
      zone: zone || null,
      count,
    }));
}

/**
 * Whether one of the times of a day has come since the last digest.
 *
 * @param next - The next instant after one at which a clock on the wall shows a time of day.
 */
export function isDigestDue(
  times: readonly string[],
  span: { readonly sinceMs: number; readonly nowMs: number },
  next: (time: string, afterMs: number) => number,
): boolean {
  return times.some((time) => next(time, span.sinceMs) <= span.nowMs);
}
