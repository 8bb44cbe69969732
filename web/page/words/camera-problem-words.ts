/** What keeps a camera from giving pictures, by the codes of src/camera/camera-error.ts. */
export const english = {
  UNREACHABLE: "Nothing answers at its address. Is it switched on, and is the address right?",
  WRONG_PASSWORD: "The camera refuses this user name or password.",
  BASIC_REFUSED:
    "The camera would take the password only in the clear, readable for anybody on the way. It is not sent. Look in the camera’s settings for “digest” authentication.",
  NO_SUCH_STREAM: "The camera answers, and has no such stream. Look at the path in the address.",
  UNSUPPORTED_CODEC:
    "The camera sends video that Doorward cannot take. Set this stream to H.264 in the camera’s settings.",
  REDIRECT_REFUSED:
    "The camera wants the hub to go to another address. It never does: enter the right address here.",
  OTHER_HOST:
    "The camera names another address for its pictures. Nothing is sent there: enter the right address here.",
  NO_ONVIF:
    "Something answers there, but not in the camera language ONVIF. Look for “ONVIF” in the camera’s settings and switch it on.",
  DEVICE_FAULT: "The camera understood, and says no. Its user may lack the rights for it.",
  PROTOCOL_ERROR: "The camera answers in a way that Doorward does not understand.",
  SILENT: "Connected, but no picture comes. Starting the camera again often helps.",
  SOURCE_FAILED:
    "What plays as this camera on the hub’s own machine has failed, or the machine is too busy to keep up with it. It is tried again by itself.",
};
export const french: typeof english = {
  UNREACHABLE: "Rien ne répond à son adresse. Est-elle allumée, et l’adresse est-elle juste ?",
  WRONG_PASSWORD: "La caméra refuse ce nom d’utilisateur ou ce mot de passe.",
  BASIC_REFUSED:
    "La caméra ne prendrait le mot de passe qu’en clair, lisible par quiconque sur le chemin. Il n’est pas envoyé. Cherchez l’authentification « digest » dans les réglages de la caméra.",
  NO_SUCH_STREAM: "La caméra répond, et n’a pas de tel flux. Regardez le chemin dans l’adresse.",
  UNSUPPORTED_CODEC:
    "La caméra envoie une vidéo que Doorward ne sait pas prendre. Réglez ce flux sur H.264 dans la caméra.",
  REDIRECT_REFUSED:
    "La caméra veut envoyer la centrale à une autre adresse. Elle n’y va jamais : indiquez ici la bonne adresse.",
  OTHER_HOST:
    "La caméra nomme une autre adresse pour ses images. Rien n’y est envoyé : indiquez ici la bonne adresse.",
  NO_ONVIF:
    "Quelque chose répond, mais pas dans la langue des caméras, ONVIF. Cherchez « ONVIF » dans les réglages de la caméra et activez-le.",
  DEVICE_FAULT:
    "La caméra a compris, et dit non. Il manque peut-être des droits à son utilisateur.",
  PROTOCOL_ERROR: "La caméra répond d’une manière que Doorward ne comprend pas.",
  SILENT: "Connectée, mais aucune image ne vient. Redémarrer la caméra aide souvent.",
  SOURCE_FAILED:
    "Ce qui joue le rôle de cette caméra sur la machine de la centrale ne fonctionne plus, ou la machine est trop occupée pour suivre. Un nouvel essai se fait tout seul.",
};
