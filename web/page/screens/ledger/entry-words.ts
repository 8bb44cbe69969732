import type { LedgerEntry, LedgerEntryOf } from "../../../../src/protocol/ledger-entry.ts";
import { count, dateAndTime } from "../../words/times.ts";
import { inLanguage, locale } from "../../words/language.ts";
import { english as requestsEnglish } from "../requests/words.en.ts";
import { french as requestsFrench } from "../requests/words.fr.ts";
import { english } from "./words.en.ts";
import { french } from "./words.fr.ts";

const words = inLanguage(english, french);
const { kinds } = inLanguage(requestsEnglish, requestsFrench);
const { sentences } = words;

/** What people call the devices and cameras that entries name. */
export interface Names {
  readonly device: (id: string) => string;
  readonly camera: (id: string) => string;
}

/** One plain sentence an entry. */
export function sentenceOf(entry: LedgerEntry, names: Names): string {
  switch (entry.kind) {
    case "genesis":
      return sentences.genesis;
    case "keyring":
      return sentences.keyring(entry.change);
    case "clip":
      return sentences.clip(inOwnWords(words.events, entry.event), names.camera(entry.camera));
    case "rendition":
      return entry.v === 2
        ? sentences.renditionBy(names.device(entry.device))
        : sentences.rendition;
    case "rewrap":
      return sentences.rewrap(names.device(entry.device));
    case "torn":
      return sentences.torn;
    case "request":
      return (
        sentences.request(inOwnWords(kinds, entry.requestKind), entry.urgency === "emergency") +
        (entry.v === 2 ? sentences.asked(lengthOf(entry.secondsAsked)) : "")
      );
    case "decision":
      return sentences.decision(entry.outcome) + grantedOf(entry);
    case "hold":
      return holdOf(entry);
    case "assurance":
      return sentences.assurance(entry.level);
    case "share":
      return sentences.share;
    case "release":
      return sentences.release(entry.files);
    case "access":
      return sentences.access;
    case "revocation":
      return entry.v === 2 && entry.revocationSha256 === null
        ? sentences.lapse
        : sentences.revocation;
    case "deletion":
      return sentences.deletion(inOwnWords(words.reasons, entry.reason));
    case "view":
      return sentences.view(names.device(entry.device));
    case "live":
      return sentences.live(names.camera(entry.camera), names.device(entry.device));
    case "camera":
      return sentences.camera(
        names.camera(entry.camera),
        entry.state,
        ["schedule", "timer", "broker"].includes(entry.by) ? entry.by : names.device(entry.by),
      );
    case "settings":
      return sentences.settings;
    case "software":
      return sentences.software(entry.version);
    case "clock":
      return sentences.clock(Math.round(entry.jumpMs / 1_000));
    case "talk":
      return sentences.talk(names.device(entry.device), names.camera(entry.camera));
    case "heartbeat":
      return entry.first ? sentences.heartbeatFirst : sentences.heartbeat;
    case "statement":
      return sentences.statement(entry.month);
    case "restored":
      return sentences.restored(dateAndTime(entry.copiedToMs));
    case "acceptance":
      return sentences.acceptance(names.device(entry.device), count(entry.seenSize));
  }
}

function grantedOf(entry: LedgerEntryOf<"decision">): string {
  if (entry.v === 1 || entry.secondsGranted === 0) return "";
  const { secondsGranted, clearFaces, audio } = entry;
  return sentences.granted(lengthOf(secondsGranted), clearFaces, audio);
}

function holdOf(entry: LedgerEntryOf<"hold">): string {
  const isHeld = entry.untilMs > entry.atMs;
  if (entry.v === 1) return isHeld ? sentences.hold(dateAndTime(entry.untilMs)) : sentences.unhold;
  if (!isHeld) return sentences.unpreserved;
  return sentences.preserved(count(entry.clips), dateAndTime(entry.untilMs));
}

const UNITS = [
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** Of recordings, as people say it: "90 seconds", "10 minutes", "2.5 hours". */
export function lengthOf(seconds: number): string {
  const [unit, length] = UNITS.find(([, each]) => seconds >= 2 * each) ?? (["second", 1] as const);
  const format = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale, format).format(seconds / length);
}

function inOwnWords(known: Readonly<Record<string, string>>, word: string): string {
  return Object.hasOwn(known, word) ? (known[word] ?? word) : word;
}
