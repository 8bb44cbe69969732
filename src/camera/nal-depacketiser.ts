import type { H264Parameters } from "./h264-parameters.ts";
import type { H265Parameters } from "./h265-parameters.ts";
import type { ParameterSets } from "./parameter-sets.ts";
import { wrappedDifference16, type RtpPacket } from "./rtp.ts";
import { createUnitBuffer } from "./unit-buffer.ts";

export type VideoParameters = H264Parameters | H265Parameters;

/** One picture as it was sent, ready for an MP4 sample. */
export interface VideoUnit {
  readonly timestamp: number;
  readonly keyFrame: boolean;
  /** NAL units with 4-byte lengths. Valid only until the callback returns. */
  readonly sample: Uint8Array;
  /** The same object until the camera changes its parameter sets. */
  readonly parameters: VideoParameters;
  /** Access units dropped, or packets lost, since the unit before. 0 means that nothing is missing. */
  readonly lostBefore: number;
}

/** What the hub does with a NAL unit of a type. */
export type NalKind =
  | "slice"
  /** A slice of a picture at which decoding can begin. */
  | "key slice"
  /** A slice that also needs pictures from before the key frame which it follows. */
  | "leading slice"
  | "parameter set"
  /** May not stand in a sample, or says nothing to a decoder. */
  | "left out"
  /** Kept as it is. */
  | "other";

/** A piece of a NAL unit that was too large for a packet. */
export interface NalFragment {
  readonly isStart: boolean;
  readonly isEnd: boolean;
  /** Of the NAL unit, as it was before it was cut up. */
  readonly header: Uint8Array;
  readonly bytes: Uint8Array;
}

/** How a codec's NAL units travel: what differs between RFC 6184 and RFC 7798. */
export interface NalSyntax {
  /** Also of an aggregation packet, before its first length. */
  readonly headerBytes: 1 | 2;
  /** @throws CameraError `UNSUPPORTED_CODEC` for a form that is known and not taken. */
  payloadOf(payload: Uint8Array): "single" | "aggregate" | "fragment" | "unknown";
  /** Null where it is too short to be one. */
  fragmentOf(payload: Uint8Array): NalFragment | null;
  kindOf(header: Uint8Array): NalKind;
}

/** A number this far behind is a sender that started over, not a late packet. */
const LATE_PACKETS_MAX = 100;

/**
 * Puts pictures together from the packets of one stream. After a loss, and at the start, nothing is
 * handed on before a key frame that arrived whole.
 */
export class NalDepacketiser {
  readonly #syntax: NalSyntax;
  readonly #onUnit: (unit: VideoUnit) => void;
  readonly #sets: ParameterSets<VideoParameters>;
  readonly #unit = createUnitBuffer();
  #timestamp: number | null = null;
  #expectedSequence: number | null = null;
  #source: number | null = null;
  #damaged = false;
  #keyFrame = false;
  #isLeading = false;
  #hasSlice = false;
  #waitingForKeyFrame = true;
  /** The last key frame came after a loss: what leads up to it refers to pictures that are gone. */
  #lacksPast = true;
  #endedByMarker = false;
  #markersCutSlices = false;
  #lostBefore = 0;
  #lostPackets = 0;
  #droppedUnits = 0;

  constructor(
    syntax: NalSyntax,
    sets: ParameterSets<VideoParameters>,
    onUnit: (unit: VideoUnit) => void,
  ) {
    this.#syntax = syntax;
    this.#sets = sets;
    this.#onUnit = onUnit;
  }

  get lostPackets(): number {
    return this.#lostPackets;
  }

  get droppedUnits(): number {
    return this.#droppedUnits;
  }

