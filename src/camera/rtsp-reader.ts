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
/** Longer than any start line that is taken. */
const LINE_BYTES_MAX = 2_300;
/** Packets of this size may always come, whatever came before. */
const LIKELY_BYTES_MIN = 2_048;
/** After this much garbage in a row, any packet is as likely as any other again. */
const UNLEARN_BYTES = 16 * 1024;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
/** Content types of TLS records: alert and handshake. Both are followed by the major version 3. */
const TLS_RECORDS = new Set([0x15, 0x16]);

/**
 * Splits the byte stream of an RTSP connection into messages and interleaved packets, whatever the
 * pieces it comes in. After garbage it finds the next packet or message by itself: a packet is
 * believed then only if it carries RTP version 2, on a channel and of a size as before, and is
 * followed by another item.
 */
export class RtspReader {
  readonly #onItem: (item: RtspItem) => void;
  #pending: Buffer = Buffer.alloc(0);
  #pendingStart = 0;
  #pendingEnd = 0;
  #inSync = true;
  #isFirst = true;
  readonly #seen: SeenPackets = { channels: new Set(), largestBytes: 0 };
  #garbageInRow = 0;
  #garbageTotal = 0;
  /** How far the search for the end of a head has come, so that no byte is searched twice. */
  #headSearched = 0;
  /** An item that is known to be cut short has this size; nothing is looked at before. */
  #neededBytes = 0;

  constructor(onItem: (item: RtspItem) => void) {
    this.#onItem = onItem;
  }

  /** Bytes skipped so far because they were neither message nor packet. */
  get garbageBytes(): number {
    return this.#garbageTotal;
  }

  /**
   * Takes what came from the socket and hands on every item that is complete.
   *
   * @throws CameraError `PROTOCOL_ERROR` when a limit is passed. The reader is of no use afterwards.
   */
  push(chunk: Uint8Array): void {
    if (this.#pendingStart === this.#pendingEnd) {
      // The usual case copies only the packet that the chunk cuts in two.
      const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      const used = this.#consume(view);
      this.#pendingStart = 0;
      this.#pendingEnd = 0;
      if (used < view.length) this.#append(view.subarray(used));
      return;
    }
    this.#append(chunk);
    this.#pendingStart += this.#consume(
      this.#pending.subarray(this.#pendingStart, this.#pendingEnd),
    );
  }

  /** Parses as far as it goes and tells how many bytes it used. */
  #consume(view: Buffer): number {
    let offset = 0;
    while (offset < view.length) {
      const used = this.#step(offset === 0 ? view : view.subarray(offset));
      if (used === 0) break;
      offset += used;
    }
    return offset;
  }

  /** Bytes used up from the start of `view`, or 0 when more must come first. */
  #step(view: Buffer): number {
    if (view.length < this.#neededBytes) return 0;
    if (view[0] === DOLLAR) return this.#packet(view);
    // Some cameras end a body, or a message, with one line end too many.
    if (this.#inSync && isLineEnd(view[0])) return this.#passOver(lineEnds(view));
    if (this.#isFirst) requireOwnProtocol(view);
    const look = looksLikeHead(view);
    if (look === "no") return this.#skip(Math.max(1, distanceToStart(view)));
    if (look === "perhaps") return 0;
    const headSize = findHeadEnd(view, this.#headSearched);
    if (headSize > HEAD_BYTES_MAX || (headSize === 0 && view.length > HEAD_BYTES_MAX)) {
      // In the middle of pictures, a few letters by chance are no message.
      if (!this.#inSync) return this.#skip(1 + distanceToStart(view.subarray(1)));
      throw tooLong("a message head is longer than 16 KiB");
    }
    if (headSize > 0) return this.#message(view, headSize);
    this.#headSearched = view.length;
    return 0;
  }

  #packet(view: Buffer): number {
    const size = packetSize(view, this.#inSync, this.#seen);
    if (size === "garbage") return this.#skip(1 + distanceToStart(view.subarray(1)));
    if (typeof size !== "number") {
      this.#neededBytes = size.incomplete;
      return 0;
    }
    const channel = view[1] ?? 0;
    this.#seen.channels.add(channel);
    this.#seen.largestBytes = Math.max(this.#seen.largestBytes, size);
    const payload = view.subarray(PACKET_HEADER_BYTES, size);
    return this.#deliver({ kind: "packet", channel, payload }, size);
  }

  #message(view: Buffer, headSize: number): number {
    const lines = view.toString("latin1", 0, headSize).trimEnd().split(/\r?\n/);
    const start = START_LINE.exec(lines[0] ?? "");
    if (start === null) return this.#skip(1 + distanceToStart(view.subarray(1)));
    const headers = parseHeaders(lines.slice(1));
    const size = headSize + contentLength(headers);
    if (view.length < size) {
      this.#headSearched = headSize - 1;
      this.#neededBytes = size;
      return 0;
    }
    const method = start[3];
    if (method !== undefined) return this.#deliver({ kind: "request", method, headers }, size);
    const body = Uint8Array.from(view.subarray(headSize, size));
    const status = Number(start[1]);
    return this.#deliver({ kind: "response", status, reason: start[2] ?? "", headers, body }, size);
  }

  #skip(count: number): number {
    this.#inSync = false;
    return this.#passOver(count);
  }

  #passOver(count: number): number {
    this.#headSearched = 0;
    this.#neededBytes = 0;
    this.#garbageInRow += count;
    this.#garbageTotal += count;
    // What was learned may itself have been garbage.
    if (this.#garbageInRow > UNLEARN_BYTES) {
      this.#seen.channels.clear();
      this.#seen.largestBytes = 0;
    }
    if (this.#garbageInRow > GARBAGE_BYTES_MAX)
      throw tooLong("a megabyte in a row is neither RTSP nor RTP");
    return count;
  }

  #deliver(item: RtspItem, size: number): number {
    this.#inSync = true;
    this.#isFirst = false;
    this.#garbageInRow = 0;
    this.#headSearched = 0;
    this.#neededBytes = 0;
    this.#onItem(item);
    return size;
  }

  #append(chunk: Uint8Array): void {
    if (this.#pendingEnd + chunk.length > this.#pending.length) {
      const size = this.#pendingEnd - this.#pendingStart;
      const needed = size + chunk.length;
      // Doubling keeps the cost linear when a camera sends byte by byte.
      const target = needed > this.#pending.length ? Buffer.alloc(needed * 2) : this.#pending;
      this.#pending.copy(target, 0, this.#pendingStart, this.#pendingEnd);
      this.#pending = target;
      this.#pendingStart = 0;
      this.#pendingEnd = size;
    }
    this.#pending.set(chunk, this.#pendingEnd);
    this.#pendingEnd += chunk.length;
  }
}

