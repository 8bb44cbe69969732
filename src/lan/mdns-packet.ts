import { HubError } from "../protocol/errors.ts";

/** Messages of multicast DNS (RFC 1035, RFC 6762): as much of them as a name's address needs. */

export const TYPE_A = 1;
export const TYPE_AAAA = 28;
export const TYPE_NSEC = 47;
export const TYPE_ANY = 255;
const CLASS_IN = 1;
const CLASS_ANY = 255;
const PACKET_BYTES_MAX = 9_000;
const QUESTIONS_MAX = 64;
const RECORDS_MAX = 256;
const NAME_CHARACTERS_MAX = 255;
const POINTERS_MAX = 16;
const HEADER_BYTES = 12;
const FLAG_RESPONSE = 0x8000;
const FLAG_AUTHORITATIVE = 0x0400;
const TOP_BIT = 0x8000;

export interface MdnsQuestion {
  /** In small letters, without a dot at its end. */
  readonly name: string;
  readonly type: number;
  /** Answered to the asker alone. */
  readonly isUnicast: boolean;
}

export interface MdnsRecord {
  readonly name: string;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

export interface MdnsMessage {
  readonly id: number;
  readonly isResponse: boolean;
  readonly questions: readonly MdnsQuestion[];
  /** Of a response: all its records. Of a query: what the asker knows already. */
  readonly answers: readonly MdnsRecord[];
  /** Of a probe: what the asker means to be. */
  readonly proposed: readonly MdnsRecord[];
}

class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at = HEADER_BYTES;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint16(at?: number): number {
    const from = at ?? this.#take(2);
    if (from + 2 > this.bytes.length) throw malformed("it ends too early");
    return this.#view.getUint16(from);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  data(length: number): Uint8Array {
    const from = this.#take(length);
    return this.bytes.subarray(from, from + length);
  }

  name(): string {
    const labels: string[] = [];
    let characters = 0;
    let at = this.at;
    let isBehindPointer = false;
    for (let pointers = 0; ;) {
      const length = this.bytes[at];
      if (length === undefined) throw malformed("a name ends too early");
      if (length >= 0xc0) {
        const target = this.uint16(at) & 0x3fff;
        pointers += 1;
        // Only ever backwards, so that no name goes in circles.
        if (target >= at || pointers > POINTERS_MAX) throw malformed("a name points to itself");
        if (!isBehindPointer) this.at = at + 2;
        isBehindPointer = true;
        at = target;
        continue;
      }
      if (length > 63) throw malformed("a label is too long");
      at += 1;
      if (length === 0) break;
      characters += length + 1;
      if (at + length > this.bytes.length || characters > NAME_CHARACTERS_MAX)
        throw malformed("a name is too long");
      labels.push(Buffer.from(this.bytes.subarray(at, at + length)).toString("latin1"));
      at += length;
    }
    if (!isBehindPointer) this.at = at;
    return labels.join(".").toLowerCase();
  }

  #take(length: number): number {
    const from = this.at;
    if (from + length > this.bytes.length) throw malformed("it ends too early");
    this.at = from + length;
    return from;
  }
}

/** @throws HubError MALFORMED_INPUT for whatever is no such message, or is larger than any is. */
export function readMdns(bytes: Uint8Array): MdnsMessage {
  if (bytes.length < HEADER_BYTES || bytes.length > PACKET_BYTES_MAX) throw malformed("its size");
  const reader = new Reader(bytes);
  const flags = reader.uint16(2);
  // An operation or an answer code of its own: to be passed over (RFC 6762, 18.3 and 18.11).
  if ((flags & 0x780f) !== 0) throw malformed("it is no query and no answer");
  const [questionCount = 0, answerCount = 0, authorityCount = 0, additionalCount = 0] = [
    4, 6, 8, 10,
  ].map((at) => reader.uint16(at));
  if (questionCount > QUESTIONS_MAX || answerCount + authorityCount + additionalCount > RECORDS_MAX)
    throw malformed("it has too many parts");
  const questions = Array.from({ length: questionCount }, () => readQuestion(reader));
  const [answers, authorities, additionals] = [answerCount, authorityCount, additionalCount].map(
    (count) => Array.from({ length: count }, () => readRecord(reader)),
  ) as [(MdnsRecord | null)[], (MdnsRecord | null)[], (MdnsRecord | null)[]];
  const isResponse = (flags & FLAG_RESPONSE) !== 0;
  const ofTheInternet = (records: (MdnsRecord | null)[]) =>
    records.filter((record) => record !== null);
  return {
    id: reader.uint16(0),
    isResponse,
    questions: questions.filter((question) => question !== null),
    answers: ofTheInternet(isResponse ? [...answers, ...authorities, ...additionals] : answers),
    proposed: ofTheInternet(isResponse ? [] : authorities),
  };
}

