import type { english } from "./words.en.ts";

export const french: typeof english = {
  title: "Rapport de transparence",
  needKeys: "Déverrouillez cet appareil pour qu’il compte lui-même le registre.",
  counting: "Chaque inscription est comptée sur cet appareil…",
  period: (from, to, entries) =>
    `Du ${from} au ${to}, compté sur cet appareil à partir des ${entries} inscriptions du registre.`,
  withoutApproval: (count) =>
    count <= 1
      ? "enregistrement a quitté la maison sans accord signé."
      : "enregistrements ont quitté la maison sans accord signé.",
  outOfPlace: (count) => `${count} inscriptions ne découlent pas de celles qui précèdent.`,
  requests: "Ce qui a été demandé",
  nobody: "Personne n’a rien demandé.",
  kind: "Qui demande",
  columns: ["reçues", "acceptées", "refusées", "sans réponse", "ouvertes"],
  emergencies: (count) =>
    count === 1
      ? "Une demande parlait d’urgence. Cela n’a rien changé."
      : `${count} demandes parlaient d’urgence. Cela n’a rien changé.`,
  amounts: "Combien",
  seconds: (asked, granted) => `Demandé : ${asked} d’enregistrements. Accordé : ${granted}.`,
  redactions: (clear, sound) => `Accords avec visages nets : ${clear} ; avec le son : ${sound}.`,
  assured: (count) => `Demandes dont un propriétaire connaissait l’auteur : ${count}.`,
  withoutSeconds: (count) => `${count} inscriptions plus anciennes ne disent pas combien.`,
  whatLeft: "Ce qui est sorti",
  releases: (releases, files) =>
    `Préparé pour un destinataire : ${releases} ; fichiers en tout : ${files}.`,
  fetched: (accesses, shares) =>
    `Téléchargements : ${accesses}. Liens créés pour une personne sans clé : ${shares}.`,
  switchedOff: (times) =>
    times > 1 ? `Des caméras ont été éteintes ${times} fois.` : `Caméras éteintes : ${times} fois.`,
  restored: (times) =>
    times > 1
      ? `La centrale a été rétablie d’une copie ${times} fois. Ce qui fut alors perdu n’est dans aucun chiffre.`
      : "La centrale a été rétablie d’une copie une fois. Ce qui fut alors perdu n’est dans aucun chiffre.",
  ended: (revocations, lapses) =>
    `Repris par un propriétaire : ${revocations}. Terminés parce que leur temps était écoulé : ${lapses}.`,
  recordings: "Les enregistrements",
  recorded: (recordings, deletions) => `Enregistrés : ${recordings}. Supprimés : ${deletions}.`,
  kept: (holds, preservations) =>
    `Conservés plus longtemps par un propriétaire : ${holds}, et à cause d’une demande : ${preservations}.`,
  house: (views, live) =>
    `Regards du foyer lui-même, sur des enregistrements : ${views} ; en direct : ${live}.`,
  statements: (count) => `Déclarations du mois de propriétaires : ${count}.`,
  basis:
    "Le fondement juridique d’une demande est scellé pour les propriétaires ; aucun chiffre n’en parle ici, car personne au-dehors ne pourrait le vérifier.",
  print: "Imprimer",
  save: "Enregistrer le rapport signé",
  saveHint:
    "Avec chaque inscription : heures, caméras, appareils ; ni noms ni images. Tout le monde peut le vérifier.",
};
