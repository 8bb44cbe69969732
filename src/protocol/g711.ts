/**
 * Telephone sound (ITU-T G.711): one byte a sample, 8,000 samples a second. RTP and ONVIF call the
 * two laws PCMU and PCMA (RFC 3551 section 4.5.14).
 */
export type G711Law = "PCMU" | "PCMA";

export const G711_SAMPLE_RATE = 8_000;
/** What one byte is as 16-bit sound where nobody says anything. */
export const G711_SILENCE: Readonly<Record<G711Law, number>> = { PCMU: 0xff, PCMA: 0xd5 };

/** Mu-law compresses 14 bits, of which this much is added to make its segments powers of two. */
const MU_BIAS = 0x84;
const MU_CLIP = 32_635;
const A_TOGGLE = 0x55;

/** Expands one mu-law byte to 16 bits (ITU-T G.711 table 2; the 14 bits of the table times four). */
function expandMu(code: number): number {
  const inverted = ~code & 0xff;
  const segment = (inverted >> 4) & 0x07;
  const magnitude = (((inverted & 0x0f) << 3) + MU_BIAS) << segment;
  return (inverted & 0x80) === 0 ? magnitude - MU_BIAS : MU_BIAS - magnitude;
}

/** Expands one A-law byte to 16 bits (ITU-T G.711 table 1; the 13 bits of the table times eight). */
function expandA(code: number): number {
  const toggled = code ^ A_TOGGLE;
  const segment = (toggled >> 4) & 0x07;
  const step = ((toggled & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return (toggled & 0x80) === 0 ? -magnitude : magnitude;
}

function compressMu(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), MU_CLIP) + MU_BIAS;
  // 31 - clz32 is the place of the highest bit set: 7 to 14.
  const segment = 31 - Math.clz32(magnitude) - 7;
  const step = (magnitude >> (segment + 3)) & 0x0f;
  return ~(sign | (segment << 4) | step) & 0xff;
}

function compressA(sample: number): number {
  const isNegative = sample < 0;
  // The one's complement, so that -1 to -16 are as quiet as 0 to 15.
  const magnitude = isNegative ? ~sample : sample;
  const segment = Math.max(0, 31 - Math.clz32(magnitude) - 7);
  const step = (magnitude >> (segment === 0 ? 4 : segment + 3)) & 0x0f;
  return ((isNegative ? 0 : 0x80) | (segment << 4) | step) ^ A_TOGGLE;
}

const CODES = Array.from({ length: 256 }, (_, code) => code);
const EXPANDED: Readonly<Record<G711Law, Int16Array>> = {
  PCMU: Int16Array.from(CODES, expandMu),
  PCMA: Int16Array.from(CODES, expandA),
};

/** Every byte is a sample: no input is wrong. @returns 16-bit samples, one for each byte. */
export function decodeG711(law: G711Law, codes: Uint8Array): Int16Array<ArrayBuffer> {
  const table = EXPANDED[law];
  const samples = new Int16Array(codes.length);
  for (let index = 0; index < codes.length; index += 1)
    samples[index] = table[codes[index] ?? 0] ?? 0;
  return samples;
}

/** @param samples - 16-bit sound at 8,000 Hz. @returns one byte for each sample. */
export function encodeG711(law: G711Law, samples: Int16Array): Uint8Array<ArrayBuffer> {
  const compress = law === "PCMU" ? compressMu : compressA;
  const codes = new Uint8Array(samples.length);
  for (let index = 0; index < samples.length; index += 1)
    codes[index] = compress(samples[index] ?? 0);
  return codes;
}