  /** @throws CameraError `PROTOCOL_ERROR` when a parameter set is absurd, `UNSUPPORTED_CODEC`. */
  push(packet: RtpPacket): void {
    const { payload, timestamp } = packet;
    const order = this.#noteSequence(packet);
    if (order === "late" || payload.length === 0) return;
    this.#openUnit(order, timestamp, payload);
    switch (this.#syntax.payloadOf(payload)) {
      case "single":
        this.#addNalUnit(payload);
        break;
      case "aggregate":
        this.#addAggregate(payload);
        break;
      case "fragment":
        this.#addFragment(payload);
        break;
      case "unknown":
        this.#damaged = true;
    }
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
      if (this.#continuesPicture(payload)) {
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
    this.#isLeading = false;
    this.#hasSlice = false;
    this.#endedByMarker = false;
  }

  #finishUnit(): void {
    if (this.#timestamp === null || !this.#hasSlice) return;
    if (this.#damaged || this.#unit.isOpen()) return this.#drop();
    if (this.#waitingForKeyFrame && !this.#keyFrame) return this.#drop();
    if (this.#isLeading && this.#lacksPast) {
      // Nothing else refers to it, so that nothing else has to wait.
      this.#droppedUnits += 1;
      return;
    }
    const parameters = this.#keyFrame ? this.#sets.current() : this.#sets.inForce();
    if (parameters === null) return this.#drop();
    if (this.#keyFrame) this.#lacksPast = this.#waitingForKeyFrame;
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
    if (nalUnit.length < this.#syntax.headerBytes) return;
    const kind = this.#syntax.kindOf(nalUnit);
    if (kind === "parameter set") return this.#sets.add(nalUnit);
    if (kind === "left out") return;
    this.#noteSlice(kind, nalUnit[this.#syntax.headerBytes] ?? 0);
    if (!this.#unit.add(nalUnit)) this.#damaged = true;
  }

  #noteSlice(kind: NalKind, firstByte: number): void {
    if (!isSlice(kind)) return;
    // The first bit is set exactly in a picture's first slice: as `first_mb_in_slice` of 0 in H.264
    // and by name in H.265. A picture that begins with any other has lost its beginning.
    if (!this.#hasSlice && (firstByte & 0x80) === 0) this.#damaged = true;
    this.#hasSlice = true;
    if (kind === "key slice") this.#keyFrame = true;
    if (kind === "leading slice") this.#isLeading = true;
  }

  #addAggregate(payload: Uint8Array): void {
    let offset: number = this.#syntax.headerBytes;
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
    const fragment = this.#syntax.fragmentOf(payload);
    if (fragment === null) return;
    const { isStart, isEnd, header, bytes } = fragment;
    const kind = this.#syntax.kindOf(header);
    if (isStart) {
      if (this.#unit.isOpen()) this.#damaged = true;
      this.#noteSlice(kind, bytes[0] ?? 0);
      this.#unit.open(header);
    } else if (!this.#unit.isOpen()) {
      // Its start is missing. Whether it was a slice is known from the type alone.
      this.#damaged = true;
      if (isSlice(kind)) this.#hasSlice = true;
      return;
    }
    if (!this.#unit.extend(bytes)) this.#damaged = true;
    if (!isEnd) return;
    const nalUnit = this.#unit.close();
    if (kind === "parameter set") this.#sets.add(nalUnit);
    if (kind === "parameter set" || kind === "left out") this.#unit.removeLast();
  }

  /** Whether a packet holds a slice that is not the first of its picture. */
  #continuesPicture(payload: Uint8Array): boolean {
    const { headerBytes } = this.#syntax;
    switch (this.#syntax.payloadOf(payload)) {
      case "fragment": {
        const fragment = this.#syntax.fragmentOf(payload);
        return fragment?.isStart === true && ((fragment.bytes[0] ?? 0x80) & 0x80) === 0;
      }
      case "single":
        return (
          payload.length >= headerBytes &&
          isSlice(this.#syntax.kindOf(payload)) &&
          ((payload[headerBytes] ?? 0x80) & 0x80) === 0
        );
      case "aggregate":
      case "unknown":
        return false;
    }
  }
}

function isSlice(kind: NalKind): boolean {
  return kind === "slice" || kind === "key slice" || kind === "leading slice";
}
