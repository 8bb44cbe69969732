export const english = {
  title: "House",
  cameras: "Cameras and settings",
  notifications: "Notifications",
  health: "Health and connections",
  people: "People and devices",
  you: "You",
  person: (number: number) => `Person ${number}`,
  andOthers: (label: string, count: number) =>
    count === 1 ? `${label} and one more device` : `${label} and ${count} more devices`,
  roles: { owner: "Owner", adult: "Adult", viewer: "Viewer", guest: "Guest" },
  removed: "Removed",
  may: {
    owner: "sees everything, signs for what leaves, lets others in",
    adult: "sees recordings and the live picture, and can copy what is seen; cannot sign",
    viewer: "sees blurred recordings only",
    guest: "sees the live picture only",
  },
  thisDevice: "this device",
  passkey: "confirms with a passkey",
  noName: "(no name)",
  namesFrom: "Names are as the hub remembers them; who may do what was checked on this device.",
  admitTitle: "Let a device in",
  admitText: "Open this page on the new device. It shows three words when you begin here.",
  waiting: (count: number) =>
    count === 1 ? "A device is waiting at the door." : `${count} devices are waiting at the door.`,
  noneWaiting: "No device is waiting.",
  begin: "Begin with it",
  several:
    "Several devices wait at once. Let them try again one after the other, so that you know which is which.",
  compare: (label: string) => `“${label}” must show the same three words`,
  compareText: "Look at both screens yourself. If a single word differs, somebody sits in between.",
  asWhom: "Let it in as",
  whose: "Whose device is it?",
  mine: "Mine, one more device",
  someoneElse: "Somebody else's",
  same: "The words are the same: hold to sign",
  different: "They differ",
  turnedAway: "Nothing was signed. The other device gives up by itself.",
  admitted: "Signed. The new device has its keys now.",
  admitProposed:
    "Signed. The new device waits until another owner has signed too, under House, within ten minutes.",
  chooseFirst: "Choose whose device it is first. Nothing is chosen for you.",
  meeting: "Asking the other device for its words …",
  errors: {
    PAIRING_BROKEN:
      "The device shows another key than at first: somebody may sit between you. Nothing was signed. Start again on the new device, on the same network if you can.",
    NOT_OPEN: "Somebody has begun with this device already, or it gave up. Start again on it.",
    NOT_FOUND: "The device waits no longer. Start again on it.",
    KEYRING_REFUSED: "The hub did not take this statement. Nothing has changed; try again.",
  },
  sessionsText:
    "Browsers and command lines that are logged in. Ending one shows it out at once. A device that still has its keys can log in again when its person asks for it.",
  logOut: "Log out here",
  sessions: "Open sessions",
  sessionOf: (label: string, since: string) => `${label}, since ${since}`,
  thisSession: "this one",
  end: "End",
  ended: "Ended.",
  keys: "This device's keys",
  sealedByPasskey: "Sealed by your passkey. Each signature asks it again.",
  sealedByBrowser: "Sealed by this browser. Whoever can open this browser can use them.",
  borrowed: "Lent by the command line for as long as this page is open. Nothing is kept here.",
  stored: "The browser has promised to keep them until you clear them.",
  notStored:
    "The browser may clear them when it needs room. A second device or the recovery sheet brings you back.",
  keepStored: "Ask the browser to keep them",
  trial:
    "This is a trial if the hub runs on this same machine: whoever has the machine has both the recordings and these keys. For real cameras, found the household from another computer or phone.",
  recovery:
    "The recovery sheet opens everything. It belongs on paper, away from the hub and from this device.",
  lock: "Lock this device",
  forget: "Remove the keys from this device",
  forgetTitle: "Remove the keys from this device?",
  forgetText:
    "This device can then open nothing any more. Another device of the household can let it in again.",
  forgetLast:
    "This is the only owner's device. Without it, only the recovery sheet opens your recordings, and nothing can be signed until a new device is in force.",
  forgetHold: "Hold to remove",
  fingerprints: "The keyring",
  keyring: (epoch: string, kind: string) => `Statement ${epoch}; keys are ${kind}.`,
  kinds: { pq: "post-quantum (ML-KEM-768 with X25519)", x25519: "X25519" },
  fingerprintText:
    "Eight words stand for each key that recordings are sealed to. They are the same on every device.",
  readers: { originals: "Recordings", blurred: "Blurred copies", recovery: "Recovery sheet" },
  language: "Language",
  languages: { en: "English", fr: "Français" },
};
export type HouseWords = typeof english;
