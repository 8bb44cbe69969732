import { english, french } from "./camera-problem-words.ts";
import { inLanguage } from "./language.ts";

const known: Readonly<Record<string, string>> = inLanguage(english, french);

/** In this device's language; null for a code that this page does not know. */
export const cameraProblem = (code: string): string | null =>
  Object.hasOwn(known, code) ? (known[code] ?? null) : null;
