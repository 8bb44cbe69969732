/** Words of what an owner does about a request besides deciding it. */
export const english = {
  look: {
    callTitle: "Compare their key by telephone",
    callText:
      "Call on a number that you found yourself, let them read out the eight words of their key, and type in what you hear.",
    callLabel: "The words you were told",
    compare: "Compare",
    same: "They are the same eight words. It is their key.",
  },
  sure: {
    title: "How sure are you who asks?",
    intro:
      "For yourself and your co-owners. It is signed and entered in the ledger, and it decides nothing.",
    levels: {
      none: "Not checked",
      called_back: "Called back on a number I found myself",
      met: "Met in person",
      known_key: "I knew their key before",
    },
    state: "Sign this",
    signing: "Signing …",
    now: (level: string, when: string) => `${level}. Signed ${when}.`,
    never: "Nobody has said anything yet.",
  },
  keep: {
    title: "Keep it from being deleted",
    intro:
      "Recordings of the time asked for are then not deleted until a day you choose, at most 90 days away. Nothing leaves by this, and nobody is told. It can be renewed once, and it ends by itself.",
    days: "For",
    day: (count: number) => (count === 1 ? "1 day" : `${count} days`),
    hold: "Keep them",
    renew: "Renew once",
    end: "Let them go",
    held: (count: number, until: string) =>
      count === 1
        ? `1 recording is kept until ${until}.`
        : `${count} recordings are kept until ${until}.`,
    ended: (when: string) => `This ended ${when}. It can be kept no further for this request.`,
    working: "Signing …",
  },
  document: {
    title: "What came along",
    about: (name: string, size: string) => `${name}, ${size}`,
    intro:
      "Sealed by whoever sent it; only owners open it. It is shown as a picture or as plain text, or saved: open a saved file with care, since it came from outside.",
    missing: "It was announced and has not come, or was deleted.",
    open: "Open it",
    save: "Save it",
    remove: "Delete the hub’s copy",
    opening: "Opening …",
    alt: (name: string) => `The document ${name}`,
    removed: "The hub’s copy is deleted.",
    attach: "Attach a scan or a letter",
    attachHint:
      "A PDF, a JPEG or PNG picture, or plain text, at most 4 MiB. It is sealed here first.",
    tooLarge: "This file is over 4 MiB.",
  },
  visitor: {
    way: "A visitor, for their own minutes",
    title: "Somebody who was at the door asks for their own minutes",
    intro:
      "Where data protection law applies to you, whoever was recorded may ask for it. Two hours are enough to find them.",
    when: "When they were here",
    looks: "How to find them in the picture",
    looksHint: "What they wore or carried, in their own words. No name of anybody else.",
    note: "They ask for their own minutes. When you tick a recording, the pieces of that time and a blurred copy are proposed. To leave them clear and the others blurred, make the blurred copy here and take away the boxes that follow them: you look at each one and choose.",
    tooLong: "Choose at most two hours.",
    form: "A short form, for a visitor who asks for their own minutes",
  },
  notice: {
    title: "A notice for the door",
    text: "One page to print, in both languages: that this door is filmed, with or without sound, how long recordings stay, and whom to ask. Nothing is in it that you did not write for it: set notice.contact in the settings file to name somebody.",
    save: "Save the notice",
    making: "Making the notice …",
    saved: "notice.html is saved.",
    noCode: "It has no QR code: that needs an address outside, which the outside listener has.",
  },
};
