import { remember, remembered } from "../remembered.ts";

/** The languages that every screen is written in. */
export const LANGUAGES = ["en", "fr"] as const;
export type Language = (typeof LANGUAGES)[number];

const STORED = "doorward-language";

/** As chosen on this device, else as the browser is set. Changing it loads the page again. */
export const language: Language = chosenLanguage();

function chosenLanguage(): Language {
  const wanted = [remembered("localStorage", STORED), ...navigator.languages];
  for (const each of wanted) {
    const found = LANGUAGES.find((known) => each?.toLowerCase().split("-")[0] === known);
    if (found) return found;
  }
  return "en";
}

export function chooseLanguage(chosen: Language): void {
  remember("localStorage", STORED, chosen);
  location.reload();
}

/** A screen's words in the language of this device. */
export function inLanguage<Words>(english: Words, french: Words): Words {
  return language === "fr" ? french : english;
}

/** For dates and numbers: the browser's own region where it speaks the chosen language. */
export const locale: string =
  navigator.languages.find((each) => each.toLowerCase().startsWith(language)) ?? language;
