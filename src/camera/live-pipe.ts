import { utf8Bytes, utf8Text } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";
import type { TrackInit } from "../protocol/fragment.ts";
import { parseCameraId, type CameraId } from "../protocol/ids.ts";
import { LIVE_FRAME_BYTES_MAX, readLiveFragment } from "../protocol/live-frame.ts";

/**
 * The second pipe between ingest process and hub: pictures of streams that somebody looks at, one
 * way. JSON is unfit for them. Each message is its length (u32, little-endian, of what follows),
 * u8 kind, u8 stream, u8 length of the camera's id, the id, and what belongs to the kind. The sender
 * has parsed hostile bytes, so the reader believes it nothing (invariant 12).
 */
export type StreamRole = "main" | "sub";

export type LivePicture = {
  readonly camera: CameraId;
  readonly stream: StreamRole;
} & (
  | { readonly kind: "init"; readonly init: TrackInit }
  | {
      readonly kind: "fragment";
      readonly track: "video" | "audio";
      readonly keyFrame: boolean;
      /** As `live-frame.ts` has it: the very bytes that viewers are sent. */
      readonly frame: Uint8Array;
    }
  /** Left out by the ingest process because the hub did not keep up; a key frame follows. */
  | { readonly kind: "skipped"; readonly fragments: number }
);

const INIT = 1;
const FRAGMENT = 2;
const SKIPPED = 3;
const CAMERA_BYTES_MAX = 32;
/** RFC 6381. */
const CODEC = /^[\w.-]{1,40}$/;
const INIT_HEAD_BYTES = 14;
const PIXELS_MAX = 16_384;
const TIMESCALE_MAX = 10_000_000;
/** Parameter sets and boxes: a few hundred bytes in truth. */
const INIT_BYTES_MAX = 64 * 1024;
const HEAD_BYTES_MAX = 3 + CAMERA_BYTES_MAX;
/** Of one message, its length apart. */
export const PIPE_MESSAGE_BYTES_MAX = HEAD_BYTES_MAX + LIVE_FRAME_BYTES_MAX;

/**
 * @returns the parts of one message, to be written one after the other: the frame is not copied.
 * @throws MalformedInput for an initialisation segment that the other end would not read; the
 * camera has chosen what is in it.
 */
export function encodePicture(picture: LivePicture): Uint8Array[] {
  switch (picture.kind) {
    case "init":
      return [...headOf(INIT, picture, encodeInit(picture.init))];
    case "fragment":
      return [...headOf(FRAGMENT, picture, picture.frame)];
    case "skipped": {
      const count = new Uint8Array(4);
      const fragments = Math.min(picture.fragments, 0xffffffff);
      new DataView(count.buffer).setUint32(0, fragments, true);
      return [...headOf(SKIPPED, picture, count)];
    }
  }
}

function headOf(
  kind: number,
  { camera, stream }: Pick<LivePicture, "camera" | "stream">,
  content: Uint8Array,
): [Uint8Array, Uint8Array] {
  const id = utf8Bytes(camera);
  const head = new Uint8Array(7 + id.length);
  new DataView(head.buffer).setUint32(0, 3 + id.length + content.length, true);
  head.set([kind, stream === "sub" ? 1 : 0, id.length], 4);
  head.set(id, 7);
  return [head, content];
}

function encodeInit(init: TrackInit): Uint8Array {
  const { track, codec, timescale, width, height, bytes } = requireInit(init);
  const name = utf8Bytes(codec);
  const out = new Uint8Array(INIT_HEAD_BYTES + name.length + bytes.length);
  const view = new DataView(out.buffer);
  view.setUint8(0, track === "audio" ? 1 : 0);
  view.setUint8(1, name.length);
  view.setUint32(2, width, true);
  view.setUint32(6, height, true);
  view.setUint32(10, timescale, true);
  out.set(name, INIT_HEAD_BYTES);
  out.set(bytes, INIT_HEAD_BYTES + name.length);
  return out;
}

