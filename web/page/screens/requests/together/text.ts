import type { ShownProposal, ShownRequest } from "../../../device/calls/request-calls.ts";
import { inLanguage } from "../../../words/language.ts";
import { dateAndTime } from "../../../words/times.ts";
import { english } from "./words.en.ts";
import { french } from "./words.fr.ts";

export const together = inLanguage(english, french);

const HOUR_MS = 3_600_000;

/** Who has signed, and how many are missing. */
export function proposalText({ names, needed, hasSigned, isStale }: ShownProposal): string {
  if (isStale) return together.stale;
  const missing = needed - names.length;
  const list = names.map((name) => (name === "" ? together.unnamed : name)).join(together.and);
  return [
    hasSigned ? together.youSigned : together.signed(list),
    missing === 1 ? together.oneMore : together.more(missing),
    together.nothingSent,
  ].join(" ");
}

/** Where something stands that was approved and waits, or has ended; null for all else. */
export function endText({ state, leavesAtMs, wasReleased }: ShownRequest): string | null {
  if (state === "approved")
    return leavesAtMs === null ? together.stuck : together.waitsUntil(dateAndTime(leavesAtMs));
  if (state === "revoked") return wasReleased ? together.revoked : together.stopped;
  return state === "lapsed" ? together.lapsed : null;
}

export function fetchedText({ fetched }: ShownRequest): string {
  if (fetched === 0) return together.neverFetched;
  return together.cannotRecall(fetched === 1 ? together.once : together.times(fetched));
}

/** How long a veto is possible, in days where it is whole days. */
export function windowText(windowMs: number): string {
  const hours = Math.ceil(windowMs / HOUR_MS);
  return hours % 24 === 0 ? together.days(hours / 24) : together.hours(hours);
}
