import { MalformedInput } from "../../../src/protocol/errors.ts";
import type { LiveServerMessage } from "../../../src/protocol/live-messages.ts";

/** A track's beginning, its segment unpacked. */
export interface LiveInit extends Omit<Extract<LiveServerMessage, { type: "init" }>, "bytes"> {
  readonly bytes: Uint8Array<ArrayBuffer>;
}
export type LiveMessage = Exclude<LiveServerMessage, { type: "init" }> | LiveInit;

/** An initialisation segment in base64, and what stands around it. */
const TEXT_MAX = 132 * 1024;
const CODEC = /^[\w.-]{1,40}$/;
const PIXELS_MAX = 16_384;
const TIMESCALE_MAX = 10_000_000;

/**
 * Reads what the hub says over a live socket. By hand and not with the schema, so that the library
 * for schemas is not part of what is loaded before the first picture.
 *
 * @throws MalformedInput for what `LiveServerMessageSchema` would not take.
 */
export function readLiveMessage(text: string): LiveMessage {
  if (text.length > TEXT_MAX) throw malformed("message", "is too long");
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw malformed("message", "is no JSON");
  }
  if (typeof message !== "object" || message === null) throw malformed("message", "is no object");
  const found = message as Readonly<Record<string, unknown>>;
  switch (found["type"]) {
    case "init":
      return readInit(found);
    case "skipped":
      return { type: "skipped", fragments: whole(found, "fragments", 1) };
    case "waiting":
      return {
        type: "waiting",
        reason: words(found, "reason", 40),
        ...(found["message"] === undefined ? {} : { message: words(found, "message", 500) }),
      };
    case "pong":
      if (typeof found["atMs"] !== "number") throw malformed("atMs", "is no number");
      return { type: "pong", atMs: found["atMs"], hubMs: whole(found, "hubMs", 0) };
    default:
      throw malformed("type", "is unknown");
  }
}

function readInit(found: Readonly<Record<string, unknown>>): LiveInit {
  const { track, codec, bytes } = found;
  if (track !== "video" && track !== "audio") throw malformed("track", "is unknown");
  if (typeof codec !== "string" || !CODEC.test(codec)) throw malformed("codec", "is no codec");
  if (typeof bytes !== "string" || bytes.length < 4) throw malformed("bytes", "is missing");
  return {
    ...{ type: "init", track, codec },
    width: whole(found, "width", 0, PIXELS_MAX),
    height: whole(found, "height", 0, PIXELS_MAX),
    timescale: whole(found, "timescale", 1, TIMESCALE_MAX),
    bytes: bytesOf(bytes),
  };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw malformed("bytes", "is not base64");
  }
}

function whole(
  found: Readonly<Record<string, unknown>>,
  name: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const value = found[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
    throw malformed(name, "is out of range");
  return value;
}

function words(found: Readonly<Record<string, unknown>>, name: string, max: number): string {
  const value = found[name];
  if (typeof value !== "string" || value.length > max || /\p{C}/u.test(value))
    throw malformed(name, "is no plain text");
  return value;
}

function malformed(field: string, problem: string): MalformedInput {
  return new MalformedInput(field, `Cannot read live message: ${field} ${problem}`);
}
