import type { ChangeWords } from "./change-words.en.ts";

export const french: ChangeWords = {
  remove: "Retirer…",
  removeTitle: (label) => `Retirer « ${label} » ?`,
  removeText: [
    "L’appareil sort aussitôt : il ne peut plus se connecter, et ce qui est enregistré à partir de maintenant ne s’ouvre plus pour lui.",
    "Les clés des enregistrements changent. Chaque appareil qui reste reçoit les nouvelles de lui-même à sa prochaine visite.",
    "Ce qui a été enregistré avant lui reste ouvert, si quelqu’un lui donne les fichiers. On vous demande ensuite ce qu’il faut en faire.",
  ],
  removeMailbox:
    "Si c’est l’appareil d’un propriétaire, il connaît le nom et le mot de passe de votre boîte aux lettres. Changez ce mot de passe là où elle se trouve et dans secrets/mailbox.yaml : jusque-là, il peut effacer ou retenir ce qui s’y trouve, mais ni le lire ni décider.",
  removeOwn:
    "C’est l’appareil que vous utilisez. L’appareil d’un autre propriétaire pourra vous laisser entrer à nouveau.",
  leftBehind: (labels) =>
    `${labels} : les nouvelles clés ne peuvent pas être transmises d’ici ; il faudra laisser entrer à nouveau.`,
  removeHold: "Maintenir pour retirer",
  removePromised:
    "Quelqu’un utilise la feuille de secours, et cet appareil a déjà reçu les clés qui seraient alors les nouvelles. Opposez-vous d’abord à la récupération, ou attendez qu’elle soit terminée. Retirez l’appareil ensuite.",
  toRecovery: "Aller à la récupération",
  removing: "Création de nouvelles clés…",
  removed: "Retiré. De nouvelles clés sont en vigueur.",
  proposed: (signers, needed) =>
    `Signé par ${signers} sur ${needed}. Cela prend effet quand un autre propriétaire a signé aussi, sous Maison.`,

  openableTitle: "Ce qui a été enregistré avant",
  openable: (what, size, who) =>
    `${what}, ${size} : ${who} pourrait encore les ouvrir si quelqu’un donne les fichiers.`,
  recordings: (count, text) => (count === 1 ? "Un enregistrement" : `${text} enregistrements`),
  blurredOf: (what) => `${what} (leurs copies floutées)`,
  oldSheet: "la feuille de secours d’avant",
  and: " et ",
  openableText:
    "Sceller à nouveau garde les enregistrements et leur donne de nouveaux en-têtes, que seules les clés actuelles ouvrent. Les copies des fichiers faites avant, par une sauvegarde ou par le disque lui-même, restent comme elles sont.",
  torn: (count) =>
    count === 1
      ? "Un fichier inachevé parmi eux ne peut être que supprimé."
      : `${count} fichiers inachevés parmi eux ne peuvent être que supprimés.`,
  sealAnew: "Les sceller à nouveau",
  sealing: (done, total) => `Nouveau scellement : ${done} sur ${total}`,
  deleting: (done, total) => `Suppression : ${done} sur ${total}`,
  restoring: (done, total) => `Annulation : ${done} sur ${total}`,
  looking: "Recherche…",
  stop: "S’arrêter ici",
  deleteAll: "Les supprimer…",
  deleteTitle: "Supprimer ces enregistrements ?",
  deleteText: (what) =>
    `${what} : suppression définitive dans dix minutes. D’ici là, vous pouvez l’annuler ici. Ce qui est retenu ou lié à une remise reste.`,
  deleteHold: "Maintenir pour supprimer",
  going: (count, text) =>
    count === 1
      ? "L’un d’eux disparaîtra bientôt définitivement."
      : `${text} d’entre eux disparaîtront bientôt définitivement.`,
  takeBack: "Annuler la suppression",
  done: (done) => `Fait : ${done}.`,
  notDone: (count) =>
    count === 1
      ? "Un seul n’a pas pu l’être : il est retenu, ou abîmé sur le disque de la centrale."
      : `${count} n’ont pas pu l’être : ils sont retenus, ou abîmés sur le disque de la centrale.`,
  stopped: "Arrêté. Ce qui est fait reste fait ; continuez quand vous voulez.",

  policyTitle: "Combien doivent signer",
  policyNow: (exports, changes) =>
    exports === 1 && changes === 1
      ? "N’importe quel propriétaire peut remettre un enregistrement, et n’importe lequel peut changer qui fait partie de la maison."
      : `${exports === 1 ? "Un propriétaire doit" : `${exports} propriétaires différents doivent`} signer avant que quoi que ce soit quitte la maison ; ${changes === 1 ? "un seul" : changes} avant un changement de qui en fait partie.`,
  policyVeto: (hours) =>
    `Après la dernière signature, tout propriétaire peut encore arrêter une remise pendant ${hours} h.`,
  policyNoVeto: "Une remise prend effet avec la dernière signature.",
  policyChange: "Changer cela…",
  exportSigners: "Propriétaires qui doivent signer une remise",
  keyringSigners:
    "Propriétaires qui doivent signer un changement de personnes, d’appareils ou de règles",
  vetoHours: "Heures pendant lesquelles tout propriétaire peut encore arrêter une remise",
  policyMost: (owners) =>
    owners === 1
      ? "Il y a un seul propriétaire : plus d’une signature ne pourrait jamais être réunie."
      : `Il y a ${owners} propriétaires ; davantage ne pourrait jamais être réuni.`,
  policyHold: "Maintenir pour signer",
  policyDone: "Signé. Ces règles sont en vigueur.",

  waitingTitle: "Des changements vous attendent",
  waitingSigners: (signers, needed) => `${signers} sur ${needed} ont signé.`,
  signedByYou: "Vous l’avez signé.",
  cosign: "Maintenir pour signer aussi",
  withdraw: "Retirer la proposition",
  withdrawn: "Proposition retirée. Rien n’a changé.",
  cosigned: "Signé.",
  what: {
    admit: (label: string) => `Laisser entrer ${label}`,
    remove: (label: string) => `Retirer ${label}`,
    policy: "Changer combien doivent signer",
    sheet: "Mettre en vigueur une nouvelle feuille de secours",
    recovery_objection: "S’opposer à la récupération",
    other: "Changer le trousseau",
  },
  aDevice: "un appareil",
  admitAs: (role, may) => `Comme : ${role} (${may}).`,
  admitNew: "Une nouvelle personne, qui n’a encore aucun appareil ici.",
  admitFurther: (labels) =>
    labels === ""
      ? "Quelqu’un qui faisait partie du foyer et n’a plus d’appareil."
      : `Un appareil de plus pour qui a ${labels}.`,
  admitOneMore:
    "La signature d’un nouveau propriétaire compte à elle seule. Si c’était encore la personne qui propose, une seule personne pourrait signer pour deux.",
  admitWords:
    "Regardez le nouvel appareil : il doit montrer ces huit mots. Si l’un diffère, la clé de quelqu’un d’autre entrerait ; ne signez pas.",

  recoveryTitle: "Quelqu’un utilise la feuille de secours",
  recoveryText: (label, when) =>
    `Depuis ${when}, quelqu’un qui a la feuille de secours demande que « ${label} » devienne l’appareil d’un propriétaire.`,
  recoveryNobody: (when) =>
    `Depuis ${when}, quelqu’un qui a la feuille de secours demande que des appareils soient retirés.`,
  recoveryRemoves: (labels) => `Seraient retirés : ${labels}.`,
  recoveryRules: "Vaudrait alors :",
  recoveryLeft: (text) =>
    `Cela prend effet dans ${text}, sauf si un propriétaire s’y oppose. Qui a la feuille peut déjà ouvrir tout ce qui a été enregistré.`,
  recoveryOver: "Les 72 heures sont écoulées : cela prend effet dès que cet appareil le demande.",
  recoveryOwn:
    "C’est votre propre récupération. Vous pouvez déjà tout regarder ; vous pourrez signer quand le délai sera écoulé.",
  hours: (hours) => (hours === 1 ? "une heure" : `${hours} heures`),
  object: "Maintenir pour s’opposer",
  objectText:
    "Si ce n’était aucun de vous, opposez-vous maintenant, puis mettez en vigueur une nouvelle feuille : qui a l’ancienne l’a toujours.",
  objected:
    "La récupération est arrêtée. Mettez maintenant en vigueur une nouvelle feuille de secours.",
  complete: "Maintenir pour reprendre",
  completed: "Vous êtes de nouveau propriétaire dans cette maison.",
  completeText:
    "Les 72 heures sont écoulées. Saisissez la feuille encore une fois pour signer avec elle.",

  sheetTitle: "Feuille de secours",
  sheetText:
    "Elle ouvre tout, et fait revenir une maison qui a perdu ses appareils. Elle se garde sur papier, loin de la centrale.",
  newSheet: "Faire une nouvelle feuille…",
  newSheetTitle: "Une nouvelle feuille de secours",
  newSheetText:
    "Imprimez-la ou recopiez-la maintenant. Quand vous signez, elle remplace l’ancienne, pour ce qui est enregistré à partir de là.",
  newSheetKept: "Je l’ai sur papier",
  newSheetTry: "Saisissez-la d’après le papier, pour voir qu’elle ouvre ce que la centrale scelle.",
  sheetAgain: "Revoir les mots",
  newSheetSign: "Maintenir pour la mettre en vigueur",
  newSheetDone:
    "La nouvelle feuille est en vigueur. L’ancienne ouvre encore ce qui a été enregistré avant.",
  split: "La partager en trois…",
  splitTitle: "Trois parts, dont deux suffisent",
  splitText:
    "Saisissez la feuille d’après le papier. Vous obtenez trois parts : deux quelconques redonnent la feuille, et une seule ne dit rien. Confiez-les à des personnes ou à des lieux qui ne se rencontrent pas par hasard.",
  splitMake: "Faire les trois parts",
  splitMade: (number) => `Part ${number} sur 3`,
  splitSave: "Enregistrer cette part",
  splitAfter:
    "Imprimez ou recopiez chaque part, puis détruisez la feuille entière : qui l’a n’a besoin d’aucune part. Les fichiers ne sont pas scellés.",
  splitFile: (number) => `doorward-secours-part-${number}.txt`,
  words: "Les 24 mots",
  close: "Fermer",
  save: "Enregistrer dans un fichier",
  sheetFile: "doorward-secours.txt",

  errors: {
    NO_READER:
      "Ces mots n’ouvrent pas ce que la centrale a scellé pour la nouvelle feuille. Comparez avec le papier.",
    RECOVERY_TOO_EARLY:
      "Les 72 heures ne sont pas encore écoulées, selon le temps où la centrale a fonctionné.",
    READERS_NOT_NAMED:
      "Les nouvelles clés ne correspondent pas à ce qu’il faut signer. Rien n’a été signé.",
    SHEET_NOT_IN_FORCE:
      "Ce n’est pas la feuille en vigueur : elle est d’une autre maison, ou a été remplacée.",
    MALFORMED_INPUT: "Un mot est faux ou mal placé. Comparez avec le papier.",
    READERS_OLD: "Cet appareil n’a pas encore reçu les nouvelles clés. Rechargez la page.",
    KEYRING_CHANGED: "La maison vient de changer. Regardez à nouveau, puis continuez.",
    KEYRING_INVALID_CHANGE:
      "C’est impossible : il resterait trop peu de propriétaires pour les règles, l’appareil est déjà sorti, ou une récupération est en cours : opposez-vous-y d’abord.",
    KEYRING_BROKEN_CHAIN: "La maison a changé entre-temps. Regardez à nouveau.",
    NOT_OPEN: "Vous avez déjà signé cela.",
    NOT_FOUND:
      "C’est terminé : d’autres l’ont signé, cela a été retiré, ou annulé par un autre changement.",
    DISK_FULL:
      "Le disque de la centrale est plein. Ce qui est inscrit sera terminé quand il y aura de la place.",
  },
};
