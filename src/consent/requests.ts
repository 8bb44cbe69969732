import { randomBytes } from "node:crypto";
import type { HubDatabase } from "../base/database.ts";
import { requirePlausibleClock } from "../base/plausible-clock.ts";
import { NOTHING_GRANTED, secondsAsked } from "../protocol/amounts.ts";
import { sha256Hex, utf8Bytes, utf8Text } from "../protocol/bytes.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRecipient } from "../protocol/age-header.ts";
import { parseRequestId, type RequestId, type Sha256Hex } from "../protocol/ids.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import {
  DECISION_LIFETIME_MS,
  LIMITS,
  REQUEST_EXPIRY_MAX_MS,
  REQUEST_EXPIRY_MS,
} from "../protocol/limits.ts";
import {
  checkAsked,
  requestSha256,
  type Asked,
  type RequestChannel,
  type RequestRecord,
} from "../protocol/request.ts";
import type { AnnouncedDocument } from "../protocol/request-document.ts";
import { statusTokenOf } from "../protocol/status-token.ts";
import { announceDocument } from "./documents.ts";
import { forgetFreed } from "./endings.ts";
import { readRow, type RequestRow, type StoredRequest } from "./request-rows.ts";
import { advance, type RequestState } from "./states.ts";

/** More open requests than a household can look at; intake from outside stops here. */
const OPEN_REQUESTS_MAX = 200;
const OPEN_FORMS_MAX = 500;

export interface RequestStoreOptions {
  readonly database: HubDatabase;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly nowMs: () => number;
  /** Milliseconds that the hub has run: a clock that is set back opens nothing again. */
  readonly countedMs: () => number;
  /** Whether what the clock calls over may be ended for good. */
  readonly isClockBelieved: () => boolean;
  /** Replaced in tests that compare whole histories byte for byte. */
  readonly random?: (size: number) => Uint8Array;
}

/** What a form or an owner hands in. */
export interface Intake {
  readonly asked: Asked;
  /** Age file for the owners' reader. */
  readonly personal: Uint8Array;
  readonly channel: RequestChannel;
  /** What is to follow, if anything. */
  readonly document?: AnnouncedDocument | undefined;
}

/** Requests and forms as rows; every change of state goes through {@link advance}. */
export class RequestStore {
  readonly #database: HubDatabase;
  readonly #options: RequestStoreOptions;

  constructor(options: RequestStoreOptions) {
    this.#database = options.database;
    this.#options = options;
    this.#countOlder();
  }

