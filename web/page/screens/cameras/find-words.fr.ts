import type { english } from "./find-words.en.ts";

export const french: typeof english = {
  open: "Trouver une caméra",
  title: "Trouver une caméra",
  intro:
    "La plupart des caméras parlent ONVIF, une langue commune aux caméras, et se trouvent dans votre réseau. La centrale demande à la caméra ce qu’elle envoie et remplit tout.",
  search: "Chercher dans ce réseau",
  searchAgain: "Chercher encore",
  searching: "Recherche pendant quatre secondes…",
  found: (number: number) =>
    number === 1 ? "Une caméra a répondu :" : `${number} caméras ont répondu :`,
  none: "Aucune caméra n’a répondu. Activez ONVIF dans l’application ou la page de la caméra (souvent sous « Réseau » ou « Intégration », avec un utilisateur à part), et vérifiez que la caméra et la centrale sont dans le même réseau. Ou saisissez son adresse ci-dessous.",
  refused: (number: number) =>
    number === 1
      ? "Une réponse a été écartée : elle nommait un autre appareil que celui dont elle venait."
      : `${number} réponses ont été écartées : elles nommaient d’autres appareils que ceux dont elles venaient.`,
  unnamed: "Une caméra",
  alreadyHere: "est déjà réglée",
  address: "Ou son adresse",
  addressHint: "Par exemple 192.0.2.10, ou une adresse entière commençant par http:// ou rtsp://.",
  use: "Continuer",
  loginTitle: (host: string) => `Se connecter à ${host}`,
  loginHint:
    "Le nom d’utilisateur et le mot de passe de la caméra elle-même, tels que réglés dans son application. Ils ne vont qu’à cette adresse, jamais en clair.",
  username: "Nom d’utilisateur",
  password: "Mot de passe",
  ask: "Interroger la caméra",
  asking: "La centrale demande à la caméra ce qu’elle envoie ; cela prend quelques secondes…",
  stop: "Arrêter",
  back: "Retour",
  byHand: "Tout saisir à la main",
  stillAlt: "Ce que la caméra voit maintenant",
  noStill: "La caméra ne donne pas d’image fixe. Cela ne change rien d’autre.",
  name: "Nom",
  nameHint: "Comme on le dit : Porte d’entrée, Garage.",
  main: "Enregistré",
  sub: "Observé pour le mouvement",
  noSub: "Aucun : le flux enregistré est observé, ce qui donne plus de travail à la centrale",
  perSecond: (pictures: string) => `${pictures} par seconde`,
  mainWhy: {
    "largest-h264": "La plus grande image en H.264, une forme que tous les navigateurs lisent.",
    "h264-before-larger-h265":
      "H.264, une forme que tous les navigateurs lisent. Il y en a une plus grande en H.265, que moins savent lire.",
    "h265-much-larger":
      "H.265, car l’image en H.264 fait moins de la moitié. Certains navigateurs ne lisent pas H.265.",
    "h265-only":
      "H.265, car il n’y a rien d’autre. Certains navigateurs ne le lisent pas ; vous pouvez choisir H.264 dans les réglages de la caméra.",
    "as-typed": "L’adresse telle que vous l’avez saisie.",
    none: "",
  },
  subWhy: {
    "nearest-640x360":
      "La petite image H.264 la plus proche de 640 × 360 : elle suffit pour voir le mouvement et ménage la centrale.",
    "no-small-h264":
      "Il y a des images plus petites, mais pas en H.264 ou pas assez petites. Réglez le second flux de la caméra sur H.264 et 640 × 360.",
    none: "La caméra n’a qu’un flux.",
  },
  otherHost: (hosts: string) =>
    `La caméra dit que ses images sont à ${hosts}. Rien n’y est envoyé : la centrale garde l’adresse que vous avez donnée et ne prend que le reste. C’est juste s’il y a un routeur entre les deux ; sinon, regardez les réglages réseau de la caméra.`,
  clock: (size: string, isAhead: boolean) =>
    `L’horloge de la caméra est ${isAhead ? "en avance" : "en retard"} de ${size}. La centrale en tient compte. Un serveur de temps (« NTP ») dans les réglages de la caméra la remet à l’heure.`,
  abilities: "Ce qu’elle dit savoir faire",
  events: "Annoncer des événements, comme sa sonnette",
  backChannel: "Faire entendre votre voix",
  masks: "Cacher elle-même des parties de l’image",
  yes: "oui",
  no: "non",
  notSaid: "elle ne le dit pas",
  audio: "Enregistrer le son",
  add: "Ajouter cette caméra",
  noStreams: "La caméra répond, mais ne nomme aucun flux que Doorward sache utiliser.",
  rtspOnly:
    "Quelque chose y envoie des images (RTSP), mais ne parle pas ONVIF. Activez ONVIF dans la caméra, ou saisissez l’adresse entière de son flux, telle que son manuel la donne.",
  wrongPassword:
    "La caméra refuse ce nom d’utilisateur ou ce mot de passe. Beaucoup de caméras veulent un utilisateur à part pour ONVIF, à créer dans leurs réglages.",
  details: "Tout ce qui a été trouvé",
};
