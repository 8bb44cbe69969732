import type { LedgerEntry } from "../../../../src/protocol/ledger-entry.ts";
import { dateAndTime } from "../../words/times.ts";
import { inLanguage } from "../../words/language.ts";
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
      return sentences.request(inOwnWords(kinds, entry.requestKind), entry.urgency === "emergency");
    case "decision":
      return sentences.decision(entry.outcome);
    case "hold":
      return entry.untilMs > entry.atMs
        ? sentences.hold(dateAndTime(entry.untilMs))
        : sentences.unhold;
    case "release":
      return sentences.release(entry.files);
    case "access":
      return sentences.access;
    case "revocation":
      return sentences.revocation;
    case "deletion":
      return sentences.deletion(inOwnWords(words.reasons, entry.reason));
    case "view":
      return sentences.view(names.device(entry.device));
    case "live":
      return sentences.live(names.camera(entry.camera), names.device(entry.device));
    case "settings":
      return sentences.settings;
    case "software":
      return sentences.software(entry.version);
    case "clock":
      return sentences.clock(Math.round(entry.jumpMs / 1_000));
  }
}

function inOwnWords(known: Readonly<Record<string, string>>, word: string): string {
  return Object.hasOwn(known, word) ? (known[word] ?? word) : word;
}
