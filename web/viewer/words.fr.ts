import type { english } from "./words.en.ts";

export const french: typeof english = {
  title: "Enregistrements d’une porte d’entrée",
  choose: {
    heading: "Ouvrir ce qui vous a été remis",
    text: "Choisissez le fichier zip qui vous a été remis, ou tous les fichiers qu’il contenait. Cette page fonctionne sans internet : rien de ce que vous ouvrez ou écrivez ici ne quitte cet ordinateur.",
    button: "Choisir le fichier",
    drop: "ou déposez-le ici",
    again: "Ouvrir un autre fichier",
    tooMuch: "C’est plus grand que tout fichier de ce genre ne peut l’être.",
    notBundle:
      "Ce n’est pas un fichier d’enregistrements de Doorward. Choisissez le fichier zip, ou tous les fichiers qu’il contenait.",
    unreadable:
      "Ce fichier ne peut pas être lu ici. Il est peut-être trop grand pour ce navigateur.",
  },
  share: {
    heading: "Un enregistrement a été partagé avec vous",
    text: "Il s’ouvre dans ce navigateur avec la clé de votre lien. Chaque ouverture est comptée, même interrompue, et le propriétaire voit quand ; il ne voit pas par qui.",
    button: "L’ouvrir",
    gone: "Il n’y a rien ici. Le lien est peut-être épuisé, périmé ou repris, ou il en manque une partie.",
    failed:
      "L’autre côté ne répond pas. Réessayez plus tard ; sinon, demandez à la personne qui vous a envoyé le lien.",
    who: "Quiconque a le lien peut ouvrir l’enregistrement. Gardez-le pour vous.",
    until: (when: string, views: number) =>
      `Le lien fonctionne jusqu’au ${when}, ${views === 1 ? "une seule fois" : `${views} fois en tout`}.`,
  },
  checking: "Chaque octet est vérifié. Pour de longs enregistrements, cela prend un moment.",
  verdict: {
    holds: "Tout est exact",
    holdsText:
      "Les propriétaires du foyer ont signé pour exactement ces fichiers. Rien n’a changé depuis.",
    fails: "Quelque chose n’est pas exact",
    failsText:
      "Quelque chose a été changé, ou manque. Ne vous fiez à rien de ce qu’il contient, et demandez-le à nouveau.",
    viewer:
      "Cette page ne peut pas se porter garante d’elle-même. Si vous ne savez pas bien qui vous l’a donnée, prenez la visionneuse auprès du projet et comparez son SHA-256.",
  },
  checks: {
    heading: "Ce qui a été vérifié",
    names: {
      "the file is a bundle, byte for byte as written": "Le fichier est entier, octet par octet",
      "the keyring is one signed chain":
        "La liste de qui peut signer pour le foyer est signée depuis son début",
      "the ledger signed the checkpoint, and so did no stranger":
        "Le registre du foyer est signé, et personne d’extérieur ne l’a signé",
      "every entry is in the ledger":
        "Tout ce qui est arrivé avec cette demande est dans le registre",
      "the request is the one in the ledger": "La demande est celle qui a été inscrite",
      "the owners signed this approval": "Les propriétaires ont signé cet accord",
      "nothing but what was signed for is inside": "Il n’y a dedans que ce qui a été signé",
    },
    holds: "exact",
    fails: "pas exact",
    notReached: "pas atteint",
  },
  signed: {
    heading: "Ce qui a été signé",
    words: "Pour qui détient la clé de ces huit mots",
    owners: "Signé par",
    ownerCount: (count: number) => (count === 1 ? "un propriétaire" : `${count} propriétaires`),
    when: "Signé le",
    meantFor: "Destiné à",
    purpose: "Dans quel but",
    kind: "Demande",
    clips: "Enregistrements",
    files: (count: number) => (count === 1 ? "un fichier" : `${count} fichiers`),
    leftOut: "Montré et laissé de côté",
    noSound: "Le son a été laissé de côté.",
    blurred: "Les visages sont floutés.",
    mixed: "Les visages sont floutés dans une partie des enregistrements.",
    clear: "Les visages sont nets.",
    part: "Les propriétaires ont donné une partie de ce qui existe.",
    nothing: "Rien de ce qui était demandé dans ces enregistrements.",
    madeByHub:
      "Les visages ont été floutés par la centrale pendant l’enregistrement. Aucune machine ne trouve tous les visages.",
    madeWhole: (count: number) =>
      count === 1
        ? "1 fichier est pixelisé d’un bord à l’autre : il n’a pas pu être examiné."
        : `${count} fichiers sont pixelisés d’un bord à l’autre : ils n’ont pas pu être examinés.`,
    madeOnDevice:
      "Les visages ont été floutés sur l’appareil d’un propriétaire. Aucune machine ne trouve tous les visages.",
    ledger: "Registre du foyer",
    witnesses: "Aussi signé par",
    witnessCount: (count: number) =>
      count === 0
        ? "aucun appareil d’un propriétaire pour l’instant"
        : count === 1
          ? "un appareil d’un propriétaire"
          : `${count} appareils de propriétaires`,
    kinds: {
      police_voluntary: "Police, qui demande de l’aide",
      police_emergency: "Police, qui parle d’urgence",
      preservation: "À garder, à ne pas effacer",
      subpoena: "Citation à produire",
      court_order: "Ordonnance d’un tribunal",
      search_warrant: "Mandat de perquisition",
      lawyer: "Avocat",
      insurer: "Assureur",
      neighbour: "Voisin",
      victim: "Personne qui a subi un tort",
      journalist: "Journaliste",
      data_subject: "Personne qui a été filmée",
      household: "Le foyer lui-même",
      other: "Autre chose",
    },
  },
  key: {
    heading: "Ouvrir avec votre clé",
    text: "Les enregistrements sont scellés pour une seule clé. Collez la ligne qui commence par AGE-SECRET-KEY, ou choisissez le fichier où elle se trouve. Elle reste dans cette page et est oubliée quand vous la fermez.",
    paste: "Votre clé",
    file: "Choisir le fichier de la clé",
    open: "Ouvrir les enregistrements",
    wrong:
      "Ce n’est pas la clé pour laquelle les enregistrements sont scellés. Comparez les huit mots.",
    malformed: "Ce n’est pas une clé. C’est une ligne qui commence par AGE-SECRET-KEY.",
    opened: "Ouvert. La clé n’est que dans la mémoire de cette page.",
  },
  play: {
    play: "Lire",
    pause: "Pause",
    place: "Endroit de l’enregistrement",
    sound: "Son",
    mute: "Sans le son",
    save: "Enregistrer en MP4",
    saved: "Enregistré.",
    missing: "Une partie ne peut pas être montrée.",
    hevc: "Le navigateur de cet ordinateur ne peut pas montrer le H.265, dans lequel ceci a été enregistré. Enregistrez le MP4 : VLC le lit.",
    cannot:
      "Ce navigateur ne peut pas le lire ici. Enregistrez-le en MP4 et ouvrez-le avec un lecteur.",
    failed: "Il ne peut pas être ouvert.",
    mark: (who: string, date: string) => `Remis le ${date} à : ${who}`,
    markText:
      "La marque est posée sur l’image et n’en fait pas partie : un fichier enregistré n’en a pas, et un écran peut être filmé.",
  },
  sheet: {
    heading: "Feuille d’empreintes",
    text: "SHA-256 de chaque fichier tel qu’il a quitté la maison. Imprimez-la et gardez-la à part : avec elle, chacun peut vérifier plus tard qu’un fichier est resté le même.",
    file: "Fichier",
    hash: "SHA-256",
    decision: "Décision",
    checkpoint: "État du registre",
    qr: "L’état du registre en code QR",
    print: "Imprimer cette feuille",
  },
};
