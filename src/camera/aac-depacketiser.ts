import { CameraError } from "./camera-error.ts";
import type { SdpMedia } from "./sdp.ts";
import { wrappedDifference16, type RtpPacket } from "./rtp.ts";

/** What an AAC track's `AudioSpecificConfig` says (ISO/IEC 14496-3 section 1.6.2.1). */
export interface AacParameters {
  readonly configuration: Uint8Array;
  /** RFC 6381, for instance `mp4a.40.2`. */
  readonly codec: string;
  readonly sampleRate: number;
  readonly channels: number;
  readonly samplesPerUnit: 960 | 1024;
}

export interface AudioUnit {
  readonly timestamp: number;
  /** Valid only until the callback returns. */
  readonly sample: Uint8Array;
  readonly lostBefore: number;
}

export interface AacDepacketiser {
  push(packet: RtpPacket): void;
  lostPackets(): number;
}

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
  7_350,
];
const CONFIGURATION_BYTES_MAX = 64;
const UNITS_PER_PACKET_MAX = 64;
/** 6,144 bits a channel is the most AAC allows; 13 bits of size leave room for no more. */
const UNIT_BYTES_MAX = 8_191;
const LOW_COMPLEXITY = 2;

/**
 * Reads the `fmtp` line of an `mpeg4-generic` track in mode AAC-hbr (RFC 3640 section 3.3.6).
 *
 * @throws CameraError `UNSUPPORTED_CODEC` for other modes and object types.
 */
export function readAacFormat(media: SdpMedia): AacParameters {
  const mode = media.format.get("mode")?.toLowerCase();
  const sizes = ["sizelength", "indexlength", "indexdeltalength"].map((name) =>
    Number(media.format.get(name) ?? "0"),
  );
  if (media.encoding !== "MPEG4-GENERIC" || mode !== "aac-hbr" || sizes.join() !== "13,3,3")
    throw unsupported(media.encoding === "" ? "unnamed" : `${media.encoding} ${mode ?? ""}`.trim());
  const hex = media.format.get("config") ?? "";
  if (!/^(?:[0-9a-f]{2}){2,}$/i.test(hex) || hex.length > CONFIGURATION_BYTES_MAX * 2)
    throw unsupported("AAC without a configuration");
  return readAudioSpecificConfig(new Uint8Array(Buffer.from(hex, "hex")));
}

function unsupported(codec: string): CameraError {
  return new CameraError("UNSUPPORTED_CODEC", `Cannot use audio: the codec is ${codec}`);
}

function readAudioSpecificConfig(configuration: Uint8Array): AacParameters {
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = configuration;
  const objectType = first >> 3;
  if (objectType !== LOW_COMPLEXITY) throw unsupported(`AAC object type ${objectType}`);
  const rateIndex = ((first & 0x07) << 1) | (second >> 7);
  const isExplicit = rateIndex === 15;
  if (isExplicit && configuration.length < 5) throw unsupported("AAC without a sample rate");
  const explicitRate = ((second & 0x7f) << 17) | (third << 9) | (fourth << 1) | (fifth >> 7);
  const sampleRate = isExplicit ? explicitRate : SAMPLE_RATES[rateIndex];
  if (sampleRate === undefined || sampleRate < 7_350 || sampleRate > 96_000)
    throw unsupported("AAC with an unknown sample rate");
  const rest = isExplicit ? fifth : second;
  const channels = (rest >> 3) & 0x0f;
  if (channels < 1 || channels > 2) throw unsupported(`AAC with ${channels} channels`);
  const samplesPerUnit = (rest & 0x04) === 0 ? 1024 : 960;
  return { configuration, codec: `mp4a.40.${objectType}`, sampleRate, channels, samplesPerUnit };
}

/**
 * RFC 3640 section 3.2: several access units in a packet, or one over several packets. Each unit is
 * a key frame by itself, so a loss costs only what was lost.
 */
export function createAacDepacketiser(
  parameters: AacParameters,
  onUnit: (unit: AudioUnit) => void,
): AacDepacketiser {
  const partial = new Uint8Array(UNIT_BYTES_MAX);
  let partialSize = 0;
  let partialTotal = 0;
  let partialTimestamp = 0;
  let expectedSequence: number | null = null;
  let lostBefore = 0;
  let lostPackets = 0;

  function emit(timestamp: number, sample: Uint8Array): void {
    onUnit({ timestamp, sample, lostBefore });
    lostBefore = 0;
  }

  function drop(): void {
    partialTotal = 0;
    lostBefore += 1;
  }

  function fragment(packet: RtpPacket, data: Uint8Array, total: number): void {
    if (partialTotal === 0 || packet.timestamp !== partialTimestamp) {
      if (partialTotal !== 0) drop();
      partialTimestamp = packet.timestamp;
      partialSize = 0;
      partialTotal = total;
    }
    if (total !== partialTotal || partialSize + data.length > total) return drop();
    partial.set(data, partialSize);
    partialSize += data.length;
    if (partialSize < total) return;
    partialTotal = 0;
    emit(packet.timestamp, partial.subarray(0, total));
  }

  return {
    push(packet) {
      const { payload, sequenceNumber } = packet;
      const ahead =
        expectedSequence === null ? 0 : wrappedDifference16(sequenceNumber, expectedSequence);
      if (ahead < 0 && ahead >= -100) return;
      expectedSequence = (sequenceNumber + 1) & 0xffff;
      if (ahead !== 0) {
        lostPackets += Math.max(1, ahead);
        drop();
      }
      const sizes = readHeaders(payload);
      if (sizes === null) return drop();
      let offset = 2 + sizes.length * 2;
      if (sizes.length === 1 && offset + (sizes[0] ?? 0) > payload.length)
        return fragment(packet, payload.subarray(offset), sizes[0] ?? 0);
      if (partialTotal !== 0) drop();
      for (const [index, size] of sizes.entries()) {
        if (offset + size > payload.length) return drop();
        const timestamp = (packet.timestamp + index * parameters.samplesPerUnit) >>> 0;
        emit(timestamp, payload.subarray(offset, offset + size));
        offset += size;
      }
    },
    lostPackets: () => lostPackets,
  };
}

/** Sizes of the access units from the AU header section (13 bits each, then 3 of index). */
function readHeaders(payload: Uint8Array): number[] | null {
  const headerBits = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  const count = headerBits / 16;
  if (!Number.isInteger(count) || count < 1 || count > UNITS_PER_PACKET_MAX) return null;
  if (payload.length < 2 + count * 2) return null;
  const sizes = Array.from({ length: count }, (_, index) => {
    const offset = 2 + index * 2;
    return (((payload[offset] ?? 0) << 8) | (payload[offset + 1] ?? 0)) >> 3;
  });
  return sizes.includes(0) ? null : sizes;
}
