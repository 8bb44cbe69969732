import type { Terms } from "./decision.ts";
import type { LedgerEntryOf } from "./ledger-entry.ts";
import { checkAsked, type Asked } from "./request.ts";

/** What a decision gives, as its ledger entry says it in numbers. */
export interface AmountsGranted {
  readonly secondsGranted: number;
  /** At least one picture leaves with faces as they were recorded. */
  readonly clearFaces: boolean;
  readonly audio: boolean;
}

/**
 * How much a request asks for: the range in whole seconds, rounded up, for each camera that it
 * names; once where it names none.
 *
 * @throws MalformedInput when its times are not real or not in order.
 */
export function secondsAsked(asked: Asked): number {
  const { fromMs, toMs } = checkAsked(asked);
  const { cameras } = asked.sought;
  const count = cameras === "unspecified" ? 1 : new Set(cameras).size;
  return wholeSeconds(toMs - fromMs) * count;
}

/** What signed terms give; nothing in a refusal, which lists no recordings. */
export function amountsGranted({ clips, redactions }: Terms): AmountsGranted {
  return {
    secondsGranted: wholeSeconds(clips.reduce((sum, clip) => sum + clip.toMs - clip.fromMs, 0)),
    clearFaces: redactions.faces === "clear" || redactions.faces === "mixed",
    audio: redactions.audio === "included",
  };
}

/** Whether the entry of a decision says what its terms give; one of version 1 says nothing of it. */
export function saysWhatIsGranted(entry: LedgerEntryOf<"decision">, terms: Terms): boolean {
  if (entry.v === 1) return true;
  const { secondsGranted, clearFaces, audio } = amountsGranted(terms);
  return (
    entry.secondsGranted === secondsGranted &&
    entry.clearFaces === clearFaces &&
    entry.audio === audio
  );
}

/** Where nobody decided: time ran out, or the request was withdrawn. */
export const NOTHING_GRANTED: AmountsGranted = {
  secondsGranted: 0,
  clearFaces: false,
  audio: false,
};

function wholeSeconds(durationMs: number): number {
  return Math.ceil(durationMs / 1_000);
}
