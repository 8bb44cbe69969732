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
  outsideOff: "fermé : personne n’atteint cette centrale du dehors",
  outsideOn: (url) => `ouvert, à ${url} : formulaires, documents, retrait et avis`,
  ingestTodo:
    "De temps en temps, c’est sans gravité : au plus les quelques secondes en cours sont perdues. Si cela continue, le journal de la centrale dit pourquoi.",
  recordings: "Enregistrements et place",
  kept: "Enregistrements conservés",
  going: "Cette nuit",
  goingNothing: "rien ne part",
  goingTonight: (clips, size) =>
    clips === 1 ? `1 enregistrement part, ${size}` : `${clips} enregistrements partent, ${size}`,
  details: "En détail",
  seeAbove: "Ce qu’il y a à en dire est plus haut.",
  camerasShow: (showing, all) => `${showing} sur ${all} montrent des images`,
  awaySince: (when) => `non connectée depuis le ${when}`,
  perSecond: (pictures) => `${pictures} images par seconde`,
  noGap: (watched) => `aucune interruption depuis un jour (suivie pendant ${watched})`,
  gap: (gap, watched) => `aucune image pendant ${gap} depuis un jour (suivie pendant ${watched})`,
  clockAhead: (time) => `son horloge avance de ${time}`,
  clockBehind: (time) => `son horloge retarde de ${time}`,
  offsetTodo:
    "L’heure que cette caméra écrit dans ses images est fausse. Donnez-lui un serveur de temps (NTP) dans ses propres réglages. Les enregistrements suivent l’horloge de la centrale.",
  copy: "Copie ailleurs",
  copyNone: "aucune n’est faite",
  copyNoneHint:
    "Si cette machine brûle ou est volée, ses enregistrements sont perdus. doorward.yaml peut nommer un endroit pour une copie scellée, que seul le foyer peut ouvrir : docs/copies.md dit comment.",
  copyNever: "jamais complète encore",
  copyWhole: (when) => `complète ${when}`,
  copyTo: "Va vers",
  copyKinds: {
    folder: (address) => `un dossier, ${address}`,
    webdav: (address) => `un serveur WebDAV, ${address}`,
    s3: (address) => `un espace S3, ${address}`,
  },
  copyLast: "Complète la dernière fois",
  copyThere: "Là-bas",
  copyBehind: "Reste à copier",
  copyNothing: "rien",
  copyRunning: "copie en cours",
  copyStays: "Supprimé ici, encore là-bas",
  copyAmount: (files, size) => (files === 1 ? `1 fichier, ${size}` : `${files} fichiers, ${size}`),
  copyTrouble: "La copie n’avance pas",
  copySince: (when) => `depuis le ${when}`,
  copyTodo:
    "Un nouvel essai se fait tout seul. Regardez si son emplacement est joignable et a de la place.",
  copyNow: "Copier maintenant",
  copyGoes: "Copie en cours.",
  copyDone: "Tout y est.",
  copyLeft: "Tout n’y est pas encore.",
  machine: "Cette machine",
  temperature: "Processeur",
  warm: (degrees) => `${degrees} °C`,
  notSaid: "cette machine ne le dit pas",
  power: "Alimentation",
  powerGood: "suffisante depuis le démarrage de la centrale",
  powerLow: (when) => `a été trop faible, en dernier le ${when}`,
  coreDumps: "Si la centrale plantait, sa mémoire",
  coreDumpsAre: {
    off: "ne serait pas écrite sur le disque",
    piped:
      "ne serait pas écrite, par la limite de la centrale ; un programme de cette machine décide du reste",
    on: "serait écrite sur le disque",
  },
  clock: "Horloge",
  clockSet: "réglée par un serveur de temps",
  clockNotSet: "pas encore réglée par un serveur de temps",
  clockTodo: "Regardez si cette machine atteint un serveur de temps : timedatectl le dit.",
  ledgerAndKeys: "Registre",
  lastWitness: "Dernière vérification par un appareil",
  witnessed: (when) => `vérifié ${when}`,
  neverWitnessed: "pas encore vérifié",
  entriesSince: (entries) => `${entries} inscriptions depuis`,
  jumped: "L’horloge de la centrale a sauté",
  jump: (when, length, isAhead) => `le ${when}, de ${length} en ${isAhead ? "avant" : "arrière"}`,
  reach: "Entrées et sorties",
  certificate: "Certificat pour le réseau local",
  noCertificate: "la centrale n’en montre aucun elle-même",
  ends: (day) => `se termine le ${day}`,
  connectionsOpen: (open) => `connexions ouvertes : ${open}`,
  connectionsNow: "Connexions vers l’extérieur",
  connectionsKnown: (open, known) => `ouvertes : ${open}, sur ${known} que vous avez réglées`,
  figures: "Chiffres pour d’autres programmes",
  figuresSum: "Prometheus",
  figuresHint:
    "Un de vos programmes peut lire comment va la centrale, pour le dessiner ou pour vous prévenir. Il n’apprend aucun nom et ne voit aucun enregistrement ; mais le nombre d’enregistrements dit quand quelqu’un est venu.",
  figuresOff:
    "Éteint. Pour l’allumer, écrivez ceci dans doorward.yaml, puis redémarrez la centrale :",
  noToken: "Allumé, mais aucun programme n’a encore de jeton.",
  tokenSince: (when) => `Allumé. Le jeton date du ${when}.`,
  makeToken: "Créer un jeton",
  makeAnother: "Créer un autre jeton",
  revokeToken: "Reprendre le jeton",
  tokenOnce: "Copiez-le maintenant : il ne sera plus montré. Le jeton d’avant ne sert plus.",
  ledger: "Inscriptions au registre",
  running: "En marche depuis",
  version: "Version",
  warnings: "À regarder",
  warningsByCode: {
    CANNOT_BLUR:
      "Cette machine ne peut pas couvrir les visages. Les caméras dont rien d’autre n’est dit enregistrent les visages tels quels, et les spectateurs n’en voient rien.",
    CERTIFICATE_ENDS:
      "Le certificat du nom de cette maison se termine bientôt ; après, aucun téléphone n’atteint plus la centrale. Renouvelez-le là d’où il vient ; celui du foyer se renouvelle seul, et le journal de la centrale dit ce qui l’empêche.",
    COPY_BEHIND:
      "La copie ailleurs n’est plus complète depuis des jours. Regardez si son emplacement est joignable et a de la place.",
    CORE_DUMPS_ON:
      "Si la centrale plantait, cette machine écrirait sa mémoire sur le disque, avec les images des dernières secondes. Démarrez-la avec ulimit -c 0, ou avec LimitCORE=0 dans son unité.",
    DISK_FULL:
      "Le disque est plein : les plus anciens enregistrements que personne ne garde partent pour faire de la place.",
    CLOCK_WRONG:
      "L’horloge de cette machine ne peut pas être juste. Réglez-la, ou laissez-la prendre l’heure du réseau. Les enregistrements continuent, et aucun n’est supprimé à cause d’elle.",
    DISK_STUCK:
      "Le disque est plein, et tout ce qui s’y trouve est gardé ou a été transmis. Rien de nouveau ne peut être enregistré : laissez partir quelque chose que vous gardez, ou faites de la place.",
    DOCUMENTS_FULL:
      "Il n’y a plus de place pour un document joint à une demande. Supprimez ceux des demandes qui sont closes.",
    NOT_WITNESSED:
      "Aucun appareil n’a vérifié le registre depuis longtemps : personne ne remarquerait qu’il a été réécrit. Ouvrez cette page de temps en temps sur vos téléphones, ou vérifiez-le maintenant sous Registre.",
    POWER_LOW:
      "L’alimentation est trop faible pour cette machine : elle peut s’arrêter à tout moment, et son disque peut en souffrir. Utilisez celle que son fabricant indique.",
    TOO_HOT:
      "Le processeur est trop chaud et ralentit. Donnez de l’air à la machine, ou un dissipateur.",
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
