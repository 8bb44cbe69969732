import type { CameraWords } from "./words.en.ts";

export const french: CameraWords = {
  title: "Caméras et réglages",
  cameras: "Caméras",
  add: "Ajouter une caméra",
  edit: "Modifier",
  demo: "Une démonstration : une scène que Doorward dessine lui-même, pour que vous puissiez tout essayer. Elle disparaît avec la première caméra ajoutée.",
  states: {
    streaming: "Connectée",
    connecting: "Connexion …",
    "waiting-to-retry": "Non connectée ; nouvel essai en cours",
    idle: "Pas encore connectée",
    off: "Éteinte",
  },
  perSecond: (pictures) => `${pictures} images par seconde`,
  recording: "Un événement est en cours d’enregistrement.",
  lastPicture: (when) => `Dernière image ${when}.`,
  noPicture: "Pas encore d’image.",
  sub: "Les mouvements sont cherchés dans un flux réduit.",
  noSub: "Sans flux réduit : chercher les mouvements demande plus de travail à la centrale.",
  audioOn: "Avec le son.",
  facesAre: {
    keep: "Les visages sont enregistrés tels quels.",
    "blur-copy": "Avec une copie où les visages sont couverts.",
    "blur-only": "Seulement avec les visages couverts.",
  },
  newTitle: "Une nouvelle caméra",
  editTitle: (name) => `Modifier ${name}`,
  name: "Nom",
  nameHint: "Comme on le dit : Porte d’entrée, Garage.",
  main: "Adresse de l’image",
  mainHint:
    "rtsp://… comme l’indique le manuel ou l’application de la caméra. RTSP seulement ; rien n’est pris ailleurs.",
  sub_: "Adresse du flux réduit",
  subHint: "Facultatif. Les mouvements sont cherchés dans celui-ci, ce qui ménage la centrale.",
  username: "Nom d’utilisateur",
  password: "Mot de passe",
  passwordKept: "Il y en a un. Laissez vide pour le garder.",
  removePassword: "Oublier le mot de passe",
  audio: "Enregistrer le son",
  audioHint:
    "Éteint, sauf si vous le voulez. Enregistrer ce que les gens disent n’est pas comme enregistrer des images : dans beaucoup de pays, ceux qui parlent doivent l’accepter ou en être avertis, et dans certains c’est interdit. Renseignez-vous sur ce qui vaut chez vous, et dites-le sur votre panneau.",
  talk: "Permettre de parler à travers elle",
  talkHint:
    "Qui peut regarder en direct peut alors aussi se faire entendre à la porte, si la caméra prend le son.",
  faces: "Visages",
  try: "Essayer",
  trying: "La caméra est interrogée ; cela prend jusqu’à dix secondes …",
  works: (codec, width, height) => `Elle fonctionne : ${codec}, ${width} × ${height}.`,
  worksSimply: "Elle fonctionne.",
  addIt: "Ajouter cette caméra",
  saveIt: "Enregistrer",
  remove: "Retirer cette caméra",
  removeTitle: (name) => `Retirer ${name} ?`,
  removeText:
    "La centrale ne s’y connecte plus. Ses enregistrements restent, et partent quand leur temps est écoulé.",
  house: "La maison",
  houseName: "Nom de la maison",
  saved: "Enregistré.",
  retention: "Durée de conservation",
  retentionHint:
    "La sonnette reste le plus longtemps. Quand le disque est plein, les plus anciens partent d’abord, quoi qu’il soit écrit ici ; ce que vous gardez reste.",
  motion: "Mouvements et tout le reste",
  bell: "La sonnette",
  space: "Au plus cette place",
  noLimit: "Pas de limite autre que le disque",
  days: (days) => (days === 1 ? "1 jour" : `${days} jours`),
  hours: (hours) => `${hours} heures`,
  byDefault: (value) => `${value} (d’usage)`,
  preview: (clips, size) => `D’ici un jour : ${clips} enregistrements, ${size}, partent.`,
  previewNothing: "D’ici un jour : rien ne part.",
  used: (used, free) => `${used} occupés, ${free} libres.`,
  daysLeft: (days) => `De la place pour environ ${days} jours de plus.`,
  confirmShorter:
    "Plus court qu’à présent : les enregistrements plus anciens partent dans les minutes qui suivent, sans retour. Ce que vous gardez reste.",
  confirmSmaller: (used) =>
    `Les enregistrements occupent ${used} : les plus anciens partent dans les minutes qui suivent, jusqu’à ce que le reste tienne. Ce que vous gardez reste.`,
  file: (name) =>
    `Tout cela se trouve dans le fichier ${name} sur la centrale ; vos commentaires y restent.`,
  notes: {
    PUBLIC_SPACE:
      "Les mouvements ne sont pas enregistrés : une trop grande part de l’image est un espace public. Masquez-en une partie ou tournez la caméra, sous Zones et masques. La sonnette, elle, est enregistrée.",
    BELL_LOST:
      "Sa sonnette n’est pas entendue en ce moment ; plus bas, sous Sonnettes, la raison est donnée.",
    NO_BLURRED_COPIES:
      "Cette machine ne peut pas couvrir les visages, donc pas de copies floutées : elle n’enregistre que les originaux. La page de santé dit pourquoi.",
    NOTHING_RECORDED:
      "Cette machine ne peut pas couvrir les visages, et rien de net ne doit être gardé : rien n’est donc enregistré. Choisissez un autre réglage, ou voyez la raison sur la page de santé.",
    SOUND_ABSENT:
      "Le son doit être enregistré, et cette caméra n’en envoie pas. Activez le micro dans les réglages de la caméra, ou désactivez le son ici.",
    SOUND_FAILING:
      "Pas de son en ce moment : ce qui le met sous une forme lisible partout a échoué, ou la caméra refuse de l’envoyer. Un nouvel essai se fait tout seul ; les images sont enregistrées malgré tout.",
    SOUND_UNSUPPORTED:
      "Le son de cette caméra ne peut pas être enregistré tel qu’il arrive. Choisissez AAC ou G.711 (aussi nommé PCMU, PCMA, loi µ ou loi A) pour le son dans les réglages de la caméra.",
    RECORDED_AS_HEVC:
      "Enregistrée en H.265, tel que la caméra l’envoie. Un navigateur qui ne peut pas montrer le H.265 montre en direct l’image réduite ; les enregistrements peuvent être téléchargés et lus avec VLC.",
    HEVC_WITHOUT_SUB:
      "Cette caméra n’envoie que du H.265. Elle est enregistrée et surveillée pour le mouvement, mais beaucoup de navigateurs ne peuvent pas la montrer en direct. Réglez le flux secondaire sur H.264 dans la caméra, et indiquez ici son adresse.",
    HEVC_SUB:
      "Le flux secondaire de cette caméra est en H.265. Il est surveillé pour le mouvement, mais beaucoup de navigateurs ne peuvent pas le montrer en direct. Réglez le flux secondaire sur H.264 dans la caméra.",
  },
  wrongField: (label) => `La centrale n’accepte pas ce qui se trouve dans « ${label} ».`,
  errors: {
    SETTINGS_UNREADABLE:
      "Quelqu’un a modifié le fichier de réglages à la main, et il contient une erreur. Corrigez-le d’abord sur la centrale ; rien n’a été enregistré.",
    SETTINGS_CHANGED: "Le fichier de réglages était en train d’être modifié à la main. Réessayez.",
    SETTINGS_FILE_ONLY: "Cela ne se règle que dans le fichier de réglages, sur la centrale.",
    SETTINGS_NOT_WRITTEN: "La centrale n’a pas pu écrire son fichier de réglages. Rien n’a changé.",
    CAMERA_TEST_BUSY: "Une autre caméra est essayée en ce moment. Attendez quelques secondes.",
    CAMERA_TEST_FAILED: "L’essai lui-même a échoué. Réessayez.",
    NOT_FOUND: "Cette caméra n’existe plus.",
    TOO_LARGE: "Le fichier de réglages deviendrait trop grand.",
  },
};
