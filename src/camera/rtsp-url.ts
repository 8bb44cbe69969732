import { MalformedInput } from "../protocol/errors.ts";
import { CameraError } from "./camera-error.ts";

/** The one place that the hub connects to for a stream. */
export interface RtspAddress {
  /** For the socket: an IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number;
  /** `rtsp://host[:port]`, as requests name it. */
  readonly authority: string;
  /** The stream itself. */
  readonly url: string;
}

const URL_LENGTH_MAX = 2_048;
const DEFAULT_PORT = 554;

/**
 * Reads a configured stream URL.
 *
 * @throws MalformedInput when it is no `rtsp:` URL, or carries a user name or password: these are
 * configured apart, so that a URL can be shown and logged.
 */
export function parseRtspUrl(text: string): RtspAddress {
  const malformed = (what: string): MalformedInput =>
    new MalformedInput("url", `Cannot use camera URL: ${what}`);
  if (text.length > URL_LENGTH_MAX) throw malformed("it is longer than 2,048 characters");
  if (!/^[\x21-\x7e]+$/.test(text)) throw malformed("it has a space or a non-ASCII character");
  const url = URL.parse(text);
  if (url === null || url.protocol !== "rtsp:" || url.hostname === "")
    throw malformed("it does not start with rtsp:// and a host");
  if (url.username !== "" || url.password !== "")
    throw malformed("it carries a user name or a password");
  const authority = `rtsp://${url.host}`;
  const rest = text.slice(text.indexOf("://") + 3);
  const pathStart = rest.search(/[/?#]/);
  // The path is kept as it was written: cameras compare it byte for byte.
  const path = pathStart < 0 ? "/" : rest.slice(pathStart);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    authority,
    url: `${authority}${path.startsWith("/") ? "" : "/"}${path}`,
  };
}

/**
 * The request URL for `a=control` (RFC 2326 section C.1.1), below Content-Base or the stream's URL.
 * Whatever host and port the camera writes there, ours stay: it may know itself by another address,
 * and it may lie.
 *
 * @throws CameraError `PROTOCOL_ERROR` when it could not stand in a request line.
 */
export function resolveControl(
  address: RtspAddress,
  base: string | undefined,
  control: string | null,
): string {
  const baseUrl = onOurHost(address, base ?? address.url);
  if (control === null || control === "*" || control === "") return baseUrl;
  if (/^rtspu?:\/\//i.test(control)) return onOurHost(address, control);
  // Not RFC 3986 resolution: cameras mean "append", also after a query and without a slash.
  const joint = baseUrl.endsWith("/") || control.startsWith("/") ? "" : "/";
  return requireWritable(baseUrl + joint + control);
}

function onOurHost(address: RtspAddress, url: string): string {
  const match = /^rtspu?:\/\/[^/?#]*(.*)$/i.exec(requireWritable(url));
  if (match === null) return address.url;
  const path = match[1] ?? "";
  return `${address.authority}${path.startsWith("/") ? "" : "/"}${path}`;
}

function requireWritable(url: string): string {
  if (url.length <= URL_LENGTH_MAX && /^[\x21-\x7e]+$/.test(url)) return url;
  throw new CameraError("PROTOCOL_ERROR", "Cannot set up stream: its control URL is malformed");
}
