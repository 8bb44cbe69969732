/** Being told while the page is closed. */
export const english = {
  title: "Notifications",
  lead: "What tells you that somebody rings while this page is closed.",
  link: "Notifications",
  here: "On this device",
  come: "What comes: a notice at once when somebody rings, and one when a request waits for you. Movement only where you choose it below.",
  stays:
    "What leaves the house for it is a number, encrypted and always of the same length: no name, no camera, no picture. Your browser’s push service sees that something happened, when, and how urgent it was. What it was, this device asks your hub at home; on a locked screen it is shown to whoever looks.",
  switchOn: "Switch on notifications",
  switchingOn: "Switching on…",
  isOn: "Notifications are on.",
  isOnText:
    "Your browser’s push service brings them. It needs the Internet; within the house, an open page and the chime do without.",
  switchOff: "Switch off here",
  iphone:
    "An iPhone shows one banner with one sound, as for a message. It does not ring like a call, and a Focus or the mute switch silences it. To be sure to hear it, count on the chime in the house.",
  android:
    "Where the phone saves battery, it may deliver late: allow Doorward or the browser to run in the background.",
  insecure:
    "Not possible over this address: browsers allow notifications only where the page comes over https. Open the hub under its own name, as the House screen shows it.",
  notInstalled:
    "On an iPhone or iPad, notifications are for pages on the home screen only. In Safari, tap Share, then Add to Home Screen, and open Doorward from there.",
  unsupported:
    "This browser cannot be told anything while the page is closed, or this is a private window. Another browser may; so can the app ntfy below.",
  denied: "This browser was told to show no notifications from here. Only you can undo that:",
  undo: {
    iphone: "Settings › Notifications › Doorward › Allow Notifications.",
    ipad: "Settings › Notifications › Doorward › Allow Notifications.",
    android:
      "Hold the Doorward icon › App info › Notifications. In the browser: the sign before the address › Permissions › Notifications.",
    windows:
      "The sign before the address › Permissions › Notifications › Allow. Look also at Windows’ Settings › System › Notifications.",
    mac: "The sign before the address › Notifications › Allow. Look also at System Settings › Notifications.",
    linux: "The sign before the address › Permissions › Notifications › Allow.",
    other: "In the settings of the browser for this page, allow notifications.",
  },
  lookAgain: "Look again",
  failures: {
    "said-no": "Nothing was switched on: the browser was told no, or did not ask.",
    "no-worker":
      "Nothing was switched on: the part of the page that takes notifications did not start. Load the page again.",
    "no-service":
      "Nothing was switched on: the browser’s push service did not answer. It needs the Internet.",
  },
  errors: {
    ENDPOINT_NOT_ALLOWED:
      "This browser’s push service is not one that the hub connects to. An owner can name its host in the settings, under notify.",
    TOO_MANY_SUBSCRIPTIONS:
      "Too many devices of this household have notifications on. Switch them off on one that is not used.",
    NO_NTFY: "The settings name no ntfy server.",
  },
  test: "Try it",
  testText: "Sends one notice to this device, and to no other.",
  testButton: "Send a test",
  testing: "On its way…",
  testNoWay:
    "There is no way to this device yet: switch notifications on above, or add ntfy below.",
  taken: (way: string, time: string) => `${way} took it after ${time}.`,
  seen: (time: string) => `This device said that it had it after ${time}.`,
  measured:
    "Measured on the hub’s clock, from making the notice until this device’s answer was back at the hub.",
  unseen: "No answer from this device yet. With ntfy there is none: look at the phone.",
  late: "Nothing came back within half a minute. Look at what each way says below, and whether the device shows notifications at all.",
  ways: "How it gets here",
  way: { push: "Push service of the browser", ntfy: "ntfy", "unified-push": "UnifiedPush" },
  wayOff: "not used",
  wayNever: "nothing sent since the hub began",
  wayLast: (when: string) => `last taken ${when}`,
  wayProblem: "It did not take the last one. The hub says:",
  wayWaiting: (count: string) => `${count} waiting`,
  wayDropped: (count: string) => `${count} given up, being too old`,
  pushProblems: {
    NOT_ALLOWED: "The settings no longer name this push service.",
    INSIDE_ADDRESS:
      "The push service’s name leads into a local network: the hub does not connect there.",
    UNREACHABLE: "The push service cannot be reached. Look whether the hub has the Internet.",
    BUSY: "The push service asked to wait. The hub tries again by itself.",
    KEY_REFUSED: "The push service refused this hub’s key. Look whether the hub’s clock is right.",
    NOT_TAKEN: "The push service did not take it.",
  },
  ntfyTitle: "Through the app ntfy",
  ntfyText:
    "An app for Android and iPhone that can be told by a server of your own. It is given the same number and nothing more; a tap opens this page.",
  ntfyNone: "The settings name no ntfy server. An owner can add one under notify.",
  ntfyStart: "Make a topic for this device",
  ntfyStop: "Stop ntfy",
  ntfyScan: "In the ntfy app, add a subscription: scan this, or type the address.",
  ntfySecret: "Whoever knows this address is told that something happened, too.",
  ntfyOpen: "Open in ntfy",
  rules: "What you are told",
  bell: "When somebody rings: always, at once.",
  bellInQuiet: "Also in quiet hours",
  motion: "Movement",
  motionWays: {
    off: "Not told",
    digest: "Summed up, at set times",
    each: "Each, with a pause in between",
  },
  classes: "Of what",
  class: {
    motion: "Anything that moves",
    person: "People",
    vehicle: "Vehicles",
    animal: "Animals",
    package: "Parcels",
  },
  all: "Nothing chosen means everything.",
  cameras: "At which cameras",
  digestTimes: "Summed up at",
  addTime: "Add a time",
  removeTime: (time: string) => `Remove ${time}`,
  coolDown: "Pause between two of the same camera, in minutes",
  quiet: "Quiet hours",
  noQuiet: "None: you are told at any time.",
  quietNow: "It is quiet now.",
  zone: (zone: string) => `At the hub’s time, ${zone}.`,
  requests: "Requests that wait for an owner",
  house: "Matters of the household and of the hub: keys, recovery, cameras that are away",
  save: "Save",
  saved: "Saved.",
  unsaved: "Not saved yet.",
  wrong: {
    noDay: "Choose at least one day, or remove these hours.",
    sameTime: "Begin and end are the same. For a whole day, choose midnight twice.",
  },
  notice: "A notice",
  noticeGone:
    "This notice is over, or is not for this device. What is new stands in the screens below.",
  noticeAway: "Your hub does not answer. Once it does, this page shows what it was.",
  toLive: "Look at the door",
  toEvents: "What was recorded",
  toHouse: "House",
  toHealth: "How the hub is",
  kinds: {
    bell: "Somebody rang",
    motion: "Movement",
    digest: "Movements, summed up",
    request: "A request waits for you",
    house: "A matter of the household",
    trouble: "The hub needs a look",
    test: "This was the test",
  },
  troubleOver: "It is over",
  troubleOverText: "What the hub told you of before is over. How it does now stands under Health.",
  noticeOf: (time: string, camera: string) => `${time}, ${camera}`,
  noticeTest: "The notice reached this device, and the tap led here.",
};
