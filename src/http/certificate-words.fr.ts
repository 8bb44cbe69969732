import type { CertificateWords, Named, PlatformSteps } from "./certificate-words.en.ts";

const question: CertificateWords["question"] = {
  title: "Voulez-vous regarder aussi quand vous n’êtes pas chez vous ?",
  lead: "Vos appareils connaîtront cette centrale sous un seul nom, et leurs clés appartiennent à ce nom. C’est pourquoi cette question vient en premier.",
  homeTitle: "À la maison me suffit",
  homeText:
    "La centrale s’appelle doorward.local. Il n’y a rien à régler ailleurs. Hors de chez vous, les notifications peuvent quand même vous parvenir.",
  homeButton: "Prendre doorward.local",
  awayTitle: "Aussi quand je suis ailleurs",
  awayText:
    "Alors le nom doit mener à cette centrale de partout, par un tunnel privé (VPN) à vous : un nom sous un domaine qui vous appartient, ou le nom de cette machine dans Tailscale.",
  field: "Nom de la centrale",
  example: "porte.exemple.org",
  awayButton: "Prendre ce nom",
  howTitle: "Ce qu’il faut régler, et où",
  how: [
    "Votre box ou routeur : donner toujours la même adresse à cette centrale, et installer le VPN (beaucoup ont WireGuard).",
    "Votre domaine, là où il est géré : un enregistrement A qui mène du nom à l’adresse de cette centrale chez vous. Certaines box refusent les noms qui mènent à la maison (« protection contre le DNS rebind ») : ajoutez le nom à leurs exceptions.",
    "Ou bien Tailscale : l’installer sur la centrale et sur chaque téléphone ; le nom est celui qu’il affiche pour la centrale, il finit par .ts.net.",
    "Vous avez un certificat pour ce nom, ou un proxy inverse ? Indiquez-le dans doorward.yaml sous listen, puis redémarrez la centrale ; il n’y a alors rien à installer sur les téléphones.",
  ],
  malformed:
    "Une centrale ne peut pas porter ce nom. Il a au moins deux parties séparées par un point, comme porte.exemple.org ; pas d’adresse en chiffres, pas de port.",
  taken:
    "Une autre machine porte déjà ce nom ici. Choisissez-en un autre ; porte.local convient pour la maison seule.",
  failed: "La centrale n’a pas pu prendre ce nom. Sa console dit pourquoi.",
};

const iphone = ({ authority }: Named): PlatformSteps => ({
  name: "iPhone et iPad",
  file: "mobileconfig",
  steps: [
    {
      text: "Soyez dans Safari. Téléchargez le profil et autorisez-le. Puis fermez le message.",
      screen: {
        frame: "phone",
        title: "Safari",
        rows: [
          { text: "Autoriser", end: "button", isMarked: true },
          { text: "Ignorer", end: "button" },
        ],
      },
    },
    {
      text: "Ouvrez Réglages et touchez « Profil téléchargé » en haut. Installez-le. Il est dit « Non signé » : seule une entreprise connue d’Apple pourrait le signer.",
      screen: {
        frame: "phone",
        title: "Réglages",
        rows: [
          { text: "Profil téléchargé", end: "on", isMarked: true },
          { text: "Mode Avion" },
          { text: "Wi-Fi", end: "on" },
        ],
      },
    },
    {
      text: `Dans Réglages : Général, Informations, et tout en bas Réglages de confiance des certificats. Activez « ${authority} ».`,
      screen: {
        frame: "phone",
        title: "Confiance des certificats",
        rows: [{ text: authority, end: "switch", isMarked: true }],
      },
    },
  ],
  hint: "« Profil téléchargé » n’y est pas ? Regardez sous Général, VPN et gestion de l’appareil.",
  shownAt:
    "Réglages, Général, VPN et gestion de l’appareil, le profil, Plus de détails, le certificat ; tout en bas.",
});

