import { wrappedDifference16, type RtpPacket } from "./rtp.ts";

/** Packets that wait for one that is missing; over TCP it is late by very few, or never comes. */
const HELD_MAX = 8;
/** A number this far ahead or behind is a sender that started over. */
const NEAR_PACKETS = 100;

/**
 * Hands packets on in the order of their numbers. Where one is missing, those behind it wait until
 * it comes, until too many wait, or until a second picture has begun: a camera that lost a packet
 * delays its pictures by one.
 *
 * @param onPacket - Given every packet once it is its turn; what never came is left out, and what
 * comes too late is given as it comes.
 */
export function createPacketOrder(onPacket: (packet: RtpPacket) => void): (p: RtpPacket) => void {
  let next: number | null = null;
  let source: number | null = null;
  let held: RtpPacket[] = [];

  function give(packet: RtpPacket): void {
    next = (packet.sequenceNumber + 1) & 0xffff;
    onPacket(packet);
  }

  function releaseAll(): void {
    const waiting = held;
    held = [];
    for (const packet of waiting) give(packet);
  }

  function hold(packet: RtpPacket, from: number): void {
    const distance = (one: RtpPacket): number => wrappedDifference16(one.sequenceNumber, from);
    const place = held.findIndex((one) => distance(one) >= distance(packet));
    if (place >= 0 && held[place]?.sequenceNumber === packet.sequenceNumber) return;
    // What it is a view of is used again.
    const own = { ...packet, payload: Uint8Array.from(packet.payload) };
    held.splice(place < 0 ? held.length : place, 0, own);
    const pictures = new Set(held.map(({ timestamp }) => timestamp));
    if (held.length >= HELD_MAX || pictures.size > 1) releaseAll();
  }

  return (packet) => {
    if (packet.synchronisationSource !== source) {
      releaseAll();
      source = packet.synchronisationSource;
      return give(packet);
    }
    const ahead = next === null ? 0 : wrappedDifference16(packet.sequenceNumber, next);
    if (ahead > 0 && ahead < NEAR_PACKETS && next !== null) return hold(packet, next);
    if (ahead < 0 && ahead >= -NEAR_PACKETS) return onPacket(packet);
    if (ahead !== 0) releaseAll();
    give(packet);
    while (held[0]?.sequenceNumber === next) {
      const [first, ...rest] = held;
      held = rest;
      if (first !== undefined) give(first);
    }
  };
}
