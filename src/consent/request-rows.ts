import { Compile } from "typebox/compile";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseCanonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { parseRequestId, parseSha256Hex, type RequestId, type Sha256Hex } from "../protocol/ids.ts";
import { RequestRecordSchema, type RequestRecord } from "../protocol/request.ts";
import type { RequestState } from "./states.ts";

/** A list has hundreds of records, and looking each up in the schema is most of what it takes. */
const recordShape = Compile(RequestRecordSchema);

export interface StoredRequest {
  readonly id: RequestId;
  readonly state: RequestState;
  readonly record: RequestRecord;
  readonly recordSha256: Sha256Hex;
  readonly receivedAtMs: number;
  readonly expiresAtMs: number;
  /** Where the hub's running time stands when it is over, whatever a clock says. */
  readonly expiresCountedMs: number;
  /** Age file for the owners' reader; null once erased. */
  readonly personal: Uint8Array | null;
  readonly statusToken: string;
  readonly nonce: string | null;
  readonly nonceExpiresAtMs: number | null;
  readonly nonceExpiresCountedMs: number | null;
  readonly nonceSpentAtMs: number | null;
  readonly decision: string | null;
  readonly decisionSha256: Sha256Hex | null;
  readonly outcome: string | null;
  readonly decidedAtMs: number | null;
  readonly requestIndex: number;
  readonly decisionIndex: number | null;
  readonly releaseIndex: number | null;
  /** Where the hub's running time will stand when a veto comes too late; null where none waits. */
  readonly leavesCountedMs: number | null;
  readonly lapsesCountedMs: number | null;
  readonly availableUntilMs: number | null;
  /** What was approved and has been revoked or has lapsed: the terms, as canonical JSON. */
  readonly endedTerms: string | null;
  readonly endedAtMs: number | null;
}

/** As it lies in the database. */
export interface RequestRow {
  readonly id: string;
  readonly state: RequestState;
  readonly received_at_ms: number;
  readonly expires_at_ms: number;
  readonly expires_counted_ms: number;
  readonly record: string;
  readonly record_sha256: string;
  readonly personal: Buffer | null;
  readonly status_token: string;
  readonly nonce: string | null;
  readonly nonce_expires_at_ms: number | null;
  readonly nonce_expires_counted_ms: number | null;
  readonly nonce_spent_at_ms: number | null;
  readonly decision: string | null;
  readonly decision_sha256: string | null;
  readonly outcome: string | null;
  readonly decided_at_ms: number | null;
  readonly request_index: number;
  readonly decision_index: number | null;
  readonly release_index: number | null;
  readonly leaves_counted_ms: number | null;
  readonly lapses_counted_ms: number | null;
  readonly available_until_ms: number | null;
  readonly ended_terms: string | null;
  readonly ended_at_ms: number | null;
}

export function readRow(row: RequestRow | undefined): StoredRequest | null {
  if (!row) return null;
  const record = parseCanonicalJson(utf8Bytes(row.record), "request record");
  return {
    id: parseRequestId(row.id),
    state: row.state,
    record: recordShape.Check(record)
      ? record
      : checkShape(RequestRecordSchema, record, "request record"),
    recordSha256: parseSha256Hex(row.record_sha256),
    receivedAtMs: row.received_at_ms,
    expiresAtMs: row.expires_at_ms,
    expiresCountedMs: row.expires_counted_ms,
    personal: row.personal,
    statusToken: row.status_token,
    nonce: row.nonce,
    nonceExpiresAtMs: row.nonce_expires_at_ms,
    nonceExpiresCountedMs: row.nonce_expires_counted_ms,
    nonceSpentAtMs: row.nonce_spent_at_ms,
    decision: row.decision,
    decisionSha256: row.decision_sha256 === null ? null : parseSha256Hex(row.decision_sha256),
    outcome: row.outcome,
    decidedAtMs: row.decided_at_ms,
    requestIndex: row.request_index,
    decisionIndex: row.decision_index,
    releaseIndex: row.release_index,
    leavesCountedMs: row.leaves_counted_ms,
    lapsesCountedMs: row.lapses_counted_ms,
    availableUntilMs: row.available_until_ms,
    endedTerms: row.ended_terms,
    endedAtMs: row.ended_at_ms,
  };
}
