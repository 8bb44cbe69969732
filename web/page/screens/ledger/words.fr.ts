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
  asHubCounts:
    "Telles que la centrale les compte. Le rapport de transparence compte sur cet appareil.",
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
    camera: "Éteintes et rallumées",
    settings: "Réglages",
    software: "Logiciel",
    clock: "Horloge",
    assurance: "Qui demande",
    share: "Liens",
    talk: "Parler",
    heartbeat: "Signes de vie",
    statement: "Déclarations du mois",
    restored: "Centrale rétablie d’une copie",
    acceptance: "Rétablissement accepté",
  },
  sentences: {
    genesis: "Le foyer a été fondé.",
    keyring: (change) =>
      ({
        genesis: "Les premières clés sont entrées en vigueur.",
        admit: "Un appareil a été admis.",
        remove: "Un appareil a été retiré.",
        policy: "Les règles de signature ont changé.",
        sheet: "La feuille de secours a été remplacée ; l’ancienne n’ouvre plus rien de nouveau.",
        recovery_notice:
          "Quelqu’un emploie la feuille de secours. Tout propriétaire peut s’y opposer pendant 72 heures.",
        recovery_objection: "Un propriétaire s’est opposé au secours. Rien n’en a pris effet.",
        recovery_complete: "Ce que la feuille de secours avait annoncé a pris effet.",
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
    camera: (camera, state, by) => {
      const done = state === "off" ? "éteinte" : "rallumée";
      if (by === "schedule") return `${camera} a été ${done} selon ses horaires.`;
      if (by === "broker") return `${camera} a été ${done} par Home Assistant, via le broker MQTT.`;
      if (by === "timer")
        return `${camera} a été ${done} : le temps que quelqu’un avait fixé était écoulé.`;
      return `${camera} a été ${done} sur ${by}.`;
    },
    live: (camera, device) => `${camera} a été regardée en direct sur ${device}.`,
    settings: "Les réglages ont changé.",
    software: (version) => `Doorward ${version} s’est mis en marche.`,
    clock: (seconds) => `L’horloge a sauté de ${seconds} s.`,
    asked: (length) => ` Il s’agit de ${length}.`,
    granted: (length, clear, sound) =>
      ` ${length} peuvent sortir${clear ? ", visages nets" : ""}${sound ? ", avec le son" : ""}.`,
    preserved: (clips, until) =>
      `Un propriétaire conserve ${clips} enregistrements jusqu’au ${until}, à cause d’une demande.`,
    unpreserved: "Des enregistrements ne sont plus conservés à cause d’une demande.",
    assurance: (level) =>
      ({
        none: "Un propriétaire a déclaré que personne n’a vérifié qui demande.",
        called_back:
          "Un propriétaire a rappelé la personne qui demande, à un numéro qu’il a trouvé lui-même.",
        met: "Un propriétaire a rencontré la personne qui demande.",
        known_key: "Un propriétaire connaît la clé de la personne qui demande.",
      })[level] ?? "Un propriétaire a déclaré à quel point il sait qui demande.",
    share: "Un lien a été créé pour une personne sans clé.",
    lapse: "Un accord a pris fin : le temps pour le retrait était écoulé.",
    heartbeat: "Rien d’autre ne s’est passé ; la centrale était là.",
    heartbeats: (count) => `Rien d’autre ne s’est passé ; la centrale était là ${count} fois.`,
    talk: (device, camera) => `${device} a parlé par ${camera}.`,
    heartbeatFirst: "La centrale avait été arrêtée, dit-elle, et elle est de nouveau en marche.",
    statement: (month) => `Un propriétaire a fait la déclaration du mois ${month}.`,
    restored: (until) =>
      `La centrale a été rétablie d’une copie qui allait jusqu’au ${until}. La suite est perdue.`,
    acceptance: (device, size) =>
      `${device} l’a accepté : il avait vu ${size} inscriptions auparavant.`,
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
  alarms: {
    title: (count) =>
      count === 1
        ? "Une chose qui ne devrait pas être"
        : `${count} choses qui ne devraient pas être`,
    intro:
      "Rien n’a été changé ni retiré, mais cet appareil trouve ce qu’une centrale honnête ne fait pas. Cherchez pourquoi avant de décider quoi que ce soit.",
    missing: (files, found) =>
      `Un enregistrement figure avec ${files} fichiers et n’a pas été supprimé ; la centrale en a ${found}.`,
    unlisted:
      "Un enregistrement est dans le registre, n’a pas été supprimé, et la centrale ne le montre pas.",
    silence: (from, to) =>
      `Rien n’a été inscrit du ${from} au ${to}, et la centrale ne dit pas qu’elle était arrêtée.`,
    backwards: (from, to) =>
      `Le temps recule du ${from} au ${to}, et aucune inscription ne dit que l’horloge a été réglée.`,
    recoveryEarly: (at) =>
      `Un secours a pris effet le ${at}, avant la fin des 72 heures pendant lesquelles un propriétaire peut s’y opposer.`,
    restored: (until, at) =>
      `La centrale a été rétablie d’une copie le ${at}. Ce qui a été inscrit et enregistré entre le ${until} et cette date est perdu, s’il y avait quelque chose. Si personne du foyer ne l’a fait, demandez qui l’a fait.`,
    withheld: (at) =>
      `La dernière inscription est du ${at}. La centrale répond, et n’inscrit rien ou vous le cache. Comparez son horloge à la vôtre.`,
    ahead: (at) => `La dernière inscription est du ${at}, en avance sur l’horloge de cet appareil.`,
    recoveryPending: (at) =>
      `Quelqu’un emploie la feuille de secours depuis le ${at}. Si ce n’est aucun de vous, opposez-vous sous Maison.`,
    more: (count) => `Et ${count} de plus.`,
    known: "Je sais pourquoi",
    off: (from, to) => `La centrale était arrêtée, dit-elle, du ${from} au ${to}.`,
    clock: (from, to) => `L’horloge de la centrale a été réglée, dit-elle, du ${from} au ${to}.`,
    partly: (judged, size) =>
      `${judged} inscriptions sur ${size} ont été examinées ; le reste le sera la prochaine fois.`,
  },
  receipt: "Enregistrer un reçu",
  receiptHint:
    "La preuve que cette inscription est dans le registre. Tout le monde peut la vérifier sans cette centrale.",
  report: "Rapport de transparence",
  reportText:
    "Ce qui a été demandé à ce foyer, et ce qu’il a donné : en chiffres, à imprimer ou à signer.",
  statement: {
    title: "Déclaration du mois",
    what: "Un propriétaire peut déclarer chaque mois n’avoir reçu aucune demande dont il n’ait pas le droit de parler. C’est sa parole sur lui-même : aucune loi ne la protège à coup sûr, et personne d’autre ne peut la vérifier. Qui commence montre, en s’arrêtant, qu’il s’est arrêté.",
    month: "Pour le mois",
    own: "Une phrase à vous (peut rester vide)",
    signed: "Chaque mot est vrai, et je le signe",
    made: "Signée, inscrite et enregistrée dans un fichier.",
    due: (month) => `La déclaration pour ${month} est attendue, si elle est vraie.`,
    missing: (months) => `Aucun propriétaire n’a fait de déclaration pour : ${months}.`,
  },
  unknownDevice: "un appareil qui n’est plus connu",
};
