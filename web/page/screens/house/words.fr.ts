import type { HouseWords } from "./words.en.ts";

export const french: HouseWords = {
  title: "Maison",
  cameras: "Caméras et réglages",
  notifications: "Notifications",
  health: "État et connexions",
  address: "Adresse et certificat",
  people: "Personnes et appareils",
  you: "Vous",
  person: (number) => `Personne ${number}`,
  andOthers: (label, count) =>
    count === 1 ? `${label} et un autre appareil` : `${label} et ${count} autres appareils`,
  roles: { owner: "Propriétaire", adult: "Adulte", viewer: "Spectateur", guest: "Invité" },
  removed: "Retiré",
  may: {
    owner: "voit tout, signe ce qui sort, laisse entrer les autres",
    adult:
      "voit les enregistrements et le direct, et peut copier ce qui est vu ; ne peut pas signer",
    viewer: "ne voit que les enregistrements floutés",
    guest: "ne voit que le direct",
  },
  thisDevice: "cet appareil",
  passkey: "confirme avec une clé d’accès",
  noName: "(sans nom)",
  namesFrom:
    "Les noms sont ceux que retient la centrale ; les droits de chacun ont été vérifiés sur cet appareil.",
  admitTitle: "Laisser entrer un appareil",
  admitText:
    "Ouvrez cette page sur le nouvel appareil. Il montre trois mots quand vous commencez ici.",
  waiting: (count) =>
    count === 1 ? "Un appareil attend à la porte." : `${count} appareils attendent à la porte.`,
  noneWaiting: "Aucun appareil n’attend.",
  begin: "Commencer avec lui",
  several:
    "Plusieurs appareils attendent à la fois. Qu’ils essaient l’un après l’autre, pour que vous sachiez lequel est lequel.",
  compare: (label) => `« ${label} » doit montrer les mêmes trois mots`,
  compareText:
    "Regardez vous-même les deux écrans. Si un seul mot diffère, quelqu’un se trouve entre les deux.",
  asWhom: "Le laisser entrer comme",
  whose: "À qui est cet appareil ?",
  mine: "À moi, un appareil de plus",
  someoneElse: "À quelqu’un d’autre",
  same: "Les mots sont les mêmes : maintenez pour signer",
  different: "Ils diffèrent",
  turnedAway: "Rien n’a été signé. L’autre appareil abandonne de lui-même.",
  admitted: "Signé. Le nouvel appareil a maintenant ses clés.",
  admitProposed:
    "Signé. Le nouvel appareil attend qu’un autre propriétaire signe aussi, sous Maison, dans les dix minutes.",
  chooseFirst: "Choisissez d’abord à qui est cet appareil. Rien n’est choisi pour vous.",
  meeting: "Les mots de l’autre appareil sont demandés …",
  errors: {
    PAIRING_BROKEN:
      "L’appareil montre une autre clé qu’au début : quelqu’un se trouve peut-être entre vous. Rien n’a été signé. Recommencez sur le nouvel appareil, sur le même réseau si possible.",
    NOT_OPEN:
      "Quelqu’un a déjà commencé avec cet appareil, ou il a abandonné. Recommencez sur celui-ci.",
    NOT_FOUND: "L’appareil n’attend plus. Recommencez sur celui-ci.",
    KEYRING_REFUSED: "La centrale n’a pas accepté cette déclaration. Rien n’a changé ; réessayez.",
  },
  sessionsText:
    "Navigateurs et lignes de commande connectés. Mettre fin à une session fait sortir cet appareil aussitôt. S’il a encore ses clés, il peut revenir quand sa personne le demande.",
  logOut: "Se déconnecter ici",
  sessions: "Sessions ouvertes",
  sessionOf: (label, since) => `${label}, depuis ${since}`,
  thisSession: "celle-ci",
  end: "Mettre fin",
  ended: "Terminée.",
  keys: "Les clés de cet appareil",
  sealedByPasskey: "Scellées par votre clé d’accès. Chaque signature la redemande.",
  sealedByBrowser:
    "Scellées par ce navigateur. Quiconque peut ouvrir ce navigateur peut s’en servir.",
  borrowed:
    "Prêtées par la ligne de commande tant que cette page est ouverte. Rien n’est conservé ici.",
  stored: "Le navigateur a promis de les garder jusqu’à ce que vous les effaciez.",
  notStored:
    "Le navigateur peut les effacer s’il manque de place. Un second appareil ou la feuille de secours vous ramène.",
  keepStored: "Demander au navigateur de les garder",
  trial:
    "C’est un essai si la centrale tourne sur cette même machine : qui a la machine a les enregistrements et ces clés. Pour de vraies caméras, fondez le foyer depuis un autre ordinateur ou un téléphone.",
  recovery:
    "La feuille de secours ouvre tout. Sa place est sur papier, loin de la centrale et de cet appareil.",
  lock: "Verrouiller cet appareil",
  forget: "Retirer les clés de cet appareil",
  forgetTitle: "Retirer les clés de cet appareil ?",
  forgetText:
    "Cet appareil ne pourra plus rien ouvrir. Un autre appareil du foyer peut le laisser entrer à nouveau.",
  forgetLast:
    "C’est le seul appareil d’un propriétaire. Sans lui, seule la feuille de secours ouvre vos enregistrements, et rien ne peut être signé avant qu’un nouvel appareil soit en vigueur.",
  forgetHold: "Maintenez pour retirer",
  fingerprints: "Le trousseau",
  keyring: (epoch, kind) => `Déclaration ${epoch} ; les clés sont ${kind}.`,
  kinds: { pq: "post-quantiques (ML-KEM-768 avec X25519)", x25519: "X25519" },
  fingerprintText:
    "Huit mots valent pour chaque clé à laquelle les enregistrements sont scellés. Ils sont les mêmes sur tous les appareils.",
  readers: {
    originals: "Enregistrements",
    blurred: "Copies floutées",
    recovery: "Feuille de secours",
  },
  language: "Langue",
  languages: { en: "English", fr: "Français" },
};
