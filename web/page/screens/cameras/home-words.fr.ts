import type { HomeWords } from "./home-words.en.ts";

export const french: HomeWords = {
  privacy: "Vie privée",
  privacyText:
    "La centrale n’est pas connectée à une caméra éteinte : rien n’en est enregistré ni montré, et toute la maison le voit. La sonnette sonne toujours.",
  hoursOf: (camera) => `Horaires pendant lesquels ${camera} est éteinte`,
  hoursZone: (zone) => `À l’heure de la centrale, ${zone}.`,
  noHours: "Aucun : elle n’est éteinte que si quelqu’un l’éteint.",
  addHours: "Ajouter un horaire",
  removeHours: "Retirer cet horaire",
  days: "Jours",
  from: "De",
  to: "À",
  nextDay: "le lendemain",
  saveHours: "Enregistrer les horaires",
  sameTime: "Le début et la fin sont les mêmes. Pour un jour entier, choisissez deux fois minuit.",
  noDay: "Choisissez au moins un jour, ou retirez cet horaire.",
  saved: "Enregistré.",
  errors: {
    NOT_FOUND: "Il n’y a pas de caméra de ce nom dans le fichier des réglages.",
  },
  chime: "Carillon dans la maison",
  chimeText:
    "Ce que l’on entend dans la maison quand quelqu’un sonne. Il n’a pas besoin d’Internet : le haut-parleur de la centrale, ou un message à un serveur de votre réseau.",
  audio: "Son sur le haut-parleur de la centrale",
  sound: "Son",
  sounds: { "two-tones": "Deux tons", bell: "Petite cloche", knock: "Trois coups" },
  volume: "Volume",
  device: (device) =>
    `Joué sur « ${device} » ; un autre appareil se choisit dans le fichier des réglages.`,
  mqtt: "Message par MQTT",
  mqttHint:
    "MQTT sert à beaucoup d’appareils d’une maison pour se parler, par exemple avec Home Assistant.",
  noBroker: "Aucun serveur n’est réglé : il s’indique sous mqtt dans le fichier des réglages.",
  topic: "Sujet",
  payload: "Message",
  quiet: "Heures calmes",
  quietText:
    "À ces heures rien ne sonne et aucun message n’est envoyé. Les pages ouvertes sonnent toujours.",
  noQuiet: "Aucune : il sonne toujours.",
  quietNow: "C’est une heure calme.",
  saveChime: "Enregistrer le carillon",
  play: "L’entendre maintenant",
  playing: "Le carillon sonne …",
  played: "Il a été joué.",
  published: "Le message a été envoyé.",
  nothing: "Ni l’un ni l’autre n’est activé.",
  unsaved: "Enregistrez d’abord : ce qui est joué est ce qui est enregistré.",
  problems: {
    NO_PLAYER:
      "La machine de la centrale n’a pas de programme pour jouer des sons. Installez-en un : apt install alsa-utils.",
    NO_SOUND_DEVICE:
      "La machine de la centrale n’a pas trouvé de haut-parleur. Branchez-en un et choisissez-le sous chime.device dans le fichier des réglages ; aplay -L montre ce qu’il y a.",
    CHIME_TOO_SLOW: "Le haut-parleur de la centrale a mis trop de temps et a été abandonné.",
    CHIME_FAILED: "Le son n’a pas pu être joué sur la machine de la centrale.",
    CHIME_BUSY: "Il sonnait déjà.",
    NO_BROKER: "Aucun serveur n’est réglé, donc aucun message ne peut être envoyé.",
    NOT_PUBLISHED: "Le serveur n’a pas pris le message.",
  },
};
