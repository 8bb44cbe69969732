/** Exp-Golomb `ue(v)` of ITU-T H.264 section 9.1, as text of 0 and 1. */
function unsigned(value: number): string {
  const bits = (value + 1).toString(2);
  return "0".repeat(bits.length - 1) + bits;
}

/** A sequence parameter set of Baseline profile that says what it is told to say. */
export function sequenceSet(options: {
  readonly width: number;
  readonly height: number;
  readonly id?: number;
  readonly timing?: { readonly unitsInTick: number; readonly timeScale: number };
}): Buffer {
  const { width, height, id = 0, timing } = options;
  const fixed = (value: number): string => value.toString(2).padStart(32, "0");
  const usability =
    timing === undefined
      ? "0"
      : `1${"0000"}1${fixed(timing.unitsInTick)}${fixed(timing.timeScale)}1${"0000"}`;
  const bits = [
    ...[unsigned(id), unsigned(0), unsigned(2), unsigned(1), "0"],
    ...[unsigned(Math.ceil(width / 16) - 1), unsigned(Math.ceil(height / 16) - 1)],
    ...["1", "1", "0", usability, "1"],
  ].join("");
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.padEnd(8, "0"), 2));
  return withEmulation(Buffer.from([0x67, 66, 0xc0, 40, ...bytes]));
}

/** Emulation prevention, section 7.4.1. */
function withEmulation(bytes: Uint8Array): Buffer {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out.push(byte);
  }
  return Buffer.from(out);
}
