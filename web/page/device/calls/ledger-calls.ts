import { fetchAllEntries } from "../../../../src/owner/all-entries.ts";
import { signingKeyOf } from "../../../../src/owner/device-bundle.ts";
import { makeReport } from "../../../../src/owner/report.ts";
import { cosign } from "../../../../src/owner/witness.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { fromBase64, fromHex, toHex, utf8Bytes } from "../../../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../../../src/protocol/canonical-json.ts";
import { verifyCheckpoint } from "../../../../src/protocol/checkpoint.ts";
import type { LedgerEntry } from "../../../../src/protocol/ledger-entry.ts";
import { hashLeaf, verifyInclusion } from "../../../../src/protocol/merkle.ts";
import { readEntry } from "../../../../src/protocol/read-entry.ts";
import { requireKnownCosigners } from "../../../../src/protocol/checkpoint-witnesses.ts";
import type { ReportFigures } from "../../../../src/protocol/report.ts";
import type { VaultContext } from "../vault-worker.ts";

const PAGE_ENTRIES = 60;

/** An entry as the page shows it. */
export interface ShownEntry {
  readonly index: number;
  readonly entry: LedgerEntry;
  /** The canonical JSON that is hashed, byte for byte. */
  readonly text: string;
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
  }: VaultContext): Promise<{ figures: ReportFigures; holds: boolean; bytes: Uint8Array }> => {
    const hub = await device.follow();
    const { statements } = await hub.client.get("/api/keyring", Api.KeyringAnswer);
    const entries = await fetchAllEntries(hub, { signal, onProgress: progress });
    const made = await makeReport(
      { statements, checkpoint: hub.seen.checkpoint, entries },
      signingKeyOf(device.bundle),
      Date.now(),
    );
    await hub.client.send("/api/ledger/cosignatures", made.cosignature);
    return { figures: made.statement.figures, holds: made.verdict.holds, bytes: made.bytes };
  },

  /** Every entry as one line of canonical JSON. */
  exportLedger: async ({ device, signal, progress }: VaultContext): Promise<string> => {
    const entries = await fetchAllEntries(await device.follow(), { signal, onProgress: progress });
    const decoder = new TextDecoder();
    return entries.map((entry) => `${decoder.decode(canonicalJson(entry))}\n`).join("");
  },
};
