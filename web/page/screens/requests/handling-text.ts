import { inLanguage } from "../../words/language.ts";
import { english } from "./handling-words.en.ts";
import { french } from "./handling-words.fr.ts";

export const handlingWords = inLanguage(english, french);
