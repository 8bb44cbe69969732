import { CameraError } from "../camera-error.ts";

/**
 * A JPEG of a camera without anything but its picture: no EXIF, no place, no maker's notes, no
 * thumbnail, no comment, and nothing behind its end. The picture itself is not decoded.
 */

const START = 0xd8;
const END = 0xd9;
const SCAN = 0xda;
const ADOBE = 0xee;
const SIDE_MAX = 16_384;
const PIXELS_MAX = 64_000_000;

/** @throws CameraError `PROTOCOL_ERROR` where it is no JPEG by its bytes. */
export function stripStill(bytes: Uint8Array): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 4 || view[0] !== 0xff || view[1] !== START || view[2] !== 0xff)
    throw noPicture("it is no JPEG");
  const kept: Buffer[] = [view.subarray(0, 2)];
  let offset = 2;
  let hasFrame = false;
  for (;;) {
    while (view[offset] === 0xff && view[offset + 1] === 0xff) offset += 1;
    const marker = view[offset] === 0xff ? view[offset + 1] : undefined;
    if (marker === undefined) throw noPicture("it breaks off");
    if (marker === END) {
      if (!hasFrame) throw noPicture("it has no picture in it");
      kept.push(view.subarray(offset, offset + 2));
      return Buffer.concat(kept);
    }
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= START)) throw noPicture("it is malformed");
    if (offset + 4 > view.length) throw noPicture("it breaks off");
    const size = 2 + view.readUInt16BE(offset + 2);
    if (size < 4 || offset + size > view.length) throw noPicture("it breaks off");
    const segment = view.subarray(offset, offset + size);
    if (isFrame(marker)) {
      requireSize(segment);
      hasFrame = true;
    }
    if (isNeeded(marker, segment)) kept.push(segment);
    offset += size;
    if (marker === SCAN) {
      const end = scanEnd(view, offset);
      kept.push(view.subarray(offset, end));
      offset = end;
    }
  }
}

/** Of the application's segments only Adobe's says how to read the colours. */
function isNeeded(marker: number, segment: Buffer): boolean {
  if (marker === ADOBE)
    return segment.length === 16 && segment.toString("latin1", 4, 9) === "Adobe";
  return !(marker >= 0xe0 && marker <= 0xef) && marker !== 0xfe;
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function requireSize(segment: Buffer): void {
  if (segment.length < 9) throw noPicture("it is malformed");
  const height = segment.readUInt16BE(5);
  const width = segment.readUInt16BE(7);
  if (width === 0 || height === 0 || Math.max(width, height) > SIDE_MAX)
    throw noPicture("its size is none that a camera has");
  if (width * height > PIXELS_MAX) throw noPicture("its size is none that a camera has");
}

/** Where the coded data end: at a marker that is neither a stuffed byte nor a restart. */
function scanEnd(view: Buffer, start: number): number {
  for (
    let offset = view.indexOf(0xff, start);
    offset >= 0;
    offset = view.indexOf(0xff, offset + 1)
  ) {
    const next = view[offset + 1];
    if (next === undefined) break;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return offset;
  }
  throw noPicture("it breaks off");
}

function noPicture(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot show the camera's still: ${what}`);
}
