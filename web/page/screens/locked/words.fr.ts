import type { english } from "./words.en.ts";

export const french: typeof english = {
  locked: "Cet appareil est verrouillé",
  lockedBrowser:
    "La centrale ne laisse pas entrer cet appareil. Il a peut-être été retiré du foyer.",
  shownOut:
    "Cette session est terminée : on y a mis fin ici, ou un propriétaire l’a fait. Les clés sont encore sur cet appareil.",
  goOn: "Se reconnecter",
  forget: "Retirer les clés de cet appareil",
  forgetText:
    "Cet appareil ne pourra plus rien ouvrir. Un autre appareil du foyer peut le laisser entrer à nouveau.",
};
