/** The house's name on the network, and its change to another one. */
export const english = {
  title: "Address and certificate",
  now: "Where this house is found",
  closed:
    "The hub answers on its own machine only. Whether it answers on your network stands in its settings, under listen.",
  certificates: {
    household: "With the household's own certificate, which each device has to trust once.",
    own: "With your own certificate, which devices trust as they are.",
    proxy: "Through a reverse proxy, with the certificate that it shows.",
  },
  words: "Eight words stand for the certificate that devices trust:",
  fingerprint: "The whole fingerprint",
  fingerprintText:
    "The certificate page comes without encryption, so somebody who controls the network could show these words beside a certificate of his own. What is certain is the fingerprint (SHA-256): a device shows it in its own settings, for what it trusts.",
  page: "Certificate page",
  pageText: "For a device that is to know this hub: it says how, step by step.",
  renewed: (day: string) =>
    `The hub renews what it shows by itself, before ${day}. Devices have nothing to do for that.`,

  change: "Change the name …",
  changeText:
    "A name that you own, or one from Tailscale, also leads here from away. The keys and passkeys of every device belong to the name, so this takes a while, and both names work until you end it.",
  follows: [
    "Each device trusts the certificate of the new name, where it is the household's own.",
    "Each device joins under the new name as a new device. An owner compares three words and signs, as for every other.",
    "The app is put on the home screen anew, and notifications are switched on anew.",
    "What was recorded stays, and opens on the new devices as on the old.",
    "At the end the keys of the old name are removed.",
  ],
  wanted: "New name",
  wantedHint:
    "As door.example.org or hub.your-net.ts.net. It must lead to this hub already, at home and from where you want to look in.",
  begin: "Hold to begin",
  begun: (name: string) => `The hub answers under ${name} as well now.`,

  movingTitle: (from: string, to: string) => `From ${from} to ${to}`,
  movingText: "Both names work. For each device, in this order:",
  trust: "Trust the certificate of the new name, and compare its eight words.",
  joinThere:
    "Open the new address, put it on the home screen, and ask to join there, under the name that the device has now.",
  notReady: "The hub does not answer under the new name yet. Above it says why.",
  admitHere: "Let it in below, on a device that is in already.",
  removeOld: "When it has moved, remove its old key. Then the old app opens nothing any more.",

  plan: "Who has moved",
  states: { moved: "has moved", "to-move": "still to move", perhaps: "perhaps to move" },
  perhaps:
    "Nothing says where its keys belong. A browser has to move. A command line only needs the new address, and stays as it is.",
  thisDevice: "this device",
  noName: "(no name)",
  openHere: "It moves like every other: this app stays open to let it in.",
  openNew: "Open the new address",
  scan: "Show the way for it",
  qr: (label: string) => `Address at which “${label}” joins`,
  removeKey: "Remove the old key",
  removeElsewhere: "Remove this old key from the app under the new name.",
  left: (count: number) =>
    count === 0
      ? "All have moved."
      : count === 1
        ? "One is still to move."
        : `${count} are still to move.`,
  allGone: "No key of the old name is left.",

  endTitle: "The end of the move",
  endText: (from: string, to: string) =>
    `From then on the hub answers under ${to} only, and apps that were opened under ${from} do not reach it any more.`,
  endEarly: (count: number) =>
    count === 1
      ? "One device has not moved. It would have to be let in anew afterwards; its keys stay in the household until you remove them."
      : `${count} devices have not moved. They would have to be let in anew afterwards; their keys stay in the household until you remove them.`,
  end: (name: string) => `Hold to keep ${name} only`,
  giveUp: (name: string) => `Hold to stay with ${name}`,
  ended: (name: string) => `The hub answers under ${name} only.`,
  locked: "To see who has moved, the household's keyring is checked with the keys of this device.",
  unlock: "Unlock",
  errors: {
    LAN_CLOSED: "The hub does not listen on your network. Its settings say so, under listen.",
    LAN_MOVING: "A move is under way already. End it first.",
    LAN_NOT_MOVING: "The move is over already. Load this page again.",
    LAN_NAME_TAKEN: "Another machine goes by that name already. Choose another.",
    MALFORMED_INPUT:
      "A hub cannot go by that name. It has at least two parts with a dot between, as door.example.org, and it is not the name of now.",
    KEYRING_REFUSED: "The hub did not take this statement. Nothing has changed; try again.",
  },
};
export type AddressWords = typeof english;
