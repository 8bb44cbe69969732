import { parameterSetId, readH264Parameters } from "./h264-parameters.ts";
import {
  NalDepacketiser,
  type NalFragment,
  type NalKind,
  type NalSyntax,
  type VideoUnit,
} from "./nal-depacketiser.ts";
import { createParameterSets } from "./parameter-sets.ts";

const NAL_SLICE = 1;
const NAL_IDR = 5;
const NAL_SEQUENCE_SET = 7;
const NAL_PICTURE_SET = 8;
const NAL_DELIMITER = 9;
const NAL_FILLER = 12;
const NAL_SINGLE_MAX = 23;
const STAP_A = 24;
const FU_A = 28;

const SYNTAX: NalSyntax = {
  headerBytes: 1,
  payloadOf(payload) {
    const type = typeOf(payload);
    if (type === FU_A) return "fragment";
    if (type === STAP_A) return "aggregate";
    return type >= 1 && type <= NAL_SINGLE_MAX ? "single" : "unknown";
  },
  fragmentOf(payload): NalFragment | null {
    const header = payload[1];
    if (header === undefined || payload.length < 3) return null;
    return {
      isStart: (header & 0x80) !== 0,
      isEnd: (header & 0x40) !== 0,
      header: Uint8Array.of(((payload[0] ?? 0) & 0xe0) | (header & 0x1f)),
      bytes: payload.subarray(2),
    };
  },
  kindOf(header): NalKind {
    const type = typeOf(header);
    if (type === NAL_IDR) return "key slice";
    if (type >= NAL_SLICE && type < NAL_IDR) return "slice";
    if (type === NAL_SEQUENCE_SET || type === NAL_PICTURE_SET) return "parameter set";
    return type === NAL_DELIMITER || type === NAL_FILLER ? "left out" : "other";
  },
};

function typeOf(nalUnit: Uint8Array): number {
  return (nalUnit[0] ?? 0) & 0x1f;
}

/** RFC 6184, packetization modes 0 and 1: single NAL units, STAP-A and FU-A. */
export class H264Depacketiser extends NalDepacketiser {
  /** @param initialSets - Parameter sets from the session description, if it has any. */
  constructor(initialSets: readonly Uint8Array[], onUnit: (unit: VideoUnit) => void) {
    const sets = createParameterSets({
      codec: "H.264",
      kinds: [NAL_SEQUENCE_SET, NAL_PICTURE_SET],
      typeOf,
      idOf: parameterSetId,
      read: ([sequence = [], picture = []]) => readH264Parameters(sequence, picture),
      initialSets,
    });
    super(SYNTAX, sets, onUnit);
  }
}
