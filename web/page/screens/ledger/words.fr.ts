import type { LedgerWords } from "./words.en.ts";

export const french: LedgerWords = {
  title: "Registre",
  what: "Tout ce qui compte est inscrit ici avant d’avoir lieu, et rien ne peut en être retiré sans que cet appareil le remarque.",
  checking: "Vérification du registre depuis la dernière inscription vue par cet appareil …",
  checked: (entries) =>
    `Vérifié à l’instant : ${entries} inscriptions, aucune modifiée ni supprimée.`,
  since: (entries) =>
    `Comparé aux ${entries} inscriptions que cet appareil a vues la dernière fois.`,
  first: "C’est la première fois que cet appareil regarde ; désormais il remarque tout changement.",
  signed: "Cet appareil a signé ce qu’il a vu.",
  witnesses: (count) =>
    count === 1
      ? "Un appareil du foyer a signé cet état du registre."
      : `${count} appareils du foyer ont signé cet état du registre.`,
  needKeys: "Déverrouillez cet appareil pour qu’il vérifie lui-même le registre.",
  changedTitle: "Ce n’est pas le registre que cet appareil a vu auparavant",
  changedText:
    "Des inscriptions ont été modifiées, supprimées ou ramenées en arrière, ou la centrale montre une autre histoire à cet appareil. Gardez les deux textes ci-dessous : chacun est signé par la centrale, et ensemble ils le prouvent. Regardez avec un autre appareil du foyer, et ne décidez rien avant de savoir pourquoi.",
  before: "Ce que cet appareil a vu",
  now: "Ce que la centrale montre maintenant",
  saveBoth: "Enregistrer les deux dans un fichier",
  asked: "demandes",
  refused: "refusées",
  left: "sorties de la maison",
  unanswered: "sans réponse",
  asHubCounts: "Selon le compte de la centrale. Cet appareil peut compter lui-même :",
  countMyself: "Compter tout le registre ici",
  counting: "Comptage …",
  counted: "Compté sur cet appareil",
  withoutApproval: (count) =>
    count === 0
      ? "0 sortie de la maison sans accord signé."
      : `${count} sortie(s) de la maison sans accord signé.`,
  saveReport: "Enregistrer le rapport signé",
  reportHint:
    "Chaque inscription avec sa preuve : heures, caméras, appareils ; ni noms ni images. Tout le monde peut le vérifier.",
  entries: "Inscriptions",
  all: "Tout",
  filter: "Afficher",
  more: "Inscriptions plus anciennes",
  end: "La première inscription de ce registre.",
  nothing: "Aucune inscription de ce genre.",
  number: (index) => `Inscription ${index}`,
  raw: "Telle qu’elle est hachée, octet par octet",
  prove: "Vérifier qu’elle est dans le registre",
  proven: (size) => `Elle est dans le registre de ${size} inscriptions que cet appareil a suivi.`,
  notProven: "Elle n’est pas dans le registre que cet appareil a suivi.",
  checkpoint: "Point de contrôle",
  checkpointText:
    "Un texte qui vaut pour tout le registre tel qu’il est maintenant. Qui le garde peut prouver plus tard que quelque chose a changé.",
  showQr: "Afficher en code QR",
  qrLabel: "Code QR du point de contrôle",
  copy: "Copier",
  copied: "Copié.",
  exportAll: "Enregistrer toutes les inscriptions",
  kinds: {
    genesis: "Début du registre",
    keyring: "Clés et personnes",
    clip: "Enregistrements",
    rendition: "Copies floutées",
    rewrap: "Scellé à nouveau",
    torn: "Enregistrements interrompus",
    request: "Demandes",
    decision: "Décisions",
    hold: "Conservations",
    release: "Sorties",
    access: "Retraits",
    revocation: "Accords repris",
    deletion: "Suppressions",
    view: "Consultations",
    live: "Regards en direct",
    settings: "Réglages",
    software: "Logiciel",
    clock: "Horloge",
  },
  sentences: {
    genesis: "Le foyer a été fondé.",
    keyring: (change) =>
      ({
        genesis: "Les premières clés sont entrées en vigueur.",
        admit: "Un appareil a été admis.",
        remove: "Un appareil a été retiré.",
        policy: "Les règles de signature ont changé.",
      })[change] ?? "Les clés ont changé.",
    clip: (event, camera) => `Enregistré à ${camera} : ${event}.`,
    rendition: "Une copie floutée d’un enregistrement a été faite.",
    rewrap: (device) =>
      `Un enregistrement a été scellé à nouveau sur ${device}, pour les personnes qui peuvent le voir à présent.`,
    renditionBy: (device) => `Une copie floutée d’un enregistrement a été faite sur ${device}.`,
    torn: "Un enregistrement a été interrompu ; ce qui en est entier a été gardé.",
    request: (kind, emergency) =>
      `Quelqu’un a demandé des enregistrements (${kind})${emergency ? ", en parlant d’urgence" : ""}.`,
    decision: (outcome) =>
      ({
        approved: "Une demande a été acceptée et signée.",
        approved_in_part: "Une demande a été acceptée en partie et signée.",
        refused: "Une demande a été refusée.",
        expired: "Une demande a expiré sans réponse. Rien n’a été envoyé.",
        withdrawn: "Une demande a été retirée.",
      })[outcome] ?? "Une demande a été tranchée.",
    hold: (until) => `Un enregistrement est conservé jusqu’au ${until}.`,
    unhold: "Un enregistrement n’est plus conservé à part.",
    release: (files) =>
      files === 1
        ? "Un fichier peut quitter la maison."
        : `${files} fichiers peuvent quitter la maison.`,
    access: "Ce qui avait été accepté a été récupéré.",
    revocation: "Un accord a été repris.",
    deletion: (reason) => `Un enregistrement a été supprimé (${reason}).`,
    view: (device) => `Un enregistrement a été ouvert sur ${device}.`,
    live: (camera, device) => `${camera} a été regardée en direct sur ${device}.`,
    settings: "Les réglages ont changé.",
    software: (version) => `Doorward ${version} s’est mis en marche.`,
    clock: (seconds) => `L’horloge a sauté de ${seconds} s.`,
  },
  events: {
    bell: "la sonnette",
    motion: "un mouvement",
    person: "une personne",
    vehicle: "un véhicule",
    animal: "un animal",
    package: "un colis",
  },
  reasons: {
    owner: "par un propriétaire",
    age: "son temps était écoulé",
    space: "il fallait de la place",
    "disk-full": "le disque était plein",
  },
  unknownDevice: "un appareil qui n’est plus connu",
};
