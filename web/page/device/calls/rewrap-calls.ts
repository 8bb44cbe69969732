import { parseRecoverySheet } from "../../../../src/owner/recovery.ts";
import {
  confirmingOnce,
  openableBytes,
  readersChanges,
  rewrapClip,
  sealedBefore,
  type ReadersChange,
} from "../../../../src/owner/rewrap.ts";
import { splitSheet } from "../../../../src/owner/sheet-split.ts";
import * as Api from "../../../../src/protocol/api.ts";
import type { SealedBefore } from "../../../../src/protocol/api-rewrap.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { confirmingSigner } from "../confirming-signer.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What may stop one recording and says nothing of the next. */
const OF_ONE_CLIP = new Set([
  ...["CLIP_HELD", "CLIP_RELEASED", "CLIP_NOT_GOING", "NOT_FOUND", "FILE_MISSING", "FILE_DAMAGED"],
  ...["FILE_ALTERED", "NO_READER", "CLIP_NOT_PROVEN", "REWRAP_REFUSED", "MALFORMED_INPUT"],
]);

/** What readers of before could still open, and the recovery sheet in three parts. */
export const rewrapCalls = {
  /** Nothing is changed by this. */
  openable: async (context: VaultContext) => {
    const { clips, changes } = await find(context);
    // A change of long ago says nothing any more, once everything of before it was sealed anew.
    const open = changes.filter((change) =>
      clips.some((clip) => openableBytes(clip, [change]) > 0),
    );
    return {
      clips: clips.length,
      bytes: clips.reduce((total, clip) => total + openableBytes(clip, changes), 0),
      torn: clips.reduce((total, { torn }) => total + torn, 0),
      /** Deleted by an owner, and not gone yet. */
      going: clips.filter(({ goesInMs }) => goesInMs !== undefined).length,
      /** Whose keys of before these are; none where the sheet was replaced. */
      devices: open.flatMap(({ devices }) => devices),
      isSheet: open.some(({ devices }) => devices.length === 0),
      opens: open.some(({ opens }) => opens === "everything") ? "everything" : "blurred",
    };
  },

  /** Seals all of it anew; the passkey confirms once. Stopped, it goes on from there when called again. */
  rewrapAll: async (context: VaultContext) => {
    const { device } = context;
    const { hub, clips } = await find(context);
    const signer = confirmingOnce(await confirmingSigner(context, hub.keyring));
    return forEach(context, clips, async ({ clip }) => {
      await rewrapClip(hub, { bundle: device.bundle, signer }, clip);
    });
  },

  /** Deletes all of it; for a while {@link restoreOpenable} takes that back. */
  deleteOpenable: async (context: VaultContext) => {
    const { hub, clips } = await find(context);
    const staying = clips.filter(({ goesInMs }) => goesInMs === undefined);
    return forEach(context, staying, async ({ clip }) => hub.client.delete(`/api/clips/${clip}`));
  },

  restoreOpenable: async (context: VaultContext) => {
    const { hub, clips } = await find(context);
    const going = clips.filter(({ goesInMs }) => goesInMs !== undefined);
    return forEach(context, going, async ({ clip }) =>
      hub.client.send(`/api/clips/${clip}/restore`, {}),
    );
  },

  /**
   * Three parts of the sheet that is in force, as texts to print.
   *
   * @throws HubError SHEET_NOT_IN_FORCE; MalformedInput where a word is wrong.
   */
  splitSheet: async ({ device }: VaultContext, { sheet }: { sheet: string }) => {
    const { keyring } = await device.follow();
    const { reader } = await parseRecoverySheet(sheet);
    if (reader.recipient !== keyring.readers.recovery)
      throw new HubError("SHEET_NOT_IN_FORCE", "Cannot split: this is not the sheet in force");
    return splitSheet(sheet);
  },
};

async function find({ device, signal }: VaultContext) {
  const hub = await device.follow();
  const { statements } = await hub.client.get("/api/keyring", Api.KeyringAnswer);
  const changes: readonly ReadersChange[] = readersChanges(statements, hub.keyring);
  const clips: SealedBefore[] = [];
  for await (const clip of sealedBefore(hub.client, changes)) {
    signal.throwIfAborted();
    clips.push(clip);
  }
  return { hub, changes, clips };
}

/** @returns How many were done, and how many were not. */
async function forEach(
  { progress, signal }: VaultContext,
  clips: readonly SealedBefore[],
  act: (clip: SealedBefore) => Promise<void>,
): Promise<{ done: number; failed: number; isStopped: boolean }> {
  let failed = 0;
  for (const [index, clip] of clips.entries()) {
    if (signal.aborted) return { done: index - failed, failed, isStopped: true };
    progress(index, clips.length);
    try {
      await act(clip);
    } catch (error) {
      if (!(error instanceof HubError) || !OF_ONE_CLIP.has(error.code)) throw error;
      failed += 1;
    }
  }
  progress(clips.length, clips.length);
  return { done: clips.length - failed, failed, isStopped: false };
}