  /** What was there before both clocks counted. */
  #countOlder(): void {
    const { nowMs, countedMs } = this.#options;
    for (const table of ["requests", "forms"])
      this.#database
        .prepare(
          `UPDATE ${table} SET expires_counted_ms = ? + min(max(expires_at_ms - ?, 0), ?)
           WHERE expires_counted_ms IS NULL`,
        )
        .run(countedMs(), nowMs(), REQUEST_EXPIRY_MAX_MS);
  }

  /** Its time is over by the clock on the wall or by the time the hub has run: either will do. */
  isTimeOver({ expiresAtMs, expiresCountedMs }: StoredRequest): boolean {
    const { nowMs, countedMs } = this.#options;
    return expiresAtMs <= nowMs() || expiresCountedMs <= countedMs();
  }

  /** Null too where its time is over, by either clock. */
  openNonce({ nonce, nonceSpentAtMs, nonceExpiresCountedMs }: StoredRequest): string | null {
    const isOver =
      nonceExpiresCountedMs !== null && nonceExpiresCountedMs < this.#options.countedMs();
    return nonceSpentAtMs !== null || isOver ? null : nonce;
  }

  /** @throws HubError TOO_MANY_FORMS. */
  createForm(tokenSha256: Sha256Hex, expiresAtMs: number): void {
    const nowMs = this.#options.nowMs();
    const countedMs = this.#options.countedMs();
    if (expiresAtMs <= nowMs || expiresAtMs > nowMs + REQUEST_EXPIRY_MAX_MS)
      throw new HubError(
        "EXPIRY_OUT_OF_RANGE",
        "Cannot make form: it must expire within 30 days, and not in the past",
      );
    this.#database.transaction(() => {
      const open = this.#database
        .prepare<[number, number], { count: number }>(
          `SELECT count(*) AS count FROM forms
           WHERE spent_at_ms IS NULL AND expires_at_ms > ? AND expires_counted_ms > ?`,
        )
        .get(nowMs, countedMs);
      if ((open?.count ?? 0) >= OPEN_FORMS_MAX)
        throw new HubError("TOO_MANY_FORMS", `Cannot make form: ${OPEN_FORMS_MAX} are open`);
      this.#database
        .prepare(
          `INSERT INTO forms (token_sha256, created_at_ms, expires_at_ms, expires_counted_ms)
           VALUES (?, ?, ?, ?)`,
        )
        .run(tokenSha256, nowMs, expiresAtMs, countedMs + expiresAtMs - nowMs);
    })();
  }

  /**
   * Takes a filled-in form. Token, request and ledger entry are one transaction, so that a token is
   * spent exactly when its request is kept.
   *
   * @throws HubError FORM_GONE for unknown, used and expired tokens alike; CLOCK_WRONG.
   */
  receiveForm(token: string, intake: Intake): StoredRequest {
    const nowMs = this.#options.nowMs();
    return this.#database.transaction(() => {
      const spent = this.#database
        .prepare(
          `UPDATE forms SET spent_at_ms = ? WHERE token_sha256 = ? AND spent_at_ms IS NULL
             AND expires_at_ms > ? AND expires_counted_ms > ?`,
        )
        .run(nowMs, sha256Hex(utf8Bytes(token)), nowMs, this.#options.countedMs());
      if (spent.changes !== 1)
        throw new HubError("FORM_GONE", "Cannot take request: this form was used or has expired");
      return this.#insert(intake, statusTokenOf(token));
    })();
  }

  /** Takes what an owner typed from a letter. */
  receiveTyped(intake: Intake): StoredRequest {
    const statusToken = Buffer.from(this.#random(32)).toString("hex");
    return this.#database.transaction(() => this.#insert(intake, statusToken))();
  }

  #insert(intake: Intake, statusToken: string): StoredRequest {
    checkAsked(intake.asked);
    if (intake.asked.recipient !== undefined) parseRecipient(intake.asked.recipient);
    if (intake.personal.length > LIMITS.requestBytes)
      throw new HubError("TOO_LARGE", "Cannot take request: personal is over 64 KiB");
    this.#requireRoom();
    const receivedAtMs = this.#options.nowMs();
    // It would be over before anybody has read it, as soon as the clock is right.
    requirePlausibleClock(receivedAtMs, "take request");
    const record: RequestRecord = {
      v: 1,
      request: Buffer.from(this.#random(16)).toString("hex"),
      receivedAtMs,
      expiresAtMs: receivedAtMs + REQUEST_EXPIRY_MS,
      channel: intake.channel,
      asked: intake.asked,
      personalSha256: sha256Hex(intake.personal),
      salt: Buffer.from(this.#random(16)).toString("hex"),
    };
    const recordSha256 = requestSha256(record);
    const requestIndex = this.#options.appendEntry({
      v: 2,
      kind: "request",
      atMs: receivedAtMs,
      request: record.request,
      requestSha256: recordSha256,
      requestKind: record.asked.kind,
      channel: record.channel,
      urgency: record.asked.urgency,
      secondsAsked: secondsAsked(record.asked),
    });
    this.#database
      .prepare(
        `INSERT INTO requests (id, state, received_at_ms, expires_at_ms, expires_counted_ms, record,
           record_sha256, personal, status_token, request_index)
         VALUES (?, 'received', ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        record.request,
        receivedAtMs,
        record.expiresAtMs,
        this.#options.countedMs() + REQUEST_EXPIRY_MS,
        utf8Text(canonicalJson(record), "request"),
        recordSha256,
        intake.personal,
        statusToken,
        requestIndex,
      );
    const stored = this.get(parseRequestId(record.request));
    if (!stored) throw new Error("a request that was just inserted is not there");
    if (intake.document) announceDocument(this.#database, stored.id, intake.document, receivedAtMs);
    return stored;
  }

  #requireRoom(): void {
    const open = this.#database
      .prepare<[], { count: number }>(
        "SELECT count(*) AS count FROM requests WHERE state IN ('received', 'held')",
      )
      .get();
    if ((open?.count ?? 0) >= OPEN_REQUESTS_MAX)
      throw new HubError(
        "TOO_MANY_REQUESTS_OPEN",
        `Cannot take request: ${OPEN_REQUESTS_MAX} are waiting for the owner`,
      );
  }

  #random(size: number): Uint8Array {
    return (this.#options.random ?? randomBytes)(size);
  }

  /** @throws HubError NOT_FOUND. */
  require(id: RequestId): StoredRequest {
    const request = this.get(id);
    if (!request) throw new HubError("NOT_FOUND", "There is no request of this id");
    return request;
  }

  get(id: RequestId): StoredRequest | null {
    return readRow(
      this.#database.prepare<[string], RequestRow>("SELECT * FROM requests WHERE id = ?").get(id),
    );
  }

  /**
   * The request behind an address where there is something to fetch. Of every other it reads as much
   * as of one that never was: reading and checking a record takes a time that can be told from
   * outside (invariant 6).
   */
  findReleased(token: string): StoredRequest | null {
    return readRow(
      this.#database
        .prepare<[string], RequestRow>(
          "SELECT * FROM requests WHERE status_token = ? AND state IN ('packaged', 'accessed')",
        )
        .get(token),
    );
  }

  findByStatusToken(token: string): StoredRequest | null {
    return readRow(
      this.#database
        .prepare<[string], RequestRow>("SELECT * FROM requests WHERE status_token = ?")
        .get(token),
    );
  }

  /**
   * Newest first, by their entries: the clock may have been set back in between.
   *
   * @param before - Only what came before this one; none where it is unknown.
   */
  list(limit: number, before?: string): StoredRequest[] {
    return this.#database
      .prepare<[{ before: string | null; limit: number }], RequestRow>(
        `SELECT * FROM requests
         WHERE @before IS NULL
           OR request_index < (SELECT request_index FROM requests WHERE id = @before)
         ORDER BY request_index DESC LIMIT @limit`,
      )
      .all({ before: before ?? null, limit })
      .flatMap((row) => readRow(row) ?? []);
  }

  /** Rows in one state, oldest first: for what a restart has to finish. */
  inState(state: RequestState): StoredRequest[] {
    return this.#database
      .prepare<[string], RequestRow>(
        "SELECT * FROM requests WHERE state = ? ORDER BY request_index",
      )
      .all(state)
      .flatMap((row) => readRow(row) ?? []);
  }

  /**
   * A fresh nonce for one decision on this request; an older one stops being good.
   *
   * @param lifetimeMs - Never longer than the request itself.
   * @returns null when the request is not open.
   */
  issueNonce(
    id: RequestId,
    lifetimeMs: number = DECISION_LIFETIME_MS,
  ): { nonce: string; expiresAtMs: number } | null {
    const nowMs = this.#options.nowMs();
    const countedMs = this.#options.countedMs();
    const nonce = Buffer.from(this.#random(32)).toString("hex");
    const issued = this.#database
      .prepare<[string, number, number, string, number, number], { expiresAtMs: number }>(
        `UPDATE requests SET nonce = ?, nonce_expires_at_ms = min(?, expires_at_ms),
           nonce_expires_counted_ms = min(?, expires_counted_ms)
         WHERE id = ? AND state IN ('received', 'held') AND expires_at_ms > ?
           AND expires_counted_ms > ?
         RETURNING nonce_expires_at_ms AS expiresAtMs`,
      )
      .get(nonce, nowMs + lifetimeMs, countedMs + lifetimeMs, id, nowMs, countedMs);
    return issued ? { nonce, expiresAtMs: issued.expiresAtMs } : null;
  }

  /**
   * Lends a request another nonce for the length of `work`: the one of the mailbox, which lives as
   * long as the request. Where nothing was decided with it, the one of before is in force again.
   */
  withNonce<T>(id: RequestId, nonce: string, work: () => T): T {
    const before = this.get(id);
    const set = this.#database.prepare(
      `UPDATE requests SET nonce = ?, nonce_expires_at_ms = ?, nonce_expires_counted_ms = ?
       WHERE id = ? AND state IN ('received', 'held') AND nonce_spent_at_ms IS NULL`,
    );
    if (!before) return work();
    set.run(nonce, before.expiresAtMs, before.expiresCountedMs, id);
    try {
      return work();
    } finally {
      set.run(before.nonce, before.nonceExpiresAtMs, before.nonceExpiresCountedMs, id);
    }
  }

  /**
   * Closes what nobody answered in time: the entry first, and never into a yes (invariant 6). What a
   * clock says that is not believed closes nothing for good.
   */
  expireDue(keyringHead: Sha256Hex): number {
    const nowMs = this.#options.nowMs();
    const isBelieved = this.#options.isClockBelieved();
    const due = this.#database
      .prepare<[number, number], { id: string; state: RequestState }>(
        `SELECT id, state FROM requests WHERE state IN ('received', 'held')
           AND (expires_at_ms <= ? OR expires_counted_ms <= ?) LIMIT 1000`,
      )
      .all(isBelieved ? nowMs : 0, this.#options.countedMs());
    for (const { id, state } of due) {
      const step = advance(state, "expire");
      if (!step) continue;
      this.#database.transaction(() => {
        const decisionIndex = this.#options.appendEntry({
          v: 2,
          kind: "decision",
          atMs: nowMs,
          request: id,
          outcome: "expired",
          decisionSha256: null,
          keyringHead,
          ...NOTHING_GRANTED,
        });
        this.#database
          .prepare(
            "UPDATE requests SET state = ?, outcome = 'expired', nonce = NULL, decision_index = ? WHERE id = ?",
          )
          .run(step.state, decisionIndex, id);
      })();
    }
    // A proposal that waited held release headers.
    const ids = due.map(({ id }) => id);
    if (due.length > 0) forgetFreed(this.#database, ids);
    return due.length;
  }
}
