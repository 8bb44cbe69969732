import type { english } from "./notice-words.en.ts";

export const french: typeof english = {
  locale: "fr",
  neutral: { title: "Doorward", body: "Il y a du nouveau chez vous. Ouvrez pour voir." },
  bell: (camera) => `On sonne : ${camera}`,
  bellUnknown: "On sonne",
  seen: {
    motion: "Du mouvement",
    person: "Une personne",
    vehicle: "Un véhicule",
    animal: "Un animal",
    package: "Un colis",
    bell: "On sonne",
  },
  at: (what, camera) => `${what} : ${camera}`,
  since: (time) => `depuis ${time}`,
  time: (time) => `À ${time}.`,
  digest: (count) => (count === 1 ? "Un mouvement" : `${count} mouvements`),
  request: "Une demande vous attend",
  requestBody: "Rien ne quitte la maison tant que vous n’avez pas signé.",
  refuse: "Refuser",
  house: "Votre foyer demande un coup d’œil",
  trouble: "La centrale demande un coup d’œil",
  open: "Ouvrez pour voir.",
  test: "Ceci est l’essai",
  testBody: "Les notifications parviennent à cet appareil.",
};
