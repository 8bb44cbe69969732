import * as Api from "../protocol/api.ts";
import { RestorationList } from "../protocol/api-restorations.ts";
import { fromBase64, fromHex, toHex } from "../protocol/bytes.ts";
import { parseCanonicalJson } from "../protocol/canonical-json.ts";
import { verifyCheckpoint, verifyCosignature, type Checkpoint } from "../protocol/checkpoint.ts";
import { cosignerKey } from "../protocol/cosigner.ts";
import { HubError } from "../protocol/errors.ts";
import type { DeviceId, Sha256Hex } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { hashLeaf, verifyConsistency, verifyInclusion } from "../protocol/merkle.ts";
import { readEntry } from "../protocol/read-entry.ts";
import {
  verifyAcceptance,
  verifyRestoration,
  type VerifiedAcceptance,
  type VerifiedRestoration,
} from "../protocol/restoration.ts";
import { findSignature } from "../protocol/signed-note.ts";
import type { HubClient } from "./hub-client.ts";
import { LedgerChanged, type Seen } from "./witness.ts";

/** How far the clocks of who restored and of this device may differ. */
const SLACK_MS = 10 * 60_000;

/** What the hub shows, as far as this device has checked it. */
export interface RestoredGround {
  readonly client: Pick<HubClient, "get">;
  /** Verified by the caller as `keyring`, and grown from what the device saw. */
  readonly chain: readonly unknown[];
  readonly keyring: Keyring;
  /** Signed note that the hub shows now. */
  readonly now: string;
}

/** A restoration that is in the ledger shown, signed, and of exactly the entries before it. */
export interface ProvenRestoration {
  readonly index: number;
  readonly restoration: VerifiedRestoration;
  readonly acceptances: readonly VerifiedAcceptance[];
}

/** Why a ledger is not the one that this device saw before, and what an owner has to know. */
export interface FoundRestoration {
  readonly index: number;
  readonly sha256: Sha256Hex;
  /** Who restored; null: with the recovery sheet. */
  readonly by: DeviceId | null;
  /** False where that device was removed since, or that sheet replaced: nobody new may accept it. */
  readonly isInForce: boolean;
  readonly restoredAtMs: number;
  /** Time of the newest entry that the copy had. */
  readonly copiedToMs: number;
  /** Entries that this device had seen. */
  readonly seenSize: number;
  /** Of these, how many are gone: those from the restoration's own place on. */
  readonly gone: number;
  readonly nowSize: number;
  /** As many are shown to be those for which this device has signed; 0: it never did. */
  readonly provenSize: number;
  /** This device was at a hub after it was restored: another hub runs, or entries went since. */
  readonly isOlderThanContact: boolean;
  /** Of an owner in force; null: nobody has accepted it yet. */
  readonly acceptance: {
    readonly device: DeviceId;
    readonly atMs: number;
    readonly seenSize: number;
  } | null;
  /** What this device remembers once a person goes on. */
  readonly next: Seen;
}

/** The hub goes on from a copy, and this device has seen more than the copy had. */
export class LedgerRestored extends LedgerChanged {
  override readonly name = "LedgerRestored";
  readonly found: FoundRestoration;

  constructor(found: FoundRestoration, before: string) {
    super(
      `the hub was restored from a copy, and ${found.gone} entries that this device has seen are gone; an owner has to look at that first`,
      before,
      found.next.checkpoint,
      "LEDGER_RESTORED",
    );
    this.found = found;
  }
}

/**
 * Looks whether a ledger that is not the one seen before was restored from a copy.
 *
 * @returns LedgerRestored where somebody of the household signed that, else `error` as it is: a hub
 * alone can explain nothing.
 */
export async function explainChange(
  error: LedgerChanged,
  ground: RestoredGround,
  seen: Seen,
  own: Uint8Array,
  nowMs: number,
): Promise<LedgerChanged> {
  try {
    const found = await findRestoration(ground, seen, own, nowMs);
    return found ? new LedgerRestored(found, seen.checkpoint) : error;
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause;
    return error;
  }
}

async function findRestoration(
  ground: RestoredGround,
  seen: Seen,
  own: Uint8Array,
  nowMs: number,
): Promise<FoundRestoration | null> {
  const { proven, cosigned } = await provenRestorations(ground);
  const passed = new Set(seen.restorations);
  // What this device has gone past already explains nothing that went after it.
  const first = proven.find(
    ({ index, restoration }) => index < seen.size && !passed.has(restoration.sha256),
  );
  if (!first) return null;
  const { index, restoration, acceptances } = first;
  const provenSize = await sizeOfOwn(ground, cosigned, own);
  if (provenSize === null || provenSize > index) return null;
  const now = checkpointOf(ground, ground.now);
  const { statement, sha256, by, isInForce } = restoration;
  const acceptance = acceptances[0];
  return {
    ...{ index, sha256, by, isInForce },
    restoredAtMs: statement.atMs,
    copiedToMs: statement.copiedToMs,
    seenSize: seen.size,
    gone: seen.size - index,
    nowSize: now.size,
    provenSize,
    isOlderThanContact: statement.atMs + SLACK_MS < (seen.atMs ?? 0),
    acceptance: acceptance
      ? {
          device: acceptance.device,
          atMs: acceptance.statement.atMs,
          seenSize: acceptance.before.size,
        }
      : null,
    next: {
      ...{ v: 1, size: now.size, root: toHex(now.root), checkpoint: ground.now },
      ...{ epoch: ground.keyring.epoch, keyringHead: ground.keyring.head, atMs: nowMs },
      restorations: passedBy(seen, proven),
    },
  };
}

