/** A recovery sheet as somebody types it from the paper. */
export const english = {
  word: (number: number) => `Word ${number}`,
  unknown: "not a word of the list",
  hint: "The first four letters of a word are enough; space leads to the next. You can also paste all of them.",
  have: "What do you have?",
  whole: "The whole sheet, 24 words",
  parts: "Two of its three parts, 30 words each",
  first: "One part",
  second: "Another part",
  classic: "The sheet says “kind: x25519”",
  missing: (count: number) =>
    count === 1 ? "One word is missing." : `${count} words are missing.`,
};
export type SheetWords = typeof english;