const android = ({ authority }: Named): PlatformSteps => ({
  name: "Android",
  file: "crt",
  steps: [
    {
      text: "Téléchargez le certificat. Si le navigateur hésite, choisissez Conserver. Si un message dit qu’il faut l’installer dans les paramètres, fermez-le.",
      screen: {
        frame: "phone",
        title: "Chrome",
        rows: [{ text: "doorward.crt" }, { text: "Conserver", end: "button", isMarked: true }],
      },
    },
    {
      text: "Ouvrez Paramètres et cherchez « certificat CA ». (Il est sous Sécurité et confidentialité, Plus de paramètres, Chiffrement et identifiants, Installer un certificat.)",
      screen: {
        frame: "phone",
        title: "Installer un certificat",
        rows: [
          { text: "Certificat CA", end: "on", isMarked: true },
          { text: "Certificat utilisateur VPN et appli", end: "on" },
          { text: "Certificat Wi-Fi", end: "on" },
        ],
      },
    },
    {
      text: "Choisissez « Installer quand même », puis doorward.crt parmi les téléchargements. L’avertissement vise les certificats valables pour tous les sites ; celui-ci ne l’est pas.",
      screen: {
        frame: "phone",
        title: "Certificat CA",
        rows: [
          { text: "Ne pas installer", end: "button" },
          { text: "Installer quand même", end: "button", isMarked: true },
        ],
      },
    },
  ],
  hint: "Android peut dire de temps en temps que le réseau est peut-être surveillé : il le dit de tout certificat ajouté. Firefox pour Android a son propre réglage : touchez cinq fois son logo sous À propos de Firefox, puis Secret Settings, Use third party CA certificates.",
  shownAt: `Paramètres, Sécurité et confidentialité, …, Identifiants utilisateur ou Certificats de confiance, Utilisateur, ${authority}.`,
});

const windows = ({ authority }: Named): PlatformSteps => ({
  name: "Windows",
  file: "crt",
  steps: [
    {
      text: "Téléchargez le certificat, ouvrez-le et choisissez Installer un certificat.",
      screen: {
        frame: "window",
        title: "Certificat",
        rows: [
          { text: authority },
          { text: "Installer un certificat…", end: "button", isMarked: true },
        ],
      },
    },
    {
      text: "Choisissez Utilisateur actuel. Puis : Placer tous les certificats dans le magasin suivant, Parcourir, Autorités de certification racines de confiance. Suivant, Terminer, Oui.",
      screen: {
        frame: "window",
        title: "Magasin de certificats",
        rows: [
          { text: "Personnel" },
          { text: "Autorités … racines de confiance", isMarked: true },
          { text: "Confiance de l’entreprise" },
        ],
      },
    },
  ],
  shownAt:
    "le certificat ouvert, Détails. Windows montre SHA-1 comme « Empreinte numérique » ; certutil -dump doorward.crt donne SHA-256.",
});

const mac = ({ authority }: Named): PlatformSteps => ({
  name: "Mac",
  file: "crt",
  steps: [
    {
      text: "Téléchargez le certificat et ouvrez-le : Trousseaux d’accès le prend.",
      screen: {
        frame: "window",
        title: "Trousseaux d’accès",
        rows: [{ text: authority, end: "on", isMarked: true }],
      },
    },
    {
      text: "Ouvrez-le là d’un double-clic, dépliez Se fier, et choisissez Toujours approuver. Fermez la fenêtre et donnez votre mot de passe.",
      screen: {
        frame: "window",
        title: authority,
        rows: [
          { text: "Se fier" },
          { text: "Utilisation : Toujours approuver", end: "on", isMarked: true },
        ],
      },
    },
  ],
  hint: "Firefox pour Mac suit le système, sauf si cela a été désactivé dans ses paramètres.",
  shownAt: "Trousseaux d’accès, le certificat ouvert, Détails ; tout en bas.",
});

