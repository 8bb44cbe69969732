import type { IconName } from "../../parts/Icon.svelte";
import { inLanguage } from "../../words/language.ts";
import { english } from "./words.en.ts";
import { french } from "./words.fr.ts";

/** How an event is named and drawn, wherever it is shown. */
export const words = inLanguage(english, french);

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
