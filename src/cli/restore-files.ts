import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import {
  makePrivateDirectory,
  PARTIAL_ENDING,
  PRIVATE_FILE_MODE,
  syncDirectory,
  systemErrorCode,
} from "../base/files.ts";
import { readAll, type Place } from "../offsite/place.ts";
import { parseAgeHeader } from "../protocol/age-header.ts";
import { clipFolder } from "../protocol/clip.ts";
import {
  COPY_LIMITS,
  copyObjectName,
  parseCopyObjectName,
  type ClipObject,
  type CopyObject,
} from "../protocol/copy-format.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";

/** A sealed file that has to be there. */
interface WantedFile {
  /** `clips/2026-11/CLIP/NAME` or `documents/REQUEST.age`, below the data directory. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the payload behind the age header, or of the whole file. */
  readonly sha256: string;
  readonly of: "payload" | "whole";
  /** In the copy, the one to be taken first; each a whole object, or a header in front of one. */
  readonly sources: readonly (readonly CopyObject[])[];
  readonly row: { readonly clip: string; readonly name: string } | null;
}

export interface FilesReport {
  readonly clips: number;
  readonly files: number;
  readonly bytes: number;
  /** Below the data directory: not in the copy, or not as the ledger lists it. At most 1,000. */
  readonly missing: readonly string[];
  readonly missingFiles: number;
}

export interface FilesOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (files: number, ofFiles: number, bytes: number) => void;
  /** Where they are written; null: read and compared only. */
  readonly dataDirectory: string | null;
}

const MISSING_SHOWN_MAX = 1_000;
const HEADER_BYTES_MAX = 64 * 1024;

/**
 * Fetches every sealed file that the database lists, and holds each against the hash that the ledger
 * has of it. What an earlier run has fetched is read again and not fetched again.
 */
export async function restoreFiles(
  place: Place,
  database: BetterSqlite3.Database,
  options: FilesOptions,
): Promise<FilesReport> {
  const { signal, onProgress, dataDirectory } = options;
  const wanted = await wantedFiles(place, database, signal);
  const setSize = database.prepare<[number, string, string]>(
    "UPDATE clip_files SET size_bytes = ? WHERE clip = ? AND name = ?",
  );
  const missing: string[] = [];
  let [missingFiles, bytes] = [0, 0];
  for (const [done, file] of wanted.entries()) {
    signal.throwIfAborted();
    const sizeBytes =
      (await alreadyThere(file, dataDirectory)) ?? (await fetchFile(place, file, options));
    if (sizeBytes === null) {
      missingFiles += 1;
      if (missing.length < MISSING_SHOWN_MAX) missing.push(file.path);
    } else {
      bytes += sizeBytes;
      // Sealed anew after the state was copied: another header, and the same payload.
      if (file.row && sizeBytes !== file.sizeBytes)
        setSize.run(sizeBytes, file.row.clip, file.row.name);
    }
    onProgress(done + 1, wanted.length, bytes);
  }
  const clips = new Set(wanted.flatMap(({ row }) => row?.clip ?? [])).size;
  return { clips, files: wanted.length - missingFiles, bytes, missing, missingFiles };
}

async function wantedFiles(
  place: Place,
  database: BetterSqlite3.Database,
  signal: AbortSignal,
): Promise<WantedFile[]> {
  const objects = new Map<string, ClipObject[]>();
  for await (const { name } of place.list("clips/", signal)) {
    const object = parseCopyObjectName(name);
    if (object?.type !== "clip") continue;
    const key = `${object.clip}/${object.file}`;
    objects.set(key, [...(objects.get(key) ?? []), object]);
  }
  const sourcesOf = (clip: string, name: string) => sources(objects.get(`${clip}/${name}`) ?? []);
  const listed = database
    .prepare<[], { clip: string; name: string; size: number; sha: string; started: number }>(
      `SELECT clip, name, size_bytes AS size, payload_sha256 AS sha, started_at_ms AS started
       FROM clip_files JOIN clips ON clips.id = clip ORDER BY started_at_ms DESC, clip, name`,
    )
    .all()
    .map(({ clip, name, size, sha, started }): WantedFile => ({
      path: `clips/${clipFolder(parseClipId(clip), started)}/${name}`,
      ...{ sizeBytes: size, sha256: sha, of: "payload", row: { clip, name } },
      sources: sourcesOf(clip, name),
    }));
  return [...listed, ...tornFiles(database, objects), ...documents(database)];
}

function tornFiles(
  database: BetterSqlite3.Database,
  objects: ReadonlyMap<string, readonly ClipObject[]>,
): WantedFile[] {
  return database
    .prepare<[], { clip: string; name: string; size: number; sha: string; started: number | null }>(
      `SELECT clip, name, size_bytes AS size, sha256 AS sha, started_at_ms AS started
       FROM torn_files LEFT JOIN clips ON clips.id = clip ORDER BY clip, name`,
    )
    .all()
    .map(({ clip, name, size, sha, started }) => {
      const found = objects.get(`${clip}/${name}`) ?? [];
      const month = found[0]?.month ?? new Date(started ?? 0).toISOString().slice(0, 7);
      return {
        path: `clips/${month}/${clip}/${name}`,
        ...{ sizeBytes: size, sha256: sha, of: "whole", row: null },
        sources: sources(found),
      } satisfies WantedFile;
    });
}