/** Those that a device has gone past once it follows the ledger that has them. */
export function passedBy(seen: Seen | null, proven: readonly ProvenRestoration[]): string[] {
  const all = [...(seen?.restorations ?? []), ...proven.map((one) => one.restoration.sha256)];
  return [...new Set(all)].slice(-PASSED_MAX);
}

const PASSED_MAX = 64;

/** Every restoration that the ledger shown carries and that holds, oldest first. */
export async function provenRestorations(
  ground: RestoredGround,
): Promise<{ proven: ProvenRestoration[]; cosigned: string | null }> {
  const { client, chain, keyring } = ground;
  const { restorations, cosigned } = await client.get("/api/restorations", RestorationList);
  const proven: ProvenRestoration[] = [];
  for (const { index, statement, acceptances } of restorations) {
    const restoration = await holding(async () => {
      const verified = verifyRestoration(statement, { chain, keyring });
      const entry = await requireEntry(ground, index, "restored");
      const { size, root } = verified.statement;
      if (entry.statementSha256 !== verified.sha256 || size !== index)
        throw refused("its entry is of something else");
      await requirePart(ground, { size, root: fromHex(root, "root") });
      return verified;
    });
    if (!restoration) continue;
    const accepted: VerifiedAcceptance[] = [];
    for (const one of acceptances) {
      const acceptance = await holding(async () => {
        const verified = verifyAcceptance(one.statement, restoration, { chain, keyring });
        const entry = await requireEntry(ground, one.index, "acceptance");
        if (entry.statementSha256 !== verified.sha256) throw refused("its entry is of another");
        await requirePart(ground, verified.now);
        return verified;
      });
      if (acceptance) accepted.push(acceptance);
    }
    proven.push({ index, restoration, acceptances: accepted });
  }
  return { proven, cosigned };
}

/** What does not hold counts as not there. */
async function holding<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HubError) return null;
    throw error;
  }
}

async function requireEntry<Kind extends LedgerEntry["kind"]>(
  ground: RestoredGround,
  index: number,
  kind: Kind,
): Promise<Extract<LedgerEntry, { kind: Kind }>> {
  const { client, now } = ground;
  const { size, root } = checkpointOf(ground, now);
  const url = `/api/ledger/entries?from=${index}&limit=1`;
  const [found] = await client.get(url, Api.EntriesAnswer);
  if (found?.index !== index || index >= size) throw refused("its entry is not there");
  const bytes = fromBase64(found.entry, "entry");
  const answer = await client.get(
    `/api/ledger/inclusion?index=${index}&size=${size}`,
    Api.ProofAnswer,
  );
  const proof = answer.proof.map((hash) => fromBase64(hash, "proof"));
  if (
    !verifyInclusion({ leafIndex: index, leafHash: hashLeaf(bytes), treeSize: size, proof, root })
  )
    throw refused("its entry is not in the ledger");
  const entry = readEntry(parseCanonicalJson(bytes, "entry"));
  if (!isOfKind(entry, kind)) throw refused("its entry is of another kind");
  return entry;
}

function isOfKind<Kind extends LedgerEntry["kind"]>(
  entry: LedgerEntry,
  kind: Kind,
): entry is Extract<LedgerEntry, { kind: Kind }> {
  return entry.kind === kind;
}

/** That the ledger shown begins with this state. */
async function requirePart(
  ground: RestoredGround,
  part: Pick<Checkpoint, "size" | "root">,
): Promise<void> {
  const { size, root } = checkpointOf(ground, ground.now);
  if (part.size > size) throw refused("the ledger shown is shorter");
  const url = `/api/ledger/consistency?from=${part.size}&to=${size}`;
  const { proof } = await ground.client.get(url, Api.ProofAnswer);
  const holds = verifyConsistency({
    ...{ size1: part.size, root1: part.root, size2: size, root2: root },
    proof: proof.map((hash) => fromBase64(hash, "proof")),
  });
  if (!holds) throw refused("the ledger shown does not go on from it");
}

/**
 * How much of what this device has signed for is at the beginning of the ledger shown.
 *
 * @param own - This device's public key.
 * @returns Null where the ledger shown contradicts the device's own signature.
 */
async function sizeOfOwn(
  ground: RestoredGround,
  cosigned: string | null,
  own: Uint8Array,
): Promise<number | null> {
  if (cosigned === null) return 0;
  const checkpoint = checkpointOf(ground, cosigned);
  const key = cosignerKey(ground.keyring.origin, own);
  const line = findSignature(checkpoint.note, key);
  if (!line || verifyCosignature(checkpoint.note.text, line, key) === null) return 0;
  const isPart = await holding(async () => {
    await requirePart(ground, checkpoint);
    return true;
  });
  return isPart ? checkpoint.size : null;
}

function checkpointOf({ keyring }: RestoredGround, note: string) {
  return verifyCheckpoint(note, { origin: keyring.origin, publicKey: keyring.ledgerKey });
}

function refused(reason: string): HubError {
  return new HubError("RESTORATION_REFUSED", `Cannot accept restoration: ${reason}`);
}
