/** Words of the privacy switch. */
export const english = {
  on: "The camera is on.",
  onAgainst: (until: string) => `The camera is on, against its hours, until ${until}.`,
  offUntil: (until: string) => `Off until ${until}. Nothing is recorded or shown.`,
  off: "Off until somebody switches it on. Nothing is recorded or shown.",
  byHours: "Its hours switched it off.",
  switchOff: "Switch off",
  switchOn: "Switch on",
  ofCamera: (what: string, camera: string) => `${what}: ${camera}`,
  howLong: (camera: string) => `Switch off ${camera}`,
  effect:
    "The hub closes its connection to the camera. A recording that is under way ends; the bell still rings. Everybody in the house sees that it is off, and the ledger says who did it.",
  hour: "For an hour",
  morning: "Until seven in the morning",
  open: "Until I switch it on",
  ownerOnly: "An owner, or whoever switched it off, can switch it on.",
  notAllowed: "Somebody else switched it off for longer. An owner can change that.",
};
