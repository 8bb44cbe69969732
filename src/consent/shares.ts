import type { HubDatabase } from "../base/database.ts";
import type { VerifiedApproval } from "../protocol/approval.ts";
import { checkShape } from "../protocol/check.ts";
import { openEnvelope, PAYLOAD_TYPES, type Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId, parseSha256Hex, type RequestId, type Sha256Hex } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import {
  SHARE_EXPIRY_MAX_MS,
  ShareSchema,
  shareTokenSha256,
  VerifiedShare,
} from "../protocol/share.ts";
import type { Decisions } from "./decisions.ts";
import type { StoredRequest } from "./request-rows.ts";
import type { RequestStore } from "./requests.ts";
import { advance } from "./states.ts";

/** Links of one approval: more than anybody sends by hand. */
const SHARES_PER_REQUEST_MAX = 10;

export interface StoredShare {
  readonly request: RequestId;
  readonly decisionSha256: Sha256Hex;
  readonly shareSha256: Sha256Hex;
  readonly envelope: Envelope;
  readonly madeAtMs: number;
  readonly expiresAtMs: number;
  readonly viewsMax: number;
  /** How often it was fetched. */
  readonly views: number;
  /** It can still be fetched: the approval is in force, the time not over, a view left. */
  readonly isOpen: boolean;
}

export interface SharesOptions {
  readonly database: HubDatabase;
  readonly requests: RequestStore;
  readonly decisions: Decisions;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  readonly nowMs: () => number;
  /** Milliseconds that the hub has run: a link that is over stays so, whatever becomes of a clock. */
  readonly countedMs: () => number;
}

/** What a link's token opens at this moment. */
export interface OpenShare {
  readonly envelope: Envelope;
  readonly request: StoredRequest;
  readonly approval: VerifiedApproval;
}

interface Row {
  readonly token_sha256: string;
  readonly request: string;
  readonly decision_sha256: string;
  readonly share_sha256: string;
  readonly envelope: string;
  readonly made_at_ms: number;
  readonly expires_at_ms: number;
  readonly expires_counted_ms: number;
  readonly views_max: number;
  readonly views: number;
}

/** Links for people without a key. A link ends with its approval: that is how it is taken back. */
export class Shares {
  readonly #options: SharesOptions;

  constructor(options: SharesOptions) {
    this.#options = options;
    const { database, countedMs, nowMs } = options;
    // Links of before both clocks counted.
    database
      .prepare(
        `UPDATE shares SET expires_counted_ms = ? + min(max(expires_at_ms - ?, 0), ?)
         WHERE expires_counted_ms IS NULL`,
      )
      .run(countedMs(), nowMs(), SHARE_EXPIRY_MAX_MS);
  }

  /**
   * Takes a signed share; from then on its token fetches the bundle. Entry and row are one
   * transaction (invariant 8).
   *
   * @throws ShareRefused; HubError NOT_OPEN, TOO_MANY_SHARES.
   */
  create(value: unknown): StoredShare {
    const { database, requests, appendEntry, keyring, nowMs, countedMs } = this.#options;
    const request = requests.get(claimedRequest(value));
    const decisionSha256 = this.#shareable(request);
    if (!request || !decisionSha256)
      throw new HubError("NOT_OPEN", "Cannot share: there is no approval in force of this request");
    const atMs = nowMs();
    const verified = VerifiedShare.verify(value, {
      keyring: keyring(),
      request: request.id,
      decisionSha256,
      nowMs: atMs,
    });
    const { envelope, share, shareSha256 } = verified;
    database.transaction(() => {
      this.#requireRoom(request.id);
      appendEntry({
        v: 1,
        kind: "share",
        atMs,
        request: request.id,
        decisionSha256,
        shareSha256,
      });
      const added = database
        .prepare(
          `INSERT INTO shares (token_sha256, request, decision_sha256, share_sha256, envelope,
             made_at_ms, expires_at_ms, views_max, expires_counted_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING`,
        )
        .run(
          share.tokenSha256,
          request.id,
          decisionSha256,
          shareSha256,
          JSON.stringify(envelope),
          atMs,
          share.expiresAtMs,
          share.viewsMax,
          countedMs() + share.expiresAtMs - atMs,
        );
      // Thrown inside the transaction, so that the ledger entry goes with it.
      if (added.changes !== 1)
        throw new HubError("NOT_OPEN", "Cannot share: this link was made before; make another one");
    })();
    const [made] = this.listOf(request.id).filter((each) => each.shareSha256 === shareSha256);
    if (!made) throw new Error("a share vanished while it was made");
    return made;
  }

