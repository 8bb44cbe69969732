import { CameraError } from "./camera-error.ts";
import {
  PARAMETER_SET_BYTES_MAX,
  parameterSetId,
  readH264Parameters,
  type H264Parameters,
} from "./h264-parameters.ts";
import { wrappedDifference16, type RtpPacket } from "./rtp.ts";

/** One picture as it was sent, ready for an MP4 sample. */
export interface VideoUnit {
  readonly timestamp: number;
  readonly keyFrame: boolean;
  /** NAL units with 4-byte lengths. Valid only until the callback returns. */
  readonly sample: Uint8Array;
  /** The same object until the camera changes its parameter sets. */
  readonly parameters: H264Parameters;
  /** Access units dropped, or packets lost, since the unit before. 0 means that nothing is missing. */
  readonly lostBefore: number;
}

/** A larger access unit is dropped. At 4 Mbit/s a key frame has some 100 KiB. */
export const ACCESS_UNIT_BYTES_MAX = 8 * 1024 * 1024;
const SETS_MAX = 16;
/** A number this far behind is a sender that started over, not a late packet. */
const LATE_PACKETS_MAX = 100;

const NAL_SLICE = 1;
const NAL_IDR = 5;
const NAL_SEQUENCE_SET = 7;
const NAL_PICTURE_SET = 8;
const NAL_DELIMITER = 9;
const NAL_FILLER = 12;
const STAP_A = 24;
const FU_A = 28;

/**
 * RFC 6184, packetization modes 0 and 1: single NAL units, STAP-A and FU-A. After a loss, and at
 * the start, nothing is handed on before a key frame that arrived whole.
 */
export class H264Depacketiser {
  readonly #onUnit: (unit: VideoUnit) => void;
  readonly #sets: ParameterSets;
  readonly #unit = createUnitBuffer();
  #timestamp: number | null = null;
  #expectedSequence: number | null = null;
  #source: number | null = null;
  #damaged = false;
  #keyFrame = false;
  #hasSlice = false;
  #waitingForKeyFrame = true;
  #endedByMarker = false;
  #markersCutSlices = false;
  #lostBefore = 0;
  #lostPackets = 0;
  #droppedUnits = 0;

  /** @param initialSets - Parameter sets from the session description, if it has any. */
  constructor(initialSets: readonly Uint8Array[], onUnit: (unit: VideoUnit) => void) {
    this.#onUnit = onUnit;
    this.#sets = createParameterSets(initialSets);
  }

  get lostPackets(): number {
    return this.#lostPackets;
  }

  get droppedUnits(): number {
    return this.#droppedUnits;
  }

  /** @throws CameraError `PROTOCOL_ERROR` when a parameter set is absurd. */
  push(packet: RtpPacket): void {
    const { payload, timestamp } = packet;
    const order = this.#noteSequence(packet);
    if (order === "late" || payload.length === 0) return;
    this.#openUnit(order, timestamp, payload);
    const type = (payload[0] ?? 0) & 0x1f;
    if (type === FU_A) this.#addFragment(payload);
    else if (type === STAP_A) this.#addAggregate(payload);
    else if (type >= 1 && type <= 23) this.#addNalUnit(payload);
    else this.#damaged = true;
    if (packet.marker && this.#hasSlice && !this.#markersCutSlices) {
      this.#finishUnit();
      this.#endedByMarker = true;
    }
  }

