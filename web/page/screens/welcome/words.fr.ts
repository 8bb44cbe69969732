import type { WelcomeWords } from "./words.en.ts";

export const french: WelcomeWords = {
  brand: "Doorward",
  step: (at, of) => `Étape ${at} sur ${of}`,
  stepNames: [
    "Bienvenue",
    "Code et noms",
    "Clés",
    "Feuille de secours",
    "Première caméra",
    "Sonnette",
  ],
  next: "Continuer",
  back: "Retour",
  trial: "Essai",
  trialText:
    "La centrale et les clés sont sur une même machine : qui tient la machine peut tout ouvrir.",

  start: {
    title: "Votre porte reste chez vous",
    first: "Cette centrale enregistre ce qui se passe à votre porte et le garde dans votre maison.",
    second:
      "Chaque enregistrement est fermé par des clés créées sur cet appareil. La centrale ne les a jamais.",
    third: "Rien ne quitte la maison sans votre signature.",
    where: "Où se trouve ce navigateur ?",
    onHub: "Sur la machine de la centrale",
    onHubText:
      "Ce sera un essai, pour découvrir. Les clés seront à côté des enregistrements ; de vraies caméras demandent des clés sur un autre appareil.",
    tunnel: "Sur un autre appareil, par un tunnel",
    tunnelText: "Les clés restent sur cet appareil, loin des enregistrements.",
    how: "Comment venir d’un autre appareil",
    howText:
      "Sur cet appareil, lancez ceci avec le nom ou l’adresse de la centrale, puis ouvrez-y la même adresse :",
    ready:
      "À portée de main : le code affiché par la console de la centrale, et une imprimante ou un stylo. Comptez dix minutes.",
    begin: "Commencer",
    held: (label) =>
      `Ce navigateur a déjà des clés, sous le nom « ${label} », et la centrale dit n’appartenir à personne. Si vous ne l’avez pas effacée vous-même, arrêtez-vous ici : fonder un foyer remplace ces clés pour de bon.`,
    replace: "J’ai effacé la centrale. Remplacer ces clés.",
  },

  install: {
    title: "D’abord sur l’écran d’accueil",
    why: (device) =>
      `Sur un ${device}, l’app de l’écran d’accueil a son propre stockage, et elle seule peut être avertie quand on sonne. Les clés sont donc créées là, et non dans cet onglet.`,
    share:
      "Touchez Partager, le carré avec une flèche. S’il n’est pas visible, touchez d’abord les trois points.",
    add: "Descendez jusqu’à Sur l’écran d’accueil, puis touchez Ajouter.",
    open: "Ouvrez Doorward depuis l’écran d’accueil. La suite s’y trouve.",
    afterwards: "Vous pourrez ensuite fermer cet onglet. Rien n’y a été créé.",
    claimHere: "Prendre possession ici, dans le navigateur, malgré tout",
    claimHereText:
      "Les clés seront dans le stockage de cet onglet seulement : l’app de l’écran d’accueil sera vide, devra être admise comme second appareil, et cet onglet ne peut pas être averti de la sonnette. Utile si vous ne voulez pas de l’app.",
    joinHere: "Rejoindre ici, dans le navigateur, malgré tout",
    joinHereText:
      "Les clés seront dans le stockage de cet onglet seulement : l’app de l’écran d’accueil devrait être admise à son tour, et cet onglet ne peut pas être averti de la sonnette.",
  },

  goOn: {
    title: "Reprendre où vous en étiez",
    text: (house) =>
      `Les clés de « ${house} » sont créées, et la centrale n’est pas encore à vous.`,
    why: "Elles attendent ici, scellées. Votre empreinte ou votre code les ouvre, et la même feuille de secours s’affiche.",
    goOn: "Reprendre",
    anew: "Recommencer",
    anewText:
      "Recommencer crée d’autres clés et une autre feuille : les mots déjà notés n’auront alors plus de valeur.",
    declined: "La clé d’accès n’a pas confirmé. Rien n’est perdu ; réessayez.",
  },

  names: {
    title: "Code et noms",
    devices: {
      iphone: "iPhone",
      ipad: "iPad",
      android: "Téléphone Android",
      windows: "Ordinateur Windows",
      mac: "Mac",
      linux: "Ordinateur Linux",
      other: "Mon appareil",
    },
    houseSuggested: "Maison",
    code: "Code affiché par la console de la centrale",
    codeHint:
      "Il est affiché là où la centrale a été démarrée : dans ce terminal, ou dans son journal. Trois groupes de quatre ; les tirets viennent seuls.",
    device: "Nom de cet appareil",
    deviceHint: "Votre foyer le verra. Changez-le si vous en avez plusieurs du même type.",
    house: "Nom de la maison",
    houseHint: "Affiché en haut de cette page. Vous pourrez le changer.",
    checking: "La centrale vérifie …",
  },

  keys: {
    title: "Les clés de cet appareil",
    passkey:
      "Une clé d’accès scelle les clés : votre empreinte ou votre code les ouvre sur cet appareil.",
    browser:
      "Ce navigateur n’a pas de clé d’accès à cette adresse ; il scelle donc les clés lui-même : qui peut utiliser ce navigateur sur cet appareil peut utiliser les clés.",
    make: "Créer les clés",
    makeWithout: "Laisser le navigateur les sceller",
    declined:
      "Aucune clé d’accès n’a été créée : elle a été refusée, ou cet appareil n’en a pas qui puisse sceller des clés. Réessayez, ou laissez le navigateur les sceller ; qui peut utiliser ce navigateur sur cet appareil pourra alors utiliser les clés.",
    making: "Création des clés …",
    asking: "Votre appareil demande votre empreinte ou votre code …",
    more: "Plus",
    classic: "Clés classiques seulement",
    classicText:
      "Sans cette case, les clés résistent aussi aux grands ordinateurs quantiques qui pourraient venir. Ne la cochez que si d’autres outils doivent ouvrir vos enregistrements.",
    made: "Les clés sont créées. Elles seront scellées sur cet appareil dès que la centrale sera à vous.",
    sealedBy: { passkey: "Scellées par votre clé d’accès", browser: "Scellées par ce navigateur" },
    again:
      "Le nom ou le type a changé depuis : de nouvelles clés sont créées, et avec elles une nouvelle feuille.",
  },

  sheet: {
    title: "Votre feuille de secours",
    text: "Ces 24 mots ouvrent tout ce que cette maison a enregistré si tous vos appareils sont perdus. Il n’y a pas d’autre retour, et personne ne peut vous les renvoyer.",
    keep: "Imprimez-les ou notez-les, et gardez le papier loin de la centrale. Qui le lit peut tout ouvrir.",
    list: "Les 24 mots",
    print: "Imprimer",
    save: "Enregistrer un fichier",
    share: "Partager vers une imprimante",
    shared:
      "Ce que vous avez partagé n’est pas scellé : ne l’envoyez qu’à une imprimante, et retirez-le de partout ailleurs.",
    away: "Vous pouvez poser le téléphone pendant que vous écrivez : les mots seront toujours là.",
    saved: "Le fichier n’est pas scellé : retirez-le de cet appareil une fois imprimé.",
    fileName: "doorward-secours.txt",
    done: "Je les ai sur papier",
    printTitle: "Feuille de secours Doorward",
    printText: "Qui détient ces mots peut ouvrir tout ce que ce foyer a enregistré.",
    printKeep: "Gardez cette feuille loin de la centrale.",
    printKind: (kind) => `kind: ${kind}`,
    printed: (when) => `Créée le ${when}`,
  },

  proof: {
    title: "Essayez la feuille",
    text: "La centrale scelle maintenant un petit fichier. Seul ce que vous tapez depuis le papier l’ouvre : vous saurez ainsi que la feuille fonctionne.",
    hint: "Les quatre premières lettres d’un mot suffisent ; espace mène au suivant. Vous pouvez aussi tout coller.",
    file: "Utiliser plutôt le fichier enregistré",
    check: "Ouvrir le fichier avec ces mots",
    checking: "Ouverture du fichier scellé …",
    claiming: "La feuille fonctionne. La centrale devient la vôtre …",
    missing: (count) => (count === 1 ? "Il manque un mot." : `Il manque ${count} mots.`),
    wrong: (numbers) => `Différent de la feuille : mot ${numbers}.`,
    wrongMany: (numbers) => `Différents de la feuille : mots ${numbers}.`,
    wrongSomewhere: "Un mot est faux ou mal placé. Les mots seuls ne disent pas lequel.",
    wrongFile: "Ce fichier n’est pas la feuille créée ici.",
    sheetAgain: "Revoir la feuille",
    newCode:
      "Ce code n’est plus celui de la centrale : elle a sans doute été relancée. Sa console en affiche un nouveau ; ce que vous avez tapé ici reste.",
    enterCode: "Saisir le nouveau code",
  },

  camera: {
    title: "La centrale est à vous",
    proven:
      "La feuille de secours a ouvert le fichier d’essai. Désormais la centrale enregistre, et seules vos clés ouvrent.",
    nameFailed:
      "Le nom de la maison n’a pas pu être enregistré. Vous pourrez le donner sous Maison.",
    text: "Reliez votre sonnette maintenant, ou découvrez d’abord avec une scène que la centrale dessine elle-même.",
    find: "Trouver les caméras du réseau",
    byHand: "Saisir une caméra à la main",
    demo: "D’abord la scène de démonstration",
    bellTitle: "Quel message est la sonnette ?",
    bellText:
      "Les caméras disent beaucoup, et chaque fabricant nomme la sonnette autrement. Faites appuyer sur le bouton, et gardez le message qui arrive.",
  },

  told: {
    title: "Quand on sonne",
    text: "Cet appareil peut en être averti aussitôt, même quand l’app est fermée.",
    stays:
      "Ce qui quitte la maison pour cela est un seul nombre, chiffré et toujours de la même longueur. Votre navigateur demande d’abord, car vous seul pouvez l’activer.",
    on: "Activer et sonner une fois",
    later: "Plus tard",
    ringing: "Cet appareil va sonner …",
    rung: (seconds) => `Il a sonné, ${seconds} s après l’envoi par la centrale.`,
    rungText:
      "La sonnette de votre porte viendra par le même chemin. Le reste se choisit sous Maison.",
    again: "Sonner encore une fois",
    late: "Rien n’est revenu en une demi-minute. Sans Internet, c’est impossible : dans la maison, une page ouverte et le carillon sonnent malgré tout.",
    denied:
      "Ce navigateur ne doit afficher aucune notification d’ici. Sous Notifications, il est dit comment y revenir.",
    more: "En savoir plus sur les notifications",
    install: "Sur l’écran d’accueil, la page s’ouvre comme toute autre app.",
    installNow: "Mettre sur l’écran d’accueil",
    done: "Vers la porte",
  },

  join: {
    title: "Rejoindre cette maison",
    text: (house) =>
      `${house} appartient à un foyer. Un propriétaire laisse entrer cet appareil, avec un appareil déjà admis.`,
    device: "Nom de cet appareil",
    deviceHint: "Votre foyer le verra, par exemple : Téléphone de la cuisine.",
    begin: "Demander à entrer",
    starting: "La centrale est prévenue …",
    waitTitle: "Un propriétaire vous laisse entrer",
    wait: "Sur un appareil déjà admis, un propriétaire ouvre maintenant Maison et admet un nouvel appareil, ou lance ceci en ligne de commande :",
    waiting: "En attente d’un propriétaire …",
    wordsTitle: "Comparez trois mots",
    words:
      "L’appareil du propriétaire doit montrer les mêmes trois mots, dans cet ordre. Sinon, le propriétaire ne doit pas admettre cet appareil.",
    until: (time) => `L’attente dure jusqu’à ${time}.`,
    admitting: "En attente de la confirmation du propriétaire …",
    keyWords:
      "Si plusieurs propriétaires doivent signer, chacun des autres compare ces huit mots de la clé de cet appareil avant de signer :",
    cancel: "Ne plus attendre",
    lostButton: "J’ai ma feuille de secours",
    lost: "Tous les appareils perdus ?",
    lostText:
      "La feuille de secours, ou deux de ses trois parts, ouvre aussitôt chaque enregistrement sur cet appareil. 72 heures plus tard, vous pourrez de nouveau signer, sauf si un propriétaire s’y oppose.",
  },

  recover: {
    title: "Revenir avec la feuille de secours",
    text: "Saisissez les mots d’après le papier. Ils restent dans ce navigateur.",
    look: "Voir si la feuille convient",
    found: "La feuille est celle de cette maison. Dites maintenant qui vous êtes.",
    who: "À qui est cet appareil ?",
    personWith: (devices) => `Le propriétaire avec : ${devices}`,
    noName: "(sans nom)",
    lost: "Quels appareils sont perdus ?",
    lostText:
      "Ils sont retirés quand les 72 heures sont écoulées, et ce qui est enregistré ensuite leur reste fermé.",
    follows: [
      "Dès maintenant, vous pouvez tout regarder.",
      "L’appareil de chaque propriétaire en est averti, et un seul propriétaire suffit pour s’y opposer.",
      "Après 72 heures de fonctionnement de la centrale, vous revenez avec la feuille et vous reprenez. Ne la détruisez pas avant.",
    ],
    hold: "Maintenir pour l’annoncer",
    announcing: "Création des clés et annonce à la centrale…",
    pending:
      "Une récupération est déjà en cours. Elle doit se terminer, ou un propriétaire doit s’y opposer, avant une autre.",
    errors: {
      MALFORMED_INPUT:
        "Un mot est faux ou mal placé, ou les parts ne vont pas ensemble. Comparez avec le papier.",
      SHEET_NOT_IN_FORCE:
        "Ce n’est pas la feuille en vigueur ici : elle est d’une autre maison, ou a été remplacée.",
      KEYRING_INVALID_CHANGE:
        "La centrale ne l’a pas accepté : une récupération est déjà en cours, ou ce choix ne laisse personne pour signer.",
      TOO_MANY_CALLS: "Trop d’essais en peu de temps. Attendez une minute.",
    },
  },

  lent: {
    title: "Les clés sont rentrées chez elles",
    text: "Elles ont été prêtées à une seule page, une seule fois, et sont parties quand elle a été fermée ou rechargée. Pour rouvrir la page, arrêtez la commande avec Ctrl-C et relancez-la :",
  },

  errors: {
    PAIRING_OVER:
      "Dix minutes ont passé, ou la centrale a été relancée. Rien n’a été admis ; recommencez.",
    TOO_MANY_PAIRINGS: "Trop d’appareils attendent d’entrer. Attendez dix minutes, puis réessayez.",
    CLAIM_CODE_WRONG:
      "Ce n’est pas le code affiché par la console de la centrale. Rien de ce que vous avez tapé n’est perdu.",
    CLAIM_GONE: "Cette centrale a déjà un foyer. Rechargez cette page pour le rejoindre.",
    CLAIM_UNPROVEN: "La feuille n’a pas ouvert le fichier d’essai. Essayez encore une fois.",
    TOO_MANY_CALLS:
      "Trop d’essais en peu de temps. Attendez une minute ; ce que vous avez tapé reste.",
    NOT_OPEN: "Cet échange est terminé. Recommencez.",
    NO_READER: "Ces mots n’ouvrent pas le fichier d’essai. Ils viennent d’une autre feuille.",
    MALFORMED_INPUT:
      "Ce nom contient des caractères qui ne peuvent être montrés. Utilisez lettres, chiffres et espaces.",
  },
};
