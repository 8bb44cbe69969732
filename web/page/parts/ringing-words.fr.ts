import type { english } from "./ringing-words.en.ts";

export const french: typeof english = {
  rings: (name) => `On sonne\u00A0: ${name}`,
  look: "Regarder",
  aside: "Écarter",
  ofCamera: (what, name) => `${what}\u00A0: ${name}`,
};
