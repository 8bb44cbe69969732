import type { english } from "./words.en.ts";

export const french: typeof english = {
  title: "Programmes de la maison",
  text: "Une sonnette peut allumer une lampe. Les autres programmes n’apprennent que des événements : jamais une image, un enregistrement ou une personne.",
  homeAssistant: "Home Assistant",
  told: (broker) => `Il est informé, par ${broker}.`,
  notTold: (broker) => `Il n’est pas informé : ${broker} ne prend pas ce que dit la centrale.`,
  notYet: (broker) => `Il n’y a encore rien eu à dire, par ${broker}.`,
  since: (when) => `Depuis : ${when}.`,
  mayOff: "Home Assistant peut éteindre les caméras, et n’en rallume aucune.",
  mayOn: "Home Assistant peut éteindre les caméras, et rallumer celles qu’il a éteintes lui-même.",
  mayNothing: "Home Assistant voit si une caméra est éteinte. Il ne peut en éteindre aucune.",
  lastTrouble: (when) => `Dernier ennui, ${when} :`,
  homeAssistantNone: "Home Assistant n’est informé de rien.",
  homeAssistantHow: "Comment l’informer",
  homeAssistantYaml: "Écrivez ceci dans le fichier des réglages, puis redémarrez Doorward :",
  brokerYaml:
    "Mettez-y l’adresse de votre propre serveur MQTT : le programme qui passe les messages d’un appareil à l’autre. Son nom d’utilisateur et son mot de passe vont dans secrets/mqtt.yaml.",
  webhooks: "Webhooks",
  webhooksText: "Les adresses que la centrale appelle quand il se passe quelque chose.",
  webhooksNone: "Aucun autre programme n’est appelé.",
  webhooksHow: "Comment faire appeler un programme",
  webhooksYaml:
    "Écrivez ceci dans le fichier des réglages, avec l’adresse du programme, puis redémarrez Doorward :",
  copyHomeAssistant: "Copier les lignes pour Home Assistant",
  copyWebhooks: "Copier les lignes pour les webhooks",
  copied: "Copié.",
  notCopied: "Ce navigateur ne l’a pas copié. Sélectionnez les lignes à la main.",
  file: (file) =>
    `Fichier des réglages : ${file}. Ce qu’il peut dire d’autre : docs/home-assistant.md.`,
  events: {
    bell: "quelqu’un sonne",
    motion: "quelque chose bouge",
    privacy: "une caméra est éteinte ou rallumée",
    "camera-away": "une caméra ne répond pas",
  },
  tells: (events) => `Est appelé quand : ${events}.`,
  anywhere: "Il peut se trouver hors de votre réseau.",
  delivered: (when) => `Dernier appel ${when} : il a été pris.`,
  failed: (when) => `Dernier appel ${when} : il n’a pas été pris.`,
  never: "Pas encore appelé.",
  test: "Appeler chacun une fois, pour essayer",
  testing: "Appel en cours",
  allTaken: (count, isOne) => (isOne ? "Il a pris l’appel." : `Les ${count} ont pris l’appel.`),
  someFailed: (failed, count) => `Appels qui n’ont pas été pris : ${failed} sur ${count}.`,
  problems: {
    WRONG_PASSWORD:
      "Le serveur MQTT refuse le nom d’utilisateur ou le mot de passe de secrets/mqtt.yaml.",
    UNREACHABLE: "Le serveur MQTT est injoignable.",
    SILENT: "Le serveur MQTT ne répond pas.",
    ENDED: "Le serveur MQTT a raccroché.",
    PROTOCOL_ERROR: "Ce qui répond là ne parle pas MQTT comme il le faut.",
    BROKER_LOST: "Le serveur MQTT est injoignable.",
    NO_BROKER:
      "Aucun serveur MQTT n’est indiqué : il se trouve sous mqtt dans le fichier des réglages.",
    NOT_PUBLISHED: "Le serveur MQTT n’a pas pris un message.",
    WEBHOOK_UNREACHABLE: "Rien n’y a répondu à temps.",
    WEBHOOK_REFUSED: "Le programme qui s’y trouve a répondu qu’il ne le prend pas.",
    WEBHOOK_NOT_LOCAL:
      "L’adresse mène hors de votre réseau. Si c’est voulu, donnez-lui anywhere, avec la valeur true.",
    WEBHOOK_NO_SECRET:
      "Le secret qui signe les appels n’a pas pu être gardé. Regardez si le disque du dossier de données est plein.",
  },
};
