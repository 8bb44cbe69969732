import { inLanguage } from "../../../words/language.ts";
import { english } from "./words.en.ts";
import { french } from "./words.fr.ts";

export const handlingWords = inLanguage(english, french);
