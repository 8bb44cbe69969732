import type { RedactWords } from "./words.en.ts";

export const french: RedactWords = {
  looking: {
    title: "Recherche des visages",
    text: "Chaque image est examinée sur cet appareil. Rien n’en est conservé ni envoyé.",
    progress: (done, total) => `${done} images sur ${total}`,
    starting: "Chargement du détecteur …",
  },
  review: {
    title: "Vérifiez ce qui sera flouté",
    limits:
      "Un détecteur manque certains visages : regardez vous-même. Et flouter n’est pas rendre anonyme : les vêtements, la démarche, le lieu et l’heure parlent encore à qui connaît la personne.",
    found: (count) =>
      count === 0
        ? "Aucun visage n’a été trouvé. Cela ne veut pas dire qu’il n’y en a pas."
        : count === 1
          ? "Un visage a été suivi."
          : `${count} visages ont été suivis.`,
    weakest: "À regarder en premier",
    weakestText: "Les images où le détecteur était le moins sûr.",
    told: (name, what) => `${name} : ${what}`,
    doubts: {
      start: "un cadre commence ou finit juste à côté",
      weak: "trouvé, mais sans certitude",
      filled: "complété entre deux détections",
      held: "prolongé sans détection",
      unsure: "quelque chose qui ressemble un peu à un visage, non flouté",
      moving: "quelque chose bouge, aucun visage trouvé",
      spot: "par précaution",
    },
    frame: (frame, total) => `Image ${frame} sur ${total}`,
    picture:
      "L’image. Les flèches gauche et droite mènent à l’image précédente et à l’image suivante.",
    before: "Image précédente",
    after: "Image suivante",
    slider: "Image",
    preview: "Montrer le flou",
    noPicture: "Cette image ne peut pas être montrée.",
    boxes: "Cadres de cette image",
    none: "Il n’y a aucun cadre dans cette image.",
    box: (number) => `Cadre ${number}`,
    origins: {
      found: (share) => `trouvé, sûr à ${share}`,
      filled: () => "complété",
      held: () => "prolongé",
      owner: () => "le vôtre",
    },
    add: "Ajouter un cadre",
    addHint:
      "Tracez-le sur l’image ou utilisez le bouton. Les flèches déplacent votre cadre ; avec majuscule, elles changent sa taille.",
    from: "de l’image",
    to: "à l’image",
    notHere: "Pas dans cette image",
    never: "Ne pas flouter du tout",
    remove: "Retirer le cadre",
    undo: "Annuler la modification",
    removed: "Le cadre est retiré. Cela peut être annulé.",
    added: "Un cadre a été ajouté au milieu de l’image.",
    make: "C’est bon : créer la copie floutée",
    cancel: "Abandonner",
  },
  making: {
    title: "Création de la copie floutée",
    text: "L’image est couverte et recodée sur cet appareil, morceau par morceau.",
  },
  sending: {
    title: "Scellement et envoi",
    text: "Scellée ici, pour les clés de votre foyer, avant de partir vers la centrale.",
  },
  failed: {
    title: "Il n’y a pas de copie floutée",
    nothing: "Rien n’a été créé ni envoyé.",
    again: "Recommencer",
    known: {
      DETECTOR_FAILED: "Le détecteur ne fonctionne pas dans ce navigateur.",
      ENCODER_MISSING: "Ce navigateur n’encode pas le H.264. Essayez-en un autre.",
      ENCODER_FAILED: "L’image n’a pas pu être recodée.",
      CODEC_NOT_SHOWN:
        "Ce navigateur ne peut pas montrer le H.265, ni donc y couvrir les visages. Prenez-en un qui le peut, comme Safari, ou une caméra réglée sur H.264.",
      SEGMENT_UNREADABLE: "L’enregistrement ne peut pas être lu en entier.",
      RENDITION_RELEASED:
        "Quelqu’un peut encore retirer la copie qui existe : un accord la nomme. Reprenez d’abord cet accord, sous Demandes.",
      RENDITION_WAITING: "La centrale prépare encore sa propre copie. Attendez qu’elle soit finie.",
      RENDITION_KNOWN: "Une autre copie est arrivée entre-temps. Regardez-la de nouveau.",
      REDACTOR_FAILED: "Le floutage s’est arrêté de façon inattendue.",
    },
    other: "Quelque chose n’a pas fonctionné.",
  },
};
