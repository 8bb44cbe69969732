import { RETENTION_DEFAULT } from "../clips/retention-plan.ts";
import type { NoticeFacts } from "../protocol/door-notice.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * What the notice at the door says. Neither the hub's name nor a camera's is in it: those were
 * written for the household.
 *
 * @param switchedOff - Cameras that are off at this moment.
 * @param outsideUrl - Where everybody can reach the outside listener; null where there is none.
 */
export function noticeFacts(
  settings: Settings,
  outsideUrl: string | null,
  switchedOff: number,
): NoticeFacts {
  const { motionMs, bellMs } = settings.retention ?? RETENTION_DEFAULT;
  return {
    cameras: settings.cameras.length,
    switchedOff,
    withSound: settings.cameras.filter(({ audio }) => audio).length,
    motionMs,
    bellMs,
    contact: settings.noticeContact ?? null,
    url: outsideUrl === null ? null : `${outsideUrl}/notice`,
  };
}
