import type { english } from "./words.en.ts";

export const french: typeof english = {
  title: "Hors de la maison",
  asOf: (time) => `Hors de la maison : par votre boîte aux lettres, état de ${time}.`,
  asOfText:
    "C’est ce que la centrale y avait mis à cette heure, scellé pour cet appareil. La suite vient d’elle-même.",
  look: "Regarder dans la boîte aux lettres",
  lookAgain: "Regarder de nouveau",
  lookText:
    "La centrale est injoignable d’ici. Ce qui vous attend est dans votre boîte aux lettres, et vous pouvez en décider.",
  nothing: "Rien ne vous attend.",
  onItsWay:
    "Signé, en route. La centrale le prendra en regardant la prochaine fois dans la boîte aux lettres.",
  taken: "La centrale a pris votre réponse.",
  refused: (why) => `La centrale a refusé votre réponse : ${why}`,
  partial:
    "Il y a dans ce temps plus d’enregistrements que la boîte aux lettres n’en porte. D’ici, vous pouvez refuser ; pour accepter, il faut être à la maison ou passer par un VPN.",
  leftOut: (count, isOne) =>
    isOne
      ? "1 morceau des enregistrements n’a pas trouvé de place dans la boîte aux lettres : il se regarde et s’accepte à la maison."
      : `${count} morceaux des enregistrements n’ont pas trouvé de place dans la boîte aux lettres : ils se regardent et s’acceptent à la maison.`,
  gone: "Cette demande n’est pas dans la boîte aux lettres : elle a été décidée, ou elle est plus récente que ce qui s’y trouve.",
  all: "Tout ce qui attend",
};