/** Reads one message, its length apart. @throws MalformedInput */
export function readPicture(message: Uint8Array): LivePicture {
  const [kind = 0, stream = 0, idLength = 0] = message;
  if (stream > 1) throw malformed("stream", "is neither main nor sub");
  if (idLength > CAMERA_BYTES_MAX || message.length < 3 + idLength)
    throw malformed("camera", "is cut off");
  const common = {
    camera: parseCameraId(utf8Text(message.subarray(3, 3 + idLength), "camera")),
    stream: stream === 1 ? "sub" : "main",
  } as const;
  const content = message.subarray(3 + idLength);
  switch (kind) {
    case INIT:
      return { ...common, kind: "init", init: readInit(content) };
    case FRAGMENT: {
      const { track, keyFrame } = readLiveFragment(content);
      return { ...common, kind: "fragment", track, keyFrame, frame: content };
    }
    case SKIPPED: {
      if (content.length !== 4) throw malformed("skipped", "is not four bytes");
      const fragments = viewOf(content).getUint32(0, true);
      if (fragments === 0) throw malformed("skipped", "is nothing");
      return { ...common, kind: "skipped", fragments };
    }
    default:
      throw malformed("kind", `is ${kind}`);
  }
}

function readInit(content: Uint8Array): TrackInit {
  if (content.length < INIT_HEAD_BYTES) throw malformed("init", "is cut off");
  const view = viewOf(content);
  const track = view.getUint8(0);
  if (track > 1) throw malformed("track", "is neither video nor audio");
  const nameEnd = INIT_HEAD_BYTES + view.getUint8(1);
  return requireInit({
    track: track === 1 ? "audio" : "video",
    codec: utf8Text(content.subarray(INIT_HEAD_BYTES, nameEnd), "codec"),
    width: view.getUint32(2, true),
    height: view.getUint32(6, true),
    timescale: view.getUint32(10, true),
    bytes: content.slice(nameEnd),
  });
}

function requireInit(init: TrackInit): TrackInit {
  const { codec, timescale, width, height, bytes } = init;
  if (!CODEC.test(codec)) throw malformed("codec", "is not a codec's name");
  if (width > PIXELS_MAX || height > PIXELS_MAX) throw malformed("init", "is too large a picture");
  if (timescale < 1 || timescale > TIMESCALE_MAX) throw malformed("timescale", "is out of range");
  if (bytes.length < 8 || bytes.length > INIT_BYTES_MAX)
    throw malformed("init", "has a wrong size");
  return init;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(field: string, found: string): MalformedInput {
  return new MalformedInput(field, `Cannot read picture of the ingest process: ${field} ${found}`);
}

/**
 * Puts messages together again from the pieces in which a pipe hands them over. Holds at most one
 * message; each has memory of its own, so that nobody who keeps one keeps others with it.
 */
export class PicturePipeReader {
  readonly #onPicture: (picture: LivePicture) => void;
  readonly #length = new Uint8Array(4);
  #lengthBytes = 0;
  #message: Uint8Array | null = null;
  #filled = 0;

  constructor(onPicture: (picture: LivePicture) => void) {
    this.#onPicture = onPicture;
  }

  /** @throws MalformedInput; nothing that comes after can be believed then. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#message === null) at += this.#takeLength(chunk, at);
      else at += this.#takeMessage(this.#message, chunk, at);
    }
  }

  #takeLength(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + 4 - this.#lengthBytes);
    this.#length.set(part, this.#lengthBytes);
    this.#lengthBytes += part.length;
    if (this.#lengthBytes === 4) {
      const bytes = viewOf(this.#length).getUint32(0, true);
      if (bytes < 3 || bytes > PIPE_MESSAGE_BYTES_MAX)
        throw malformed("length", `is ${bytes} bytes`);
      this.#lengthBytes = 0;
      this.#message = new Uint8Array(bytes);
      this.#filled = 0;
    }
    return part.length;
  }

  #takeMessage(message: Uint8Array, chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + message.length - this.#filled);
    message.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled === message.length) {
      this.#message = null;
      this.#onPicture(readPicture(message));
    }
    return part.length;
  }
}
