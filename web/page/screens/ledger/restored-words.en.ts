export const english = {
  title: "This hub was set up anew from a copy",
  what: (restored: string, until: string) =>
    `It was done on ${restored}. The copy went up to ${until}.`,
  bySheet: "Whoever did it had the recovery sheet.",
  byOwner: "Whoever did it signed with an owner’s device.",
  gone: (gone: string, seen: string) =>
    `This device had seen ${seen} entries of the ledger: ${gone} of them are gone, and whatever came after.`,
  lost: (count: string) => `Recordings that this device knew of and that are gone: ${count}.`,
  proven: (count: string) =>
    `Unchanged for certain are the first ${count} entries, for which this device has signed.`,
  notProven: "This device had signed for no earlier state, so it cannot compare what was before.",
  older:
    "This device was at a hub after that. Either the old hub still runs somewhere: switch it off. Or entries have gone since: then accept nothing.",
  accepted: (at: string) => `An owner accepted this on ${at}.`,
  acceptedLess: (known: string) =>
    `He knew of ${known} entries, and this device has seen more: tell him.`,
  ask: "Accept this only if you, or somebody of your household whom you asked, set the hub up anew. Who has the hub and the recovery sheet could do the same to hide what was entered since the copy.",
  askOwner: "An owner has to accept this first, on his own device. Ask one of them in person.",
  refuse:
    "Who did this is in force no more, so nobody can accept it. Ask the owners; if none of them did it, switch the hub off.",
  save: "Save both checkpoints first",
  sign: "I know what is gone, and I sign that",
  goOn: "I know of it: go on",
};
