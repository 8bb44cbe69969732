/** `nal_unit_type` of H.264 (ITU-T H.264, table 7-1). */
const SLICE = 1;
const KEY_SLICE = 5;
/** What may stand beside slices: supplements, parameter sets, delimiters and filling. */
const BESIDE_SLICES: ReadonlySet<number> = new Set([6, 7, 8, 9, 12]);
const LENGTH_BYTES = 4;

/**
 * Whether bytes have the form of one picture in H.264, without decoding it: NAL units whose 4-byte
 * lengths add up exactly, of kinds that a picture has, the first slice at the picture's beginning, and
 * all slices those of a key frame or none of them.
 *
 * @returns What is wrong, to stand behind a name of the picture; null where nothing is.
 */
export function pictureProblem(bytes: Uint8Array, keyFrame: boolean): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let slices = 0;
  for (let at = 0; at < bytes.length;) {
    if (at + LENGTH_BYTES > bytes.length) return "ends in the length of a part";
    const length = view.getUint32(at);
    const start = at + LENGTH_BYTES;
    if (length < 2 || start + length > bytes.length) return "has a part of an impossible length";
    const header = view.getUint8(start);
    const type = header & 0x1f;
    if ((header & 0x80) !== 0) return "has a part that is damaged";
    if (type === SLICE || type === KEY_SLICE) {
      if ((type === KEY_SLICE) !== keyFrame) return "is a key frame in part";
      // `first_mb_in_slice` is 0 where the first bit is set.
      if (slices === 0 && (view.getUint8(start + 1) & 0x80) === 0) return "has no beginning";
      slices += 1;
    } else if (!BESIDE_SLICES.has(type)) return "has a part of another kind";
    at = start + length;
  }
  return slices === 0 ? "shows nothing" : null;
}