/** Null for another class than the Internet's. */
function readQuestion(reader: Reader): MdnsQuestion | null {
  const name = reader.name();
  const type = reader.uint16();
  const kind = reader.uint16();
  const isInternet = [CLASS_IN, CLASS_ANY].includes(kind & ~TOP_BIT);
  return isInternet ? { name, type, isUnicast: (kind & TOP_BIT) !== 0 } : null;
}

function readRecord(reader: Reader): MdnsRecord | null {
  const name = reader.name();
  const type = reader.uint16();
  const kind = reader.uint16();
  const ttlSeconds = reader.uint32();
  const data = Uint8Array.from(reader.data(reader.uint16()));
  return (kind & ~TOP_BIT) === CLASS_IN ? { name, type, ttlSeconds, data } : null;
}

export interface MdnsToSend {
  /** 0 in all that is multicast; an asker of plain DNS gets his own back. */
  readonly id?: number;
  readonly isResponse: boolean;
  readonly questions?: readonly MdnsQuestion[];
  readonly answers?: readonly MdnsRecord[];
  readonly proposed?: readonly MdnsRecord[];
  readonly additional?: readonly MdnsRecord[];
  /** Whether records stand for all there is under their name; not to askers of plain DNS. */
  readonly isWhole?: boolean;
}

export function writeMdns(message: MdnsToSend): Uint8Array {
  const { id = 0, isResponse, isWhole = false } = message;
  const { questions = [], answers = [], proposed = [], additional = [] } = message;
  const header = Buffer.alloc(HEADER_BYTES);
  const flags = isResponse ? FLAG_RESPONSE | FLAG_AUTHORITATIVE : 0;
  const counts = [questions, answers, proposed, additional].map(({ length }) => length);
  for (const [index, value] of [id, flags, ...counts].entries())
    header.writeUInt16BE(value, index * 2);
  return Buffer.concat([
    header,
    ...questions.map(({ name, type, isUnicast }) =>
      Buffer.concat([nameBytes(name), words(type, CLASS_IN | (isUnicast ? TOP_BIT : 0))]),
    ),
    ...[...answers, ...proposed, ...additional].map(({ name, type, ttlSeconds, data }) => {
      const ttl = Buffer.alloc(4);
      ttl.writeUInt32BE(ttlSeconds);
      const kind = CLASS_IN | (isWhole ? TOP_BIT : 0);
      return Buffer.concat([nameBytes(name), words(type, kind), ttl, words(data.length), data]);
    }),
  ]);
}

/** That there is nothing under a name but these types (RFC 6762, 6.1). */
export function negativeRecord(
  name: string,
  types: readonly number[],
  ttlSeconds: number,
): MdnsRecord {
  const bitmap = Buffer.alloc(Math.floor(Math.max(...types) / 8) + 1);
  for (const type of types) bitmap[type >> 3] = (bitmap[type >> 3] ?? 0) | (0x80 >> (type & 7));
  const data = Buffer.concat([nameBytes(name), Buffer.from([0, bitmap.length]), bitmap]);
  return { name, type: TYPE_NSEC, ttlSeconds, data };
}

/** An address as its record has it: 4 or 16 bytes. */
export function addressBytes(address: string): Uint8Array {
  const plain = address.split("%")[0] ?? "";
  if (!plain.includes(":")) return Uint8Array.from(plain.split(".").map(Number));
  const [before = "", behind] = plain.split("::");
  const groups = (text: string | undefined) =>
    (text ?? "").split(":").filter((group) => group !== "");
  const head = groups(before);
  const tail = groups(behind);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  const values = [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(words(...values));
}

/** The other way. */
export function addressText(data: Uint8Array): string {
  if (data.length === 4) return [...data].join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((data[index * 2] ?? 0) << 8) | (data[index * 2 + 1] ?? 0)).toString(16),
  );
  return groups.join(":");
}

function nameBytes(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from(label, "latin1"));
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), label]),
    Buffer.from([0]),
  ]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function malformed(found: string): HubError {
  return new HubError("MALFORMED_INPUT", `Cannot read a message of multicast DNS: ${found}`);
}
