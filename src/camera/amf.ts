import { CameraError } from "./camera-error.ts";

// AMF0, the values of RTMP's commands (Adobe, "Action Message Format -- AMF 0").

export type AmfValue =
  | number
  | boolean
  | string
  | null
  | readonly AmfValue[]
  | { readonly [name: string]: AmfValue };

const NUMBER = 0;
const BOOLEAN = 1;
const STRING = 2;
const OBJECT = 3;
const NULL = 5;
const UNDEFINED = 6;
const ECMA_ARRAY = 8;
const OBJECT_END = 9;
const STRICT_ARRAY = 10;
const DATE = 11;
const LONG_STRING = 12;

const DEPTH_MAX = 8;
const VALUES_MAX = 1_000;

/** @throws CameraError `PROTOCOL_ERROR` for what is cut short, nested too deeply or too long. */
export function readAmf(bytes: Uint8Array): AmfValue[] {
  const reader = new AmfReader(bytes);
  const values: AmfValue[] = [];
  while (!reader.isAtEnd()) values.push(reader.value(0));
  return values;
}

class AmfReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(depth: number): AmfValue {
    this.#values += 1;
    if (depth > DEPTH_MAX || this.#values > VALUES_MAX) throw malformed("too much in it");
    const marker = this.#view.getUint8(this.#take(1));
    switch (marker) {
      case NUMBER:
        return this.#view.getFloat64(this.#take(8));
      case BOOLEAN:
        return this.#view.getUint8(this.#take(1)) !== 0;
      case STRING:
        return this.#text(this.#view.getUint16(this.#take(2)));
      case LONG_STRING:
        return this.#text(this.#view.getUint32(this.#take(4)));
      case NULL:
      case UNDEFINED:
        return null;
      case ECMA_ARRAY:
        this.#take(4);
        return this.#members(depth);
      case OBJECT:
        return this.#members(depth);
      case STRICT_ARRAY:
        return this.#list(this.#view.getUint32(this.#take(4)), depth);
      case DATE:
        return this.#view.getFloat64(this.#take(10));
      default:
        throw malformed(`a value of type ${marker}`);
    }
  }

  #members(depth: number): { readonly [name: string]: AmfValue } {
    const members = new Map<string, AmfValue>();
    for (;;) {
      const name = this.#text(this.#view.getUint16(this.#take(2)));
      if (name === "" && this.#bytes[this.#at] === OBJECT_END) {
        this.#take(1);
        // From entries, a member named `__proto__` is one like any other.
        return Object.fromEntries(members);
      }
      members.set(name, this.value(depth + 1));
    }
  }

  #list(length: number, depth: number): AmfValue[] {
    if (length > VALUES_MAX) throw malformed("too much in it");
    return Array.from({ length }, () => this.value(depth + 1));
  }

  #text(length: number): string {
    const at = this.#take(length);
    return Buffer.from(this.#bytes.subarray(at, at + length)).toString("utf8");
  }

  /** The place of the next bytes, behind which reading goes on. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw malformed("it is cut short");
    this.#at += count;
    return at;
  }
}

export function writeAmf(values: readonly AmfValue[]): Buffer {
  return Buffer.concat(values.map(encode));
}

function encode(value: AmfValue): Buffer {
  if (typeof value === "number") {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === "boolean") return Buffer.from([BOOLEAN, value ? 1 : 0]);
  if (typeof value === "string") return Buffer.concat([Buffer.from([STRING]), counted(value)]);
  if (value === null) return Buffer.from([NULL]);
  if (Array.isArray(value)) throw new Error("Nothing of ours is a list");
  const members = Object.entries(value).flatMap(([name, member]) => [
    counted(name),
    encode(member),
  ]);
  return Buffer.concat([Buffer.from([OBJECT]), ...members, Buffer.from([0, 0, OBJECT_END])]);
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function malformed(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read RTMP command: ${what}`);
}
