import { ask } from "../device/vault.ts";
import { VaultError } from "../device/vault-messages.ts";

/** How many requests wait for this owner; the screen of requests counts them. */
let requests = $state(0);
/** Changes of the household that want this owner: a recovery, or another owner's proposal. */
let house = $state(0);

export const waiting = {
  get requests(): number {
    return requests;
  },
  set requests(found: number) {
    requests = found;
  },
  get house(): number {
    return house;
  },
};

/** Counts them; for a device that may sign, at the start and whenever the hub tells of a change. */
export async function countWaiting(what: "requests" | "house" = "requests"): Promise<void> {
  try {
    if (what === "house") house = await ask("countHousehold", null);
    else requests = await ask("countWaiting", null);
  } catch (error) {
    // A number beside a word: whoever opens the screen is told what is wrong.
    if (!(error instanceof VaultError)) throw error;
  }
}
