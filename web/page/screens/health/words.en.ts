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
  recordings: "Recordings",
  ledger: "Ledger entries",
  running: "Running since",
  version: "Version",
  warnings: "Worth knowing",
  warningsByCode: {
    CANNOT_BLUR:
      "This machine cannot cover faces. Cameras of which nothing else is said record faces as they are, and viewers see nothing of them.",
    DISK_FULL: "The disk is full: the oldest recordings that nobody keeps go to make room.",
    DISK_STUCK:
      "The disk is full, and all that is on it is kept or has been released. Nothing new can be recorded: let go of something that you keep, or make room.",
    DOCUMENTS_FULL:
      "There is no room for another document that comes with a request. Delete those of requests that are over.",
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
