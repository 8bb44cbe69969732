/** As much of protocol buffers (https://protobuf.dev/programming-guides/encoding/) as ONNX takes. */
export interface Field {
  readonly number: number;
  readonly wire: number;
  /** Of a varint, or the content of a length-delimited or fixed field. */
  readonly value: number | Uint8Array;
}

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

/** @throws Error where the bytes end before a field does, or have a wire type that is not used. */
export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 49) throw new Error("Cannot read model: cut off");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error("Cannot read model: cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    const number = Math.floor(key / 8);
    if (wire === VARINT) fields.push({ number, wire, value: varint() });
    else if (wire === BYTES) fields.push({ number, wire, value: take(varint()) });
    else if (wire === FIXED_32 || wire === FIXED_64)
      fields.push({ number, wire, value: take(wire === FIXED_32 ? 4 : 8) });
    else throw new Error(`Cannot read model: wire type ${wire}`);
  }
  return fields;
}

export function writeFields(fields: readonly Field[]): Uint8Array {
  const parts: number[] = [];
  const chunks: Uint8Array[] = [];
  const varint = (value: number): void => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) parts.push((rest % 128) | 128);
    parts.push(rest);
  };
  for (const { number, wire, value } of fields) {
    varint(number * 8 + wire);
    if (typeof value === "number") varint(value);
    else {
      if (wire === BYTES) varint(value.length);
      chunks.push(Uint8Array.from(parts.splice(0)), value);
    }
  }
  chunks.push(Uint8Array.from(parts));
  return new Uint8Array(Buffer.concat(chunks));
}

export const raw = (number: number, value: Uint8Array): Field => ({ number, wire: BYTES, value });
export const text = (number: number, value: string): Field =>
  raw(number, new TextEncoder().encode(value));
export const message = (number: number, fields: readonly Field[]): Field =>
  raw(number, writeFields(fields));
/** From 0 on: nothing of a graph that is written here is negative. */
export const integer = (number: number, value: number): Field => ({ number, wire: VARINT, value });
export const float = (number: number, value: number): Field => ({
  ...{ number, wire: FIXED_32 },
  value: new Uint8Array(Float32Array.of(value).buffer),
});

export function contentOf({ value }: Field): Uint8Array {
  if (typeof value === "number") throw new Error("Cannot read model: a number for a message");
  return value;
}

export function textsOf(fields: readonly Field[], number: number): string[] {
  return fields
    .filter((field) => field.number === number)
    .map((field) => new TextDecoder().decode(contentOf(field)));
}
