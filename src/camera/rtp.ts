/** Fixed header of an RTP packet (RFC 3550 section 5.1) and where its payload is. */
export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly synchronisationSource: number;
  /** A view of the packet: valid as long as the packet is. */
  readonly payload: Uint8Array;
}

/** What a sender report says (RFC 3550 section 6.4.1): the camera's wall clock at an RTP time. */
export interface SenderReport {
  readonly synchronisationSource: number;
  /** Unix milliseconds, by the camera's clock. */
  readonly wallClockMs: number;
  readonly timestamp: number;
}

/** Seconds from 1900 (NTP) to 1970 (Unix). */
const NTP_TO_UNIX_SECONDS = 2_208_988_800;
const SENDER_REPORT_TYPE = 200;

/** Returns null for what is no valid RTP packet; a camera's bad packet is skipped, not fatal. */
export function parseRtp(packet: Uint8Array): RtpPacket | null {
  if (packet.length < 12) return null;
  const first = packet[0] ?? 0;
  if (first >> 6 !== 2) return null;
  let start = 12 + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (packet.length < start + 4) return null;
    start += 4 + uint16(packet, start + 2) * 4;
  }
  let end = packet.length;
  if ((first & 0x20) !== 0) {
    const padding = packet[packet.length - 1] ?? 0;
    if (padding === 0) return null;
    end -= padding;
  }
  if (start > end) return null;
  const second = packet[1] ?? 0;
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequenceNumber: uint16(packet, 2),
    timestamp: uint32(packet, 4),
    synchronisationSource: uint32(packet, 8),
    payload: packet.subarray(start, end),
  };
}

/** The first sender report of a compound RTCP packet, or null. */
export function parseSenderReport(packet: Uint8Array): SenderReport | null {
  let offset = 0;
  while (offset + 8 <= packet.length) {
    if ((packet[offset] ?? 0) >> 6 !== 2) return null;
    const size = 4 + uint16(packet, offset + 2) * 4;
    if (offset + size > packet.length) return null;
    if (packet[offset + 1] === SENDER_REPORT_TYPE && size >= 28) {
      const seconds = uint32(packet, offset + 8);
      // A camera that has no idea of the time sends 0.
      if (seconds === 0) return null;
      // Seconds run over in 2036; what looks older than 1968 is of the era after (RFC 4330).
      const era = seconds < 2 ** 31 ? 2 ** 32 : 0;
      const fraction = uint32(packet, offset + 12) / 2 ** 32;
      return {
        synchronisationSource: uint32(packet, offset + 4),
        wallClockMs: (era + seconds - NTP_TO_UNIX_SECONDS + fraction) * 1000,
        timestamp: uint32(packet, offset + 16),
      };
    }
    offset += size;
  }
  return null;
}

/** Signed distance from `earlier` to `later` on a counter that wraps at 2^32. */
export function wrappedDifference32(later: number, earlier: number): number {
  return (later - earlier) | 0;
}

/** Signed distance from `earlier` to `later` on a counter that wraps at 2^16. */
export function wrappedDifference16(later: number, earlier: number): number {
  return ((later - earlier) << 16) >> 16;
}

function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

function uint32(bytes: Uint8Array, offset: number): number {
  return ((uint16(bytes, offset) << 16) | uint16(bytes, offset + 2)) >>> 0;
}
