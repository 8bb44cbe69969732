import { CameraError } from "./camera-error.ts";

/** The interleaved channels of one track: its packets, and its sender reports. */
export interface Channels {
  readonly packets: number;
  readonly reports: number;
}

/** What a `Session` header says. */
export interface SessionHeader {
  /** As requests have to repeat it. */
  readonly id: string;
  /** Null where the camera does not say it, or says that there is none. */
  readonly timeoutMs: number | null;
}

const CHANNEL_MAX = 255;
/** A day: nothing longer would change what is done. */
const TIMEOUT_SECONDS_MAX = 86_400;

/**
 * Reads `Session: 12345678;timeout=60` (RFC 2326 section 12.37), with the parameters in any order
 * and spaces wherever cameras put them. Null where there is no identifier.
 */
export function readSession(header: string): SessionHeader | null {
  const [first = "", ...parameters] = header.split(";", 16).map((part) => part.trim());
  if (!/^[\x21-\x7e]{1,256}$/.test(first)) return null;
  const timeouts = parameters.flatMap((part) => /^timeout\s*=\s*"?(\d{1,9})"?$/i.exec(part) ?? []);
  const seconds = Math.min(TIMEOUT_SECONDS_MAX, Number(timeouts[1] ?? 0));
  return { id: first, timeoutMs: seconds > 0 ? seconds * 1000 : null };
}

/**
 * Reads the camera's `Transport` answer. It may choose other channels than it was asked for; what
 * it may not choose is anything but this very connection.
 *
 * @throws CameraError `PROTOCOL_ERROR` for any other way of sending, and for impossible channels.
 */
export function readTransport(header: string, firstChannel: number): Channels {
  const chosen = /interleaved\s*=\s*"?(\d{1,3})(?:\s*-\s*(\d{1,3}))?/i.exec(header);
  if (chosen === null && !/RTP\/AVP\/TCP/i.test(header))
    throw new CameraError("PROTOCOL_ERROR", "Cannot set up stream: the camera refuses TCP");
  const packets = Number(chosen?.[1] ?? firstChannel);
  const reports = Number(chosen?.[2] ?? packets + 1);
  if (packets > CHANNEL_MAX || reports > CHANNEL_MAX + 1)
    throw new CameraError("PROTOCOL_ERROR", "Cannot set up stream: it names impossible channels");
  return { packets, reports };
}
