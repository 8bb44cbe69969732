import type { SheetWords } from "./sheet-words.en.ts";

export const french: SheetWords = {
  word: (number) => `Mot ${number}`,
  unknown: "pas dans la liste",
  hint: "Les quatre premières lettres d’un mot suffisent ; l’espace mène au suivant. Vous pouvez aussi tout coller.",
  have: "Qu’avez-vous ?",
  whole: "La feuille entière, 24 mots",
  parts: "Deux de ses trois parts, 30 mots chacune",
  first: "Une part",
  second: "Une autre part",
  classic: "La feuille indique « kind: x25519 »",
  missing: (count) => (count === 1 ? "Il manque un mot." : `Il manque ${count} mots.`),
};
