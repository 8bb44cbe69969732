import type { english } from "./words.en.ts";

export const french: typeof english = {
  title: "Notifications",
  lead: "Ce qui vous prévient qu’on sonne quand cette page est fermée.",
  link: "Notifications",
  here: "Sur cet appareil",
  come: "Ce qui arrive : un avis aussitôt quand quelqu’un sonne, et un autre quand une demande vous attend. Les mouvements seulement là où vous le choisissez ci-dessous.",
  stays:
    "Ce qui quitte la maison pour cela est un numéro, chiffré et toujours de la même longueur : ni nom, ni caméra, ni image. Le service de notification de votre navigateur voit qu’il s’est passé quelque chose, quand, et si c’était urgent. Ce que c’était, cet appareil le demande à votre centrale ; sur un écran verrouillé, toute personne qui regarde le voit.",
  switchOn: "Activer les notifications",
  switchingOn: "Activation…",
  isOn: "Les notifications sont activées.",
  isOnText:
    "Le service de notification de votre navigateur les apporte. Il lui faut Internet ; dans la maison, une page ouverte et le carillon s’en passent.",
  switchOff: "Désactiver ici",
  iphone:
    "Un iPhone montre une bannière avec un son, comme pour un message. Il ne sonne pas comme un appel, et un mode Concentration ou le bouton silence le fait taire. Pour être sûr d’entendre, comptez sur le carillon de la maison.",
  android:
    "Quand le téléphone économise sa batterie, l’avis peut tarder : autorisez Doorward ou le navigateur à fonctionner en arrière-plan.",
  insecure:
    "Impossible à cette adresse : les navigateurs n’acceptent les notifications que si la page vient par https. Ouvrez la centrale sous son propre nom, comme l’indique l’écran Maison.",
  notInstalled:
    "Sur un iPhone ou un iPad, les notifications sont réservées aux pages de l’écran d’accueil. Dans Safari, touchez Partager, puis Sur l’écran d’accueil, et ouvrez Doorward de là.",
  unsupported:
    "Ce navigateur ne peut pas être prévenu quand la page est fermée, ou cette fenêtre est privée. Un autre le peut peut-être ; l’application ntfy, plus bas, aussi.",
  denied:
    "Ce navigateur a reçu l’ordre de ne rien afficher d’ici. Vous seul pouvez revenir dessus :",
  undo: {
    iphone: "Réglages › Notifications › Doorward › Autoriser les notifications.",
    ipad: "Réglages › Notifications › Doorward › Autoriser les notifications.",
    android:
      "Appui long sur l’icône Doorward › Infos sur l’application › Notifications. Dans le navigateur : le signe devant l’adresse › Autorisations › Notifications.",
    windows:
      "Le signe devant l’adresse › Autorisations › Notifications › Autoriser. Voyez aussi Paramètres › Système › Notifications de Windows.",
    mac: "Le signe devant l’adresse › Notifications › Autoriser. Voyez aussi Réglages Système › Notifications.",
    linux: "Le signe devant l’adresse › Autorisations › Notifications › Autoriser.",
    other: "Dans les réglages du navigateur pour cette page, autorisez les notifications.",
  },
  lookAgain: "Regarder à nouveau",
  failures: {
    "said-no": "Rien n’a été activé : le navigateur a reçu un refus, ou n’a pas posé la question.",
    "no-worker":
      "Rien n’a été activé : la partie de la page qui reçoit les notifications n’a pas démarré. Rechargez la page.",
    "no-service":
      "Rien n’a été activé : le service de notification du navigateur n’a pas répondu. Il lui faut Internet.",
  },
  errors: {
    ENDPOINT_NOT_ALLOWED:
      "La centrale ne se connecte pas au service de notification de ce navigateur. Un propriétaire peut nommer son hôte dans les réglages, sous notify.",
    TOO_MANY_SUBSCRIPTIONS:
      "Trop d’appareils de ce foyer ont les notifications activées. Désactivez-les sur un appareil inutilisé.",
    NO_NTFY: "Les réglages ne nomment aucun serveur ntfy.",
  },
  test: "Essayer",
  testText: "Envoie un avis à cet appareil, et à aucun autre.",
  testButton: "Envoyer un essai",
  testing: "En chemin…",
  testNoWay:
    "Aucune voie ne mène encore à cet appareil : activez les notifications ci-dessus, ou ajoutez ntfy ci-dessous.",
  taken: (way, time) => `${way} : pris en charge après ${time}.`,
  seen: (time) => `Cet appareil a dit l’avoir reçu après ${time}.`,
  measured:
    "Mesuré à l’horloge de la centrale, de la création de l’avis jusqu’au retour de la réponse de cet appareil.",
  unseen:
    "Pas encore de réponse de cet appareil. Avec ntfy il n’y en a pas : regardez le téléphone.",
  late: "Rien n’est revenu en une demi-minute. Voyez ce que dit chaque voie ci-dessous, et si l’appareil affiche bien les notifications.",
  ways: "Par quelle voie",
  way: {
    push: "Service de notification du navigateur",
    ntfy: "ntfy",
    "unified-push": "UnifiedPush",
  },
  wayOff: "pas utilisée",
  wayNever: "rien d’envoyé depuis le démarrage de la centrale",
  wayLast: (when) => `dernier avis pris en charge ${when}`,
  wayProblem: "Le dernier avis n’a pas été pris. La centrale dit :",
  wayWaiting: (count) => `${count} en attente`,
  wayDropped: (count) => `${count} abandonnés, trop anciens`,
  pushProblems: {
    NOT_ALLOWED: "Les réglages ne nomment plus ce service de notification.",
    INSIDE_ADDRESS:
      "Le nom du service de notification mène dans un réseau local : la centrale ne s’y connecte pas.",
    UNREACHABLE: "Le service de notification est injoignable. Voyez si la centrale a Internet.",
    BUSY: "Le service de notification demande d’attendre. La centrale réessaie d’elle-même.",
    KEY_REFUSED:
      "Le service de notification a refusé la clé de cette centrale. Voyez si son horloge est juste.",
    NOT_TAKEN: "Le service de notification ne l’a pas pris.",
  },
  ntfyTitle: "Par l’application ntfy",
  ntfyText:
    "Une application pour Android et iPhone, que votre propre serveur peut prévenir. Elle reçoit le même numéro et rien de plus ; un toucher ouvre cette page.",
  ntfyNone:
    "Les réglages ne nomment aucun serveur ntfy. Un propriétaire peut en ajouter un sous notify.",
  ntfyStart: "Créer un sujet pour cet appareil",
  ntfyStop: "Arrêter ntfy",
  ntfyScan: "Dans l’application ntfy, ajoutez un abonnement : scannez ceci, ou tapez l’adresse.",
  ntfySecret:
    "Toute personne qui connaît cette adresse apprend aussi qu’il s’est passé quelque chose.",
  ntfyOpen: "Ouvrir dans ntfy",
  rules: "Ce dont vous êtes prévenu",
  bell: "Quand quelqu’un sonne : toujours, aussitôt.",
  bellInQuiet: "Aussi pendant les heures calmes",
  motion: "Mouvements",
  motionWays: {
    off: "Pas d’avis",
    digest: "En résumé, à heures fixes",
    each: "Chacun, avec une pause entre deux",
  },
  classes: "De quoi",
  class: {
    motion: "Tout ce qui bouge",
    person: "Personnes",
    vehicle: "Véhicules",
    animal: "Animaux",
    package: "Colis",
  },
  all: "Rien de choisi veut dire tout.",
  cameras: "À quelles caméras",
  digestTimes: "Résumé à",
  addTime: "Ajouter une heure",
  removeTime: (time) => `Retirer ${time}`,
  coolDown: "Pause entre deux avis de la même caméra, en minutes",
  quiet: "Heures calmes",
  noQuiet: "Aucune : vous êtes prévenu à toute heure.",
  quietNow: "C’est une heure calme en ce moment.",
  zone: (zone) => `À l’heure de la centrale, ${zone}.`,
  requests: "Demandes qui attendent un propriétaire",
  house: "Affaires du foyer et de la centrale : clés, récupération, caméras absentes",
  save: "Enregistrer",
  saved: "Enregistré.",
  unsaved: "Pas encore enregistré.",
  wrong: {
    noDay: "Choisissez au moins un jour, ou retirez cet horaire.",
    sameTime:
      "Le début et la fin sont les mêmes. Pour un jour entier, choisissez deux fois minuit.",
  },
  notice: "Un avis",
  noticeGone:
    "Cet avis est passé, ou n’est pas pour cet appareil. Ce qui est nouveau se trouve dans les écrans ci-dessous.",
  noticeAway:
    "Votre centrale ne répond pas. Dès qu’elle répondra, cette page montrera ce que c’était.",
  toLive: "Regarder la porte",
  toEvents: "Ce qui a été enregistré",
  toHouse: "Maison",
  toHealth: "L’état de la centrale",
  kinds: {
    bell: "On a sonné",
    motion: "Du mouvement",
    digest: "Mouvements, en résumé",
    request: "Une demande vous attend",
    house: "Une affaire du foyer",
    trouble: "La centrale demande un coup d’œil",
    test: "C’était l’essai",
  },
  troubleOver: "C’est terminé",
  troubleOverText:
    "Ce que la centrale vous avait signalé est terminé. Comment elle va maintenant se lit sous État.",
  noticeOf: (time, camera) => `${time}, ${camera}`,
  noticeTest: "L’avis est parvenu à cet appareil, et le toucher a mené ici.",
};
