import { CameraError } from "./camera-error.ts";

/** What a camera may send on its RTSP connection, RFC 2326 sections 7 (response) and 10.12 (packet). */
export type RtspItem =
  | {
      readonly kind: "response";
      readonly status: number;
      readonly reason: string;
      readonly headers: RtspHeaders;
      readonly body: Uint8Array;
    }
  | { readonly kind: "request"; readonly method: string; readonly headers: RtspHeaders }
  | {
      readonly kind: "packet";
      readonly channel: number;
      /** Valid only until the callback returns: the buffer is used again. */
      readonly payload: Uint8Array;
    };

/** Values in order of arrival, by lower-case name. */
export type RtspHeaders = ReadonlyMap<string, readonly string[]>;

/** Start line and headers together. */
export const HEAD_BYTES_MAX = 16 * 1024;
export const HEADER_COUNT_MAX = 100;
/** Session descriptions and everything else that has a body. */
export const BODY_BYTES_MAX = 64 * 1024;
/** This much in a row that is neither message nor packet ends the connection. */
export const GARBAGE_BYTES_MAX = 1024 * 1024;

const DOLLAR = 0x24;
const PACKET_HEADER_BYTES = 4;
const START_LINE = /^(?:RTSP\/\d\.\d (\d{3}) ?(.{0,200})|([A-Z_]{3,20}) \S{1,2048} RTSP\/\d\.\d)$/;
const METHOD_BYTES_MAX = 20;

export interface RtspReader {
  /**
   * Takes what came from the socket and hands on every item that is complete.
   *
   * @throws CameraError `PROTOCOL_ERROR` when a limit is passed. The reader is of no use afterwards.
   */
  push(chunk: Uint8Array): void;
  /** Bytes skipped so far because they were neither message nor packet. */
  garbageBytes(): number;
}

/**
 * Splits the byte stream of an RTSP connection into messages and interleaved packets, whatever the
 * pieces it comes in. After garbage it finds the next packet or message by itself: a packet is
 * believed then only if it carries RTP version 2 and is followed by another item.
 */
export function createRtspReader(onItem: (item: RtspItem) => void): RtspReader {
  let pending = Buffer.alloc(0);
  let pendingStart = 0;
  let pendingEnd = 0;
  let inSync = true;
  let garbageInRow = 0;
  let garbageTotal = 0;
  /** How far the search for the end of a head has come, so that no byte is searched twice. */
  let headSearched = 0;
  /** An item that is known to be cut short has this size; nothing is looked at before. */
  let neededBytes = 0;

  function skip(count: number): number {
    inSync = false;
    headSearched = 0;
    neededBytes = 0;
    garbageInRow += count;
    garbageTotal += count;
    if (garbageInRow > GARBAGE_BYTES_MAX)
      throw new CameraError(
        "PROTOCOL_ERROR",
        "Cannot read from camera: a megabyte in a row is neither RTSP nor RTP",
      );
    return count;
  }

  function deliver(item: RtspItem, size: number): number {
    inSync = true;
    garbageInRow = 0;
    headSearched = 0;
    neededBytes = 0;
    onItem(item);
    return size;
  }

  /** Bytes used up from the start of `view`, or 0 when more must come first. */
  function step(view: Buffer): number {
    if (view.length < neededBytes) return 0;
    if (view[0] === DOLLAR) {
      const size = packetSize(view, inSync);
      if (size === "garbage") return skip(1 + distanceToStart(view.subarray(1)));
      if (typeof size !== "number") {
        neededBytes = size.incomplete;
        return 0;
      }
      const payload = view.subarray(PACKET_HEADER_BYTES, size);
      return deliver({ kind: "packet", channel: view[1] ?? 0, payload }, size);
    }
    const look = looksLikeHead(view);
    if (look === "no") return skip(Math.max(1, distanceToStart(view)));
    if (look === "perhaps") return 0;
    const headSize = findHeadEnd(view, headSearched);
    if (headSize === 0) {
      headSearched = view.length;
      if (view.length > HEAD_BYTES_MAX) throw tooLong("a message head is longer than 16 KiB");
      return 0;
    }
    if (headSize > HEAD_BYTES_MAX) throw tooLong("a message head is longer than 16 KiB");
    return message(view, headSize);
  }

  function message(view: Buffer, headSize: number): number {
    const lines = view.toString("latin1", 0, headSize).trimEnd().split(/\r?\n/);
    const start = START_LINE.exec(lines[0] ?? "");
    if (start === null) return skip(Math.max(1, distanceToStart(view.subarray(1)) + 1));
    const headers = parseHeaders(lines.slice(1));
    const bodySize = contentLength(headers);
    const size = headSize + bodySize;
    if (view.length < size) {
      headSearched = headSize - 1;
      neededBytes = size;
      return 0;
    }
    if (start[3] !== undefined)
      return deliver({ kind: "request", method: start[3], headers }, size);
    const body = Uint8Array.from(view.subarray(headSize, size));
    const reason = start[2] ?? "";
    return deliver({ kind: "response", status: Number(start[1]), reason, headers, body }, size);
  }

  /** Parses as far as it goes and tells how many bytes it used. */
  function consume(view: Buffer): number {
    let offset = 0;
    while (offset < view.length) {
      const used = step(offset === 0 ? view : view.subarray(offset));
      if (used === 0) break;
      offset += used;
    }
    return offset;
  }

  function append(chunk: Uint8Array): void {
    const size = pendingEnd - pendingStart;
    if (pendingEnd + chunk.length > pending.length) {
      const needed = size + chunk.length;
      // Doubling keeps the cost linear when a camera sends byte by byte.
      const target = needed > pending.length ? Buffer.alloc(needed * 2) : pending;
      pending.copy(target, 0, pendingStart, pendingEnd);
      pending = target;
      pendingStart = 0;
      pendingEnd = size;
    }
    pending.set(chunk, pendingEnd);
    pendingEnd += chunk.length;
  }

  return {
    push(chunk) {
      if (pendingStart === pendingEnd) {
        // The usual case copies only the packet that the chunk cuts in two.
        const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
        const used = consume(view);
        pendingStart = 0;
        pendingEnd = 0;
        if (used < view.length) append(view.subarray(used));
        return;
      }
      append(chunk);
      pendingStart += consume(pending.subarray(pendingStart, pendingEnd));
    },
    garbageBytes: () => garbageTotal,
  };
}