  /** Of one request, the newest first. */
  listOf(request: RequestId): StoredShare[] {
    return this.#options.database
      .prepare<[string], Row>(
        "SELECT * FROM shares WHERE request = ? ORDER BY made_at_ms DESC, share_sha256",
      )
      .all(request)
      .map((row) => this.#stored(row));
  }

  /**
   * Unknown, over, used up, taken back: null, after the same look-up (invariant 6). Counts nothing.
   */
  find(token: string): OpenShare | null {
    const row = this.#row(token);
    if (!row) return null;
    const { requests, decisions } = this.#options;
    const share = this.#stored(row);
    const request = requests.get(share.request);
    if (!request || !share.isOpen) return null;
    const approval = decisions.approvalOf(request);
    if (approval?.decisionSha256 !== share.decisionSha256) return null;
    return { envelope: share.envelope, request, approval };
  }

  /**
   * Uses up one view and enters the access, in one transaction: both, or neither.
   *
   * @returns False where somebody else has taken the last one, or its time has come meanwhile.
   */
  take(token: string, request: StoredRequest): boolean {
    const { database, decisions, nowMs, countedMs } = this.#options;
    return database.transaction(() => {
      const taken = database
        .prepare(
          `UPDATE shares SET views = views + 1
           WHERE token_sha256 = ? AND request = ? AND views < views_max AND expires_at_ms > ?
             AND expires_counted_ms > ?`,
        )
        .run(shareTokenSha256(token), request.id, nowMs(), countedMs());
      if (taken.changes !== 1) return false;
      decisions.recordAccess(request);
      return true;
    })();
  }

  /** The approval that is in force, else the one that waits for signatures; null where there is none. */
  #shareable(request: StoredRequest | null): Sha256Hex | null {
    if (!request) return null;
    if (advance(request.state, "revoke")) return request.decisionSha256;
    return this.#options.decisions.proposalOf(request.id)?.decisionSha256 ?? null;
  }

  #requireRoom(request: RequestId): void {
    if (this.listOf(request).length >= SHARES_PER_REQUEST_MAX)
      throw new HubError(
        "TOO_MANY_SHARES",
        `Cannot share: this approval has ${SHARES_PER_REQUEST_MAX} links already`,
      );
  }

  #row(token: string): Row | undefined {
    return this.#options.database
      .prepare<[string], Row>("SELECT * FROM shares WHERE token_sha256 = ?")
      .get(shareTokenSha256(token));
  }

  #stored(row: Row): StoredShare {
    const { requests, nowMs, countedMs } = this.#options;
    const request = parseRequestId(row.request);
    // Of a proposal that was replaced it would open nothing, whatever is approved.
    const isInForce = row.decision_sha256 === this.#shareable(requests.get(request));
    const isInTime = row.expires_at_ms > nowMs() && row.expires_counted_ms > countedMs();
    return {
      request,
      decisionSha256: parseSha256Hex(row.decision_sha256),
      shareSha256: parseSha256Hex(row.share_sha256),
      envelope: JSON.parse(row.envelope) as Envelope,
      madeAtMs: row.made_at_ms,
      expiresAtMs: row.expires_at_ms,
      viewsMax: row.views_max,
      views: row.views,
      isOpen: isInForce && row.views < row.views_max && isInTime,
    };
  }
}

/** The request that a share claims to be for; only to find it, before anything is verified. */
function claimedRequest(value: unknown): RequestId {
  const { content } = openEnvelope(value, PAYLOAD_TYPES.share, "share");
  return parseRequestId(checkShape(ShareSchema, content, "share").request);
}
