import { CameraError } from "./camera-error.ts";

/** One `m=` section of a session description (RFC 8866) that the hub may be able to receive. */
export interface SdpMedia {
  readonly kind: string;
  readonly payloadType: number;
  /** Upper case, from `a=rtpmap` or the static table of RFC 3551; `""` when neither says. */
  readonly encoding: string;
  readonly clockRate: number;
  readonly channels: number;
  /** `a=fmtp` parameters by lower-case name. */
  readonly format: ReadonlyMap<string, string>;
  /** `a=control` as written, or null. */
  readonly control: string | null;
  /** As the receiver of the description should take it: it may send to what is `sendonly`. */
  readonly direction: (typeof DIRECTIONS)[number] | null;
  /** Everything that the section offers; the first one is what stands above. */
  readonly formats: readonly SdpFormat[];
}

export interface SdpFormat {
  readonly payloadType: number;
  /** As {@link SdpMedia.encoding}. */
  readonly encoding: string;
  readonly clockRate: number;
  readonly channels: number;
}

export interface SessionDescription {
  readonly control: string | null;
  readonly media: readonly SdpMedia[];
}

const LINES_MAX = 2_000;
const MEDIA_MAX = 16;
const FORMATS_MAX = 16;
const DIRECTIONS = ["sendonly", "recvonly", "sendrecv", "inactive"] as const;

/** Static payload types that cameras use without an `a=rtpmap` line (RFC 3551 section 6). */
const STATIC_TYPES: ReadonlyMap<number, { encoding: string; clockRate: number }> = new Map([
  [0, { encoding: "PCMU", clockRate: 8_000 }],
  [8, { encoding: "PCMA", clockRate: 8_000 }],
  [9, { encoding: "G722", clockRate: 8_000 }],
  [14, { encoding: "MPA", clockRate: 90_000 }],
  [26, { encoding: "JPEG", clockRate: 90_000 }],
  [32, { encoding: "MPV", clockRate: 90_000 }],
]);

/**
 * Reads what DESCRIBE answered. Lines that say nothing the hub uses are passed over, since cameras
 * write many odd ones.
 *
 * @throws CameraError `PROTOCOL_ERROR` when it is not a session description or passes a limit.
 */
export function parseSdp(body: Uint8Array): SessionDescription {
  const lines = Buffer.from(body)
    .toString("latin1")
    .split(/\r\n|\n|\r/);
  if (lines.length > LINES_MAX) throw malformed("more than 2,000 lines");
  if (!lines.some((line) => line.startsWith("m="))) throw malformed("no media section");
  const sections: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith("m=")) sections.push([]);
    sections.at(-1)?.push(line);
  }
  const [session = [], ...media] = sections;
  if (media.length > MEDIA_MAX) throw malformed("more than 16 media sections");
  return { control: attribute(session, "control") ?? null, media: media.flatMap(readMedia) };
}

function malformed(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read session description: ${what}`);
}

function readMedia(lines: readonly string[]): SdpMedia[] {
  const match = /^m=([a-z]{1,20}) \S+ RTP\/S?AVPF?(?:\/TCP)?((?: \d{1,3})+)/.exec(lines[0] ?? "");
  const types = (match?.[2] ?? "").trim().split(" ").slice(0, FORMATS_MAX).map(Number);
  if (match === null) return [];
  if (types.some((payloadType) => payloadType > 127)) throw malformed("a payload type above 127");
  const maps = attributes(lines, "rtpmap");
  const formats = types.map((payloadType) => readPayloadType(maps, payloadType));
  const [first] = formats;
  if (first === undefined) return [];
  return [
    {
      ...first,
      kind: match[1] ?? "",
      format: readFormat(attributes(lines, "fmtp"), first.payloadType),
      control: attribute(lines, "control") ?? null,
      direction: readDirection(lines),
      formats,
    },
  ];
}

function readPayloadType(maps: readonly string[], payloadType: number): SdpFormat {
  const map = maps.find((value) => value.startsWith(`${payloadType} `));
  const named = /^\d+ +([A-Za-z0-9._-]{1,40})\/(\d{1,7})(?:\/(\d{1,2}))?/.exec(map ?? "");
  const fallback = STATIC_TYPES.get(payloadType);
  return {
    payloadType,
    encoding: named?.[1]?.toUpperCase() ?? fallback?.encoding ?? "",
    clockRate: Number(named?.[2] ?? fallback?.clockRate ?? 0),
    channels: Number(named?.[3] ?? 1),
  };
}

function readDirection(lines: readonly string[]): SdpMedia["direction"] {
  return DIRECTIONS.find((name) => lines.some((line) => line.trim() === `a=${name}`)) ?? null;
}

function readFormat(values: readonly string[], payloadType: number): Map<string, string> {
  const format = new Map<string, string>();
  const value = values.find((candidate) => candidate.startsWith(`${payloadType} `));
  for (const part of value?.slice(`${payloadType} `.length).split(";") ?? []) {
    const equals = part.indexOf("=");
    if (equals <= 0) continue;
    format.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  return format;
}

function attributes(lines: readonly string[], name: string): string[] {
  const prefix = `a=${name}:`;
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
}

function attribute(lines: readonly string[], name: string): string | undefined {
  return attributes(lines, name)[0]?.trim();
}
