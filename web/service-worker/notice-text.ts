import { english } from "./notice-words.en.ts";
import { french } from "./notice-words.fr.ts";

/** What of the hub's answer is shown. It is read with care: it may be another program's. */
export interface ShownNotice {
  readonly kind: string;
  readonly atMs: number;
  readonly cameraName: string | null;
  readonly zone: string | null;
  readonly class: string | null;
  readonly request: string | null;
  /** Of a trouble: what it is; with `_OVER` behind it where it is over. */
  readonly code: string | null;
  readonly digest: { readonly sinceMs: number; readonly count: number } | null;
}

export interface NoticeText {
  readonly title: string;
  readonly body: string;
  /** Never one that approves: what leaves the house is looked at before it is signed for. */
  readonly actions: readonly { readonly action: "refuse"; readonly title: string }[];
  /** Where a tap leads, behind the page's address; and where the button does. */
  readonly opens: string;
  readonly refuses: string | null;
}

const TEXT_MAX = 80;
const OVER_ENDING = "_OVER";
const HEX = /^[0-9a-f]{32}$/;

/** @returns null for what is no notice. */
export function readNotice(answer: unknown): ShownNotice | null {
  if (!isRecord(answer) || typeof answer["kind"] !== "string") return null;
  const { kind, atMs, cameraName, zone, request, code, digest } = answer;
  if (typeof atMs !== "number" || !Number.isSafeInteger(atMs) || Math.abs(atMs) > 8.64e15)
    return null;
  return {
    ...{ kind, atMs, cameraName: text(cameraName), zone: text(zone), class: text(answer["class"]) },
    request: typeof request === "string" && HEX.test(request) ? request : null,
    code: text(code),
    digest: digestOf(digest),
  };
}

function digestOf(digest: unknown): ShownNotice["digest"] {
  if (!isRecord(digest) || !Array.isArray(digest["places"])) return null;
  const { sinceMs } = digest;
  if (typeof sinceMs !== "number" || Math.abs(sinceMs) > 8.64e15) return null;
  const counts = (digest["places"] as unknown[]).map((place) =>
    isRecord(place) && typeof place["count"] === "number" ? place["count"] : 0,
  );
  return { sinceMs, count: counts.reduce((sum, each) => sum + each, 0) };
}

/** @param notice Null where the hub cannot be asked, or says nothing. */
export function noticeText(
  id: string | null,
  notice: ShownNotice | null,
  language: string,
): NoticeText {
  const words = language.startsWith("fr") ? french : english;
  const opens = id === null ? "/" : `/#/notice/${id}`;
  const plain = { actions: [], opens, refuses: null };
  if (notice === null) return { ...words.neutral, ...plain };
  const time = (atMs: number): string =>
    new Intl.DateTimeFormat(words.locale, { hour: "2-digit", minute: "2-digit" }).format(atMs);
  const body = words.time(time(notice.atMs));
  const { cameraName, zone } = notice;
  switch (notice.kind) {
    case "bell":
      return {
        title: cameraName === null ? words.bellUnknown : words.bell(cameraName),
        body,
        ...plain,
      };
    case "motion": {
      const seen: Readonly<Record<string, string>> = words.seen;
      const kind = notice.class ?? "";
      const what = (Object.hasOwn(seen, kind) ? seen[kind] : undefined) ?? words.seen.motion;
      const place = [cameraName, zone].filter((each) => each !== null).join(", ");
      return { title: place === "" ? what : words.at(what, place), body, ...plain };
    }
    case "digest": {
      const { count, sinceMs } = notice.digest ?? { count: 0, sinceMs: notice.atMs };
      const title = `${words.digest(count)} ${words.since(time(sinceMs))}`;
      return { title, body: words.open, ...plain };
    }
    case "request":
      return {
        ...{ title: words.request, body: words.requestBody, opens },
        actions: notice.request === null ? [] : [{ action: "refuse", title: words.refuse }],
        refuses: notice.request === null ? null : `/#/request/${notice.request}?refuse`,
      };
    case "house":
      return { title: words.house, body: words.open, ...plain };
    case "trouble":
      return { ...troubleText(notice, words), ...plain };
    case "test":
      return { title: words.test, body: words.testBody, ...plain };
    default:
      return { ...words.neutral, ...plain };
  }
}

function troubleText(
  { code, cameraName }: ShownNotice,
  words: typeof english,
): Pick<NoticeText, "title" | "body"> {
  const isOver = code?.endsWith(OVER_ENDING) === true;
  const name = isOver ? code.slice(0, -OVER_ENDING.length) : (code ?? "");
  const troubles: Readonly<Record<string, string>> = words.troubles;
  const known = (Object.hasOwn(troubles, name) ? troubles[name] : undefined) ?? null;
  const found = known !== null && cameraName !== null ? words.at(known, cameraName) : known;
  if (!isOver) return { title: found ?? words.trouble, body: words.open };
  return { title: found === null ? words.troubleOver : words.over(found), body: words.overBody };
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value.slice(0, TEXT_MAX) : null;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
