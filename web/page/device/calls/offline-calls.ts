import { LedgerWatch } from "../../../../src/owner/alarms.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import {
  EVENTS_MAX,
  forgetLastState,
  keepLastState,
  openLastState,
  type LastState,
} from "../last-state.ts";
import type { OwnerDevice } from "../owner-device.ts";
import { forgetSecret } from "../../../service-worker/notice-secret.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What is shown when the hub does not answer: sealed here while it does. */
export const offlineCalls = {
  /**
   * Asks the hub and keeps what it says; without pictures, names or places.
   *
   * @param requests - How many wait; null where this device decides nothing.
   */
  keepLastState: async (
    { device }: VaultContext,
    { requests }: { requests: number | null },
  ): Promise<void> => {
    if (device.isLent) return;
    const state: LastState = {
      v: 1,
      events: await eventsOf(device),
      requests,
      ledger: await ledgerOf(device),
      atMs: Date.now(),
    };
    await keepLastState(state, device.sealedBy);
  },

  /** Null where nothing was kept, or these keys are not open. */
  lastState: async ({ device }: VaultContext): Promise<LastState | null> =>
    device.sealedBy === null ? null : openLastState(device.sealedBy),

  /** Whoever is shown out, or removed, leaves nothing of what the hub said, and can ask it nothing. */
  forgetLastState: async () => {
    await forgetSecret();
    await forgetLastState();
  },
};

async function eventsOf({ client }: OwnerDevice): Promise<LastState["events"]> {
  try {
    const { clips } = await client.get(`/api/clips?limit=${EVENTS_MAX}`, Api.ClipList);
    return clips.slice(0, EVENTS_MAX).map(({ startedAtMs, kind }) => ({ atMs: startedAtMs, kind }));
  } catch (error) {
    if (error instanceof HubError && error.code === "NOT_ALLOWED") return null;
    throw error;
  }
}

async function ledgerOf(device: OwnerDevice): Promise<LastState["ledger"]> {
  const seen = await device.seen();
  if (!seen) return null;
  const watch = await device.watch();
  const alarms = watch === null ? [] : LedgerWatch.read(watch).alarms(Date.now());
  return { size: seen.size, alarms: alarms.length };
}
