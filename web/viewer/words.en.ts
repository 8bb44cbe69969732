/** Words of the viewer: read by somebody who has never heard of Doorward. */
export const english = {
  title: "Recordings from a front door",
  choose: {
    heading: "Open what you were given",
    text: "Choose the zip file you were given, or all files that were in it. This page works without the internet: nothing you open or type here leaves this computer.",
    button: "Choose the file",
    drop: "or drag it here",
    again: "Open another file",
    tooMuch: "This is larger than any such file can be.",
    notBundle:
      "This is not a file of recordings from Doorward. Choose the zip file, or all files that were in it.",
    unreadable: "This file cannot be read here. It may be too large for this browser.",
  },
  share: {
    heading: "Somebody shared a recording with you",
    text: "It opens in this browser with the key in your link. Each opening is counted, also one that breaks off, and the owner sees when it was opened; he does not see who did.",
    button: "Open it",
    gone: "There is nothing here. The link may be used up, out of date or taken back, or a part of it is missing.",
    failed:
      "The other side cannot be reached. Try again later; if that fails, ask whoever sent you the link.",
    who: "Whoever has the link can open it. Keep it to yourself.",
    until: (when: string, views: number) =>
      `The link works until ${when}, ${views === 1 ? "once" : `${views} times`} in all.`,
  },
  checking: "Checking every byte. With long recordings this takes a while.",
  verdict: {
    holds: "Everything holds",
    holdsText:
      "The owners of the household signed for exactly these files. Nothing was changed since.",
    fails: "This does not hold",
    failsText: "Something was changed, or is missing. Trust nothing in it, and ask for it again.",
    viewer:
      "This page cannot vouch for itself. If you are not sure who gave it to you, take the viewer from the project and compare its SHA-256.",
  },
  checks: {
    heading: "What was checked",
    names: {
      "the file is a bundle, byte for byte as written": "The file is whole, byte for byte",
      "the keyring is one signed chain":
        "The list of who may sign for the household is signed from its beginning",
      "the ledger signed the checkpoint, and so did no stranger":
        "The household’s record book is signed, and nobody from outside signed it",
      "every entry is in the ledger":
        "Everything that happened with this request is in the record book",
      "the request is the one in the ledger": "The request is the one that was entered",
      "the owners signed this approval": "The owners signed this approval",
      "nothing but what was signed for is inside": "Nothing but what was signed for is inside",
    } as Readonly<Record<string, string>>,
    holds: "holds",
    fails: "does not hold",
    notReached: "not reached",
  },
  signed: {
    heading: "What was signed",
    words: "For whoever holds the key of these eight words",
    owners: "Signed by",
    ownerCount: (count: number) => (count === 1 ? "one owner" : `${count} owners`),
    when: "Signed on",
    meantFor: "Meant for",
    purpose: "What for",
    kind: "Request",
    clips: "Recordings",
    files: (count: number) => (count === 1 ? "one file" : `${count} files`),
    leftOut: "Shown and left out",
    noSound: "The sound was left out.",
    blurred: "Faces are blurred.",
    mixed: "Faces are blurred in some of the recordings.",
    clear: "Faces are clear.",
    part: "The owners gave a part of what there is.",
    nothing: "Nothing that was asked for in these recordings.",
    madeByHub: "Faces were blurred by the hub as it recorded. No machine finds every face.",
    madeWhole: (count: number) =>
      count === 1
        ? "1 file is pixelated from edge to edge: it could not be looked at."
        : `${count} files are pixelated from edge to edge: they could not be looked at.`,
    madeOnDevice: "Faces were blurred on an owner’s device. No machine finds every face.",
    ledger: "Record book of the household",
    witnesses: "Also signed by",
    witnessCount: (count: number) =>
      count === 0
        ? "no device of an owner yet"
        : count === 1
          ? "one device of an owner"
          : `${count} devices of owners`,
    kinds: {
      police_voluntary: "Police, asking for help",
      police_emergency: "Police, saying it is an emergency",
      preservation: "To keep, not to delete",
      subpoena: "Subpoena",
      court_order: "Court order",
      search_warrant: "Search warrant",
      lawyer: "Lawyer",
      insurer: "Insurer",
      neighbour: "Neighbour",
      victim: "Somebody who was harmed",
      journalist: "Journalist",
      data_subject: "Somebody who was recorded",
      household: "The household itself",
      other: "Something else",
    } as Readonly<Record<string, string>>,
  },
  key: {
    heading: "Open with your key",
    text: "The recordings are sealed to one key. Paste the line that begins with AGE-SECRET-KEY, or choose the file it is in. It stays in this page and is forgotten when you close it.",
    paste: "Your key",
    file: "Choose the key’s file",
    open: "Open the recordings",
    wrong: "This is not the key that the recordings are sealed to. Compare the eight words.",
    malformed: "This is not a key. It is one line that begins with AGE-SECRET-KEY.",
    opened: "Opened. The key is in the memory of this page only.",
  },
  play: {
    play: "Play",
    pause: "Pause",
    place: "Place in the recording",
    sound: "Sound",
    mute: "Without sound",
    save: "Save this recording as MP4",
    saved: "Saved.",
    missing: "A part of it cannot be shown.",
    cannot: "This browser cannot play it here. Save it as MP4 and open it with a player.",
    hevc: "This computer’s browser cannot show H.265, in which it was recorded. Save it as MP4: VLC plays it.",
    failed: "It cannot be opened.",
    mark: (who: string, date: string) => `Given on ${date} to: ${who}`,
    markText:
      "The mark lies over the picture and is not part of it: a saved file has none, and a screen can be filmed.",
  },
  sheet: {
    heading: "Hash sheet",
    text: "SHA-256 of each file as it left the house. Print it and keep it apart: with it, anybody can check later that a file is still the same.",
    file: "File",
    hash: "SHA-256",
    decision: "Decision",
    checkpoint: "State of the record book",
    qr: "The state of the record book as a QR code",
    print: "Print this sheet",
  },
};
