/** Words of deciding together, of stopping an approval, and of taking it back. */
export const english = {
  unnamed: "a device without a name",
  you: "you",
  and: " and ",
  signed: (names: string) => `Signed by ${names}.`,
  oneMore: "One more person has to sign.",
  more: (count: number) => `${count} more persons have to sign.`,
  nothingSent: "Nothing has been sent.",
  youSigned: "You have signed. Until the others have, nothing leaves.",
  stale:
    "An approval was proposed, and the household has changed since. Nobody can sign that one any more: look, and sign anew. Nothing has been sent.",
  takeBackProposal: "Take my proposal back",
  signTitle: "Another owner proposes this",
  signText:
    "Look at the cut yourself. When you sign, this device makes every key again and compares: a single one that differs, and nothing is signed.",
  checking: "Checking the proposal against the ledger …",
  sign: "Hold to sign as well",
  signLast: "With your signature it is approved: what is shown above leaves, for this one key.",
  signNotLast: "Your signature is added. Others have to sign as well before anything leaves.",
  firstOf: (needed: number) =>
    `${needed} owners of this household have to sign. Yours is the first signature: nothing leaves with it alone.`,
  veto: (days: string) =>
    `After the last signature there are ${days} in which any owner can stop it. Nothing leaves before.`,
  making: (made: number, total: number) => `Making key ${made} of ${total} again …`,
  otherPurpose: (purpose: string) => `The request itself gives another purpose: ${purpose}`,
  stuck:
    "Approved, and it cannot leave: a device that signed it is no longer in force, or a recording is gone. Stop it.",
  waitsUntil: (when: string) => `Approved. Nothing leaves before ${when}; you can still stop it.`,
  stopTitle: "Stop it",
  stopText: "Any owner can stop it alone, without a reason. Nothing will have left.",
  stop: "Hold to stop it",
  until: (when: string) => `It can be fetched until ${when}.`,
  takeBackTitle: "Take it back",
  takeBack: "Take the approval back …",
  takeBackText:
    "The hub destroys its copy of the keys that were made for the recipient, and the address answers as if it had never been.",
  neverFetched: "It was not fetched. After this, nobody can.",
  cannotRecall: (count: string) =>
    `It was fetched ${count}. What was fetched cannot be recalled: whoever has it keeps it.`,
  once: "once",
  times: (count: number) => `${count} times`,
  confirm: "Hold to take it back",
  working: "Signing …",
  close: "Leave it",
  revoked: "An owner took this approval back. It can no longer be fetched.",
  stopped: "An owner stopped this before it left. Nothing was sent.",
  lapsed: "The time to fetch it is over. It can no longer be fetched.",
  conditions: "For what, and for how long",
  purpose: "What for, as you sign it",
  purposeHint: "Left empty, it says what the request says.",
  available: "It can be fetched for",
  days: (count: number) => (count === 1 ? "1 day" : `${count} days`),
  hours: (count: number) => (count === 1 ? "1 hour" : `${count} hours`),
  withdraw: "They take the request back",
  withdrawText: "For a letter that you typed in: whoever wrote it does not want it any more.",
  errors: {
    PROPOSAL_ALTERED:
      "The keys in this proposal are not those that its terms give: somebody else was let in. Nothing was signed. Talk to whoever proposed it, and refuse.",
    PROPOSAL_STANDS:
      "Another owner has proposed an approval in the meantime. Nothing of yours was taken; look at his.",
    NO_PROPOSAL: "This proposal is not there any more. Nothing was signed.",
    DECISION_WRONG_KEYRING: "The household has changed since this was signed. Sign anew.",
    DECISION_SAME_PERSON_TWICE: "You have signed already; another person has to.",
    DECISION_UNKNOWN_CHECKPOINT:
      "Whoever proposed this has seen another ledger than this device. Nothing was signed. Compare your ledgers before anything else.",
  },
};
