import type { english } from "./words.en.ts";

export const french: typeof english = {
  unnamed: "un appareil sans nom",
  you: "vous",
  and: " et ",
  signed: (names) => `Signé par ${names}.`,
  oneMore: "Une autre personne doit encore signer.",
  more: (count) => `${count} autres personnes doivent encore signer.`,
  nothingSent: "Rien n’a été envoyé.",
  youSigned: "Vous avez signé. Tant que les autres ne l’ont pas fait, rien ne sort.",
  stale:
    "Un accord a été proposé, et le foyer a changé depuis. Personne ne peut plus le signer : regardez, et signez à nouveau. Rien n’a été envoyé.",
  takeBackProposal: "Retirer ma proposition",
  signTitle: "Un autre propriétaire propose ceci",
  signText:
    "Regardez vous-même l’extrait. Quand vous signez, cet appareil refait chaque clé et compare : si une seule diffère, rien n’est signé.",
  checking: "Vérification de la proposition dans le registre …",
  sign: "Maintenir pour signer aussi",
  signLast:
    "Avec votre signature, c’est accepté : ce qui est montré ci-dessus sort, pour cette seule clé.",
  signNotLast:
    "Votre signature s’ajoute. D’autres personnes doivent aussi signer avant que quoi que ce soit ne sorte.",
  firstOf: (needed) =>
    `${needed} propriétaires de ce foyer doivent signer. Votre signature est la première : elle seule ne laisse rien sortir.`,
  veto: (days) =>
    `Après la dernière signature, chaque propriétaire peut encore l’arrêter pendant ${days}. Rien ne sort avant.`,
  making: (made, total) => `La clé ${made} sur ${total} est refaite …`,
  otherPurpose: (purpose) => `La demande elle-même indique un autre but : ${purpose}`,
  stuck:
    "Accepté, mais rien ne peut sortir : un appareil qui a signé n’est plus en vigueur, ou un enregistrement n’est plus là. Arrêtez-le.",
  waitsUntil: (when) => `Accepté. Rien ne sort avant le ${when} ; vous pouvez encore l’arrêter.`,
  stopTitle: "L’arrêter",
  stopText: "Chaque propriétaire peut l’arrêter seul, sans raison. Rien ne sera sorti.",
  stop: "Maintenir pour l’arrêter",
  until: (when) => `On peut venir le chercher jusqu’au ${when}.`,
  takeBackTitle: "Reprendre l’accord",
  takeBack: "Reprendre l’accord …",
  takeBackText:
    "La centrale détruit sa copie des clés faites pour le destinataire, et l’adresse répond comme si elle n’avait jamais existé.",
  neverFetched: "Personne n’est venu le chercher. Ensuite, personne ne le pourra.",
  cannotRecall: (count) =>
    `Il a été récupéré ${count}. Ce qui a été récupéré ne peut pas être rappelé : qui l’a, le garde.`,
  once: "une fois",
  times: (count) => `${count} fois`,
  confirm: "Maintenir pour reprendre",
  working: "Signature …",
  close: "Laisser ainsi",
  revoked: "Un propriétaire a repris cet accord. On ne peut plus venir le chercher.",
  stopped: "Un propriétaire l’a arrêté avant que cela ne sorte. Rien n’a été envoyé.",
  lapsed: "Le délai est passé. On ne peut plus venir le chercher.",
  conditions: "Pour quoi, et pour combien de temps",
  purpose: "Le but, comme vous le signez",
  purposeHint: "Laissé vide, c’est celui de la demande.",
  available: "On peut venir le chercher pendant",
  days: (count) => (count === 1 ? "1 jour" : `${count} jours`),
  hours: (count) => (count === 1 ? "1 heure" : `${count} heures`),
  withdraw: "La demande est retirée",
  withdrawText: "Pour une lettre que vous avez saisie : la personne qui l’a écrite n’en veut plus.",
  errors: {
    PROPOSAL_ALTERED:
      "Les clés de cette proposition ne sont pas celles que donnent ses termes : quelqu’un d’autre y a accès. Rien n’a été signé. Parlez à la personne qui l’a proposée, et refusez.",
    PROPOSAL_STANDS:
      "Un autre propriétaire a proposé un accord entre-temps. Rien de votre part n’a été pris ; regardez le sien.",
    NO_PROPOSAL: "Cette proposition n’existe plus. Rien n’a été signé.",
    DECISION_WRONG_KEYRING: "Le foyer a changé depuis cette signature. Signez à nouveau.",
    DECISION_SAME_PERSON_TWICE: "Vous avez déjà signé ; une autre personne doit le faire.",
    DECISION_UNKNOWN_CHECKPOINT:
      "La personne qui propose ceci a vu un autre registre que cet appareil. Rien n’a été signé. Comparez d’abord vos registres.",
  },
};
