import type { IconName } from "../../parts/Icon.svelte";
import { language } from "../../words/language.ts";
import type { english } from "./words.en.ts";

/**
 * How an event is named, wherever it is shown. Of the words of a screen that everybody opens only
 * the language in use is fetched.
 */
export const words: typeof english =
  language === "fr"
    ? (await import("./words.fr.ts")).french
    : (await import("./words.en.ts")).english;

const ICONS: Readonly<Record<string, IconName>> = {
  bell: "bell",
  motion: "motion",
  person: "person",
  vehicle: "vehicle",
  animal: "animal",
  package: "package",
};

export function iconOf(kind: string): IconName {
  return ICONS[kind] ?? "motion";
}

export function kindText(kind: string): string {
  return words.kinds[kind] ?? kind;
}
