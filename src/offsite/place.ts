import { HubError } from "../protocol/errors.ts";

/** An object as a place lists it: the place's own word. */
export interface PlacedObject {
  /** Below the copy, with `/` between its parts: as `copyObjectName` gives it, or anything else. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** What is to be put, known to the last byte before it goes. */
export interface PlaceContent {
  readonly sizeBytes: number;
  /** SHA-256 of all of it, 64 lower-case hex digits. */
  readonly sha256: string;
  /** From the beginning each time it is called. Exactly `sizeBytes`; less or more is a failure. */
  open(): AsyncIterable<Uint8Array>;
}

export interface ByteRange {
  readonly from: number;
  readonly sizeBytes: number;
}

/**
 * A folder, a WebDAV collection or a bucket in which a copy lies: names with `/`, bytes, no order of
 * its own, and no trust. Nothing is ever overwritten. One caller at a time for what writes.
 *
 * All throw HubError with one of {@link PLACE_CODES}; an aborted signal throws its reason.
 */
export interface Place extends AsyncDisposable {
  readonly kind: "folder" | "webdav" | "s3";
  /** Where it is, for people: never with a login in it. */
  readonly address: string;
  /**
   * Puts an object under a name that must be free. What is there with the same size and, as far as
   * the place can say, the same hash, counts as put.
   *
   * @returns `put`, or `known` where it was there already.
   * @throws HubError PLACE_TAKEN where something else has that name.
   */
  put(name: string, content: PlaceContent, signal: AbortSignal): Promise<"put" | "known">;
  /** Size and, where the place says it, SHA-256 (hex) of an object; null where there is none. */
  look(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly sizeBytes: number; readonly sha256: string | null } | null>;
  /**
   * All objects whose name begins with `prefix`, which is "" or ends with `/`, in no order.
   *
   * @throws HubError PLACE_LIES above the limit of `COPY_LIMITS.listed`.
   */
  list(prefix: string, signal: AbortSignal): AsyncIterable<PlacedObject>;
  /**
   * An object, or a range of it that must lie inside. What comes is at most what was asked for, and
   * is the place's word: the caller compares hashes.
   *
   * @throws HubError PLACE_OBJECT_MISSING.
   */
  read(name: string, signal: AbortSignal, range?: ByteRange): AsyncIterable<Uint8Array>;
  /**
   * Removes an object.
   *
   * @returns False where the place does not allow it: then it is still there.
   */
  remove(name: string, signal: AbortSignal): Promise<boolean>;
}

/** What may be wrong with a place, and in general what an owner does about it. */
export const PLACE_CODES = {
  /** The folder is not there, or is empty where a copy was: the disk is not mounted. */
  PLACE_MISSING: "missing",
  PLACE_UNREACHABLE: "unreachable",
  /** User, password or key are refused. */
  PLACE_REFUSED: "refused",
  PLACE_FULL: "full",
  /** Nothing came or went for a minute. */
  PLACE_SLOW: "slow",
  /** It sends on to another address. */
  PLACE_REDIRECTS: "redirects",
  /** It says one thing and holds another. */
  PLACE_LIES: "lies",
  /** Something else has the name. */
  PLACE_TAKEN: "taken",
  /** Another household's copy is there. */
  PLACE_OTHER_HOUSE: "other-house",
  PLACE_OBJECT_MISSING: "object-missing",
  /** Anything else that it answered. */
  PLACE_FAILED: "failed",
} as const;
export type PlaceCode = keyof typeof PLACE_CODES;

export function placeError(code: PlaceCode, message: string, options?: ErrorOptions): HubError {
  return new HubError(code, message, options);
}

export function isPlaceError(error: unknown, code?: PlaceCode): error is HubError {
  if (!(error instanceof HubError) || !Object.hasOwn(PLACE_CODES, error.code)) return false;
  return code === undefined || error.code === code;
}

/** @returns The whole of an object. @throws HubError PLACE_LIES above `maxBytes`. */
export async function readAll(
  place: Pick<Place, "read">,
  name: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of place.read(name, signal)) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes)
      throw placeError("PLACE_LIES", `Cannot read ${name}: it has more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
