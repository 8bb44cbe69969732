import type { FrameWords } from "./words.en.ts";

export const french: FrameWords = {
  shell: {
    skip: "Aller au contenu",
    menu: "Menu",
    live: "Direct",
    events: "Événements",
    requests: "Demandes",
    ledger: "Registre",
    house: "Maison",
    back: "Retour",
    cancel: "Annuler",
    tryAgain: "Réessayer",
    oneMoment: "Un instant …",
    holdLonger: "Maintenez appuyé jusqu’à ce que la barre soit pleine.",
    pressAgain: "Appuyez encore une fois pour signer.",
    lost: "La centrale ne répond pas. Nouvel essai en cours ; ce que vous voyez peut dater.",
    loading: "La porte s’ouvre …",
    unreachable: "La centrale ne répond pas. Cette page réessaie toutes les quelques secondes.",
    unreachableHint: "Est-elle allumée, et êtes-vous sur le même réseau ?",
    lockedText:
      "Ses clés sont scellées sur cet appareil par votre clé d’accès. La centrale ne les a pas et ne peut rien ouvrir à votre place.",
    unlock: "Déverrouiller avec la clé d’accès",
    notConfirmed: "La clé d’accès n’a pas confirmé. Rien n’a été ouvert.",
    borrowed: "Clés prêtées par la ligne de commande ; rien n’est conservé dans ce navigateur.",
    notThere: "Cette page n’existe pas.",
    promise: "Rien ne quitte cette maison sans votre signature.",
    failed: "Cet écran s’est arrêté. Vos enregistrements sont intacts.",
  },
  errors: {
    HUB_UNREACHABLE:
      "La centrale ne répond pas. Est-elle allumée, et êtes-vous sur le même réseau ?",
    NOT_LOGGED_IN: "La session est terminée. Déverrouillez cet appareil à nouveau.",
    NOT_ALLOWED: "Cet appareil n’en a pas le droit.",
    KEYS_SEALED: "Cet appareil est verrouillé. Déverrouillez-le d’abord.",
    PASSKEY_DECLINED: "La clé d’accès n’a pas confirmé. Rien n’a été signé.",
    TOO_MANY_CALLS: "Trop d’appels en peu de temps. Attendez une minute.",
    FILE_MISSING: "Le fichier n’est plus sur le disque de la centrale.",
    FILE_ALTERED: "Ce fichier n’est pas ce qui a été enregistré. Il n’est pas montré.",
    NO_READER: "Cet appareil n’a pas de clé pour cet enregistrement.",
    CLIP_NOT_PROVEN: "Le registre ne présente pas cet enregistrement comme la centrale le montre.",
    LEDGER_RESTORED: "La centrale a été rétablie d’une copie : ouvrez le registre et répondez.",
    LEDGER_CHANGED: "Le registre n’est pas celui que cet appareil a vu auparavant.",
    FAILED:
      "Quelque chose n’a pas marché. Réessayez ; sinon, le journal de la centrale dit pourquoi.",
  },
};