function documents(database: BetterSqlite3.Database): WantedFile[] {
  return database
    .prepare<[], { request: string; size: number; sha: string }>(
      `SELECT request, size_bytes AS size, sha256 AS sha FROM request_documents
       WHERE received_at_ms IS NOT NULL ORDER BY request`,
    )
    .all()
    .flatMap(({ request, size, sha }) => {
      const object = parseCopyObjectName(`documents/${request}.age`);
      if (!object) return [];
      return [
        {
          path: `documents/${request}.age`,
          ...{ sizeBytes: size, sha256: sha, of: "whole", row: null },
          sources: [[object]],
        } satisfies WantedFile,
      ];
    });
}

/** The newest first; a header stands in front of the payload of the highest whole one below it. */
function sources(objects: readonly ClipObject[]): (readonly ClipObject[])[] {
  const newestFirst = objects.toSorted((left, right) => right.revision - left.revision);
  return newestFirst.flatMap((object) => {
    if (object.content === "whole") return [[object]];
    const below = newestFirst.find(
      ({ content, revision }) => content === "whole" && revision < object.revision,
    );
    return below ? [[object, below]] : [];
  });
}

/** Size of a file that an earlier run has written and that holds, else null. */
async function alreadyThere(file: WantedFile, directory: string | null): Promise<number | null> {
  if (directory === null) return null;
  try {
    const check = new SealedCheck(file);
    for await (const piece of createReadStream(path.join(directory, file.path)))
      check.take(piece as Buffer);
    return check.holds() ? check.sizeBytes : null;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** @returns Its size, or null where none of its objects holds. */
async function fetchFile(
  place: Place,
  file: WantedFile,
  { dataDirectory, signal }: FilesOptions,
): Promise<number | null> {
  for (const source of file.sources) {
    const check = new SealedCheck(file);
    const content = piecesOf(place, source, signal);
    try {
      if (dataDirectory === null) for await (const piece of content) check.take(piece);
      else if (!(await writeChecked(path.join(dataDirectory, file.path), content, check))) continue;
      if (check.holds()) return check.sizeBytes;
    } catch (error) {
      const isOfObject =
        error instanceof HubError &&
        ["PLACE_OBJECT_MISSING", "PLACE_LIES", "RESTORE_DAMAGED"].includes(error.code);
      if (!isOfObject) throw error;
    }
  }
  return null;
}

async function writeChecked(
  finalPath: string,
  content: AsyncIterable<Uint8Array>,
  check: SealedCheck,
): Promise<boolean> {
  const partial = `${finalPath}${PARTIAL_ENDING}`;
  await makePrivateDirectory(path.dirname(finalPath));
  try {
    {
      await using handle = await open(partial, "w", PRIVATE_FILE_MODE);
      for await (const piece of content) {
        check.take(piece);
        await handle.writeFile(piece);
      }
      await handle.sync();
    }
    if (!check.holds()) return false;
    await chmod(partial, PRIVATE_FILE_MODE);
    await rename(partial, finalPath);
    await syncDirectory(path.dirname(finalPath));
    return true;
  } finally {
    await rm(partial, { force: true });
  }
}

async function* piecesOf(
  place: Place,
  source: readonly CopyObject[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const [first, payloadOf] = source;
  if (!first) return;
  if (!payloadOf) {
    yield* place.read(copyObjectName(first), signal);
    return;
  }
  yield await readAll(place, copyObjectName(first), HEADER_BYTES_MAX, signal);
  let head = new Uint8Array(0);
  let isPastHeader = false;
  for await (const piece of place.read(copyObjectName(payloadOf), signal)) {
    if (isPastHeader) {
      yield piece;
      continue;
    }
    head = new Uint8Array(Buffer.concat([head, piece]));
    const header = parseAgeHeader(head);
    if (header === null) {
      if (head.length > HEADER_BYTES_MAX) throw damaged("its header has no end");
      continue;
    }
    isPastHeader = true;
    yield head.subarray(header.payloadOffset);
  }
}

/** Counts and hashes what comes, without keeping it. */
class SealedCheck {
  sizeBytes = 0;
  readonly #wanted: Pick<WantedFile, "sha256" | "of">;
  readonly #hash = createHash("sha256");
  /** Null once the header is past, or where all of it counts. */
  #head: Uint8Array | null;

  constructor(wanted: Pick<WantedFile, "sha256" | "of">) {
    this.#wanted = wanted;
    this.#head = wanted.of === "payload" ? new Uint8Array(0) : null;
  }

  take(piece: Uint8Array): void {
    this.sizeBytes += piece.length;
    if (this.sizeBytes > COPY_LIMITS.objectBytes) throw damaged("it is too large");
    if (this.#head === null) {
      this.#hash.update(piece);
      return;
    }
    this.#head = new Uint8Array(Buffer.concat([this.#head, piece]));
    const header = headerOf(this.#head);
    if (header === null) {
      if (this.#head.length > HEADER_BYTES_MAX) throw damaged("its header has no end");
      return;
    }
    this.#hash.update(this.#head.subarray(header.payloadOffset));
    this.#head = null;
  }

  holds(): boolean {
    return this.#head === null && this.#hash.copy().digest("hex") === this.#wanted.sha256;
  }
}

function headerOf(bytes: Uint8Array): ReturnType<typeof parseAgeHeader> {
  try {
    return parseAgeHeader(bytes);
  } catch (cause) {
    throw damaged("it does not begin as a sealed file does", { cause });
  }
}

function damaged(reason: string, options?: ErrorOptions): HubError {
  return new HubError("RESTORE_DAMAGED", `Cannot restore file: ${reason}`, options);
}
