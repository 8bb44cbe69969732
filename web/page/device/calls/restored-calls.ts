import {
  goOnRestored,
  lostRecordings,
  possibleAnswer,
} from "../../../../src/owner/restore-accept.ts";
import { LedgerRestored } from "../../../../src/owner/restored.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { parseSha256Hex } from "../../../../src/protocol/ids.ts";
import { verifyKeyring } from "../../../../src/protocol/keyring.ts";
import { confirmingSigner } from "../confirming-signer.ts";
import type { OwnerDevice } from "../owner-device.ts";
import type { VaultContext } from "../vault-worker.ts";

async function changeOf(device: OwnerDevice): Promise<LedgerRestored | null> {
  try {
    await device.follow();
    return null;
  } catch (error) {
    if (error instanceof LedgerRestored) return error;
    throw error;
  }
}

/** What this device finds where the hub was restored from a copy, and a person's answer. */
export const restoredCalls = {
  /** Null where nothing waits for an answer. */
  restored: async ({ device }: VaultContext) => {
    const change = await changeOf(device);
    if (!change) return null;
    const { next: _next, ...found } = change.found;
    return {
      ...found,
      answer: possibleAnswer(change, device.bundle),
      lost: (await lostRecordings(device.client, await device.watch())).length,
    };
  },

  /** Goes on with the restored ledger, by a person's hand; signs where no owner has before. */
  acceptRestored: async (context: VaultContext) => {
    const { device } = context;
    // Keys that are lent are told of their hub by whoever lent them.
    if (device.isLent)
      throw new HubError("NOT_ALLOWED", "Answer on the command line: doorward owner restored");
    const change = await changeOf(device);
    if (!change) return null;
    const { statements } = await device.client.get("/api/keyring", Api.KeyringAnswer);
    const keyring = verifyKeyring(statements, parseSha256Hex(device.bundle.genesis));
    const signer = await confirmingSigner(context, keyring);
    const seen = await goOnRestored(device.client, change, device.bundle, signer, Date.now());
    await device.startFrom(seen);
    return null;
  },
};
