import type { ShownRequest } from "../../device/calls/request-calls.ts";
import { VaultError } from "../../device/vault-messages.ts";
import { inLanguage } from "../../words/language.ts";
import { dateAndTime } from "../../words/times.ts";
import { words as frameWords } from "../../words/words.ts";
import { endText, proposalText, together } from "./together/text.ts";
import { english } from "./words.en.ts";
import { french } from "./words.fr.ts";

export const words = inLanguage(english, french);

/** Where a request stands, in a sentence. */
export function stateText(request: ShownRequest): string {
  const { state, outcome, fetched } = request;
  const ended = endText(request);
  if (ended !== null) return ended;
  const text = words.state;
  const approved = outcome === "approved_in_part" ? text.approvedInPart : text.approved;
  switch (state) {
    case "received":
    case "held":
      return request.proposal ? proposalText(request.proposal) : text.waiting;
    case "packaged":
      return text.notFetched(approved);
    case "accessed":
      return text.fetched(approved, fetched);
    case "approved":
      return text.unready;
    case "refused":
    case "expired":
    case "withdrawn":
      return text[state];
    default:
      return text.ended;
  }
}

export function isWaiting({ state }: ShownRequest): boolean {
  return state === "received" || state === "held";
}

export function isReleased({ state }: ShownRequest): boolean {
  return state === "packaged" || state === "accessed";
}

/** What is wanted, in plain words. */
export function wantedText({ record }: ShownRequest): string {
  const { tracks, clearFaces } = record.asked.sought;
  const [hasVideo, hasAudio] = [tracks.includes("video"), tracks.includes("audio")];
  const { one } = words;
  const what = !hasVideo ? one.audio : hasAudio ? one.videoAndAudio : one.video;
  return hasVideo ? `${what}, ${clearFaces ? one.clearFaces : one.blurredWillDo}` : what;
}

export function camerasText({ record }: ShownRequest, names: ReadonlyMap<string, string>): string {
  const { cameras } = record.asked.sought;
  if (cameras === "unspecified") return words.one.anyCamera;
  return cameras.map((id) => plain(names.get(id) ?? id)).join(", ");
}

export function timeText({ soughtFromMs, soughtToMs }: ShownRequest): string {
  return words.one.fromTo(dateAndTime(soughtFromMs), dateAndTime(soughtToMs));
}

/** "A. Requester, Somewhere PD"; null where this device cannot open it. */
export function whoText({ personal }: ShownRequest): string | null {
  if (!personal) return null;
  const { name, agency, unit } = personal.requester;
  return [name, unit, agency].flatMap((part) => (part ? plain(part) : [])).join(", ");
}

/** What others wrote, on one line: no character in it moves, hides or turns around what is near. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
}

/** The same, with its lines. */
export function plainLines(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map(plain)
    .join("\n");
}

/** What went wrong, in the words of this screen or of the whole page. */
export function problemText(error: unknown): string {
  if (!(error instanceof VaultError)) return frameWords.errors.FAILED;
  const known: Readonly<Record<string, string>> = {
    ...frameWords.errors,
    ...words.errors,
    ...together.errors,
  };
  return known[error.code] ?? error.message;
}