  #noteSequence(packet: RtpPacket): "next" | "gap" | "late" {
    const { sequenceNumber, synchronisationSource } = packet;
    const expected = this.#expectedSequence;
    const isOtherSource = this.#source !== null && this.#source !== synchronisationSource;
    this.#source = synchronisationSource;
    const ahead = expected === null ? 0 : wrappedDifference16(sequenceNumber, expected);
    if (!isOtherSource && ahead < 0 && ahead >= -LATE_PACKETS_MAX) return "late";
    this.#expectedSequence = (sequenceNumber + 1) & 0xffff;
    if (!isOtherSource && ahead === 0) return "next";
    this.#lostPackets += Math.max(1, ahead);
    return "gap";
  }

  /** Ends the unit before, and begins another, where this packet belongs to another. */
  #openUnit(order: "next" | "gap", timestamp: number, payload: Uint8Array): void {
    if (order === "gap") {
      // What was lost may be the end of the unit before or the beginning of this one.
      this.#damaged = true;
      if (!this.#endedByMarker) this.#finishUnit();
      this.#startUnit(timestamp);
      this.#damaged = true;
      this.#lostBefore += 1;
      this.#waitingForKeyFrame = true;
    } else if (this.#timestamp !== timestamp) {
      if (!this.#endedByMarker) this.#finishUnit();
      this.#startUnit(timestamp);
    } else if (this.#endedByMarker) {
      if (continuesPicture(payload)) {
        // This camera marks every slice as the last; its units end when the time changes.
        this.#markersCutSlices = true;
        this.#damaged = true;
      } else this.#startUnit(timestamp);
      this.#endedByMarker = false;
    }
  }

  #startUnit(timestamp: number): void {
    this.#timestamp = timestamp;
    this.#unit.clear();
    this.#damaged = false;
    this.#keyFrame = false;
    this.#hasSlice = false;
    this.#endedByMarker = false;
  }

  #finishUnit(): void {
    if (this.#timestamp === null || !this.#hasSlice) return;
    if (this.#damaged || this.#unit.isOpen()) return this.#drop();
    if (this.#waitingForKeyFrame && !this.#keyFrame) return this.#drop();
    const parameters = this.#keyFrame ? this.#sets.current() : this.#sets.inForce();
    if (parameters === null) return this.#drop();
    this.#onUnit({
      timestamp: this.#timestamp,
      keyFrame: this.#keyFrame,
      sample: this.#unit.bytes(),
      parameters,
      lostBefore: this.#lostBefore,
    });
    this.#waitingForKeyFrame = false;
    this.#lostBefore = 0;
  }

  #drop(): void {
    this.#droppedUnits += 1;
    this.#lostBefore += 1;
    this.#waitingForKeyFrame = true;
  }

  #addNalUnit(nalUnit: Uint8Array): void {
    const type = (nalUnit[0] ?? 0) & 0x1f;
    if (type === NAL_SEQUENCE_SET || type === NAL_PICTURE_SET) return this.#sets.add(nalUnit);
    // Neither may stand in an `avc1` sample, or says anything to a decoder.
    if (type === NAL_DELIMITER || type === NAL_FILLER || nalUnit.length === 0) return;
    this.#noteSlice(type, nalUnit[1] ?? 0);
    if (!this.#unit.add(nalUnit)) this.#damaged = true;
  }

  #noteSlice(type: number, firstByte: number): void {
    if (type < NAL_SLICE || type > NAL_IDR) return;
    // `first_mb_in_slice` is 0 exactly when the first bit is set. A picture that begins with any
    // other slice has lost its beginning.
    if (!this.#hasSlice && (firstByte & 0x80) === 0) this.#damaged = true;
    this.#hasSlice = true;
    if (type === NAL_IDR) this.#keyFrame = true;
  }

  #addAggregate(payload: Uint8Array): void {
    let offset = 1;
    while (offset + 2 <= payload.length) {
      const size = ((payload[offset] ?? 0) << 8) | (payload[offset + 1] ?? 0);
      offset += 2;
      if (offset + size > payload.length) {
        this.#damaged = true;
        return;
      }
      this.#addNalUnit(payload.subarray(offset, offset + size));
      offset += size;
    }
  }

  #addFragment(payload: Uint8Array): void {
    const header = payload[1];
    if (header === undefined || payload.length < 3) return;
    const type = header & 0x1f;
    if ((header & 0x80) !== 0) {
      if (this.#unit.isOpen()) this.#damaged = true;
      this.#noteSlice(type, payload[2] ?? 0);
      this.#unit.open(((payload[0] ?? 0) & 0xe0) | type);
    } else if (!this.#unit.isOpen()) {
      // Its start is missing. Whether it was a slice is known from the type alone.
      this.#damaged = true;
      if (type >= NAL_SLICE && type <= NAL_IDR) this.#hasSlice = true;
      return;
    }
    if (!this.#unit.extend(payload.subarray(2))) this.#damaged = true;
    if ((header & 0x40) === 0) return;
    const nalUnit = this.#unit.close();
    if (type === NAL_SEQUENCE_SET || type === NAL_PICTURE_SET) {
      this.#sets.add(nalUnit);
      this.#unit.removeLast();
    }
  }
}

