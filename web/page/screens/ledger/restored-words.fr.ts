import type { english } from "./restored-words.en.ts";

export const french: typeof english = {
  title: "Cette centrale a été rétablie d’une copie",
  what: (restored, until) => `Cela s’est fait le ${restored}. La copie allait jusqu’au ${until}.`,
  bySheet: "La personne qui l’a fait avait la feuille de secours.",
  byOwner: "La personne qui l’a fait a signé avec l’appareil d’un propriétaire.",
  gone: (gone, seen) =>
    `Cet appareil avait vu ${seen} inscriptions du registre : ${gone} d’entre elles sont perdues, et tout ce qui suivait.`,
  lost: (count) => `Enregistrements que cet appareil connaissait et qui sont perdus : ${count}.`,
  proven: (count) =>
    `Inchangées à coup sûr : les ${count} premières inscriptions, pour lesquelles cet appareil a signé.`,
  notProven:
    "Cet appareil n’avait signé pour aucun état antérieur : il ne peut pas comparer ce qui était avant.",
  older:
    "Cet appareil a été en contact avec une centrale après cela. Ou bien l’ancienne centrale fonctionne encore quelque part : éteignez-la. Ou bien des inscriptions ont disparu depuis : alors n’acceptez rien.",
  accepted: (at) => `Un propriétaire l’a accepté le ${at}.`,
  acceptedLess: (known) =>
    `Il connaissait ${known} inscriptions, et cet appareil en a vu davantage : dites-le-lui.`,
  ask: "N’acceptez que si vous, ou une personne du foyer à qui vous l’avez demandé, avez rétabli la centrale. Qui a la centrale et la feuille de secours pourrait faire de même pour cacher ce qui a été inscrit depuis la copie.",
  askOwner:
    "Un propriétaire doit d’abord l’accepter, sur son propre appareil. Demandez-le-lui de vive voix.",
  refuse:
    "La personne qui l’a fait n’a plus ce droit : nul ne peut l’accepter. Demandez aux propriétaires ; si aucun ne l’a fait, éteignez la centrale.",
  save: "Enregistrer d’abord les deux attestations",
  sign: "Je sais ce qui est perdu, et je le signe",
  goOn: "Je suis au courant : continuer",
};
