export const english = {
  brand: "Doorward",
  step: (at: number, of: number) => `Step ${at} of ${of}`,
  stepNames: ["Welcome", "Code and names", "Keys", "Recovery sheet", "First camera", "Ring"],
  next: "Continue",
  back: "Back",
  trial: "Trial",
  trialText: "Hub and keys are on one machine: whoever has the machine can open everything.",

  start: {
    title: "Your door, kept at home",
    first: "This hub records what happens at your door, and keeps it in your house.",
    second:
      "Every recording is locked with keys that are made on this device. The hub never has them.",
    third: "Nothing leaves the house that you have not signed for.",
    where: "Where is this browser?",
    onHub: "On the hub's own machine",
    onHubText:
      "This becomes a trial, good for looking around. The keys will lie beside the recordings, so real cameras want keys on another device.",
    tunnel: "On another device, through a tunnel",
    tunnelText: "The keys stay on this device, away from the recordings.",
    how: "How to come from another device",
    howText:
      "On that device, run this with the hub's name or address, then open the same address there:",
    ready:
      "At hand: the code from the hub's console, and a printer or a pen. It takes about ten minutes.",
    begin: "Begin",
    held: (label: string) =>
      `This browser holds keys already, as “${label}”, and the hub says that it belongs to nobody. If you did not clear the hub yourself, stop here: founding a household replaces these keys for good.`,
    replace: "I have cleared the hub. Replace these keys.",
  },

  install: {
    title: "First put it on the home screen",
    why: (device: string) =>
      `On an ${device}, the app on the home screen has a storage of its own, and only the app can be told that somebody rings. So the keys are made there, not in this tab.`,
    share:
      "Tap Share, the square with an arrow. Where you do not see it, tap the three dots first.",
    add: "Scroll down to Add to Home Screen, and tap Add.",
    open: "Open Doorward from the home screen. It goes on there.",
    afterwards: "You can close this tab afterwards. Nothing has been made in it.",
    claimHere: "Claim here in the browser all the same",
    claimHereText:
      "The keys will be in this tab's storage only: the app on the home screen starts empty, must be let in as a second device, and this tab cannot be told of the bell. Good where you do not want the app at all.",
    joinHere: "Join here in the browser all the same",
    joinHereText:
      "The keys will be in this tab's storage only: the app on the home screen would have to be let in once more, and this tab cannot be told of the bell.",
  },

  goOn: {
    title: "Go on where you were",
    text: (house: string) => `The keys for “${house}” are made, and the hub is not yours yet.`,
    why: "They wait here, sealed. Your fingerprint or PIN opens them, and the same recovery sheet is shown again.",
    goOn: "Go on",
    anew: "Begin anew",
    anewText:
      "Beginning anew makes other keys and another sheet: words that you wrote down before are then worth nothing.",
    declined: "The passkey did not confirm. Nothing is lost; try again.",
  },

  names: {
    title: "Code and names",
    devices: {
      iphone: "iPhone",
      ipad: "iPad",
      android: "Android phone",
      windows: "Windows computer",
      mac: "Mac",
      linux: "Linux computer",
      other: "My device",
    },
    houseSuggested: "Home",
    code: "Code from the hub's console",
    codeHint:
      "It stands where the hub was started: in that terminal, or in its log. Three groups of four; the dashes come by themselves.",
    device: "Name of this device",
    deviceHint: "Your household sees it. Change it where you have several of the kind.",
    house: "Name of the house",
    houseHint: "Shown at the top of this page. You can change it later.",
    checking: "Asking the hub …",
  },

  keys: {
    title: "Keys for this device",
    passkey: "A passkey seals the keys: your fingerprint or PIN opens them on this device.",
    browser:
      "This browser has no passkeys at this address, so it seals the keys itself: whoever can use this browser on this device can use the keys.",
    make: "Make the keys",
    makeWithout: "Let the browser seal them",
    declined:
      "No passkey was made: it was declined, or this device has none that can seal keys. Try again, or let the browser seal them; then whoever can use this browser on this device can use the keys.",
    making: "Making the keys …",
    asking: "Your device asks for your fingerprint or PIN …",
    more: "More",
    classic: "Classic keys only",
    classicText:
      "Without it, the keys also stand against the large quantum computers that may come. Tick it only if other tools have to open your recordings.",
    made: "The keys are made. They are sealed on this device once the hub is yours.",
    sealedBy: { passkey: "Sealed by your passkey", browser: "Sealed by this browser" },
    again: "Name or kind has changed since, so new keys are made, and with them a new sheet.",
  },

  sheet: {
    title: "Your recovery sheet",
    text: "These 24 words open everything this house has recorded if all your devices are lost. There is no other way back, and nobody can send them to you.",
    keep: "Print or write them down, and keep the paper away from the hub. Whoever reads it can open everything.",
    list: "The 24 words",
    print: "Print",
    save: "Save as a file",
    share: "Share to a printer",
    saved: "The file is unsealed: take it off this device once it is printed.",
    shared:
      "What you shared is unsealed: let it go to a printer only, and take it out of wherever else it went.",
    away: "You may put the phone down while you write: the words are still here afterwards.",
    fileName: "doorward-recovery.txt",
    done: "I have them on paper",
    printTitle: "Doorward recovery sheet",
    printText: "Whoever holds these words can open everything this household has recorded.",
    printKeep: "Keep this sheet away from the hub.",
    printKind: (kind: string) => `kind: ${kind}`,
    printed: (when: string) => `Made on ${when}`,
  },

  proof: {
    title: "Try the sheet",
    text: "The hub now seals a small file. Only what you type from the paper opens it: then you know that the sheet works.",
    hint: "The first four letters of a word are enough; space leads to the next. You can also paste all of them.",
    file: "Use the saved file instead",
    check: "Open the file with these words",
    checking: "Opening the sealed file …",
    claiming: "The sheet works. The hub becomes yours …",
    missing: (count: number) =>
      count === 1 ? "One word is missing." : `${count} words are missing.`,
    wrong: (numbers: string) => `Not as on the sheet: word ${numbers}.`,
    wrongMany: (numbers: string) => `Not as on the sheet: words ${numbers}.`,
    wrongSomewhere: "A word is wrong or in the wrong place. The words alone do not say which.",
    wrongFile: "This file is not the sheet that was made here.",
    sheetAgain: "Look at the sheet again",
    newCode:
      "The code is not the hub's any more: it was probably started again. Its console shows a new one; what you have typed here stays.",
    enterCode: "Enter the new code",
  },

  camera: {
    title: "The hub is yours",
    proven: "The recovery sheet opened the test file. From now on the hub records, for you alone.",
    nameFailed: "The name of the house could not be saved. You can set it under House.",
    text: "Connect your doorbell now, or look around first with a scene that the hub draws itself.",
    find: "Find cameras on this network",
    byHand: "Enter a camera by hand",
    demo: "The demo scene first",
    bellTitle: "Which message is the bell?",
    bellText:
      "Cameras say many things, and each maker calls the bell otherwise. Have somebody press the button, and keep the message that comes.",
  },

  told: {
    title: "When somebody rings",
    text: "This device can be told at once, also while the app is closed.",
    stays:
      "What leaves the house for it is one number, encrypted and always of the same length. Your browser asks first, since only you may switch this on.",
    on: "Switch on and ring once",
    later: "Later",
    ringing: "Ringing this device …",
    rung: (seconds: string) => `It rang, ${seconds} s after the hub sent it.`,
    rungText: "The bell at your door comes the same way. What else comes, you choose under House.",
    again: "Ring once more",
    late: "Nothing has come back within half a minute. Without the Internet it cannot: within the house, an open page and the chime ring all the same.",
    denied:
      "This browser was told to show no notifications from here. Under Notifications it says how to undo that.",
    more: "More about notifications",
    install: "On the home screen it opens like any other app.",
    installNow: "Put it on the home screen",
    done: "To the door",
  },

  join: {
    title: "Join this house",
    text: (house: string) =>
      `${house} belongs to a household. An owner lets this device in, with a device that is in already.`,
    device: "Name of this device",
    deviceHint: "Your household sees it, for example: Kitchen phone.",
    begin: "Ask to join",
    starting: "Telling the hub …",
    waitTitle: "An owner lets you in",
    wait: "On a device that is in already, an owner now opens House and admits a new device, or runs this at the command line:",
    waiting: "Waiting for an owner …",
    wordsTitle: "Compare three words",
    words:
      "The owner's device must show the same three words, in this order. If it does not, the owner must not admit this device.",
    until: (time: string) => `This waits until ${time}.`,
    admitting: "Waiting for the owner to confirm …",
    keyWords:
      "If several owners must sign, each of the others compares these eight words of this device's key before signing:",
    cancel: "Stop waiting",
    lost: "All devices lost?",
    lostButton: "I have my recovery sheet",
    lostText:
      "The recovery sheet, or two of its three parts, opens every recording on this device at once. 72 hours later you can sign again, unless an owner objects.",
  },

  recover: {
    title: "Come back with the recovery sheet",
    text: "Type the words from the paper. They stay in this browser.",
    look: "Look whether the sheet fits",
    found: "The sheet is this household's. Now say who you are.",
    who: "Whose device is this?",
    personWith: (devices: string) => `The owner with: ${devices}`,
    noName: "(no name)",
    lost: "Which devices are lost?",
    lostText:
      "They are removed when the 72 hours are over, and recordings of after that stay closed to them.",
    follows: [
      "From now on you can look at everything.",
      "Every owner's device is told, and one owner is enough to object.",
      "In 72 hours of the hub's running you come back with the sheet and take over. Do not destroy it before.",
    ],
    hold: "Hold to announce it",
    announcing: "Making keys and telling the hub …",
    pending:
      "A recovery is pending already. It must end, or an owner must object to it, before another one.",
    errors: {
      MALFORMED_INPUT:
        "A word is wrong or in the wrong place, or the parts do not belong together. Compare them with the paper.",
      SHEET_NOT_IN_FORCE:
        "This is not the sheet that is in force here: it is another household's, or was replaced.",
      KEYRING_INVALID_CHANGE:
        "The hub did not take this: a recovery is pending already, or the choice leaves nobody to sign.",
      TOO_MANY_CALLS: "Too many tries in a short time. Wait a minute.",
    },
  },

  lent: {
    title: "The keys are back where they came from",
    text: "They were lent to one page, once, and went when it was closed or loaded again. To open the page anew, end the command with Ctrl-C and run it again:",
  },

  errors: {
    PAIRING_OVER:
      "Ten minutes have passed, or the hub was started again. Nothing was admitted; start again.",
    TOO_MANY_PAIRINGS:
      "Too many devices are waiting to be let in. Wait ten minutes, then try again.",
    CLAIM_CODE_WRONG: "That is not the code on the hub's console. Nothing you typed is lost.",
    CLAIM_GONE: "This hub has a household already. Load this page again to join it.",
    CLAIM_UNPROVEN: "The sheet has not opened the test file. Try once more.",
    TOO_MANY_CALLS: "Too many tries in a short time. Wait a minute; what you typed stays.",
    NOT_OPEN: "This exchange is over. Start again.",
    NO_READER: "These words do not open the test file. They belong to another sheet.",
    MALFORMED_INPUT:
      "This name has characters that cannot be shown. Use letters, digits and spaces.",
  },
};
export type WelcomeWords = typeof english;
