import type { HubDatabase } from "../base/database.ts";
import { PassedOnBlob } from "../protocol/api-keyring.ts";
import { checkShape } from "../protocol/check.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import Type from "typebox";

const PROPOSALS_MAX = 20;

/** A keyring change that some owners have signed, and not enough. */
export interface KeyringProposal {
  /** SHA-256 of the payload: what each owner signs. */
  readonly proposal: string;
  readonly envelope: Envelope;
  readonly passedOn: readonly PassedOnBlob[];
  /** Where it admits a device: its pairing, and what is sealed to the newcomer. */
  readonly newcomer: { readonly pairing: string; readonly sealed: string } | null;
  readonly proposedAtMs: number;
}

interface ProposalRow {
  readonly proposal: string;
  readonly envelope: string;
  readonly passed_on: string;
  readonly pairing: string | null;
  readonly newcomer_sealed: string | null;
  readonly proposed_at_ms: number;
}

/**
 * Keyring changes on their way from owner to owner. Each names the statement before it, so that all
 * of them fall when the keyring has changed.
 */
export class KeyringProposals {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  list(): KeyringProposal[] {
    return this.#database
      .prepare<[], ProposalRow>("SELECT * FROM keyring_proposals ORDER BY proposed_at_ms, proposal")
      .all()
      .map(proposalOf);
  }

  /** @throws HubError NOT_FOUND. */
  get(id: string): KeyringProposal {
    const row = this.#database
      .prepare<[string], ProposalRow>("SELECT * FROM keyring_proposals WHERE proposal = ?")
      .get(id);
    if (!row)
      throw new HubError(
        "NOT_FOUND",
        "Cannot find proposal: it was accepted, withdrawn, or fell when the keyring changed",
      );
    return proposalOf(row);
  }

  has(id: string): boolean {
    return this.list().some(({ proposal }) => proposal === id);
  }

  /** Adds a proposal, or one more signature to it. @throws HubError TOO_MANY_PROPOSALS. */
  put(proposal: KeyringProposal): void {
    const others = this.list().filter(({ proposal: id }) => id !== proposal.proposal);
    if (others.length >= PROPOSALS_MAX)
      throw new HubError(
        "TOO_MANY_PROPOSALS",
        `Cannot propose: ${PROPOSALS_MAX} changes wait already; sign or withdraw one first`,
      );
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO keyring_proposals
           (proposal, envelope, passed_on, pairing, newcomer_sealed, proposed_at_ms)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(
        proposal.proposal,
        JSON.stringify(proposal.envelope),
        JSON.stringify(proposal.passedOn),
        proposal.newcomer?.pairing ?? null,
        proposal.newcomer?.sealed ?? null,
        proposal.proposedAtMs,
      );
  }

  remove(id: string): void {
    this.#database.prepare("DELETE FROM keyring_proposals WHERE proposal = ?").run(id);
  }

  clear(): void {
    this.#database.prepare("DELETE FROM keyring_proposals").run();
  }
}

function proposalOf(row: ProposalRow): KeyringProposal {
  const { pairing, newcomer_sealed: sealed } = row;
  return {
    proposal: row.proposal,
    envelope: JSON.parse(row.envelope) as Envelope,
    passedOn: checkShape(Type.Array(PassedOnBlob), JSON.parse(row.passed_on), "passed on"),
    newcomer: pairing !== null && sealed !== null ? { pairing, sealed } : null,
    proposedAtMs: row.proposed_at_ms,
  };
}
