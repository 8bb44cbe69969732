import type { HubDatabase } from "../base/database.ts";
import type { VerifiedProposal } from "../protocol/approval.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseSha256Hex, type PersonId, type RequestId, type Sha256Hex } from "../protocol/ids.ts";

/** An approval with too few signatures, as it lies beside its open request. It releases nothing. */
export interface StoredProposal {
  readonly request: RequestId;
  readonly envelope: Envelope;
  readonly decisionSha256: Sha256Hex;
  readonly keyringHead: Sha256Hex;
  readonly nonce: string;
  /** Who made it. */
  readonly person: string;
  readonly madeAtMs: number;
}

/**
 * Rows of proposals. Each call is made inside a transaction of the caller's, which has verified what
 * it writes.
 */
export class ProposalStore {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  get(request: RequestId): StoredProposal | null {
    return readRow(
      request,
      this.#database
        .prepare<[string], Row>("SELECT * FROM proposals WHERE request = ?")
        .get(request),
    );
  }

  /** What is proposed and may still be signed; for what has to stay on the disk. */
  envelopes(): { readonly decisionSha256: string; readonly envelope: string }[] {
    return this.#database
      .prepare<[], { decisionSha256: string; envelope: string }>(
        "SELECT decision_sha256 AS decisionSha256, envelope FROM proposals",
      )
      .all();
  }

  /**
   * Takes a first signature, and its nonce out of the request's row.
   *
   * @throws HubError NOT_OPEN when the nonce is not the request's any more.
   */
  add(proposal: VerifiedProposal, by: PersonId, request: RequestId, nowMs: number): void {
    const { terms } = proposal.decision;
    const taken = this.#database
      .prepare(
        `UPDATE requests SET nonce = NULL, nonce_expires_at_ms = NULL, nonce_expires_counted_ms = NULL
         WHERE id = ? AND state IN ('received', 'held') AND nonce = ?
           AND nonce_spent_at_ms IS NULL AND nonce_expires_at_ms >= ?`,
      )
      .run(request, terms.nonce, nowMs);
    if (taken.changes !== 1)
      throw new HubError("NOT_OPEN", "Cannot propose: the nonce has expired; sign again");
    this.#database
      .prepare(
        `INSERT INTO proposals (request, envelope, decision_sha256, keyring_head, nonce, person,
           made_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        request,
        JSON.stringify(proposal.envelope),
        proposal.decisionSha256,
        terms.keyringHead,
        terms.nonce,
        by,
        nowMs,
      );
  }

  /** Adds a signature to the same bytes. */
  replace(proposal: VerifiedProposal, request: RequestId): void {
    const changed = this.#database
      .prepare("UPDATE proposals SET envelope = ? WHERE request = ? AND decision_sha256 = ?")
      .run(JSON.stringify(proposal.envelope), request, proposal.decisionSha256);
    if (changed.changes !== 1) throw noProposal();
  }

  /** Puts the nonce back where the decision spends it; the proposal ends with the state's change. */
  giveNonceBack({ request, nonce }: StoredProposal): void {
    this.#database
      .prepare(
        `UPDATE requests SET nonce = ?, nonce_expires_at_ms = expires_at_ms,
           nonce_expires_counted_ms = expires_counted_ms
         WHERE id = ? AND nonce_spent_at_ms IS NULL`,
      )
      .run(nonce, request);
  }

  remove(request: RequestId): void {
    this.#database.prepare("DELETE FROM proposals WHERE request = ?").run(request);
  }
}

export function noProposal(): HubError {
  return new HubError("NO_PROPOSAL", "Cannot sign: there is no such proposal any more; look again");
}

interface Row {
  readonly envelope: string;
  readonly decision_sha256: string;
  readonly keyring_head: string;
  readonly nonce: string;
  readonly person: string;
  readonly made_at_ms: number;
}

function readRow(request: RequestId, row: Row | undefined): StoredProposal | null {
  if (!row) return null;
  return {
    request,
    envelope: JSON.parse(row.envelope) as Envelope,
    decisionSha256: parseSha256Hex(row.decision_sha256),
    keyringHead: parseSha256Hex(row.keyring_head),
    nonce: row.nonce,
    person: row.person,
    madeAtMs: row.made_at_ms,
  };
}
