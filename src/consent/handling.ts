import type { HubDatabase } from "../base/database.ts";
import { HubError } from "../protocol/errors.ts";
import {
  readAcceptedPreservation,
  verifyAssurance,
  verifyPreservation,
  type StatementContext,
} from "../protocol/handling.ts";
import { parseClipId, type ClipId, type RequestId } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import type { StoredRequest } from "./request-rows.ts";
import type { RequestStore } from "./requests.ts";
import { advance } from "./states.ts";

export interface HandlingOptions {
  readonly database: HubDatabase;
  readonly requests: RequestStore;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  readonly nowMs: () => number;
  /** The hub's own count of time, which no clock can move: what holds end by. */
  readonly countedMs: () => number;
  readonly hasClip: (clip: ClipId) => boolean;
}

type StatementType = "assurance" | "hold";

/**
 * What owners state about a request besides deciding it. An entry and what it does are one
 * transaction; neither type of statement is read by anything that decides (invariant 7).
 */
export class RequestHandling {
  readonly #options: HandlingOptions;
  readonly #database: HubDatabase;

  constructor(options: HandlingOptions) {
    this.#options = options;
    this.#database = options.database;
  }

  /** Envelopes as they were accepted, oldest first. */
  statements(id: RequestId, type: StatementType): unknown[] {
    return this.#database
      .prepare<[string, string], { envelope: string }>(
        "SELECT envelope FROM request_statements WHERE request = ? AND type = ? ORDER BY number",
      )
      .all(id, type)
      .map(({ envelope }) => JSON.parse(envelope) as unknown);
  }

  /**
   * Takes how sure an owner is of who asks.
   *
   * @throws HubError NOT_FOUND, NOT_OPEN, and what {@link verifyAssurance} throws.
   */
  assure(id: RequestId, envelope: unknown): void {
    const request = this.#options.requests.require(id);
    if (!this.#isOpen(request))
      throw new HubError("NOT_OPEN", "Cannot state assurance: the request is not open");
    const before = this.statements(id, "assurance");
    const found = verifyAssurance(envelope, this.#contextOf(request, before.length));
    const { statement, device, sha256 } = found;
    this.#database.transaction(() => {
      const entry = this.#options.appendEntry({
        ...{ v: 1, kind: "assurance", atMs: this.#options.nowMs(), request: id, device },
        ...{ level: statement.level, statementSha256: sha256 },
      });
      this.#keep(id, "assurance", before.length, envelope, entry);
    })();
  }

  /**
   * Keeps recordings from deletion for a request, once more, or no longer. It begins only while the
   * request is open; it may outlive it, and ends by itself.
   *
   * @throws HubError NOT_FOUND, NOT_OPEN, CLIP_UNKNOWN, and what {@link verifyPreservation} throws.
   */
  preserve(id: RequestId, envelope: unknown): void {
    const request = this.#options.requests.require(id);
    const nowMs = this.#options.nowMs();
    const before = this.statements(id, "hold");
    // Read, and not verified again: its signer may have been removed since.
    const newest = before.at(-1);
    const last = newest === undefined ? null : readAcceptedPreservation(newest);
    const context = this.#contextOf(request, before.length);
    const { statement, device, sha256 } = verifyPreservation(envelope, context, last);
    if (statement.action === "hold" && !this.#isOpen(request))
      throw new HubError("NOT_OPEN", "Cannot hold: the request is not open");
    const clips = statement.clips.map((clip) => this.#requireClip(parseClipId(clip)));
    this.#database.transaction(() => {
      const entry = this.#options.appendEntry({
        ...{ v: 2, kind: "hold", atMs: nowMs, request: id, clips: clips.length, device },
        // An end is an end by the hub's clock, whatever the signer's said.
        untilMs: statement.action === "end" ? nowMs : statement.untilMs,
        statementSha256: sha256,
      });
      this.#keep(id, "hold", before.length, envelope, entry);
      this.#setClips(id, clips, statement.untilMs, nowMs);
      if (statement.action === "hold") this.#setHeld(request);
    })();
  }

  #setClips(id: RequestId, clips: readonly ClipId[], untilMs: number, nowMs: number): void {
    this.#database.prepare("DELETE FROM request_hold_clips WHERE request = ?").run(id);
    const untilCountedMs = this.#options.countedMs() + (untilMs - nowMs);
    const insert = this.#database.prepare(
      `INSERT INTO request_hold_clips (clip, request, until_ms, until_counted_ms)
       VALUES (?, ?, ?, ?)`,
    );
    // Held is also what somebody had marked for deletion a minute ago.
    const spare = this.#database.prepare(
      "UPDATE clip_retention SET goes_counted_ms = NULL WHERE clip = ?",
    );
    for (const clip of clips) {
      insert.run(clip, id, untilMs, untilCountedMs);
      spare.run(clip);
    }
  }

  #setHeld(request: StoredRequest): void {
    const step = advance(request.state, "hold");
    if (!step) throw new HubError("NOT_OPEN", "Cannot hold: the request is not open");
    this.#database
      .prepare("UPDATE requests SET state = ? WHERE id = ?")
      .run(step.state, request.id);
  }

  #keep(id: RequestId, type: StatementType, number: number, envelope: unknown, entry: number) {
    this.#database
      .prepare(
        `INSERT INTO request_statements (request, type, number, envelope, entry_index)
         VALUES (?, ?, ?, ?, ?)`,
      )
      .run(id, type, number, JSON.stringify(envelope), entry);
  }

  #contextOf({ id, recordSha256 }: StoredRequest, count: number): StatementContext {
    const { keyring, nowMs } = this.#options;
    return { keyring: keyring(), request: { id, sha256: recordSha256 }, count, nowMs: nowMs() };
  }

  #isOpen(request: StoredRequest): boolean {
    const isWaiting = request.state === "received" || request.state === "held";
    return isWaiting && !this.#options.requests.isTimeOver(request);
  }

  #requireClip(clip: ClipId): ClipId {
    if (!this.#options.hasClip(clip))
      throw new HubError("CLIP_UNKNOWN", "Cannot hold: one of the recordings is not here any more");
    return clip;
  }
}
