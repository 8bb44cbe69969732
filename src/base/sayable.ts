/** Makes any text fit to be said: one line, at most `maxLength` characters. */
export function sayable(words: string, maxLength = 500): string {
  return words.replaceAll(/\p{C}+/gu, " ").slice(0, maxLength);
}
