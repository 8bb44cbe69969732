// Bits of a parameter set, as ITU-T H.264 and H.265 write them (sections 7.2, 7.4 and 9).

export interface BitReader {
  /** `u(n)`; at most 32 bits. */
  fixed(count: number): number;
  skip(count: number): void;
  /** `ue(v)`. */
  unsigned(): number;
  /** `se(v)`. */
  signed(): number;
  isPastEnd(): boolean;
}

/** Reads zeros past the end and remembers that it did, so that no field needs its own check. */
export function createBitReader(bytes: Uint8Array): BitReader {
  let position = 0;
  const bit = (): number => {
    const value = ((bytes[position >> 3] ?? 0) >> (7 - (position & 7))) & 1;
    position += 1;
    return value;
  };
  const fixed = (count: number): number => {
    let value = 0;
    for (let index = 0; index < count; index += 1) value = value * 2 + bit();
    return value;
  };
  const unsigned = (): number => {
    let zeros = 0;
    while (zeros < 32 && bit() === 0) zeros += 1;
    return 2 ** zeros - 1 + fixed(zeros);
  };
  return {
    fixed,
    unsigned,
    skip: (count) => void (position += count),
    signed: () => {
      const code = unsigned();
      return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
    },
    isPastEnd: () => position > bytes.length * 8,
  };
}

/** Removes emulation prevention bytes. */
export function withoutEmulation(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let size = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[size] = byte;
    size += 1;
  }
  return out.subarray(0, size);
}
