import type { english } from "./motion-words.en.ts";

export const french: typeof english = {
  title: "Ce qui compte comme mouvement",
  text: "Pour chaque caméra : ce qui déclenche un enregistrement. La sonnette est toujours enregistrée.",
  sensitivity: "Combien cela doit se distinguer",
  low: "Beaucoup",
  normal: "Comme d’habitude",
  high: "Un peu",
  sensitivityText:
    "« Beaucoup » laisse passer la pluie, les insectes et le crépuscule, mais peut manquer une personne en vêtements sombres la nuit.",
  smallest: "Taille minimale, en pour cent de sa zone",
  smallestText:
    "Ce qui couvre moins ne déclenche rien. Une personne à la porte couvre 5 ou plus, au portail du jardin 0,5 à 1. À 0, tout ce qui se distingue du bruit compte.",
  objects: "Distinguer personnes, véhicules et animaux",
  objectsText:
    "Quelques images de chaque événement sont examinées par la centrale. Seul le mot est gardé ; sans cela, chaque événement est un « mouvement ».",
  save: "Enregistrer",
  saved: "Enregistré. Valable dès la prochaine image.",
  wrong: "Un nombre de 0 à 50.",
};