function tooLong(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read from camera: ${what}`);
}

/** Says what answers there, where it is plainly something else: the port is wrong then. */
function requireOwnProtocol(view: Buffer): void {
  const isTls = TLS_RECORDS.has(view[0] ?? 0) && view[1] === 3;
  if (!isTls && view.toString("latin1", 0, 5) !== "HTTP/") return;
  const found = isTls ? "an encrypted service (TLS)" : "a web server (HTTP)";
  throw new CameraError(
    "PROTOCOL_ERROR",
    `Cannot read from camera: ${found} answers on this port; cameras' streams are mostly on 554`,
  );
}

/** What the packets so far were like, to tell the next one from chance by. */
interface SeenPackets {
  readonly channels: Set<number>;
  largestBytes: number;
}

function packetSize(
  view: Buffer,
  inSync: boolean,
  { channels, largestBytes }: SeenPackets,
): number | "garbage" | { readonly incomplete: number } {
  // One byte past the header, since the RTP version is what tells a packet from chance.
  if (view.length <= PACKET_HEADER_BYTES) return { incomplete: PACKET_HEADER_BYTES + 1 };
  const size = PACKET_HEADER_BYTES + view.readUInt16BE(2);
  const isVersion2 = ((view[PACKET_HEADER_BYTES] ?? 0) & 0xc0) === 0x80;
  // The shortest there is: an RTCP receiver report without blocks has 8 bytes.
  const isRtp = size >= PACKET_HEADER_BYTES + 8 && isVersion2;
  if (inSync && isRtp) return view.length < size ? { incomplete: size } : size;
  // Waiting for 64 KiB that chance has promised would cost a slow stream many seconds.
  const isLikely =
    channels.size === 0 ||
    (channels.has(view[1] ?? 0) && size <= Math.max(LIKELY_BYTES_MIN, largestBytes * 2));
  if (!inSync && !(isRtp && isLikely)) return "garbage";
  // In its place, a packet that is not RTP is some maker's own, if another item follows it.
  if (view.length < size + 2) return { incomplete: size + 2 };
  return isItemStart(view[size], view[size + 1], channels) ? size : "garbage";
}

function isItemStart(
  first: number | undefined,
  second: number | undefined,
  channels: ReadonlySet<number>,
): boolean {
  if (first === DOLLAR) return channels.size === 0 || channels.has(second ?? 0);
  return isCapital(first) && isCapital(second);
}

function isPossibleStart(byte: number): boolean {
  return byte === DOLLAR || isCapital(byte);
}

function isCapital(byte = 0): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === CARRIAGE_RETURN || byte === LINE_FEED;
}

function lineEnds(view: Buffer): number {
  let count = 0;
  while (isLineEnd(view[count])) count += 1;
  return count;
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
    if (byte === 0x20) return index >= 3 && isTextLine(view) ? "yes" : "no";
    if (byte === 0x2f)
      return view.toString("latin1", 0, index) === "RTSP" && isTextLine(view) ? "yes" : "no";
    return "no";
  }
  return view.length > METHOD_BYTES_MAX ? "no" : "perhaps";
}

/** Whether the first line has an end in time and no control character, as far as one can see. */
function isTextLine(view: Buffer): boolean {
  const seen = Math.min(view.length, LINE_BYTES_MAX);
  for (let index = 0; index < seen; index += 1) {
    const byte = view[index] ?? 0;
    if (isLineEnd(byte)) return true;
    if (byte < 0x20 || byte === 0x7f) return false;
  }
  return view.length < LINE_BYTES_MAX;
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
  let before: string[] | null = null;
  for (const line of lines) {
    // A line that begins with a space goes on with the header before (RFC 2326 section 4.2).
    if (before !== null && /^[ \t]/.test(line)) before.push(`${before.pop() ?? ""} ${line.trim()}`);
    const colon = line.indexOf(":");
    // Cameras do send stray lines (a banner, an empty header); they say nothing we use.
    if (colon <= 0 || /^[ \t]/.test(line)) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const values = headers.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    headers.set(name, values);
    before = values;
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
