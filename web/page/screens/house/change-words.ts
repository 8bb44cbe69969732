import { inLanguage } from "../../words/language.ts";
import { english } from "./change-words.en.ts";
import { french } from "./change-words.fr.ts";

export const words = inLanguage(english, french);
