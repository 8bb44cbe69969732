import type { AddressWords } from "./words.en.ts";

export const french: AddressWords = {
  title: "Adresse et certificat",
  now: "Où trouver cette maison",
  closed:
    "La centrale ne répond que sur sa propre machine. Ses réglages disent, sous listen, si elle répond sur votre réseau.",
  certificates: {
    household: "Avec le certificat propre au foyer, que chaque appareil doit reconnaître une fois.",
    own: "Avec votre propre certificat, que les appareils reconnaissent d’eux-mêmes.",
    proxy: "Par un proxy inverse, avec le certificat que celui-ci présente.",
  },
  words: "Huit mots représentent le certificat que les appareils reconnaissent :",
  fingerprint: "L’empreinte entière",
  fingerprintText:
    "La page du certificat vient sans chiffrement : qui contrôle le réseau pourrait montrer ces mots à côté d’un certificat à lui. Ce qui est certain, c’est l’empreinte (SHA-256) : un appareil la montre dans ses propres réglages, pour ce qu’il reconnaît.",
  page: "Page du certificat",
  pageText: "Pour un appareil qui doit connaître cette centrale : elle dit comment, pas à pas.",
  renewed: (day) =>
    `La centrale renouvelle d’elle-même ce qu’elle présente, avant le ${day}. Les appareils n’ont rien à faire.`,

  change: "Changer de nom …",
  changeText:
    "Un nom qui vous appartient, ou celui de Tailscale, mène ici aussi de l’extérieur. Les clés et les clés d’accès de chaque appareil appartiennent au nom ; cela prend donc un moment, et les deux noms fonctionnent jusqu’à ce que vous y mettiez fin.",
  follows: [
    "Chaque appareil reconnaît le certificat du nouveau nom, si c’est celui du foyer.",
    "Chaque appareil rejoint la maison sous le nouveau nom, comme un nouvel appareil. Un propriétaire compare trois mots et signe, comme pour tout autre.",
    "L’app est remise sur l’écran d’accueil, et les notifications sont réactivées.",
    "Ce qui a été enregistré reste, et s’ouvre sur les nouveaux appareils comme sur les anciens.",
    "À la fin, les clés de l’ancien nom sont retirées.",
  ],
  wanted: "Nouveau nom",
  wantedHint:
    "Par exemple door.example.org ou hub.votre-reseau.ts.net. Il doit déjà mener à cette centrale, à la maison et de là d’où vous voulez regarder.",
  begin: "Maintenir pour commencer",
  begun: (name) => `La centrale répond désormais aussi sous ${name}.`,

  movingTitle: (from, to) => `De ${from} à ${to}`,
  movingText: "Les deux noms fonctionnent. Pour chaque appareil, dans cet ordre :",
  trust: "Reconnaître le certificat du nouveau nom, et comparer ses huit mots.",
  joinThere:
    "Ouvrir la nouvelle adresse, la mettre sur l’écran d’accueil, et y demander à entrer, sous le nom que porte l’appareil aujourd’hui.",
  notReady: "La centrale ne répond pas encore sous le nouveau nom. Plus haut, il est dit pourquoi.",
  admitHere: "Le laisser entrer ci-dessous, sur un appareil déjà admis.",
  removeOld:
    "Une fois l’appareil passé, retirer son ancienne clé. L’ancienne app n’ouvre alors plus rien.",

  plan: "Qui est passé",
  states: { moved: "est passé", "to-move": "reste à passer", perhaps: "peut-être à passer" },
  perhaps:
    "Rien ne dit à quel nom appartiennent ses clés. Un navigateur doit passer. Une ligne de commande n’a besoin que de la nouvelle adresse, et reste telle quelle.",
  thisDevice: "cet appareil",
  noName: "(sans nom)",
  openHere: "Il passe comme tout autre : cette app reste ouverte pour le laisser entrer.",
  openNew: "Ouvrir la nouvelle adresse",
  scan: "Montrer le chemin pour lui",
  qr: (label) => `Adresse à laquelle « ${label} » demande à entrer`,
  removeKey: "Retirer l’ancienne clé",
  removeElsewhere: "Retirez cette ancienne clé depuis l’app sous le nouveau nom.",
  left: (count) =>
    count === 0
      ? "Tous sont passés."
      : count === 1
        ? "Il en reste un à passer."
        : `Il en reste ${count} à passer.`,
  allGone: "Il ne reste aucune clé de l’ancien nom.",

  endTitle: "La fin du changement",
  endText: (from, to) =>
    `La centrale ne répondra plus que sous ${to}, et les apps ouvertes sous ${from} ne l’atteindront plus.`,
  endEarly: (count) =>
    count === 1
      ? "Un appareil n’est pas passé. Il faudrait l’admettre à nouveau ensuite ; ses clés restent dans le foyer jusqu’à ce que vous les retiriez."
      : `${count} appareils ne sont pas passés. Il faudrait les admettre à nouveau ensuite ; leurs clés restent dans le foyer jusqu’à ce que vous les retiriez.`,
  end: (name) => `Maintenir pour ne garder que ${name}`,
  giveUp: (name) => `Maintenir pour rester à ${name}`,
  ended: (name) => `La centrale ne répond plus que sous ${name}.`,
  locked:
    "Pour voir qui est passé, le trousseau du foyer est vérifié avec les clés de cet appareil.",
  unlock: "Déverrouiller",
  errors: {
    LAN_CLOSED: "La centrale n’écoute pas sur votre réseau. Ses réglages le disent, sous listen.",
    LAN_MOVING: "Un changement est déjà en cours. Terminez-le d’abord.",
    LAN_NOT_MOVING: "Le changement est déjà terminé. Rechargez cette page.",
    LAN_NAME_TAKEN: "Une autre machine porte déjà ce nom. Choisissez-en un autre.",
    MALFORMED_INPUT:
      "Une centrale ne peut pas porter ce nom. Il a au moins deux parties séparées par un point, comme door.example.org, et n’est pas celui d’aujourd’hui.",
    KEYRING_REFUSED: "La centrale n’a pas accepté cet énoncé. Rien n’a changé ; réessayez.",
  },
};
