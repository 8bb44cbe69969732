import { english } from "./words.en.ts";
import { french } from "./words.fr.ts";

export const LANGUAGES = { en: "English", fr: "Français" } as const;
export type Language = keyof typeof LANGUAGES;

const first = navigator.languages.find((each) => /^(?:en|fr)\b/i.test(each));
/** Changing it must not load the page again: what was opened would be gone, a link's key too. */
const chosen = $state({ language: (first?.slice(0, 2).toLowerCase() ?? "en") as Language });

export function language(): Language {
  return chosen.language;
}
export function choose(language: Language): void {
  chosen.language = language;
}
export function words(): typeof english {
  return chosen.language === "fr" ? french : english;
}

function locale(): string {
  return navigator.languages.find((each) => each.startsWith(chosen.language)) ?? chosen.language;
}
export function dateAndTime(timeMs: number): string {
  const style = { dateStyle: "medium", timeStyle: "medium" } as const;
  return new Intl.DateTimeFormat(locale(), style).format(timeMs);
}
export function day(timeMs: number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(timeMs);
}
export function clockTime(timeMs: number): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: "medium" }).format(timeMs);
}
