/** What is said while the hub cannot be reached, of what was last known. */
export const english = {
  asOf: (time: string) => `As of ${time}. The hub cannot be reached; nothing here is live.`,
  unlock: "Show what was last known",
  unlockHint: "It lies sealed on this device; your passkey opens it.",
  nothingKept: "Nothing was kept on this device to show.",
  events: "Events until then",
  noEvents: "Nothing had happened yet.",
  pictures: "Pictures are at the hub: there are none here.",
  requests: (count: string, isOne: boolean) =>
    isOne ? "1 request waited for a decision." : `${count} requests waited for a decision.`,
  noRequests: "No request waited for a decision.",
  ledger: (size: string) => `This device had checked the ledger up to entry ${size}.`,
  ledgerWell: "It found nothing wrong.",
  ledgerAlarms: (count: string) => `It had found something to look at: ${count}.`,
};
