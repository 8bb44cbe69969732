import { createHash } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { PARTIAL_ENDING, PRIVATE_FILE_MODE, systemErrorCode } from "../base/files.ts";
import { requireAgeHeader, STANZA_TYPE } from "../protocol/age-header.ts";
import type { ListedFile } from "../protocol/clip.ts";
import { MalformedInput } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { DerivedFile, DeviceCopyFile } from "../protocol/ledger-entry.ts";
import { eraseFile } from "./erase.ts";

/** What the hub can see of a copy that an owner's device made, and how its files get their names. */

/** Originals reader, blurred reader, recovery. */
const STANZAS = 3;
/** A picture that is blurred needs no more room; another encoder may need somewhat more. */
const GROWTH_MAX = 4;
const GROWTH_FREE_BYTES = 2 * 1024 * 1024;

/**
 * One file for each original video segment, and perhaps a still.
 *
 * @throws MalformedInput where a file is not made from the original of its segment, or one is left out.
 */
export function requireAllSegments(
  recorded: readonly ListedFile[],
  made: readonly DeviceCopyFile[],
): void {
  const listed = recorded.filter(
    ({ track, rendition }) => track === "video" && rendition === "original",
  );
  const originals = new Map(listed.map((file) => [file.segment, file]));
  const files = made.filter((file): file is DerivedFile => file.track === "video");
  requireStill(made, listed);
  for (const file of files) {
    const original = originals.get(file.segment);
    originals.delete(file.segment);
    if (!original || original.payloadSha256 !== file.derivedFrom)
      throw new MalformedInput(
        "derivedFrom",
        `Cannot take rendition: segment ${file.segment} is not made from what was recorded`,
      );
    if (file.sizeBytes > original.sizeBytes * GROWTH_MAX + GROWTH_FREE_BYTES)
      throw new MalformedInput(
        "sizeBytes",
        `Cannot take rendition: segment ${file.segment} is far larger than its original`,
      );
    if (original.fromMs !== file.fromMs || original.toMs !== file.toMs)
      throw new MalformedInput(
        "fromMs",
        `Cannot take rendition: segment ${file.segment} has other times than its original`,
      );
  }
  if (originals.size > 0)
    throw new MalformedInput(
      "files",
      `Cannot take rendition: ${originals.size} segments of the clip are left out`,
    );
}

/** At most one, of a moment in one of the recorded segments. */
function requireStill(made: readonly DeviceCopyFile[], originals: readonly ListedFile[]): void {
  const stills = made.filter(({ track }) => track === "poster");
  const isOfRecording = stills.every(({ derivedFrom, fromMs, toMs, sizeBytes }) =>
    originals.some(
      (original) =>
        original.payloadSha256 === derivedFrom &&
        fromMs >= original.fromMs &&
        toMs <= original.toMs &&
        sizeBytes <= GROWTH_FREE_BYTES,
    ),
  );
  if (stills.length > 1 || !isOfRecording)
    throw new MalformedInput(
      "derivedFrom",
      "Cannot take rendition: its still is not one of what was recorded",
    );
}

/** Gives a whole file its name, which another may have had: that one's header is overwritten. */
export async function takePlace(file: string): Promise<void> {
  await eraseFile(file).catch((error: unknown) => {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  });
  await rename(file + PARTIAL_ENDING, file);
}

export async function isPayloadOf(file: string, { payloadSha256 }: ListedFile): Promise<boolean> {
  try {
    return payloadHash(await readFile(file)) === payloadSha256;
  } catch {
    // Not there, or not whole: what is listed has its name already.
    return false;
  }
}

function payloadHash(bytes: Uint8Array): string {
  const { payloadOffset } = requireAgeHeader(bytes);
  return createHash("sha256").update(bytes.subarray(payloadOffset)).digest("hex");
}

export function requireAnnounced(file: DeviceCopyFile, bytes: Uint8Array): void {
  if (bytes.length !== file.sizeBytes)
    throw new MalformedInput(
      "sizeBytes",
      `Cannot take file: ${bytes.length} bytes came, ${file.sizeBytes} were announced`,
    );
  if (payloadHash(bytes) !== file.payloadSha256)
    throw new MalformedInput("payloadSha256", "Cannot take file: it has another payload hash");
}

/** All that can be seen from outside: one stanza for each of three readers, of their kind. */
export function requireSealed(bytes: Uint8Array, { readers }: Keyring): void {
  const { stanzas } = requireAgeHeader(bytes);
  const isOfKind = stanzas.every(({ args }) => args[0] === STANZA_TYPE[readers.kind]);
  if (stanzas.length !== STANZAS || !isOfKind)
    throw new MalformedInput(
      "age header",
      `Cannot take file: it must have ${STANZAS} stanzas of type ${STANZA_TYPE[readers.kind]}`,
    );
}

export async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(file, "w", PRIVATE_FILE_MODE);
  await handle.writeFile(bytes);
  await handle.sync();
}
