import { language } from "./language.ts";
import type { FrameWords } from "./words.en.ts";

/** The frame's words. Of these many only the language in use is fetched. */
export const words: FrameWords =
  language === "fr"
    ? (await import("./words.fr.ts")).french
    : (await import("./words.en.ts")).english;
