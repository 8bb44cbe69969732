import type { HealthWords } from "./words.en.ts";

export const french: HealthWords = {
  title: "État",
  allWell: "Tout va bien",
  needs: (count) =>
    count === 1 ? "Une chose demande votre attention" : `${count} choses demandent votre attention`,
  asOf: (when) => `À ${when}.`,
  cameras: "Caméras",
  connected: "Connectée",
  off: "Éteinte",
  notConnected: "Non connectée",
  cameraTodo: "Un nouvel essai se fait tout seul.",
  sandbox: "La vidéo est décodée",
  sandboxOn: "dans un bac à sable, sans réseau et sans fichiers",
  sandboxOff: "sans bac à sable",
  sandboxTodo:
    "Installez bubblewrap sur la centrale (apt-get install bubblewrap), puis redémarrez-la.",
  disk: "Place pour les enregistrements",
  diskFree: (free, used) => `${free} libres, ${used} occupés`,
  diskDays: (days) => `environ ${days} jours au rythme de la dernière semaine`,
  diskTodo: "Raccourcissez la durée de conservation, ou laissez partir des enregistrements gardés.",
  ingest: "Processus qui parle aux caméras",
  ingestSteady: "tourne sans interruption",
  ingestRestarts: (count) => `a été relancé ${count} fois`,
  blur: "Couverture des visages",
  blurIdle: "rien n’attend",
  blurBehind: (footage: string, age: string) =>
    `${footage} d’images attendent, les plus anciennes depuis ${age}`,
  blurDone: (done: string, whole: string, left: string) =>
    `depuis le démarrage : ${done} morceaux couverts, dont ${whole} pixelisés en entier, et ${left} laissés de côté`,
  blurPace: (ms: string) => `${ms} ms par image`,
  blurTodo:
    "Elle prend du retard. Ce qui attend plus de dix minutes est laissé de côté ou pixelisé en entier : choisissez « Normal » pour la caméra, couvrez moins de caméras, ou enregistrez moins.",
  outside: "Accès extérieur",
  outsideOff: "fermé : personne n’atteint ce hub du dehors",
  outsideOn: (url) => `ouvert, à ${url} : formulaires, documents, retrait et avis`,
  ingestTodo:
    "De temps en temps, c’est sans gravité : au plus les quelques secondes en cours sont perdues. Si cela continue, le journal de la centrale dit pourquoi.",
  recordings: "Enregistrements",
  ledger: "Inscriptions au registre",
  running: "En marche depuis",
  version: "Version",
  warnings: "Bon à savoir",
  warningsByCode: {
    CANNOT_BLUR:
      "Cette machine ne peut pas couvrir les visages. Les caméras dont rien d’autre n’est dit enregistrent les visages tels quels, et les spectateurs n’en voient rien.",
    DISK_FULL:
      "Le disque est plein : les plus anciens enregistrements que personne ne garde partent pour faire de la place.",
    DISK_STUCK:
      "Le disque est plein, et tout ce qui s’y trouve est gardé ou a été transmis. Rien de nouveau ne peut être enregistré : laissez partir quelque chose que vous gardez, ou faites de la place.",
    DOCUMENTS_FULL:
      "Il n’y a plus de place pour un document joint à une demande. Supprimez ceux des demandes qui sont closes.",
    RELEASE_STUCK:
      "Quelque chose a été accepté et ne peut pas sortir : un appareil qui a signé n’est plus en vigueur, ou un enregistrement n’est plus là. Parcourez les demandes et arrêtez-le.",
    SWAP_ON:
      "Cette machine déplace de la mémoire vers son disque (swap), où des images des dernières secondes pourraient aboutir. Désactivez-le : swapoff -a.",
  },
  witness: "Demander à cet appareil de vérifier le registre",
  connections: "Tout ce à quoi cette centrale s’est jamais connectée",
  connectionsHint:
    "Vos caméras, et rien d’autre. La centrale n’ouvre aucune connexion que vous n’avez pas réglée ; cette page ne demande rien à aucune autre adresse.",
  nowhere: "Rien pour l’instant.",
  open: "ouverte en ce moment",
  camera: (id) => `caméra « ${id} »`,
  cameraTrial: "une adresse essayée",
  firstLast: (first, last) => `première fois ${first}, dernière fois ${last}`,
  never: "pas encore jointe",
};
