import { HubError, MalformedInput } from "../protocol/errors.ts";
import { placeError, type ByteRange, type PlaceCode } from "./place.ts";
import { readXml, type XmlElement } from "./xml.ts";

/** What a server's answers mean, whichever kind it is. */

export function rangeHeader(range: ByteRange | undefined): Record<string, string> {
  return range ? { range: `bytes=${range.from}-${range.from + range.sizeBytes - 1}` } : {};
}

/**
 * The body of an answer to GET: only as much as was asked for.
 *
 * @throws HubError PLACE_OBJECT_MISSING, PLACE_LIES where another part comes.
 */
export async function* readAnswer(
  answer: {
    readonly status: number;
    readonly header: (name: string) => string | null;
    readonly body: AsyncIterable<Uint8Array>;
  },
  {
    name,
    host,
    range,
  }: { readonly name: string; readonly host: string; readonly range: ByteRange | undefined },
): AsyncGenerator<Uint8Array, void, void> {
  let skip = 0;
  if (![200, 206].includes(answer.status)) {
    for await (const _part of answer.body) break;
    if ([404, 410].includes(answer.status))
      throw placeError("PLACE_OBJECT_MISSING", `Cannot read ${name}: ${host} has no such file`);
    requireStatus(answer, `read ${name}`, host, []);
  }
  if (range && answer.status === 206) {
    const said = answer.header("content-range") ?? "";
    if (!said.startsWith(`bytes ${range.from}-`))
      throw placeError("PLACE_LIES", `Cannot read ${name}: ${host} sent another part of it`);
  } else if (range) skip = range.from;
  let left = range?.sizeBytes ?? Number.MAX_SAFE_INTEGER;
  for await (const part of answer.body) {
    const wanted = part.subarray(Math.min(skip, part.length)).subarray(0, left);
    skip -= Math.min(skip, part.length);
    left -= wanted.length;
    if (wanted.length > 0) yield wanted;
    if (left === 0) return;
  }
}

/** @throws HubError unless the status is one of `expected`. */
export function requireStatus(
  { status }: { readonly status: number },
  what: string,
  host: string,
  expected: readonly number[],
  said: string | null = null,
): void {
  if (expected.includes(status)) return;
  const [code, why] = meaningOf(status);
  const answered = said === null ? `${status}` : `${status} ${said}`;
  throw placeError(code, `Cannot ${what} at ${host}: ${why} (it answered ${answered})`);
}

/** @throws HubError PLACE_LIES for what is no XML. */
export function limited(bytes: Uint8Array, host: string): XmlElement {
  try {
    return readXml(bytes);
  } catch (cause) {
    throw unreadable(cause, host);
  }
}

/** HubError PLACE_LIES for MalformedInput; whatever else it is, as it is. */
export function unreadable(cause: unknown, host: string): unknown {
  if (!(cause instanceof MalformedInput)) return cause;
  return new HubError("PLACE_LIES", `Cannot use ${host}: ${cause.message}`, { cause });
}

function meaningOf(status: number): readonly [PlaceCode, string] {
  if ([401, 403].includes(status))
    return ["PLACE_REFUSED", "it refuses the login, or this with it"];
  if ([402, 413, 507].includes(status)) return ["PLACE_FULL", "there is no room left"];
  if ([404, 409, 410].includes(status))
    return ["PLACE_MISSING", "there is no such folder or bucket"];
  if ([429, 503].includes(status)) return ["PLACE_FAILED", "it takes no more for now"];
  if (status >= 200 && status < 300) return ["PLACE_LIES", "it is no server of this kind"];
  return ["PLACE_FAILED", "it failed"];
}
