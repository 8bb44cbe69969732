import type { english } from "./why-words.en.ts";

export const french: typeof english = {
  title: "N’était-ce rien ?",
  text: "Des feuilles, la pluie, un chat du voisinage : dites-le, et la centrale vous indique quoi changer.",
  mark: "Ce n’était rien",
  marked:
    "Vous avez indiqué que ce n’était rien. L’enregistrement reste jusqu’à son effacement habituel.",
  unmark: "C’était quelque chose",
  early: "Encore un événement semblable, et il y aura quelque chose à proposer.",
  none: "Ces événements sont trop différents, ou trop grands, pour qu’un réglage les écarte sans perdre de visites.",
  heading: (marked) => `D’après les ${marked} derniers qui n’étaient rien`,
  smallest: (spares, marked, size) =>
    `${spares} sur ${marked} étaient petits. Ce qui couvre moins de ${size} peut ne pas être enregistré.`,
  zone: (spares, marked, zone) =>
    `${spares} sur ${marked} étaient dans la zone « ${zone} ». Elle pourrait être réduite ou supprimée.`,
  drawZones:
    "Les zones permettent de dire où le mouvement compte, pour qu’un arbre ou une rue ne compte pas.",
  loses: (loses, others) =>
    `Sur vos ${others} autres événements, environ ${loses} auraient été écartés.`,
  raise: (size) => `Écarter ce qui est sous ${size}`,
  toZones: "Voir les zones",
  done: (size) => `C’est réglé : il faudra désormais couvrir ${size} de sa zone.`,
  back: (size) => `Revenir à ${size}`,
  demo: "C’est la caméra de démonstration : elle n’a aucun réglage à changer.",
};