function tooLong(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read from camera: ${what}`);
}

function packetSize(
  view: Buffer,
  inSync: boolean,
): number | "garbage" | { readonly incomplete: number } {
  // One byte past the header, since the RTP version is what tells a packet from chance.
  if (view.length <= PACKET_HEADER_BYTES) return { incomplete: PACKET_HEADER_BYTES + 1 };
  const size = PACKET_HEADER_BYTES + view.readUInt16BE(2);
  const isVersion2 = ((view[PACKET_HEADER_BYTES] ?? 0) & 0xc0) === 0x80;
  // The shortest there is: an RTCP receiver report without blocks has 8 bytes.
  if (size < PACKET_HEADER_BYTES + 8 || !isVersion2) return "garbage";
  if (inSync) return view.length < size ? { incomplete: size } : size;
  if (view.length <= size) return { incomplete: size + 1 };
  return isPossibleStart(view[size] ?? 0) ? size : "garbage";
}

function isPossibleStart(byte: number): boolean {
  return byte === DOLLAR || isCapital(byte);
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/** Bytes before the next one that could begin a packet or a message. */
function distanceToStart(view: Buffer): number {
  let distance = 0;
  while (distance < view.length && !isPossibleStart(view[distance] ?? 0)) distance += 1;
  return distance;
}

/** Whether a message (`RTSP/1.0 200` or `OPTIONS rtsp://...`) starts here, as far as one can see. */
function looksLikeHead(view: Buffer): "yes" | "no" | "perhaps" {
  const seen = Math.min(view.length, METHOD_BYTES_MAX + 1);
  for (let index = 0; index < seen; index += 1) {
    const byte = view[index] ?? 0;
    if (isCapital(byte) || (byte === 0x5f && index > 0)) continue;
    if (byte === 0x20) return index >= 3 ? "yes" : "no";
    if (byte === 0x2f) return view.toString("latin1", 0, index) === "RTSP" ? "yes" : "no";
    return "no";
  }
  return view.length > METHOD_BYTES_MAX ? "no" : "perhaps";
}

/** Size of the head with its empty line, or 0. Some cameras end lines with LF alone. */
function findHeadEnd(view: Buffer, searched: number): number {
  const limit = Math.min(view.length, HEAD_BYTES_MAX + 4);
  for (let index = Math.max(0, searched - 3); index < limit; index += 1) {
    if (view[index] !== 0x0a) continue;
    if (view[index + 1] === 0x0a && index + 1 < limit) return index + 2;
    if (view[index + 1] === 0x0d && view[index + 2] === 0x0a && index + 2 < limit) return index + 3;
  }
  return 0;
}

function parseHeaders(lines: readonly string[]): RtspHeaders {
  if (lines.length > HEADER_COUNT_MAX) throw tooLong("a message has more than 100 headers");
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    // Cameras do send stray lines (a banner, an empty header); they say nothing we use.
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else values.push(value);
  }
  return headers;
}

function contentLength(headers: RtspHeaders): number {
  const text = headers.get("content-length")?.[0];
  if (text === undefined) return 0;
  if (!/^\d{1,15}$/.test(text)) throw tooLong("Content-Length is not a number");
  const size = Number(text);
  if (size > BODY_BYTES_MAX) throw tooLong("a message body is longer than 64 KiB");
  return size;
}
