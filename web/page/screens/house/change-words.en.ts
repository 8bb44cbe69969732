/** Changes of who may do what, and what follows from them. */
export const english = {
  remove: "Remove …",
  removeTitle: (label: string) => `Remove “${label}”?`,
  removeText: [
    "It is out at once: it can log in no more, and what is recorded from now on does not open for it.",
    "The keys to recordings change. Every device that stays gets the new ones by itself when it next looks.",
    "What was recorded before stays open to it, if somebody gives it the files. You are asked afterwards what to do about that.",
  ],
  removeMailbox:
    "If it is an owner's device, it knows the user name and password of your mailbox. Change that password where the mailbox is and in secrets/mailbox.yaml: until then it can delete or hold back what lies there, though it can neither read it nor decide.",
  removeOwn: "This is the device that you are using. Another owner's device can let you in again.",
  leftBehind: (labels: string) =>
    `${labels} cannot be given the new keys from here and must be let in again.`,
  removeHold: "Hold to remove",
  removePromised:
    "Somebody uses the recovery sheet, and this device has been sent the keys that will then be new. Object to the recovery first, or wait until it is over. Then remove the device.",
  toRecovery: "Go to the recovery",
  removing: "Making new keys …",
  removed: "Removed. New keys are in force.",
  proposed: (signers: number, needed: number) =>
    `Signed by ${signers} of ${needed}. It takes effect when another owner has signed too, under House.`,

  openableTitle: "What was recorded before",
  openable: (what: string, size: string, who: string) =>
    `${what}, ${size}, could still be opened by ${who} if somebody gives it the files.`,
  recordings: (count: number, text: string) =>
    count === 1 ? "One recording" : `${text} recordings`,
  blurredOf: (what: string) => `${what} (their blurred copies)`,
  oldSheet: "the recovery sheet of before",
  and: " and ",
  openableText:
    "Sealing anew keeps the recordings and gives them new headers, which only the keys of now open. Copies of the files that were made before, by a backup or by the disk itself, stay as they are.",
  torn: (count: number) =>
    count === 1
      ? "One unfinished file among them can only be deleted."
      : `${count} unfinished files among them can only be deleted.`,
  sealAnew: "Seal them anew",
  sealing: (done: string, total: string) => `Sealing anew: ${done} of ${total}`,
  deleting: (done: string, total: string) => `Deleting: ${done} of ${total}`,
  restoring: (done: string, total: string) => `Taking back: ${done} of ${total}`,
  looking: "Looking …",
  stop: "Stop here",
  deleteAll: "Delete them …",
  deleteTitle: "Delete these recordings?",
  deleteText: (what: string) =>
    `${what} will be gone for good in ten minutes. Until then you can take it back here. Those that are held, or that belong to something released, stay.`,
  deleteHold: "Hold to delete",
  going: (count: number, text: string) =>
    count === 1 ? "One of them goes for good soon." : `${text} of them go for good soon.`,
  takeBack: "Take it back",
  done: (done: string) => `Done: ${done}.`,
  notDone: (count: number) =>
    count === 1
      ? "One could not be done: it is held, or damaged on the hub's disk."
      : `${count} could not be done: they are held, or damaged on the hub's disk.`,
  stopped: "Stopped. What is done stays done; go on when you like.",

  policyTitle: "How many must sign",
  policyNow: (exports: number, changes: number) =>
    exports === 1 && changes === 1
      ? "Any one owner may release a recording, and any one may change who belongs here."
      : `${exports === 1 ? "One owner" : `${exports} different owners`} must sign before anything leaves the house; ${changes === 1 ? "one" : `${changes}`} before it changes who belongs here.`,
  policyVeto: (hours: string) =>
    `After the last signature any owner can still stop a release for ${hours} h.`,
  policyNoVeto: "A release takes effect with the last signature.",
  policyChange: "Change this …",
  exportSigners: "Owners who must sign a release",
  keyringSigners: "Owners who must sign a change of people, devices and rules",
  vetoHours: "Hours in which any owner can still stop a release",
  policyMost: (owners: number) =>
    owners === 1
      ? "There is one owner, so more than one signature could never be reached."
      : `There are ${owners} owners; more could never be reached.`,
  policyHold: "Hold to sign",
  policyDone: "Signed. These rules are in force.",

  waitingTitle: "Changes that wait for you",
  waitingSigners: (signers: number, needed: number) => `${signers} of ${needed} have signed.`,
  signedByYou: "You have signed it.",
  cosign: "Hold to sign it too",
  withdraw: "Withdraw it",
  withdrawn: "Withdrawn. Nothing has changed.",
  cosigned: "Signed.",
  what: {
    admit: (label: string) => `Let in ${label}`,
    remove: (label: string) => `Remove ${label}`,
    policy: "Change how many must sign",
    sheet: "Put a new recovery sheet in force",
    recovery_objection: "Object to the recovery",
    other: "Change the keyring",
  } as Record<string, string | ((label: string) => string)>,
  aDevice: "a device",
  admitAs: (role: string, may: string) => `As: ${role} (${may}).`,
  admitNew: "A new person, who has no device here yet.",
  admitFurther: (labels: string) =>
    labels === ""
      ? "Somebody who belonged to the household before and has no device now."
      : `One more device of whoever has ${labels}.`,
  admitOneMore:
    "A new owner's signature counts on its own. If this were the proposer once more, one person could sign for two.",
  admitWords:
    "Look at the new device: it must show these eight words. If one differs, somebody else's key would come in; do not sign.",

  recoveryTitle: "Somebody uses the recovery sheet",
  recoveryText: (label: string, when: string) =>
    `Since ${when}, somebody with the recovery sheet asks for “${label}” to become an owner's device.`,
  recoveryNobody: (when: string) =>
    `Since ${when}, somebody with the recovery sheet asks for devices to be removed.`,
  recoveryRemoves: (labels: string) => `It would remove: ${labels}.`,
  recoveryRules: "What would hold then:",
  recoveryLeft: (text: string) =>
    `It takes effect in ${text}, unless an owner objects. Whoever holds the sheet can already open everything that was recorded.`,
  recoveryOver: "The 72 hours are over: it takes effect as soon as that device asks for it.",
  recoveryOwn:
    "This is your own recovery. You can look at everything already; you can sign when the time is over.",
  hours: (hours: number) => (hours === 1 ? "one hour" : `${hours} hours`),
  object: "Hold to object",
  objectText:
    "If it was none of you, object now, then put a new sheet in force: whoever has the old one has it still.",
  objected: "The recovery was stopped. Now put a new recovery sheet in force.",
  complete: "Hold to take over",
  completed: "You are an owner of this household again.",
  completeText: "The 72 hours are over. Type the sheet once more to sign with it.",

  sheetTitle: "Recovery sheet",
  sheetText:
    "It opens everything, and brings a household back that has lost its devices. It belongs on paper, away from the hub.",
  newSheet: "Make a new sheet …",
  newSheetTitle: "A new recovery sheet",
  newSheetText:
    "Print it or write it down now. When you sign, it takes the place of the old one, for what is recorded from then on.",
  newSheetKept: "I have it on paper",
  newSheetTry: "Type it from the paper, to see that it opens what the hub seals.",
  sheetAgain: "Look at the words again",
  newSheetSign: "Hold to put it in force",
  newSheetDone: "The new sheet is in force. The old one still opens what was recorded before.",
  split: "Split it into three …",
  splitTitle: "Three parts, of which two are enough",
  splitText:
    "Type the sheet from the paper. You get three parts: any two of them give the sheet, and one alone says nothing. Give them to people or places that do not meet by chance.",
  splitMake: "Make the three parts",
  splitMade: (number: number) => `Part ${number} of 3`,
  splitSave: "Save this part",
  splitAfter:
    "Print or copy each part, then destroy the whole sheet: whoever has that needs no part. The files are unsealed.",
  splitFile: (number: number) => `doorward-recovery-part-${number}.txt`,
  words: "The 24 words",
  close: "Close",
  save: "Save as a file",
  sheetFile: "doorward-recovery.txt",

  errors: {
    NO_READER:
      "These words do not open what the hub sealed for the new sheet. Compare them with the paper.",
    RECOVERY_TOO_EARLY: "The 72 hours are not over yet, by the time that the hub has run.",
    READERS_NOT_NAMED: "The new keys do not fit what is to be signed. Nothing was signed.",
    SHEET_NOT_IN_FORCE:
      "This is not the sheet that is in force: it is another household's, or was replaced.",
    MALFORMED_INPUT: "A word is wrong or in the wrong place. Compare them with the paper.",
    READERS_OLD: "This device has not been given the new keys yet. Load the page again.",
    KEYRING_CHANGED: "The household has just changed. Look again, then go on.",
    KEYRING_INVALID_CHANGE:
      "This cannot be done: too few owners would be left for the rules, the device is out already, or a recovery is pending: object to that first.",
    KEYRING_BROKEN_CHAIN: "The household has changed in the meantime. Look again.",
    NOT_OPEN: "You have signed this already.",
    NOT_FOUND:
      "This is over: it was signed by others, withdrawn, or fell when something else changed.",
    DISK_FULL: "The hub's disk is full. What is entered is finished when there is room.",
  },
};
export type ChangeWords = typeof english;
