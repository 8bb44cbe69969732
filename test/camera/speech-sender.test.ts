import { describe, expect, test } from "vitest";
import { parseRtp, type RtpPacket } from "../../src/camera/rtp.ts";
import { PACKET_BYTES, SpeechSender } from "../../src/camera/talk/speech-sender.ts";

interface Sent {
  readonly packet: RtpPacket;
  readonly atMs: number;
}

/** A sender with a clock of its own, driven as the talk process drives it. */
function senderAt(options: { queueBytesMax?: number; takes?: () => boolean } = {}) {
  const sent: Sent[] = [];
  const clock = { nowMs: 1_000 };
  const sender = new SpeechSender({
    payloadType: 8,
    queueBytesMax: options.queueBytesMax ?? 6_400,
    send: (bytes) => {
      const packet = parseRtp(Uint8Array.from(bytes));
      if (packet === null) throw new Error("no RTP packet");
      sent.push({ packet, atMs: clock.nowMs });
      return options.takes?.() ?? true;
    },
  });
  let dueAtMs: number | null = null;
  const tick = (): void => {
    const waitMs = sender.tick(clock.nowMs);
    dueAtMs = waitMs === null ? null : clock.nowMs + waitMs;
  };
  return {
    ...{ sender, sent, clock },
    push: (bytes: Uint8Array) => {
      sender.push(bytes);
      tick();
    },
    finish: () => {
      sender.finish();
      tick();
    },
    /** @param lateMs - How much later than asked the timer wakes it. */
    runFor: (durationMs: number, lateMs = 0) => {
      const until = clock.nowMs + durationMs;
      while (dueAtMs !== null && dueAtMs + lateMs <= until) {
        clock.nowMs = dueAtMs + lateMs;
        tick();
      }
      clock.nowMs = until;
    },
  };
}

const counted = (size: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => (from + index) & 0xff);
const payloads = (sent: readonly Sent[]): Buffer =>
  Buffer.concat(sent.map(({ packet }) => packet.payload));

describe("speech as RTP", () => {
  test("one packet of 160 bytes every 20 ms, numbered and timed on, the first one marked", () => {
    const { push, finish, runFor, sent } = senderAt();
    push(counted(4_000));
    finish();
    runFor(1_000);
    expect(sent).toHaveLength(25);
    expect(payloads(sent).equals(counted(4_000))).toBe(true);
    for (const [index, { packet, atMs }] of sent.entries()) {
      const before = sent[index - 1];
      expect(packet.marker).toBe(index === 0);
      expect(packet.payloadType).toBe(8);
      if (!before) continue;
      expect(packet.sequenceNumber).toBe((before.packet.sequenceNumber + 1) & 0xffff);
      expect(packet.timestamp).toBe((before.packet.timestamp + PACKET_BYTES) >>> 0);
      expect(packet.synchronisationSource).toBe(before.packet.synchronisationSource);
      expect(atMs - before.atMs).toBe(20);
    }
  });

  test("a timer that is late does not slow it down: it catches up", () => {
    const { push, runFor, sent } = senderAt();
    push(counted(3_200));
    runFor(500, 13);
    expect(sent.length).toBeGreaterThanOrEqual(19);
    expect(payloads(sent).equals(counted(160 * sent.length))).toBe(true);
  });

  test("silence between two spurts is as long in the time stamps as it was, and marked after", () => {
    const { push, runFor, sent } = senderAt();
    push(counted(480));
    runFor(2_000);
    push(counted(480));
    runFor(2_000);
    expect(sent).toHaveLength(6);
    const [first, , third, fourth] = sent;
    if (!first || !third || !fourth) throw new Error("too few");
    expect(fourth.packet.marker).toBe(true);
    expect(third.packet.marker).toBe(false);
    const passed = (fourth.packet.timestamp - first.packet.timestamp) >>> 0;
    expect(passed / 8).toBe(fourth.atMs - first.atMs);
    expect(fourth.packet.sequenceNumber).toBe((third.packet.sequenceNumber + 1) & 0xffff);
  });

  test("a spurt begins with 60 ms in hand, and the rest goes out at the end, however little", () => {
    const { push, finish, runFor, sent } = senderAt();
    push(counted(479));
    runFor(100);
    expect(sent).toHaveLength(0);
    finish();
    runFor(100);
    expect(sent.map(({ packet }) => packet.payload.length)).toEqual([160, 160, 159]);
  });

  test("what waits is bounded: the oldest goes, and is counted", () => {
    const { push, sender, runFor, sent } = senderAt({ queueBytesMax: 1_600 });
    push(counted(10_000));
    expect(sender.droppedBytes).toBe(8_400);
    runFor(1_000);
    expect(payloads(sent).equals(counted(10_000).subarray(8_400))).toBe(true);
    push(counted(1_600));
    push(counted(800, 7));
    expect(sender.droppedBytes).toBe(8_400 + 800 - 160);
  });

  test("a machine that stood still does not send all at once", () => {
    const { push, clock, sender, sent } = senderAt();
    push(counted(6_400));
    clock.nowMs += 700;
    sender.tick(clock.nowMs);
    expect(sent.length).toBeLessThanOrEqual(3);
    expect(sent.at(-1)?.packet.marker).toBe(true);
  });

  test("what the camera does not take is counted, and the time goes on", () => {
    const { push, runFor, sender, sent } = senderAt({ takes: () => false });
    push(counted(1_600));
    runFor(400);
    expect([sender.packets, sender.lostPackets]).toEqual([10, 10]);
    expect(sent).toHaveLength(10);
  });
});
