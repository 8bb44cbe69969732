import type { english } from "./privacy-words.en.ts";

export const french: typeof english = {
  on: "La caméra est allumée.",
  onAgainst: (until) => `La caméra est allumée malgré ses horaires, jusqu’à ${until}.`,
  offUntil: (until) => `Éteinte jusqu’à ${until}. Rien n’est enregistré ni montré.`,
  off: "Éteinte jusqu’à ce que quelqu’un la rallume. Rien n’est enregistré ni montré.",
  byHours: "Ses horaires l’ont éteinte.",
  switchOff: "Éteindre",
  switchOn: "Rallumer",
  ofCamera: (what, camera) => `${what} : ${camera}`,
  howLong: (camera) => `Éteindre ${camera}`,
  effect:
    "La centrale ferme sa connexion à la caméra. Un enregistrement en cours s’arrête ; la sonnette sonne toujours. Toute la maison voit qu’elle est éteinte, et le registre dit qui l’a fait.",
  hour: "Pendant une heure",
  morning: "Jusqu’à sept heures du matin",
  open: "Jusqu’à ce que je la rallume",
  ownerOnly: "Un propriétaire, ou la personne qui l’a éteinte, peut la rallumer.",
  notAllowed: "Quelqu’un d’autre l’a éteinte pour plus longtemps. Un propriétaire peut le changer.",
};
