import { language } from "../../words/language.ts";
import type { english } from "./words.en.ts";

/** Of the words of a screen that everybody opens only the language in use is fetched. */
export const words: typeof english =
  language === "fr"
    ? (await import("./words.fr.ts")).french
    : (await import("./words.en.ts")).english;
