import { open } from "node:fs/promises";

/**
 * Signs of footage in the clear: how the files and streams that carry it begin. Each is long
 * enough not to turn up by chance in terabytes of ciphertext.
 */
const SIGNS: readonly { readonly what: string; readonly bytes: Buffer }[] = [
  ...["iso", "mp4", "avc", "MSN", "M4V", "dash"].map((brand) => ({
    what: "an MP4 file's beginning",
    bytes: Buffer.from(`ftyp${brand}`, "latin1"),
  })),
  // `moof` followed by a box of 16 bytes, `mfhd`: a fragment as the hub makes them.
  { what: "an MP4 fragment", bytes: Buffer.from("moof\0\0\0\u0010mfhd", "latin1") },
  { what: "an MP4 index", bytes: Buffer.from("moov\0\0\0lmvhd", "latin1") },
  // A start code, a sequence parameter set, and the profiles that cameras use.
  ...[0x42, 0x4d, 0x58, 0x64].map((profile) => ({
    what: "an H.264 stream",
    bytes: Buffer.from([0, 0, 0, 1, 0x67, profile]),
  })),
  // A start code and a video parameter set: the first of a stream of one layer.
  { what: "an H.265 stream", bytes: Buffer.from([0, 0, 0, 1, 0x40, 0x01, 0x0c]) },
  { what: "a JPEG picture", bytes: Buffer.from("ffd8ffe000104a464946", "hex") },
  { what: "a PNG picture", bytes: Buffer.from("89504e470d0a1a0a", "hex") },
];
const OVERLAP_BYTES = Math.max(...SIGNS.map(({ bytes }) => bytes.length)) - 1;
const WINDOW_BYTES = 1024 * 1024;

/** What of footage in the clear `bytes` holds, or null. */
export function plaintextIn(bytes: Uint8Array): string | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return SIGNS.find((sign) => buffer.includes(sign.bytes))?.what ?? null;
}

/** The same for a file of any size. */
export async function plaintextInFile(file: string): Promise<string | null> {
  await using handle = await open(file, "r");
  const window = Buffer.alloc(WINDOW_BYTES + OVERLAP_BYTES);
  for (let kept = 0; ;) {
    const { bytesRead } = await handle.read(window, kept, WINDOW_BYTES);
    if (bytesRead === 0) return null;
    const end = kept + bytesRead;
    const found = plaintextIn(window.subarray(0, end));
    if (found !== null) return found;
    kept = Math.min(OVERLAP_BYTES, end);
    window.copyWithin(0, end - kept, end);
  }
}
