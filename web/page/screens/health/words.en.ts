export const english = {
  title: "Health",
  allWell: "All is well",
  needs: (count: number) =>
    count === 1 ? "One thing wants your attention" : `${count} things want your attention`,
  asOf: (when: string) => `As of ${when}.`,
  cameras: "Cameras",
  connected: "Connected",
  notConnected: "Not connected",
  off: "Switched off",
  cameraTodo: "It is tried again by itself.",
  sandbox: "Video is decoded",
  sandboxOn: "in a sandbox without network and without files",
  sandboxOff: "without a sandbox",
  sandboxTodo: "Install bubblewrap on the hub (apt-get install bubblewrap) and start it again.",
  disk: "Room for recordings",
  diskFree: (free: string, used: string) => `${free} free, ${used} used`,
  diskDays: (days: string) => `about ${days} days at the pace of the last week`,
  diskTodo: "Shorten how long recordings stay, or let some holds go.",
  ingest: "Process that talks to the cameras",
  ingestSteady: "has run without a break",
  ingestRestarts: (count: string) => `was started again ${count} times`,
  blur: "Covering faces",
  blurIdle: "nothing waits",
  blurBehind: (footage: string, age: string) => `${footage} of footage wait, the oldest for ${age}`,
  blurDone: (done: string, whole: string, left: string) =>
    `since it runs: ${done} pieces covered, ${whole} of them pixelated whole, ${left} left out`,
  blurPace: (ms: string) => `${ms} ms a picture`,
  blurTodo:
    "It falls behind. What waits for more than ten minutes is left out, or pixelated whole: choose “standard” for the camera, cover fewer cameras, or let recordings be fewer.",
  outside: "Outside listener",
  outsideOff: "off: nobody from outside reaches this hub",
  outsideOn: (url: string) => `on, at ${url}: forms, documents, pick-up and the notice`,
  ingestTodo:
    "Now and then is harmless: at most the open few seconds are lost. If it goes on, the hub's log says why.",
  recordings: "Recordings and room",
  kept: "Recordings kept",
  going: "Tonight",
  goingNothing: "nothing goes",
  goingTonight: (clips: number, size: string) =>
    clips === 1 ? `1 clip goes, ${size}` : `${clips} clips go, ${size}`,
  details: "In detail",
  seeAbove: "What there is to say of this stands above.",
  camerasShow: (showing: string, all: string) => `${showing} of ${all} show pictures`,
  awaySince: (when: string) => `not connected since ${when}`,
  perSecond: (pictures: string) => `${pictures} pictures a second`,
  noGap: (watched: string) => `no gap in the last day (watched for ${watched})`,
  gap: (gap: string, watched: string) =>
    `no pictures for ${gap} in the last day (watched for ${watched})`,
  clockAhead: (time: string) => `its clock is ${time} ahead`,
  clockBehind: (time: string) => `its clock is ${time} behind`,
  offsetTodo:
    "The time that this camera writes into its pictures is wrong. Give it a time server (NTP) in its own settings. Recordings go by the hub’s clock.",
  machine: "This machine",
  temperature: "Processor",
  warm: (degrees: string) => `${degrees} °C`,
  notSaid: "this machine does not say",
  power: "Power supply",
  powerGood: "strong enough since the hub began",
  powerLow: (when: string) => `was too weak, last at ${when}`,
  coreDumps: "Should the hub crash, its memory is",
  coreDumpsAre: {
    off: "not written to the disk",
    piped: "not written by the hub’s own limit; a program of this machine is asked for the rest",
    on: "written to the disk",
  },
  clock: "Clock",
  clockSet: "set by a time server",
  clockNotSet: "not set by a time server yet",
  clockTodo: "Look whether this machine reaches a time server: timedatectl says so.",
  ledgerAndKeys: "Ledger",
  lastWitness: "Last checked by a device",
  witnessed: (when: string) => `checked ${when}`,
  neverWitnessed: "not checked yet",
  entriesSince: (entries: string) => `${entries} entries since`,
  jumped: "The hub’s clock jumped",
  jump: (when: string, length: string, isAhead: boolean) =>
    `${when}, by ${length} ${isAhead ? "ahead" : "back"}`,
  reach: "Ways in and out",
  certificate: "Certificate for the local network",
  noCertificate: "none is shown by the hub itself",
  ends: (day: string) => `ends ${day}`,
  connectionsOpen: (open: string) => `${open} connections open`,
  connectionsNow: "Connections to the outside",
  connectionsKnown: (open: string, known: string) =>
    `${open} open, of ${known} that you have set up`,
  figures: "Figures for other programs",
  figuresSum: "Prometheus",
  figuresHint:
    "A program of yours may read how the hub does, to draw it or to tell you. It learns no name and sees no recording; but how many recordings there are tells when somebody came.",
  figuresOff: "Off. To switch it on, write this into doorward.yaml and start the hub again:",
  noToken: "On, but no program has a token yet.",
  tokenSince: (when: string) => `On. The token was made ${when}.`,
  makeToken: "Make a token",
  makeAnother: "Make another token",
  revokeToken: "Take the token back",
  tokenOnce: "Copy it now: it is not shown again. A token of before no longer works.",
  ledger: "Ledger entries",
  running: "Running since",
  version: "Version",
  warnings: "Needs a hand",
  warningsByCode: {
    CANNOT_BLUR:
      "This machine cannot cover faces. Cameras of which nothing else is said record faces as they are, and viewers see nothing of them.",
    CERTIFICATE_ENDS:
      "The certificate for this house’s name ends soon, and after that no phone reaches the hub. Renew it where it comes from; the household’s own renews itself, and the hub’s log says what keeps it.",
    COPY_BEHIND:
      "The copy elsewhere has not been whole for days. Look whether its place can be reached and has room.",
    CORE_DUMPS_ON:
      "Should the hub crash, this machine would write its memory to the disk, with the pictures of the last seconds. Start it with ulimit -c 0, or with LimitCORE=0 in its unit.",
    DISK_FULL: "The disk is full: the oldest recordings that nobody keeps go to make room.",
    CLOCK_WRONG:
      "The clock of this machine cannot be right. Set it, or let it get the time from the network. Recordings go on, and none is deleted because of it.",
    DISK_STUCK:
      "The disk is full, and all that is on it is kept or has been released. Nothing new can be recorded: let go of something that you keep, or make room.",
    DOCUMENTS_FULL:
      "There is no room for another document that comes with a request. Delete those of requests that are over.",
    NOT_WITNESSED:
      "No device has checked the ledger for a long time, so nobody would notice if it were rewritten. Open this page on your phones now and then, or check it now under Ledger.",
    POWER_LOW:
      "The power supply is too weak for this machine: it may stop at any time, and its disk may suffer. Use the supply that its maker names.",
    TOO_HOT:
      "The processor is too hot and slows itself down. Give the machine air, or a heat sink.",
    RELEASE_STUCK:
      "Something was approved and cannot leave: a device that signed it is no longer in force, or a recording is gone. Look through the requests, and stop it.",
    SWAP_ON:
      "This machine moves memory to its disk (swap), where pictures of the last seconds could end up. Turn swap off: swapoff -a.",
  },
  witness: "Ask this device to check the ledger",
  connections: "Everything this hub has ever connected to",
  connectionsHint:
    "Your cameras, and nothing else. The hub opens no connection that you did not set up; this page asks no other address for anything.",
  nowhere: "Nothing yet.",
  open: "open now",
  camera: (id: string) => `camera “${id}”`,
  cameraTrial: "an address that was tried",
  firstLast: (first: string, last: string) => `first ${first}, last ${last}`,
  never: "not reached yet",
};
export type HealthWords = typeof english;
