import { CameraError } from "./camera-error.ts";
import { h265ParameterSetId, readH265Parameters } from "./h265-parameters.ts";
import {
  NalDepacketiser,
  type NalFragment,
  type NalKind,
  type NalSyntax,
  type VideoUnit,
} from "./nal-depacketiser.ts";
import { createParameterSets } from "./parameter-sets.ts";

// NAL unit types of ITU-T H.265 table 7-1, and the packets of RFC 7798 section 4.4.
const NAL_SLICE_MAX = 9;
const RASL_N = 8;
const RASL_R = 9;
const IRAP_FIRST = 16;
const IRAP_LAST = 21;
const NAL_VIDEO_SET = 32;
const NAL_SEQUENCE_SET = 33;
const NAL_PICTURE_SET = 34;
const NAL_DELIMITER = 35;
const NAL_FILLER = 38;
const NAL_SINGLE_MAX = 47;
const AGGREGATION = 48;
const FRAGMENTATION = 49;
const PAYLOAD_CONTENT_INFORMATION = 50;

const SYNTAX: NalSyntax = {
  headerBytes: 2,
  payloadOf(payload) {
    const type = typeOf(payload);
    if (type <= NAL_SINGLE_MAX) return "single";
    if (type === AGGREGATION) return "aggregate";
    if (type === FRAGMENTATION) return "fragment";
    if (type === PAYLOAD_CONTENT_INFORMATION)
      throw new CameraError("UNSUPPORTED_CODEC", "Cannot use video: the codec is H265 in PACI");
    return "unknown";
  },
  fragmentOf(payload): NalFragment | null {
    const header = payload[2];
    if (header === undefined || payload.length < 4) return null;
    return {
      isStart: (header & 0x80) !== 0,
      isEnd: (header & 0x40) !== 0,
      // The bits around the type are those of the packet's own header.
      header: Uint8Array.of(((payload[0] ?? 0) & 0x81) | ((header & 0x3f) << 1), payload[1] ?? 0),
      bytes: payload.subarray(3),
    };
  },
  kindOf(header): NalKind {
    const type = typeOf(header);
    // Further layers (another view, a finer picture) are for decoders that know of them.
    if (layerOf(header) !== 0) return "left out";
    if (type >= IRAP_FIRST && type <= IRAP_LAST) return "key slice";
    if (type === RASL_N || type === RASL_R) return "leading slice";
    if (type <= NAL_SLICE_MAX) return "slice";
    if (type >= NAL_VIDEO_SET && type <= NAL_PICTURE_SET) return "parameter set";
    return type === NAL_DELIMITER || type === NAL_FILLER ? "left out" : "other";
  },
};

function typeOf(nalUnit: Uint8Array): number {
  return ((nalUnit[0] ?? 0) >> 1) & 0x3f;
}

function layerOf(nalUnit: Uint8Array): number {
  return (((nalUnit[0] ?? 0) & 1) << 5) | ((nalUnit[1] ?? 0) >> 3);
}

/** RFC 7798 in transmission order: single NAL units, aggregation packets, fragmentation units. */
export class H265Depacketiser extends NalDepacketiser {
  /** @param initialSets - Parameter sets from the session description, if it has any. */
  constructor(initialSets: readonly Uint8Array[], onUnit: (unit: VideoUnit) => void) {
    const sets = createParameterSets({
      codec: "H.265",
      kinds: [NAL_VIDEO_SET, NAL_SEQUENCE_SET, NAL_PICTURE_SET],
      typeOf,
      idOf: h265ParameterSetId,
      read: ([video = [], sequence = [], picture = []]) =>
        readH265Parameters({ video, sequence, picture }),
      initialSets,
    });
    super(SYNTAX, sets, onUnit);
  }
}

/**
 * @throws CameraError `UNSUPPORTED_CODEC` where the camera announces that NAL units come in another
 *   order than they are decoded in (decoding order numbers), or over several streams.
 */
export function requireTransmissionOrder(format: ReadonlyMap<string, string>): void {
  const isReordered =
    Number(format.get("sprop-max-don-diff") ?? 0) !== 0 ||
    Number(format.get("sprop-depack-buf-nalus") ?? 0) !== 0;
  if (isReordered)
    throw new CameraError("UNSUPPORTED_CODEC", "Cannot use video: the codec is H265 interleaved");
  const mode = format.get("tx-mode")?.toUpperCase() ?? "SRST";
  if (mode !== "SRST")
    throw new CameraError(
      "UNSUPPORTED_CODEC",
      "Cannot use video: the codec is H265 over several streams",
    );
}
