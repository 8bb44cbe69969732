export const english = {
  title: "Transparency report",
  needKeys: "Unlock this device to have it count the ledger itself.",
  counting: "Counting every entry on this device …",
  period: (from: string, to: string, entries: string) =>
    `${from} to ${to}, counted on this device from all ${entries} entries of the ledger.`,
  withoutApproval: (count: number): string =>
    count === 1
      ? "recording left the house without a signed approval."
      : "recordings left the house without a signed approval.",
  outOfPlace: (count: string) => `${count} entries do not follow from those before them.`,
  requests: "What was asked",
  nobody: "Nobody has asked for anything.",
  kind: "Who asked",
  columns: ["asked", "approved", "refused", "not answered", "open"],
  emergencies: (count: number) =>
    count === 1
      ? "One was called an emergency. That changed nothing."
      : `${count} were called an emergency. That changed nothing.`,
  amounts: "How much",
  seconds: (asked: string, granted: string) =>
    `Asked for: ${asked} of recordings. Granted: ${granted}.`,
  redactions: (clear: number, sound: number) =>
    `Approvals with clear faces: ${clear}; with sound: ${sound}.`,
  assured: (count: number) => `Requests of which an owner knew who asked: ${count}.`,
  withoutSeconds: (count: string) => `${count} older entries do not say how much.`,
  whatLeft: "What left",
  releases: (releases: number, files: number) =>
    `Made ready for a recipient: ${releases}; files in all: ${files}.`,
  fetched: (accesses: number, shares: number) =>
    `Downloads: ${accesses}. Links made for somebody without a key: ${shares}.`,
  switchedOff: (times: number) =>
    times === 1 ? "A camera was switched off once." : `Cameras were switched off ${times} times.`,
  restored: (times: number) =>
    times === 1
      ? "The hub was set up anew from a copy once. What was lost then is in no figure."
      : `The hub was set up anew from a copy ${times} times. What was lost then is in no figure.`,
  ended: (revocations: number, lapses: number) =>
    `Taken back by an owner: ${revocations}. Ended because their time was over: ${lapses}.`,
  recordings: "The recordings",
  recorded: (recordings: number, deletions: number) =>
    `Recorded: ${recordings}. Deleted: ${deletions}.`,
  kept: (holds: number, preservations: number) =>
    `Kept longer by an owner: ${holds}, and because of a request: ${preservations}.`,
  house: (views: number, live: number) =>
    `Looks of the household itself, at recordings: ${views}; live: ${live}.`,
  statements: (count: number) => `Monthly statements of owners: ${count}.`,
  basis:
    "On what legal basis something was asked is sealed to the owners, so no figure here is of it: nobody outside could check one.",
  print: "Print",
  save: "Save the signed report",
  saveHint:
    "With every entry: times, cameras, devices; no names and no pictures. Anybody can check it.",
};
