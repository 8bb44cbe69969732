import * as Api from "../protocol/api.ts";
import { fromBase64, utf8Bytes } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { readEntry } from "../protocol/read-entry.ts";
import { formatTlogProof } from "../protocol/tlog-proof.ts";
import {
  verifyReceipt,
  type ReceiptExtra,
  type ReceiptVerdict,
} from "../protocol/verify-receipt.ts";
import type { FollowedHub } from "./hub-client.ts";
import { fetchStatement } from "./statement.ts";
import type { SigningKey } from "./identity.ts";
import { cosign, withCosignature } from "./witness.ts";

export interface Receipt {
  readonly bytes: Uint8Array;
  readonly verdict: ReceiptVerdict;
  /** The file's name, by what it is of. */
  readonly name: string;
}

/**
 * Proof that anybody can check, without this hub, that an entry is in this household's ledger: at
 * the checkpoint that this device has followed, which it cosigns.
 *
 * @throws HubError RECEIPT_REFUSED when there is no such entry, or the hub's proof does not hold.
 */
export async function makeReceipt(
  hub: FollowedHub,
  index: number,
  signingKey: SigningKey,
  nowMs: number,
): Promise<Receipt> {
  const { client, keyring } = hub;
  const seen = await hub.followTo(index);
  if (index >= seen.size) throw refused(`the ledger has ${seen.size} entries`);
  const cosignature = cosign(keyring, seen.checkpoint, signingKey, nowMs);
  const { statements } = await client.get("/api/keyring", Api.KeyringAnswer);
  const url = `/api/ledger/entries?from=${index}&limit=1`;
  const [found] = await client.get(url, Api.EntriesAnswer);
  if (found?.index !== index) throw refused("the hub does not give this entry");
  const entry = parseCanonicalJson(fromBase64(found.entry, "entry"), "entry");
  const query = `index=${index}&size=${seen.size}`;
  const { proof } = await client.get(`/api/ledger/inclusion?${query}`, Api.ProofAnswer);
  const extra: ReceiptExtra = {
    format: "doorward-receipt/v1",
    entry,
    keyring: [...statements],
    ...(await whatItIsOf(hub, entry, seen.size)),
  };
  const bytes = utf8Bytes(
    formatTlogProof({
      extra: canonicalJson(extra),
      index,
      proof: proof.map((hash) => fromBase64(hash, "proof")),
      checkpoint: withCosignature(seen.checkpoint, cosignature.line),
    }),
  );
  const verdict = verifyReceipt(bytes);
  if (!verdict.holds) throw refused(verdict.checks.at(-1)?.detail ?? "it does not hold");
  // The receipt's checkpoint carries this line: the hub then has it as well, as after a witness.
  await client.send("/api/ledger/cosignatures", cosignature);
  return { bytes, verdict, name: nameOf(verdict, index) };
}

/** The index of the entry that says that a recording was deleted. */
export async function deletionOf({ client }: Pick<FollowedHub, "client">, clip: string) {
  const url = `/api/ledger/entries?kind=deletion&subject=${clip}&limit=1`;
  const [found] = await client.get(url, Api.EntriesAnswer);
  if (!found)
    throw refused(
      "the ledger has no deletion of this recording; for another entry give its number",
    );
  return found.index;
}

async function whatItIsOf(
  hub: FollowedHub,
  value: Json,
  size: number,
): Promise<Pick<ReceiptExtra, "statement">> {
  const entry = readEntry(value);
  if (entry.kind !== "statement") return {};
  const envelope: Envelope = await fetchStatement(hub.client, entry);
  return { statement: { envelope, seen: await seenProof(hub, envelope, size) } };
}

async function seenProof(hub: FollowedHub, envelope: Envelope, size: number): Promise<string[]> {
  const payload = parseCanonicalJson(fromBase64(envelope.payload, "statement"), "statement");
  const { checkpoint } = payload as { readonly checkpoint?: { readonly size?: unknown } };
  const from = Number(checkpoint?.size);
  const url = `/api/ledger/consistency?from=${from}&to=${size}`;
  const { proof } = await hub.client.get(url, Api.ProofAnswer);
  return [...proof];
}

function nameOf({ entry }: ReceiptVerdict, index: number): string {
  if (entry?.kind === "statement") return `doorward-statement-${entry.month}.tlog-proof`;
  return `doorward-${entry?.kind ?? "entry"}-${index}.tlog-proof`;
}

function refused(why: string): HubError {
  return new HubError("RECEIPT_REFUSED", `Cannot make receipt: ${why}`);
}
