import type { english } from "./face-words.en.ts";

export const french: typeof english = {
  faces: "Les visages dans ce qui est enregistré",
  choices: {
    keep: "Les enregistrer tels quels",
    "blur-copy": "Enregistrer aussi une copie où ils sont couverts",
    "blur-only": "N’enregistrer que l’image couverte",
  },
  means: {
    keep: "Pas de copie. Qui a le rôle de spectateur ne voit rien des enregistrements de cette caméra.",
    "blur-copy":
      "L’enregistrement net reste scellé pour les propriétaires et les adultes. Les spectateurs voient la copie, et c’est elle qui sort de la maison, sauf si vous signez pour des visages nets. Coûte du processeur à la centrale, environ moitié plus de place, et quelques minutes de retard sur une petite carte.",
    "blur-only":
      "Aucune image nette n’est jamais gardée, pour personne, et un visage oublié ne se rattrape plus. Quand la centrale ne suit pas, ces images sont perdues, et le vide est montré.",
  },
  cover: "Ce qui est couvert",
  covers: { faces: "Les visages", persons: "Les personnes entières" },
  coverMeans: {
    faces: "Les vêtements et la démarche restent visibles.",
    persons: "Plus strict : chaque personne trouvée est couverte de la tête aux pieds.",
  },
  plates: "Couvrir aussi les plaques d’immatriculation",
  platesMeans:
    "La partie basse de chaque véhicule trouvé. Aucune plaque n’est jamais cherchée ni lue.",
  mode: "Le soin de la recherche",
  modes: { standard: "Normal", thorough: "Approfondi" },
  modeMeans: {
    standard: "Chaque image est examinée, par un détecteur et un second qui connaît les personnes.",
    thorough:
      "Avec plus de détecteurs et à plus de tailles : oublie moins de visages, et prend plusieurs fois plus de temps.",
  },
  limits:
    "Couvrir les visages n’est pas l’anonymat : certains échappent, et qui connaît quelqu’un connaît son manteau. Ce qui n’a pas pu être examiné est pixelisé en entier ou laissé de côté, jamais laissé net.",
};
