import { COPY_LIMITS } from "../protocol/copy-format.ts";
import { equalBytes } from "../protocol/bytes.ts";
import type { Place, PlaceContent } from "./place.ts";
import { placeError } from "./place.ts";

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Ending of what is still being put. */
export const TEMPORARY_ENDING = ".tmp";
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
 * Whether what is there under a name is this content: by size, by its hash where the place says it,
 * and else by its beginning and its end. A sealed file has both to itself.
 */
export async function isSame(
  place: Pick<Place, "look" | "read">,
  name: string,
  content: PlaceContent,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await place.look(name, signal);
  if (found === null || found.sizeBytes !== content.sizeBytes) return false;
  if (found.sha256 !== null) return found.sha256 === content.sha256;
  const { sizeBytes } = content;
  const firstBytes = Math.min(sizeBytes, END_BYTES);
  const lastFrom = Math.max(firstBytes, sizeBytes - END_BYTES);
  let at = 0;
  const ends: Uint8Array[] = [];
  for await (const part of content.open()) {
    const head = part.subarray(0, Math.max(0, firstBytes - at));
    const tail = part.subarray(Math.max(0, lastFrom - at));
    if (head.length > 0) ends.push(head);
    if (at + part.length > lastFrom) ends.push(tail);
    at += part.length;
  }
  const there: Uint8Array[] = [];
  for (const [from, to] of [
    [0, firstBytes],
    [lastFrom, sizeBytes],
  ] as const)
    if (to > from)
      for await (const part of place.read(name, signal, { from, sizeBytes: to - from }))
        there.push(part);
  return equalBytes(new Uint8Array(Buffer.concat(ends)), new Uint8Array(Buffer.concat(there)));
}
