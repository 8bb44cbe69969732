/** Bytes of `general_profile_space` up to `general_level_idc` (ITU-T H.265 section 7.3.3). */
export const HEVC_PROFILE_BYTES = 12;

/**
 * How RFC 6381 names H.265 (ISO/IEC 14496-15 annex E.3): profile, compatibility with its bits turned
 * around, tier and level, constraints without the zeros at their end.
 *
 * @param sampleEntry - `hvc1` or `hev1`.
 * @param profile - {@link HEVC_PROFILE_BYTES} bytes, as a parameter set and `hvcC` have them.
 * @returns For instance `hvc1.1.6.L93.90`; at most 40 characters.
 */
export function hevcCodec(sampleEntry: "hvc1" | "hev1", profile: Uint8Array): string {
  const [general = 0, ...rest] = profile;
  const space = ["", "A", "B", "C"][general >> 6] ?? "";
  const compatibility = rest.slice(0, 4).reduce((sum, byte) => sum * 256 + byte, 0);
  let turned = 0;
  for (let bit = 0; bit < 32; bit += 1)
    if (Math.floor(compatibility / 2 ** bit) % 2 === 1) turned += 2 ** (31 - bit);
  const constraints = rest.slice(4, 10);
  while (constraints.at(-1) === 0) constraints.pop();
  return [
    `${sampleEntry}.${space}${general & 0x1f}`,
    turned.toString(16).toUpperCase(),
    `${(general & 0x20) === 0 ? "L" : "H"}${rest[10] ?? 0}`,
    ...constraints.map((byte) => byte.toString(16).toUpperCase()),
  ].join(".");
}

/** Whether RFC 6381 means H.265 with it. */
export function isHevc(codec: string): boolean {
  return codec.startsWith("hvc1.") || codec.startsWith("hev1.");
}
