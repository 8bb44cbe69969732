import type { Alarm, Pause } from "../owner/alarms.ts";
import { localTime } from "./times.ts";

/** An alarm as people read it, with what to do. */
export function alarmText(alarm: Alarm): string {
  switch (alarm.kind) {
    case "missing_clip":
      return alarm.found === null
        ? `Recording ${alarm.clip} is in the ledger and was not deleted, and the hub does not list it.`
        : `Recording ${alarm.clip} is in the ledger with ${alarm.files} files and was not deleted; the hub has ${alarm.found} of them.`;
    case "silence":
      return `Nothing was entered from ${localTime(alarm.fromMs)} to ${localTime(alarm.toMs)}, and the hub does not say that it was off (entry ${alarm.index}).`;
    case "backwards":
      return `Times run back from ${localTime(alarm.fromMs)} to ${localTime(alarm.toMs)}, and no entry says that the clock was set (entry ${alarm.index}).`;
    case "recovery_early":
      return `A recovery took effect at ${localTime(alarm.toMs)}, before the 72 hours in which an owner may object were over (entry ${alarm.index}).`;
    case "restored":
      return `The hub was set up anew from a copy at ${localTime(alarm.toMs)} (entry ${alarm.index}). What was entered and recorded after ${localTime(alarm.fromMs)}, and before that, is gone, if there was anything. If nobody of the household did this, ask who did.`;
    case "withheld":
      return `The newest entry is of ${localTime(alarm.newestMs)}: the hub answers, and either enters nothing or withholds it. Compare its clock with yours.`;
    case "clock_ahead":
      return `The newest entry is of ${localTime(alarm.newestMs)}, ahead of this device's clock.`;
    case "recovery_pending":
      return `Somebody uses the recovery sheet since ${localTime(alarm.atMs)}. If it is not you, object within 72 hours.`;
  }
}

export function pauseText({ kind, fromMs, toMs }: Pause): string {
  return kind === "off"
    ? `The hub says that it was off from ${localTime(fromMs)} to ${localTime(toMs)}.`
    : `The hub says that its clock was set, from ${localTime(fromMs)} to ${localTime(toMs)}.`;
}