const linux = ({ authority }: Named): PlatformSteps => ({
  name: "Linux, et Firefox",
  file: "crt",
  steps: [
    {
      text: "Téléchargez le certificat. Firefox : Paramètres, Vie privée et sécurité, Certificats, Afficher les certificats, Autorités, Importer.",
      screen: {
        frame: "window",
        title: "Autorités",
        rows: [{ text: "Importer…", end: "button", isMarked: true }],
      },
    },
    {
      text: "Cochez qu’il peut identifier des sites web.",
      screen: {
        frame: "window",
        title: authority,
        rows: [
          { text: "Identifier des sites web", end: "tick", isMarked: true },
          { text: "Identifier des adresses e-mail" },
        ],
      },
    },
    {
      text: "Chrome et Chromium : Paramètres, Confidentialité et sécurité, Sécurité, Gérer les certificats, Certificats locaux, Installés par vous, Certificats de confiance, Importer.",
    },
  ],
  shownAt: "la même liste, le certificat ouvert.",
});

export const french: CertificateWords = {
  language: "fr",
  other: { code: "en", label: "English" },
  title: "Doorward",
  question,
  trust: {
    title: "Faites connaître votre centrale à cet appareil",
    lead: ({ name }) =>
      `Pour que personne ne puisse écouter, votre appareil doit faire confiance une fois au certificat de la centrale. Il vaut pour ${name} seulement : il ne peut répondre d’aucun autre site.`,
    former: (names) =>
      `Cette centrale présentait auparavant un autre certificat, pour ${names}. Il ne vaut plus rien : si cet appareil lui fait déjà confiance, retirez-le, et faites confiance à celui qui suit.`,
    wordsTitle: "D’abord, comparez huit mots",
    words:
      "Ils doivent être les mêmes que sur la console de la centrale, dans cet ordre. Cela montre vite que c’est la bonne centrale ; ce qui est certain, c’est l’empreinte, plus bas.",
    unsure:
      "Cette page est venue sans chiffrement : qui contrôle votre réseau a pu la changer, avec ces mots. Pour être certain, comparez l’empreinte que votre propre appareil montre pour le certificat avec celle de la console de la centrale.",
    fingerprint: "L’empreinte entière (SHA-256)",
    stepsTitle: "Puis faites confiance au certificat",
    download: "Télécharger le certificat",
    downloadProfile: "Télécharger le profil",
    where: "Où cet appareil montre l’empreinte :",
    checkTitle: "Voyez si cela marche",
    check: "Cela marche si la centrale s’ouvre sans avertissement.",
    open: "Ouvrir la centrale",
    onward: "Ensuite, la centrale demande le code de sa console et crée vos clés sur cet appareil.",
    onwardIphone:
      "Sur un iPhone, mettez-la d’abord sur l’écran d’accueil : touchez Partager, puis « Sur l’écran d’accueil ». Ouvrez-la de là, et continuez seulement là : ce que garde une app est à part de ce que garde Safari.",
    iphoneScreen: {
      frame: "phone",
      title: "Safari",
      rows: [
        { text: "Ajouter un signet" },
        { text: "Sur l’écran d’accueil", isMarked: true },
        { text: "Rechercher dans la page" },
      ],
    },
    onwardClaimed: "Quelqu’un du foyer fait ensuite entrer cet appareil depuis le sien.",
    remove:
      "Vous pouvez retirer le certificat au même endroit des réglages de votre appareil. Il avertit alors avant d’ouvrir la centrale.",
  },
  own: {
    title: "Cette centrale est déjà connue",
    text: "Elle utilise un certificat auquel vos appareils font confiance tels quels. Il n’y a rien à installer.",
  },
  notReady:
    "La centrale ne répond pas encore sous ce nom. Sa console dit pourquoi ; rechargez cette page dans un instant.",
  platforms: { iphone, android, windows, mac, linux },
};
