import type { StoredWatch } from "../../../../src/owner/alarms.ts";
import { fetchAllEntries, type FetchOptions } from "../../../../src/owner/all-entries.ts";
import { signingKeyOf } from "../../../../src/owner/device-bundle.ts";
import type { FollowedHub } from "../../../../src/owner/hub-client.ts";
import { makeReceipt } from "../../../../src/owner/receipt.ts";
import { makeReport } from "../../../../src/owner/report.ts";
import { makeStatement, owedMonths, type Said } from "../../../../src/owner/statement.ts";
import { watchLedger, type WatchResult } from "../../../../src/owner/watch.ts";
import { cosign } from "../../../../src/owner/witness.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { fromBase64, fromHex, toHex, utf8Bytes } from "../../../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../../../src/protocol/canonical-json.ts";
import { verifyCheckpoint } from "../../../../src/protocol/checkpoint.ts";
import { MalformedInput } from "../../../../src/protocol/errors.ts";
import type { LedgerEntry } from "../../../../src/protocol/ledger-entry.ts";
import { hashLeaf, verifyInclusion } from "../../../../src/protocol/merkle.ts";
import { readEntry } from "../../../../src/protocol/read-entry.ts";
import { requireKnownCosigners } from "../../../../src/protocol/checkpoint-witnesses.ts";
import type { ReportFigures } from "../../../../src/protocol/report.ts";
import { confirmingSigner } from "../confirming-signer.ts";
import type { VaultContext } from "../vault-worker.ts";

const PAGE_ENTRIES = 60;

/** An entry as the page shows it. */
export interface ShownEntry {
  readonly index: number;
  readonly entry: LedgerEntry;
  /** The canonical JSON that is hashed, byte for byte. */
  readonly text: string;
}

/** What cannot be read is begun anew: it is a memory of what the ledger says, no evidence. */
async function watchOr(
  hub: FollowedHub,
  stored: StoredWatch | null,
  options: FetchOptions,
): Promise<WatchResult> {
  try {
    return await watchLedger(hub, stored, Date.now, options);
  } catch (error) {
    if (!(error instanceof MalformedInput) || stored === null) throw error;
    return watchLedger(hub, null, Date.now, options);
  }
}

