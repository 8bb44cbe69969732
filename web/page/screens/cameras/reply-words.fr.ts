import type { english } from "./reply-words.en.ts";

export const french: typeof english = {
  title: "Réponses enregistrées",
  text: "De courtes phrases qu’un appui fait dire à une porte, quand vous ne voulez pas parler vous-même. C’est le seul son que la centrale peut lire elle-même, puisqu’elle doit le dire : restez général.",
  none: "Il n’y en a pas encore.",
  record: "Enregistrer une réponse",
  asking: "Votre navigateur demande le microphone …",
  recording: (seconds, most) => `Enregistrement : ${seconds} sur ${most} s`,
  stop: "Arrêter",
  name: "Nom",
  nameHint: "Il figure sur le bouton sous l’image.",
  keep: "La garder",
  again: "Enregistrer de nouveau",
  cancel: "Annuler",
  listen: "Écouter",
  listenNew: "L’écouter",
  remove: "Supprimer",
  removeTitle: (name) => `Supprimer « ${name} » ?`,
  removeText: "Elle ne pourra plus être dite, à aucune porte.",
  full: "Il y en a huit, le nombre le plus grand. Supprimez-en une pour en enregistrer une autre.",
  seconds: (seconds) => `${seconds} s`,
  short: "C’était trop court. Enregistrez de nouveau.",
  known: {
    REPLY_KNOWN: "Il y a déjà une réponse de ce nom.",
    TOO_MANY_REPLIES: "Il y en a déjà huit. Supprimez-en une d’abord.",
  },
};
