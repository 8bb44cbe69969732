import * as Api from "../protocol/api.ts";
import { AcceptanceTaken } from "../protocol/api-restorations.ts";
import { PresenceAnswer } from "../protocol/api-presence.ts";
import type { EnvelopeSigner } from "../protocol/envelope.ts";
import { PAYLOAD_TYPES } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { signOwnerStatement } from "../protocol/owner-statement.ts";
import type { Acceptance } from "../protocol/restoration.ts";
import type { StoredWatch } from "./alarms.ts";
import type { DeviceBundle } from "./device-bundle.ts";
import type { HubClient } from "./hub-client.ts";
import type { LedgerRestored } from "./restored.ts";
import type { Seen } from "./witness.ts";

const CLIPS_A_QUESTION = 1_000;
const LOST_MAX = 1_000;

/**
 * Recordings that this device knew of and that the restored hub neither has nor says were deleted.
 *
 * @param watch - What this device has judged of the ledger before; null: it knows of none.
 * @returns Ids, at most 1,000.
 */
export async function lostRecordings(
  client: Pick<HubClient, "get" | "post">,
  watch: StoredWatch | null,
): Promise<string[]> {
  const lost: string[] = [];
  const known = (watch?.clips ?? []).map(([clip]) => clip);
  for (let from = 0; from < known.length; from += CLIPS_A_QUESTION) {
    const clips = known.slice(from, from + CLIPS_A_QUESTION);
    const { files } = await client.post("/api/clips/present", { clips }, PresenceAnswer);
    for (const [place, clip] of clips.entries()) {
      if ((files[place] ?? null) !== null) continue;
      const url = `/api/ledger/entries?kind=deletion&subject=${clip}&limit=1`;
      if ((await client.get(url, Api.EntriesAnswer)).length === 0) lost.push(clip);
      if (lost.length >= LOST_MAX) return lost;
    }
  }
  return lost;
}

/** What a person may do about a restored hub on this device. */
export type RestoredAnswer = "sign" | "go_on" | "ask_an_owner" | "refuse";

/**
 * `sign`: nobody has accepted it, and this device may. `go_on`: an owner in force has. `refuse`:
 * who restored it is in force no more, and nobody who could has accepted it.
 */
export function possibleAnswer(
  { found }: LedgerRestored,
  { role }: Pick<DeviceBundle, "role">,
): RestoredAnswer {
  if (found.acceptance) return "go_on";
  if (!found.isInForce) return "refuse";
  return role === "owner" ? "sign" : "ask_an_owner";
}

/**
 * Goes on with the restored ledger: signs that its owner knows what is gone, unless another owner has.
 * Only ever called by a person's hand.
 *
 * @returns What this device remembers from now on.
 * @throws HubError RESTORATION_REFUSED, NOT_ALLOWED.
 */
export async function goOnRestored(
  client: Pick<HubClient, "post">,
  change: LedgerRestored,
  bundle: DeviceBundle,
  signer: EnvelopeSigner,
  nowMs: number,
): Promise<Seen> {
  const { found, before } = change;
  const answer = possibleAnswer(change, bundle);
  if (answer === "go_on") return found.next;
  if (answer === "ask_an_owner")
    throw new HubError(
      "NOT_ALLOWED",
      "Cannot go on with the restored ledger: an owner has to accept it first, on his own device",
    );
  if (answer === "refuse")
    throw new HubError(
      "RESTORATION_REFUSED",
      "Cannot accept restoration: who restored this hub is in force no more",
    );
  const acceptance: Acceptance = {
    v: 1,
    origin: bundle.origin,
    keyringEpoch: found.next.epoch,
    keyringHead: found.next.keyringHead,
    atMs: nowMs,
    restorationSha256: found.sha256,
    before,
    now: found.next.checkpoint,
    provenSize: found.provenSize,
  };
  const statement = await signOwnerStatement(PAYLOAD_TYPES.acceptance, acceptance, signer);
  await client.post("/api/restorations/acceptances", { statement }, AcceptanceTaken);
  return found.next;
}
