import type { english } from "./talk-words.en.ts";

export const french: typeof english = {
  title: "Parler",
  hold: "Maintenir pour parler",
  holdHint:
    "Maintenez pendant que vous parlez. Un appui bref laisse ouvert jusqu’au prochain appui.",
  letGo: "Relâchez pour finir",
  end: "Arrêter de parler",
  states: {
    idle: "",
    asking: "Votre navigateur demande le microphone …",
    connecting: "Connexion …",
    heard: "On vous entend",
  },
  level: "Votre volume",
  say: "Faire dire",
  saying: (name) => `« ${name} » est dit …`,
  said: (name) => `« ${name} » a été dit.`,
  busy: "Quelqu’un d’autre parle ici en ce moment.",
  tryAgain: "Réessayer",
  unable: "Cette caméra ne prend pas de son.",
  troubles: {
    "microphone-denied":
      "Votre navigateur ne laisse pas cette page utiliser le microphone. Autorisez-le dans ses réglages pour cette adresse.",
    "microphone-missing": "Il n’y a pas de microphone, ou un autre programme l’occupe.",
    "microphone-insecure":
      "Les navigateurs ne donnent le microphone qu’aux pages en HTTPS ou sur localhost. Ouvrez la page ainsi.",
    NO_BACK_CHANNEL:
      "La caméra ne prend pas de son. Certaines l’offrent (canal de retour ONVIF) à une autre adresse, ou seulement quand leur microphone est activé.",
    UNSUPPORTED_CODEC:
      "La caméra prend le son dans une forme que la centrale ne parle pas. Réglez son audio sur G.711.",
    TALK_OFF: "Parler est désactivé pour cette caméra.",
    TALK_BUSY: "Quelqu’un d’autre parle ici en ce moment. Réessayez dans un instant.",
    TALK_TOO_LONG:
      "Cinq minutes sont passées, c’est donc terminé. Appuyez de nouveau pour continuer.",
    TALK_SILENT: "Aucun son n’est venu du microphone, c’est donc terminé.",
    CAMERA_OFF: "La caméra est éteinte.",
    SILENT: "La caméra ne répond pas. Réessayez dans un instant.",
    UNREACHABLE: "Rien ne répond à l’adresse de la caméra.",
    WRONG_PASSWORD: "La caméra refuse le nom d’utilisateur ou le mot de passe.",
    HUB_UNREACHABLE: "La centrale ne répond pas.",
  },
  failed: "On n’a pas pu vous entendre.",
};
