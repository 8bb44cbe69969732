import type { english } from "./words.en.ts";

export const french: typeof english = {
  look: {
    callTitle: "Comparer leur clé au téléphone",
    callText:
      "Appelez à un numéro que vous avez trouvé vous-même, faites-vous lire les huit mots de la clé, et écrivez ce que vous entendez.",
    callLabel: "Les mots qu’on vous a dits",
    compare: "Comparer",
    same: "Ce sont les mêmes huit mots. C’est bien leur clé.",
  },
  sure: {
    title: "À quel point savez-vous qui demande ?",
    intro:
      "Pour vous et vos copropriétaires. C’est signé et inscrit au registre, et cela ne décide de rien.",
    levels: {
      none: "Pas vérifié",
      called_back: "Rappelé à un numéro que j’ai trouvé moi-même",
      met: "Rencontré en personne",
      known_key: "Je connaissais déjà leur clé",
    },
    state: "Signer cela",
    signing: "Signature …",
    now: (level, when) => `${level}. Signé ${when}.`,
    never: "Personne n’a encore rien dit.",
  },
  keep: {
    title: "Empêcher l’effacement",
    intro:
      "Les enregistrements de la période demandée ne sont alors pas effacés avant un jour que vous choisissez, au plus 90 jours plus tard. Rien ne sort par là, et personne n’en est informé. Cela peut être renouvelé une fois, et prend fin de soi-même.",
    days: "Pendant",
    day: (count) => (count === 1 ? "1 jour" : `${count} jours`),
    hold: "Les garder",
    renew: "Renouveler une fois",
    end: "Ne plus les garder",
    held: (count, until) =>
      count === 1
        ? `1 enregistrement est gardé jusqu’au ${until}.`
        : `${count} enregistrements sont gardés jusqu’au ${until}.`,
    ended: (when) =>
      `Cela a pris fin le ${when}. On ne peut plus garder davantage pour cette demande.`,
    working: "Signature …",
  },
  document: {
    title: "Ce qui était joint",
    about: (name, size) => `${name}, ${size}`,
    intro:
      "Scellé par qui l’a envoyé ; seuls les propriétaires l’ouvrent. Il est montré comme image ou comme texte simple, ou enregistré : ouvrez avec précaution un fichier enregistré, car il vient du dehors.",
    missing: "Il était annoncé et n’est pas arrivé, ou a été effacé.",
    open: "L’ouvrir",
    save: "L’enregistrer",
    remove: "Effacer la copie de la centrale",
    opening: "Ouverture …",
    alt: (name) => `Le document ${name}`,
    removed: "La copie de la centrale est effacée.",
    attach: "Joindre un scan ou une lettre",
    attachHint:
      "Un PDF, une image JPEG ou PNG, ou du texte simple, 4 Mio au plus. Il est d’abord scellé ici.",
    tooLarge: "Ce fichier dépasse 4 Mio.",
  },
  visitor: {
    way: "Un visiteur, pour ses propres minutes",
    title: "Quelqu’un qui est venu à la porte demande ses propres minutes",
    intro:
      "Là où le droit de la protection des données vous concerne, toute personne enregistrée peut le demander. Deux heures suffisent pour la retrouver.",
    when: "Quand cette personne était ici",
    looks: "Comment la retrouver à l’image",
    looksHint: "Ce qu’elle portait, dans ses propres mots. Aucun nom de quelqu’un d’autre.",
    note: "Cette personne demande ses propres minutes. Quand vous cochez un enregistrement, les morceaux de cette période et une copie floutée sont proposés. Pour la laisser nette et flouter les autres, faites ici la copie floutée et retirez les cadres qui la suivent : vous regardez chacun et choisissez.",
    tooLong: "Choisissez deux heures au plus.",
    form: "Un formulaire court, pour un visiteur qui demande ses propres minutes",
  },
  notice: {
    title: "Un avis pour la porte",
    text: "Une page à imprimer, dans les deux langues : que cette porte est filmée, avec ou sans son, combien de temps les enregistrements restent, et à qui s’adresser. Rien n’y figure que vous n’ayez écrit pour cela : indiquez notice.contact dans le fichier des réglages pour nommer quelqu’un.",
    save: "Enregistrer l’avis",
    making: "Préparation de l’avis …",
    saved: "notice.html est enregistré.",
    noCode:
      "Il n’a pas de code QR : il faudrait une adresse extérieure, celle de l’accès extérieur.",
  },
};
