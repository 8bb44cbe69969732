export const english = {
  title: "Ledger",
  what: "Everything that matters is written here before it happens, and nothing can be taken out again without this device noticing.",
  checking: "Checking the ledger from the last entry this device has seen …",
  checked: (entries: string) => `Checked just now: ${entries} entries, none changed or removed.`,
  since: (entries: string) => `Compared with the ${entries} entries this device saw last time.`,
  first: "This is the first time that this device looks; from now on it notices every change.",
  signed: "This device has signed for what it saw.",
  witnesses: (count: number) =>
    count === 1
      ? "One device of the household has signed for this state of the ledger."
      : `${count} devices of the household have signed for this state of the ledger.`,
  needKeys: "Unlock this device to have it check the ledger itself.",
  changedTitle: "This is not the ledger that this device has seen before",
  changedText:
    "Entries were changed, removed or rolled back, or the hub shows this device another history. Keep both texts below: each is signed by the hub, and together they prove it. Look with another device of the household, and decide nothing until you know why.",
  before: "What this device saw",
  now: "What the hub shows now",
  saveBoth: "Save both as a file",
  asked: "asked",
  refused: "refused",
  left: "left the house",
  unanswered: "not answered",
  asHubCounts: "As the hub counts. The transparency report counts on this device.",
  entries: "Entries",
  all: "Everything",
  filter: "Show",
  more: "Older entries",
  end: "The first entry of this ledger.",
  nothing: "No entry of this kind.",
  number: (index: string) => `Entry ${index}`,
  raw: "As it is hashed, byte for byte",
  prove: "Check that it is in the ledger",
  proven: (size: string) => `It is in the ledger of ${size} entries that this device has followed.`,
  notProven: "It is not in the ledger that this device has followed.",
  checkpoint: "Checkpoint",
  checkpointText:
    "One text that stands for the whole ledger as it is now. Whoever keeps it can prove later that something was changed.",
  showQr: "Show as a QR code",
  qrLabel: "QR code of the checkpoint",
  copy: "Copy",
  copied: "Copied.",
  exportAll: "Save all entries",
  kinds: {
    genesis: "The ledger begins",
    keyring: "Keys and people",
    clip: "Recordings",
    rendition: "Blurred copies",
    rewrap: "Sealed anew",
    torn: "Cut-off recordings",
    request: "Requests",
    decision: "Decisions",
    hold: "Holds",
    release: "What left",
    access: "Fetched",
    revocation: "Taken back",
    deletion: "Deletions",
    view: "Looked at",
    live: "Live looks",
    camera: "Switched off and on",
    settings: "Settings",
    software: "Software",
    clock: "Clock",
    assurance: "Who asks",
    share: "Links",
    talk: "Talking",
    heartbeat: "Signs of life",
    statement: "Monthly statements",
    restored: "Hub restored from a copy",
    acceptance: "Restored hub accepted",
  },
  sentences: {
    genesis: "The household was founded.",
    keyring: (change: string) =>
      ({
        genesis: "The first keys came into force.",
        admit: "A device was admitted.",
        remove: "A device was removed.",
        policy: "The rules for signing were changed.",
        sheet: "The recovery sheet was replaced; the old one opens nothing new.",
        recovery_notice: "Somebody uses the recovery sheet. Any owner may object for 72 hours.",
        recovery_objection: "An owner objected to the recovery. Nothing of it took effect.",
        recovery_complete: "What the recovery sheet announced took effect.",
      })[change] ?? "The keys were changed.",
    clip: (event: string, camera: string) => `Recorded at ${camera}: ${event}.`,
    rendition: "A blurred copy of a recording was made.",
    rewrap: (device: string) =>
      `A recording was sealed anew on ${device}, for those who may see it now.`,
    renditionBy: (device: string) => `A blurred copy of a recording was made on ${device}.`,
    torn: "A recording was cut off; what is whole of it was kept.",
    request: (kind: string, emergency: boolean) =>
      `Somebody asked for recordings (${kind})${emergency ? ", and called it an emergency" : ""}.`,
    decision: (outcome: string) =>
      ({
        approved: "A request was approved and signed.",
        approved_in_part: "A request was approved in part and signed.",
        refused: "A request was refused.",
        expired: "A request expired without an answer. Nothing was sent.",
        withdrawn: "A request was withdrawn.",
      })[outcome] ?? "A request was decided.",
    hold: (until: string) => `A recording is kept until ${until}.`,
    unhold: "A recording is no longer held.",
    release: (files: number) =>
      files === 1 ? "One file may leave the house." : `${files} files may leave the house.`,
    access: "What was approved was fetched.",
    revocation: "An approval was taken back.",
    deletion: (reason: string) => `A recording was deleted (${reason}).`,
    view: (device: string) => `A recording was opened on ${device}.`,
    live: (camera: string, device: string) => `${camera} was looked at live on ${device}.`,
    camera: (camera: string, state: "off" | "on", by: string) => {
      const done = `${camera} was switched ${state === "off" ? "off" : "on"}`;
      if (by === "schedule") return `${done} by its hours.`;
      if (by === "broker") return `${done} by Home Assistant, over the broker.`;
      return by === "timer"
        ? `${done}: the time that somebody had set was over.`
        : `${done} on ${by}.`;
    },
    settings: "The settings were changed.",
    software: (version: string) => `Doorward ${version} began to run.`,
    clock: (seconds: number) => `The clock jumped by ${seconds} s.`,
    asked: (length: string) => ` They ask for ${length}.`,
    granted: (length: string, clear: boolean, sound: boolean) =>
      ` ${length} may leave${clear ? ", with clear faces" : ""}${sound ? ", with sound" : ""}.`,
    preserved: (clips: string, until: string) =>
      `An owner keeps ${clips} recordings until ${until}, because of a request.`,
    unpreserved: "Recordings are no longer kept because of a request.",
    assurance: (level: string) =>
      ({
        none: "An owner stated that nobody has checked who asks.",
        called_back: "An owner called back whoever asks, on a number he found himself.",
        met: "An owner met whoever asks.",
        known_key: "An owner knows the key of whoever asks.",
      })[level] ?? "An owner stated how sure he is of who asks.",
    share: "A link was made for somebody without a key.",
    lapse: "An approval ended: its time to be fetched was over.",
    talk: (device: string, camera: string) => `${device} talked at ${camera}.`,
    heartbeat: "Nothing else happened; the hub was there.",
    heartbeats: (count: string) => `Nothing else happened; the hub was there ${count} times.`,
    heartbeatFirst: "The hub had been off, as it says, and runs again.",
    statement: (month: string) => `An owner made the monthly statement for ${month}.`,
    restored: (until: string) =>
      `The hub was set up anew from a copy that went up to ${until}. What came after is gone.`,
    acceptance: (device: string, size: string) =>
      `${device} accepted that: it had seen ${size} entries before.`,
  },
  events: {
    bell: "the bell",
    motion: "motion",
    person: "a person",
    vehicle: "a vehicle",
    animal: "an animal",
    package: "a package",
  },
  reasons: {
    owner: "by an owner",
    age: "its time was over",
    space: "room was needed",
    "disk-full": "the disk was full",
  },
  alarms: {
    title: (count: number) =>
      count === 1 ? "One thing that should not be" : `${count} things that should not be`,
    intro:
      "Nothing was changed or removed, but this device finds what an honest hub does not do. Find out why before you decide anything.",
    missing: (files: string, found: string) =>
      `A recording is listed with ${files} files and was not deleted; the hub has ${found} of them.`,
    unlisted: "A recording is in the ledger, was not deleted, and the hub does not list it.",
    silence: (from: string, to: string) =>
      `Nothing was entered from ${from} to ${to}, and the hub does not say that it was off.`,
    backwards: (from: string, to: string) =>
      `Times run back from ${from} to ${to}, and no entry says that the clock was set.`,
    recoveryEarly: (at: string) =>
      `A recovery took effect on ${at}, before the 72 hours in which an owner may object were over.`,
    restored: (until: string, at: string) =>
      `The hub was set up anew from a copy on ${at}. What was entered and recorded after ${until}, and before that, is gone, if there was anything. If nobody of the household did this, ask who did.`,
    withheld: (at: string) =>
      `The newest entry is of ${at}. The hub answers, and enters nothing or keeps it from you. Compare its clock with yours.`,
    ahead: (at: string) => `The newest entry is of ${at}, ahead of this device’s clock.`,
    recoveryPending: (at: string) =>
      `Somebody uses the recovery sheet since ${at}. If it is none of you, object under House.`,
    more: (count: string) => `And ${count} more.`,
    known: "I know why",
    off: (from: string, to: string) => `The hub was off, as it says, from ${from} to ${to}.`,
    clock: (from: string, to: string) =>
      `The hub’s clock was set, as it says, from ${from} to ${to}.`,
    partly: (judged: string, size: string) =>
      `${judged} of ${size} entries were looked at; the rest is looked at next time.`,
  },
  receipt: "Save a receipt",
  receiptHint: "Proof that this entry is in the ledger. Anybody can check it without this hub.",
  report: "Transparency report",
  reportText: "What this household was asked, and what it gave: in figures, to print or to sign.",
  statement: {
    title: "Monthly statement",
    what: "An owner may state each month that he received no demand he is not allowed to mention. It is his word about himself: no law makes it safe, and nobody else can check it. Whoever begins shows, by stopping, that he stopped.",
    month: "For the month",
    own: "A sentence of your own (may stay empty)",
    signed: "Every word of it is true, and I sign it",
    made: "Signed, entered and saved as a file.",
    due: (month: string) => `The statement for ${month} is due, if it is true.`,
    missing: (months: string) => `No owner has made a statement for: ${months}.`,
  },
  unknownDevice: "a device that is not known any more",
};
export type LedgerWords = typeof english;