/** The ledger, as far as this device has checked it itself. */
export const ledgerCalls = {
  /**
   * Demands that everything this device has seen is still there, then signs for what is there now.
   */
  witness: async ({ device }: VaultContext) => {
    const before = await device.seen();
    const { client, keyring, seen } = await device.follow();
    const cosignature = cosign(keyring, seen.checkpoint, signingKeyOf(device.bundle), Date.now());
    await client.send("/api/ledger/cosignatures", cosignature);
    const { cosigned } = await client.get("/api/ledger/checkpoint", Api.CheckpointAnswer);
    const ledger = { origin: keyring.origin, publicKey: keyring.ledgerKey };
    const checkpoint = verifyCheckpoint(cosigned ?? seen.checkpoint, ledger);
    requireKnownCosigners(checkpoint, keyring);
    return {
      size: seen.size,
      root: seen.root,
      checkpoint: seen.checkpoint,
      sizeBefore: before?.size ?? null,
      /** Signed note with the devices' signatures, each of which was verified here. */
      cosigned: cosigned ?? seen.checkpoint,
      witnesses: checkpoint.note.signatures.length - 1,
    };
  },

  /**
   * This device's judgement of the ledger, gone on with from where it stood.
   *
   * @param acknowledge - A person has looked at what is found: it is not shown as new again.
   */
  judge: async (
    { device, signal, progress }: VaultContext,
    { acknowledge }: { acknowledge: boolean },
  ) => {
    const hub = await device.follow();
    const stored = await device.watch();
    const options = { signal, onProgress: progress };
    const { watch, alarms, pauses, judged, size } = await watchOr(hub, stored, options);
    if (acknowledge) watch.acknowledge(alarms);
    await device.rememberWatch(watch.toJSON());
    return {
      alarms: acknowledge ? watch.alarms(Date.now()) : alarms,
      ...{ pauses, judged, size },
      statements: watch.statements,
      owed: owedMonths(watch.statements, Date.now()),
    };
  },

  /** Proof that an entry is in the ledger, as a file that anybody can check. */
  receipt: async ({ device }: VaultContext, index: number) => {
    const key = signingKeyOf(device.bundle);
    const { bytes, name } = await makeReceipt(await device.follow(), index, key, Date.now());
    return { bytes, name };
  },

  /** An owner's word for one month, confirmed by his passkey where he has one; as a file. */
  statement: async (context: VaultContext, said: Said) => {
    const { device } = context;
    const hub = await device.follow();
    const signer = await confirmingSigner(context, hub.keyring);
    const index = await makeStatement(hub, said, signer, Date.now());
    const key = signingKeyOf(device.bundle);
    const { bytes, name } = await makeReceipt(await device.follow(), index, key, Date.now());
    return { bytes, name };
  },

  ledgerCounts: async ({ device }: VaultContext) =>
    device.client.get("/api/ledger/counts", Api.LedgerCounts),

  /** Newest first. */
  ledgerPage: async (
    { device }: VaultContext,
    { before, kind }: { before: number | null; kind: string | null },
  ): Promise<ShownEntry[]> => {
    const query = new URLSearchParams({ limit: String(PAGE_ENTRIES), newest: "true" });
    if (before !== null) query.set("before", String(before));
    if (kind !== null) query.set("kind", kind);
    const page = await device.client.get(`/api/ledger/entries?${query}`, Api.EntriesAnswer);
    return page.map(({ index, entry }) => {
      const bytes = fromBase64(entry, "entry");
      return {
        index,
        entry: readEntry(parseCanonicalJson(bytes, "entry")),
        text: new TextDecoder().decode(bytes),
      };
    });
  },

  /** Whether an entry is in the ledger as this device has followed it (RFC 6962). */
  proveEntry: async (
    { device }: VaultContext,
    { index, text }: { index: number; text: string },
  ) => {
    const { client, seen } = await device.follow();
    const query = `index=${index}&size=${seen.size}`;
    const { proof } = await client.get(`/api/ledger/inclusion?${query}`, Api.ProofAnswer);
    const holds = verifyInclusion({
      leafIndex: index,
      leafHash: hashLeaf(utf8Bytes(text)),
      treeSize: seen.size,
      proof: proof.map((hash) => fromBase64(hash, "proof")),
      root: fromHex(seen.root, "root"),
    });
    return { holds, size: seen.size, hash: toHex(hashLeaf(utf8Bytes(text))), steps: proof.length };
  },

  /** Counts the whole ledger here and signs the figures: a file that anybody can check. */
  report: async ({
    device,
    signal,
    progress,
  }: VaultContext): Promise<{
    figures: ReportFigures;
    origin: string;
    atMs: number;
    holds: boolean;
    bytes: Uint8Array;
  }> => {
    const hub = await device.follow();
    const { statements } = await hub.client.get("/api/keyring", Api.KeyringAnswer);
    const entries = await fetchAllEntries(hub, { signal, onProgress: progress });
    const made = await makeReport(
      { statements, checkpoint: hub.seen.checkpoint, entries },
      signingKeyOf(device.bundle),
      Date.now(),
    );
    await hub.client.send("/api/ledger/cosignatures", made.cosignature);
    const { figures, origin, atMs } = made.statement;
    return { figures, origin, atMs, holds: made.verdict.holds, bytes: made.bytes };
  },

  /** Every entry as one line of canonical JSON. */
  exportLedger: async ({ device, signal, progress }: VaultContext): Promise<string> => {
    const entries = await fetchAllEntries(await device.follow(), { signal, onProgress: progress });
    const decoder = new TextDecoder();
    return entries.map((entry) => `${decoder.decode(canonicalJson(entry))}\n`).join("");
  },
};