/** Whether a packet holds a slice that is not the first of its picture. */
function continuesPicture(payload: Uint8Array): boolean {
  const type = (payload[0] ?? 0) & 0x1f;
  if (type === FU_A) return ((payload[1] ?? 0) & 0x80) !== 0 && ((payload[2] ?? 0x80) & 0x80) === 0;
  return type >= NAL_SLICE && type <= NAL_IDR && ((payload[1] ?? 0x80) & 0x80) === 0;
}

interface ParameterSets {
  add(nalUnit: Uint8Array): void;
  /** With everything that came since: for a key frame. Null while a set is missing. */
  current(): H264Parameters | null;
  /** As of the last key frame. */
  inForce(): H264Parameters | null;
}

function createParameterSets(initialSets: readonly Uint8Array[]): ParameterSets {
  const sequence = new Map<number, Uint8Array>();
  const picture = new Map<number, Uint8Array>();
  let changed = true;
  let inForce: H264Parameters | null = null;

  function add(nalUnit: Uint8Array): void {
    if (nalUnit.length < 2 || nalUnit.length > PARAMETER_SET_BYTES_MAX) return;
    const type = (nalUnit[0] ?? 0) & 0x1f;
    if (type !== NAL_SEQUENCE_SET && type !== NAL_PICTURE_SET) return;
    const sets = type === NAL_SEQUENCE_SET ? sequence : picture;
    const id = parameterSetId(nalUnit);
    const known = sets.get(id);
    if (known !== undefined && Buffer.compare(known, nalUnit) === 0) return;
    if (known === undefined && sets.size >= SETS_MAX)
      throw new CameraError("PROTOCOL_ERROR", "Cannot read H.264: more than 16 parameter sets");
    sets.set(id, Uint8Array.from(nalUnit));
    changed = true;
  }

  for (const set of initialSets) add(set);
  return {
    add,
    current() {
      if (changed && sequence.size > 0 && picture.size > 0) {
        inForce = readH264Parameters([...sequence.values()], [...picture.values()]);
        changed = false;
      }
      return inForce;
    },
    inForce: () => inForce,
  };
}

interface UnitBuffer {
  clear(): void;
  /** Adds a whole NAL unit; false when the access unit becomes too large. */
  add(nalUnit: Uint8Array): boolean;
  open(header: number): void;
  extend(bytes: Uint8Array): boolean;
  close(): Uint8Array;
  removeLast(): void;
  isOpen(): boolean;
  bytes(): Uint8Array;
}

/** One growing buffer for the unit being put together: a NAL unit is copied once. */
function createUnitBuffer(): UnitBuffer {
  let buffer = Buffer.alloc(64 * 1024);
  let size = 0;
  let lastStart = 0;
  let open = false;

  function reserve(extra: number): boolean {
    if (size + extra > ACCESS_UNIT_BYTES_MAX) return false;
    if (size + extra <= buffer.length) return true;
    const larger = Buffer.alloc(Math.min(ACCESS_UNIT_BYTES_MAX, (size + extra) * 2));
    buffer.copy(larger, 0, 0, size);
    buffer = larger;
    return true;
  }

  function append(bytes: Uint8Array): boolean {
    if (!reserve(bytes.length)) return false;
    buffer.set(bytes, size);
    size += bytes.length;
    return true;
  }

  return {
    clear() {
      size = 0;
      open = false;
    },
    add(nalUnit) {
      if (!reserve(4 + nalUnit.length)) return false;
      lastStart = size;
      size = buffer.writeUInt32BE(nalUnit.length, size);
      return append(nalUnit);
    },
    open(header) {
      if (!reserve(5)) return;
      lastStart = size;
      size = buffer.writeUInt8(header, size + 4);
      open = true;
    },
    extend: append,
    close() {
      open = false;
      buffer.writeUInt32BE(size - lastStart - 4, lastStart);
      return buffer.subarray(lastStart + 4, size);
    },
    removeLast() {
      size = lastStart;
    },
    isOpen: () => open,
    bytes: () => buffer.subarray(0, size),
  };
}
