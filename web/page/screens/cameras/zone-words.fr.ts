import type { ZoneWords } from "./zone-words.en.ts";

export const french: ZoneWords = {
  open: "Zones et masques",
  openOf: (camera) => `Zones et masques : ${camera}`,
  title: (camera) => `Zones et masques : ${camera}`,
  kinds: { zones: "Zones", masks: "Masques", public: "Espace public" },
  what: {
    zones:
      "Là où un mouvement compte : avec une zone, ce qui bouge en dehors n’est pas enregistré. Sans aucune, toute l’image compte.",
    masks:
      "Ce que personne ne doit voir, comme la fenêtre d’un voisin : c’est recouvert avant tout enregistrement, tout affichage et toute analyse. Personne ne pourra l’enlever d’un enregistrement.",
    public:
      "Rue, trottoir ou terrain d’autrui, marqués par vous : si une trop grande part de l’image est publique, la caméra n’enregistre d’elle-même aucun mouvement.",
  },
  none: {
    zones: "Aucune zone : toute l’image compte.",
    masks: "Aucun masque : toute l’image est enregistrée.",
    public: "Rien n’est marqué comme public.",
  },
  add: { zones: "Nouvelle zone", masks: "Nouveau masque", public: "Nouvel espace public" },
  full: "Huit, c’est le maximum.",
  zoneName: (number) => `Zone ${number}`,
  maskName: (number) => `Masque ${number}`,
  publicName: (number) => `Espace public ${number}`,
  name: "Nom de la zone",
  nameHint: "Un événement le cite : quelque chose a bougé dans cette zone.",
  picture: (camera) => `Image de ${camera}, sur laquelle dessiner`,
  how: "Faites glisser un coin ou la surface elle-même. Au clavier : les flèches déplacent un coin, plus loin avec Maj ; + en ajoute un, Suppr le retire.",
  still: "L’image reste fixe pendant que vous dessinez.",
  noPicture:
    "Il n’y a pas d’image pour l’instant. Vous pouvez dessiner sans elle, avec les nombres.",
  loading: "Recherche d’une image …",
  again: "Prendre une nouvelle image",
  undo: "Annuler la dernière étape",
  removeArea: "Retirer cette surface",
  corners: "Coins, en pour cent de l’image",
  cornerAt: (area, number, x, y) =>
    `${area}, coin ${number} : ${x} depuis la gauche, ${y} depuis le haut`,
  fromLeft: (number) => `Coin ${number}, depuis la gauche`,
  fromTop: (number) => `Coin ${number}, depuis le haut`,
  left: "Depuis la gauche",
  top: "Depuis le haut",
  addCorner: (number) => `Ajouter un coin après le coin ${number}`,
  removeCorner: (number) => `Retirer le coin ${number}`,
  share: (share, limit) => `${share} de l’image est public ; la limite est de ${limit}.`,
  within: "Les mouvements sont enregistrés.",
  above:
    "Les mouvements ne seront pas enregistrés : masquez-en une partie ou tournez la caméra. La sonnette, elle, reste enregistrée.",
  limit: "Limite pour l’espace public",
  limitHint:
    "En pour cent de l’image. Une maison au bord du trottoir peut demander plus que les 25 habituels ; 50 est le maximum.",
  faults: {
    few: "Il lui faut au moins trois coins.",
    many: "Elle a plus de vingt coins.",
    outside: "Un coin est hors de l’image.",
    same: "Deux coins sont au même endroit.",
    crossing: "Ses bords se croisent ou se touchent. Déplacez un coin ou dessinez deux surfaces.",
    small: "Elle est trop petite pour être utile.",
    unnamed: "Il lui faut un nom.",
    twice: "Une autre zone porte le même nom.",
  },
  faultIn: (area, fault) => `${area} : ${fault}`,
  save: "Enregistrer",
  saved: "Enregistré et en vigueur.",
  saving:
    "Enregistrement. Pour des masques, on mesure d’abord si cette machine peut les appliquer …",
  savedMasks: "Enregistré. La caméra redémarre avec ses masques ; la nouvelle image les montre.",
  notPainted:
    "Les masques ne peuvent pas être appliqués : rien de cette caméra n’est montré ni enregistré.",
  inCamera:
    "Cette caméra peut peut-être cacher ces surfaces elle-même, ce qui épargne ce travail à la centrale. Ce qu’elle cache est caché à tout le monde.",
  askCamera: "Les faire cacher par la caméra",
  asking: "La caméra est interrogée …",
  hiddenByCamera:
    "La caméra indique qu’elle les cache sur chacune de ses images. Enregistrez-les : la centrale veillera à ce que cela continue.",
  notHiddenByCamera: "La caméra ne les cache pas ; la centrale les recouvre une fois enregistrées.",
  demo: "Ceci est la démonstration dessinée : ce que vous dessinez ici ne peut pas être enregistré. Ce sera possible avec une vraie caméra.",
  theirs: "Montrer ce qui est en place",
  errors: {
    SETTINGS_CHANGED:
      "Quelqu’un d’autre a modifié ces surfaces entre-temps, ici ou dans le fichier de réglages. Regardez d’abord les siennes ; votre dessin n’est pas enregistré.",
    SETTINGS_UNREADABLE:
      "Quelqu’un a modifié le fichier de réglages à la main et il contient une erreur. Corrigez-la d’abord sur la centrale ; rien n’a été enregistré.",
    SETTINGS_NOT_WRITTEN: "La centrale n’a pas pu écrire son fichier de réglages. Rien n’a changé.",
    MASKS_TOO_MUCH:
      "Cette machine ne peut pas recouvrir ces masques assez vite ; ils n’ont pas été enregistrés. Voici ce qui a été mesuré.",
    TRANSCODE_NOT_MEASURED:
      "Impossible de mesurer si cette machine peut recouvrir les masques. Rien n’a été enregistré.",
    CAMERA_TEST_BUSY:
      "Une autre caméra est en train d’être interrogée. Attendez quelques secondes.",
    UNREACHABLE: "La caméra ne répond pas.",
    NOT_FOUND: "Cette caméra n’existe plus.",
    NOT_ALLOWED: "Seul un propriétaire peut modifier ce qui est dessiné ici.",
    MALFORMED_INPUT: "La centrale n’accepte pas l’une de ces surfaces.",
  },
};
