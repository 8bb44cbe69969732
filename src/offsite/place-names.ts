import { COPY_LIMITS, parseCopyObjectName } from "../protocol/copy-format.ts";
import { equalBytes } from "../protocol/bytes.ts";
import type { Place, PlaceContent } from "./place.ts";
import { placeError } from "./place.ts";

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Ending of what is still being put. */
export const TEMPORARY_ENDING = ".tmp";
const LEFT_OVER = /^(.*)\.[0-9a-f]{8}\.tmp$/;
const DEPTH_MAX = 6;
const END_BYTES = 64 * 1024;

/** True for names that lead nowhere else, whatever a place has listed. */
export function isPlainName(name: string): boolean {
  const parts = name.split("/");
  return (
    name.length <= COPY_LIMITS.nameCharacters &&
    parts.length <= DEPTH_MAX &&
    parts.every((part) => PART.test(part))
  );
}

/** True for what an upload that broke off has left at a place that keeps such: a name of ours, and more. */
export function isLeftOver(name: string): boolean {
  const [, begun] = LEFT_OVER.exec(name) ?? [];
  return begun !== undefined && parseCopyObjectName(begun) !== null;
}

/** @throws Error for a name that no hub gives. */
export function requirePlainName(name: string): void {
  if (!isPlainName(name)) throw new Error(`Cannot use ${JSON.stringify(name)} in a copy`);
}

export function takenError(name: string): Error {
  return placeError(
    "PLACE_TAKEN",
    `Cannot put ${name}: something else has that name there, and nothing is overwritten`,
  );
}

/**
 * What is there under a name, held against what is to be there: by size, by its hash where the place
 * says it, and else by its beginning and its end. A sealed file has both to itself. `torn`: it is the
 * beginning of it, from an upload that broke off at a place which keeps such.
 */
export async function compareObject(
  place: Pick<Place, "look" | "read">,
  name: string,
  content: PlaceContent,
  signal: AbortSignal,
): Promise<"none" | "same" | "torn" | "other"> {
  const found = await place.look(name, signal);
  if (found === null) return "none";
  const { sizeBytes, sha256 } = found;
  if (sizeBytes > content.sizeBytes) return "other";
  const isWhole = sizeBytes === content.sizeBytes;
  if (isWhole && sha256 !== null) return sha256 === content.sha256 ? "same" : "other";
  const firstBytes = Math.min(sizeBytes, END_BYTES);
  const lastFrom = Math.max(firstBytes, sizeBytes - END_BYTES);
  const there: Uint8Array[] = [];
  for (const [from, to] of [
    [0, firstBytes],
    [lastFrom, sizeBytes],
  ] as const)
    for await (const part of place.read(name, signal, { from, sizeBytes: to - from }))
      there.push(part);
  const ends = await endsOf(content, firstBytes, lastFrom, sizeBytes);
  if (!equalBytes(ends, new Uint8Array(Buffer.concat(there)))) return "other";
  return isWhole ? "same" : "torn";
}

async function endsOf(
  content: PlaceContent,
  firstBytes: number,
  lastFrom: number,
  sizeBytes: number,
): Promise<Uint8Array> {
  const ends: Uint8Array[] = [];
  let at = 0;
  for await (const part of content.open()) {
    const to = at + part.length;
    if (at < firstBytes) ends.push(part.subarray(0, firstBytes - at));
    if (to > lastFrom && at < sizeBytes)
      ends.push(part.subarray(Math.max(0, lastFrom - at), sizeBytes - at));
    at = to;
    if (at >= sizeBytes) break;
  }
  return new Uint8Array(Buffer.concat(ends));
}

/**
 * Looks before something is put, and takes away what an upload that broke off has left.
 *
 * @returns True where it is there already.
 * @throws HubError PLACE_TAKEN.
 */
export async function isThere(
  place: Place,
  name: string,
  content: PlaceContent,
  signal: AbortSignal,
): Promise<boolean> {
  switch (await compareObject(place, name, content, signal)) {
    case "none":
      return false;
    case "same":
      return true;
    case "torn":
      if (await place.remove(name, signal)) return false;
      throw takenError(name);
    case "other":
      throw takenError(name);
  }
}
