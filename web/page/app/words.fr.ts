import type { english } from "./words.en.ts";

export const french: typeof english = {
  newer: "Une version plus récente de cette page est là.",
  take: "La charger",
  install:
    "Doorward peut s’installer sur cet appareil comme une application : elle s’ouvre aussitôt, même hors ligne.",
  installNow: "Installer",
  notNow: "Pas maintenant",
  ios: "Pour l’ajouter à l’écran d’accueil : touchez Partager, puis « Sur l’écran d’accueil ».",
  title: "Comme application",
  installed: "Ceci est l’application installée.",
  noOffer:
    "Si votre navigateur sait installer des pages comme applications, son menu le propose : « Installer » ou « Ajouter à l’écran d’accueil ».",
};
