import { readdir } from "node:fs/promises";
import path from "node:path";
import type { HubDatabase } from "../base/database.ts";
import {
  makePrivateDirectory,
  readSmallFile,
  systemErrorCode,
  writeFileDurably,
} from "../base/files.ts";
import { eraseFile } from "../clips/erase.ts";
import { sha256Hex } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId, type RequestId } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { AnnouncedDocument } from "../protocol/request-document.ts";

/** All documents of a hub together, those that were announced and may still come included. */
export const DOCUMENTS_TOTAL_BYTES = 256 * 1024 * 1024;
/** For how long a document that was announced may come. */
export const DOCUMENT_WAIT_MS = 24 * 3_600_000;

interface Row {
  readonly request: string;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly announced_at_ms: number;
  readonly received_at_ms: number | null;
}

/**
 * Says that a document will come with a request that is being taken in, in its transaction.
 *
 * @throws HubError TOO_MANY_DOCUMENTS, DOCUMENT_KNOWN.
 */
export function announceDocument(
  database: HubDatabase,
  request: RequestId,
  announced: AnnouncedDocument,
  nowMs: number,
): void {
  if (takenBytes(database, nowMs) + announced.sizeBytes > DOCUMENTS_TOTAL_BYTES)
    throw new HubError(
      "TOO_MANY_DOCUMENTS",
      "Cannot take request: there is no room for its document; send it without",
    );
  const inserted = database
    .prepare(
      `INSERT OR IGNORE INTO request_documents (request, sha256, size_bytes, announced_at_ms)
       VALUES (?, ?, ?, ?)`,
    )
    .run(request, announced.sha256, announced.sizeBytes, nowMs);
  if (inserted.changes !== 1)
    throw new HubError("DOCUMENT_KNOWN", "Cannot take request: its document was sent before");
}

function takenBytes(database: HubDatabase, nowMs: number): number {
  const taken = database
    .prepare<[number], { bytes: number }>(
      `SELECT coalesce(sum(size_bytes), 0) AS bytes FROM request_documents
       WHERE received_at_ms IS NOT NULL OR announced_at_ms > ?`,
    )
    .get(Math.max(0, nowMs - DOCUMENT_WAIT_MS));
  return taken?.bytes ?? 0;
}

/**
 * Documents that came with requests, as age files for the owners in a folder of their own. Only what
 * a request announced is taken, byte for byte, once.
 */
export class RequestDocuments {
  readonly #database: HubDatabase;
  readonly #directory: string;
  readonly #nowMs: () => number;
  /** Being written: the same file sent twice at once is taken once. */
  readonly #arriving = new Set<RequestId>();

  constructor(options: {
    readonly database: HubDatabase;
    readonly directory: string;
    readonly nowMs: () => number;
  }) {
    this.#database = options.database;
    this.#directory = options.directory;
    this.#nowMs = options.nowMs;
  }

  /** Less room is left than one document may need: a request that brings one may be turned away. */
  isFull(): boolean {
    const takenNow = takenBytes(this.#database, this.#nowMs());
    return takenNow + LIMITS.sealedDocumentBytes > DOCUMENTS_TOTAL_BYTES;
  }

  /** What was announced with a request; null where nothing was. */
  of(request: RequestId): (AnnouncedDocument & { receivedAtMs: number | null }) | null {
    const row = this.#row("request", request);
    return (
      row && { sha256: row.sha256, sizeBytes: row.size_bytes, receivedAtMs: row.received_at_ms }
    );
  }

  /**
   * The request that waits for this very file; null for all others, whatever the reason. What became
   * of the request is not asked: whoever sends a document would read his refusal off it (invariant 6).
   */
  waitingFor(sha256: string): RequestId | null {
    const row = this.#row("sha256", sha256);
    if (!row || row.received_at_ms !== null) return null;
    // Not the zero of one that was removed: a hub's clock may stand in 1970.
    const isInTime = row.announced_at_ms > Math.max(0, this.#nowMs() - DOCUMENT_WAIT_MS);
    return isInTime ? parseRequestId(row.request) : null;
  }

  /**
   * Takes the very file that this request announced. The file is there before its row says so.
   *
   * @throws HubError DOCUMENT_GONE for every file that nobody waits for.
   */
  async receive(request: RequestId, sealed: Uint8Array): Promise<void> {
    const announced = this.#row("request", request);
    const isIt = announced?.size_bytes === sealed.length && announced.sha256 === sha256Hex(sealed);
    const isAwaited = isIt && this.waitingFor(announced.sha256) === request;
    if (!isAwaited || this.#arriving.has(request)) throw documentGone();
    this.#arriving.add(request);
    try {
      await makePrivateDirectory(this.#directory);
      await writeFileDurably(this.#pathOf(request), sealed);
    } finally {
      this.#arriving.delete(request);
    }
    this.#database
      .prepare(
        "UPDATE request_documents SET received_at_ms = ? WHERE request = ? AND received_at_ms IS NULL",
      )
      .run(this.#nowMs(), request);
  }

  /** @throws HubError NOT_FOUND, FILE_DAMAGED. */
  async read(request: RequestId): Promise<Uint8Array> {
    const row = this.#row("request", request);
    const sealed =
      (row?.received_at_ms ?? null) === null
        ? null
        : await readSmallFile(this.#pathOf(request), LIMITS.sealedDocumentBytes);
    if (!row || !sealed) throw new HubError("NOT_FOUND", "There is no document of this request");
    if (sha256Hex(sealed) !== row.sha256)
      throw new HubError("FILE_DAMAGED", "Cannot open document: it was changed on the disk");
    return sealed;
  }

  /** For good; what was announced stays said, and no other file takes its place. */
  async remove(request: RequestId): Promise<void> {
    const row = this.#row("request", request);
    if ((row?.received_at_ms ?? null) === null)
      throw new HubError("NOT_FOUND", "There is no document of this request");
    // In time for none: the row stays, so that the same file cannot come again.
    this.#database
      .prepare(
        "UPDATE request_documents SET received_at_ms = NULL, announced_at_ms = 0 WHERE request = ?",
      )
      .run(request);
    await eraseWhereThere(this.#pathOf(request));
  }

  /** Removes what a stop left without a row that says it is here. */
  async finish(): Promise<void> {
    const names = await readdir(this.#directory).catch(() => []);
    for (const name of names) {
      const [, request] = /^([0-9a-f]{32})\.age$/.exec(name) ?? [];
      const isHere =
        request !== undefined && (this.#row("request", request)?.received_at_ms ?? null) !== null;
      if (!isHere) await eraseWhereThere(path.join(this.#directory, name));
    }
  }

  #row(by: "request" | "sha256", value: string): Row | null {
    return (
      this.#database
        .prepare<[string], Row>(`SELECT * FROM request_documents WHERE ${by} = ?`)
        .get(value) ?? null
    );
  }

  #pathOf(request: RequestId): string {
    return path.join(this.#directory, `${request}.age`);
  }
}

/** Its header is overwritten first, as a recording's is. */
async function eraseWhereThere(file: string): Promise<void> {
  try {
    await eraseFile(file);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Unknown, taken, too late: one answer. */
export function documentGone(): HubError {
  return new HubError("DOCUMENT_GONE", "Cannot take document: nobody waits for it");
}
