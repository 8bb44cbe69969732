import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAacDepacketiser, readAacFormat } from "../../src/camera/aac-depacketiser.ts";
import { CameraError } from "../../src/camera/camera-error.ts";
import { H264Depacketiser } from "../../src/camera/h264-depacketiser.ts";
import { parameterSetsFromSdp, readH264Parameters } from "../../src/camera/h264-parameters.ts";
import { createRtpFragments } from "../../src/camera/rtp-fragments.ts";
import { createPacketOrder } from "../../src/camera/rtp-order.ts";
import { parseRtp, parseSenderReport } from "../../src/camera/rtp.ts";
import { authorization, parseChallenges } from "../../src/camera/rtsp-digest.ts";
import { readSession, readTransport } from "../../src/camera/rtsp-headers.ts";
import { RtspReader, type RtspItem } from "../../src/camera/rtsp-reader.ts";
import { parseRtspUrl, resolveControl } from "../../src/camera/rtsp-url.ts";
import { parseSdp, type SessionDescription } from "../../src/camera/sdp.ts";
import { createTimeline } from "../../src/camera/timeline.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { sequenceSet } from "./h264-bits.ts";
import { PICTURE_SET, SEQUENCE_SET, VIDEO_SDP } from "./scripted-camera.ts";

/**
 * Six seconds of an RTSP connection as GStreamer's server sent it: log-in, description with H.264
 * (B-pictures, two slices each) and AAC, packets and sender reports. Its host's name was replaced.
 */
const CAPTURE = readFileSync(new URL("./gstreamer-capture.rtsp", import.meta.url));
const UNIT_BYTES_MAX = 8 * 1024 * 1024;

/** The payload of a packet is used again: only what it was can be kept. */
type SeenItem =
  | { readonly kind: "packet"; readonly digest: string }
  | { readonly kind: "response" | "request" };

interface Received {
  readonly items: readonly SeenItem[];
  readonly fragments: Fragment[];
  readonly sounds: number;
  readonly error: unknown;
}

/** Everything between the socket and the recorder, in one piece, given the bytes in pieces. */
function receive(bytes: Uint8Array, pieceBytes = 1_400): Received {
  const items: SeenItem[] = [];
  const fragments: Fragment[] = [];
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallClockMs: () => 1e12 + clock.nowMs };
  const timeline = createTimeline(parseCameraId("front"), clock, (one) => fragments.push(one));
  const received = createRtpFragments({ clock, timeline, audio: null });
  let video: H264Depacketiser | null = null;
  let takeSound: ReturnType<typeof createAacDepacketiser> | null = null;
  let sounds = 0;

  function describeMedia(description: SessionDescription): void {
    for (const media of description.media) {
      if (media.kind === "audio")
        takeSound = createAacDepacketiser(readAacFormat(media), () => (sounds += 1));
      else
        video = new H264Depacketiser(
          parameterSetsFromSdp(media.format.get("sprop-parameter-sets")),
          (unit) => received.video(unit, clock.nowMs),
        );
    }
  }
  const order = createPacketOrder((packet) => video?.push(packet));
  const reader = new RtspReader((item) => {
    items.push(
      item.kind === "packet"
        ? { kind: item.kind, digest: Buffer.from(item.payload).toString("base64") }
        : { kind: item.kind },
    );
    if (item.kind === "response" && item.body.length > 0) describeMedia(parseSdp(item.body));
    if (item.kind !== "packet") return readHeaders(item);
    const report = item.channel % 2 === 1 ? parseSenderReport(item.payload) : null;
    if (report !== null) received.videoClock.report(report);
    const packet = item.channel % 2 === 0 ? parseRtp(item.payload) : null;
    if (packet === null) return;
    if (item.channel === 2) takeSound?.push(packet);
    else order(packet);
  });
  try {
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
      clock.nowMs += 100;
      reader.push(bytes.subarray(offset, offset + pieceBytes));
    }
    return { items, fragments, sounds, error: null };
  } catch (error) {
    return { items, fragments, sounds, error };
  }
}

function readHeaders({ headers }: Exclude<RtspItem, { kind: "packet" }>): void {
  readSession(headers.get("session")?.[0] ?? "");
  parseChallenges(headers.get("www-authenticate") ?? []);
  const transport = headers.get("transport")?.[0];
  if (transport !== undefined) readTransport(transport, 0);
  const base = headers.get("content-base")?.[0];
  const url = resolveControl(parseRtspUrl("rtsp://192.0.2.1/main"), base, "stream=0");
  expect(url).toMatch(/^rtsp:\/\/192\.0\.2\.1\/[!-~]*$/);
}

/** Whatever was sent, this holds of what came of it. */
function requireSound({ fragments, error }: Received): void {
  if (error !== null) expect(error).toBeInstanceOf(CameraError);
  for (const [index, fragment] of fragments.entries()) {
    const before = fragments[index - 1];
    expect(fragment.bytes.length).toBeLessThanOrEqual(UNIT_BYTES_MAX + 112);
    expect(fragment.init.width).toBeGreaterThanOrEqual(16);
    expect(Number.isFinite(fragment.wallClockMs)).toBe(true);
    expect(fragment.durationMs).toBeGreaterThan(0);
    if (before === undefined) {
      expect(fragment.keyFrame).toBe(true);
      continue;
    }
    expect(fragment.decodeTimeMs).toBeGreaterThan(before.decodeTimeMs);
    expect(fragment.sequence).toBeGreaterThan(before.sequence);
    // What follows a loss begins with a key frame, so that a recording can go on there.
    if (fragment.sequence !== before.sequence + 1) expect(fragment.keyFrame).toBe(true);
  }
}

type Change =
  | { readonly kind: "flip"; readonly at: number; readonly bits: number }
  | { readonly kind: "cut"; readonly at: number; readonly size: number }
  | { readonly kind: "put"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "again"; readonly at: number; readonly size: number };

const at = fc.nat(CAPTURE.length - 1);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at, bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant("cut" as const), at, size: fc.nat(3_000) }),
  fc.record({ kind: fc.constant("put" as const), at, bytes: fc.uint8Array({ maxLength: 600 }) }),
  fc.record({ kind: fc.constant("again" as const), at, size: fc.nat(5_000) }),
);

function changed(bytes: Buffer, changes: readonly Change[]): Buffer {
  let out = Buffer.from(bytes);
  for (const one of changes) {
    const place = Math.min(one.at, out.length);
    const before = out.subarray(0, place);
    const after = out.subarray(place);
    switch (one.kind) {
      case "flip":
        if (place < out.length) out[place] = (out[place] ?? 0) ^ one.bits;
        break;
      case "cut":
        out = Buffer.concat([before, after.subarray(one.size)]);
        break;
      case "put":
        out = Buffer.concat([before, one.bytes, after]);
        break;
      case "again":
        out = Buffer.concat([before, after.subarray(0, one.size), after]);
    }
  }
  return out;
}

/** Damage that once cost more than it had to. */
const FOUND: [{ at: number; cut: number; bytes: Uint8Array<ArrayBuffer> }][] = [
  [{ at: 19_986, cut: 0, bytes: new Uint8Array(2) }],
  [{ at: 10_487, cut: 0, bytes: Uint8Array.of(0, 158) }],
  // A packet on a channel of its own, before any other came: the real ones were not believed.
  [{ at: 2_039, cut: 0, bytes: Uint8Array.of(3, 0, 8, 128) }],
];

describe("a real connection", () => {
  test("is read whole, in pieces of any size", () => {
    for (const pieceBytes of [CAPTURE.length, 1_400, 97]) {
      const received = receive(CAPTURE, pieceBytes);
      expect(received.error).toBeNull();
      requireSound(received);
      expect(received.fragments.length).toBeGreaterThan(40);
      expect(received.fragments.every(({ sequence }, index) => sequence === index)).toBe(true);
      expect(received.sounds).toBeGreaterThan(60);
    }
  });

  test("changed in any way, it gives pictures that can be recorded, or an error by name", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const received = receive(changed(CAPTURE, changes));
        requireSound(received);
        expect(received.items.length).toBeLessThan(2_000);
      }),
      { numRuns: 300 },
    );
  });

  test("damage at one place is behind it after 64 KiB at most, and mostly after one packet", () => {
    const media = mediaStart();
    const tail = CAPTURE.subarray(media);
    const inPictures = fc.integer({ min: media, max: CAPTURE.length - 1 });
    const damage = fc.record({ at: inPictures, cut: fc.nat(500), bytes: fc.uint8Array() });
    const whole = packetsOf(receive(CAPTURE));
    const costs: number[] = [];
    fc.assert(
      fc.property(damage, ({ at: place, cut, bytes }) => {
        const before = CAPTURE.subarray(0, place);
        const hurt = Buffer.concat([before, bytes, CAPTURE.subarray(place + cut), tail, tail]);
        const received = receive(hurt);
        // A parameter set that was hit ends the connection: the next one brings it whole.
        if (received.error !== null) {
          expect(received.error).toMatchObject({ message: expect.stringContaining("parameter") });
          return;
        }
        const packets = packetsOf(received);
        expect(packets.slice(-whole.length)).toEqual(whole);
        costs.push(3 * whole.length - packets.length);
      }),
      { numRuns: 100, examples: FOUND },
    );
    const [middle] = costs.toSorted((left, right) => left - right).slice(costs.length / 2);
    expect(middle).toBeLessThanOrEqual(6);
  });
});

/** Where the first packet stands. */
function mediaStart(): number {
  const answer = CAPTURE.lastIndexOf("RTSP/1.0 200 OK");
  return CAPTURE.indexOf("\r\n\r\n", answer) + 4;
}

function packetsOf({ items }: Received): string[] {
  return items.flatMap((item) => (item.kind === "packet" ? [item.digest] : []));
}

describe("descriptions, challenges and parameter sets", () => {
  const line = fc.oneof(
    fc.constantFrom(
      ...VIDEO_SDP.split("\r\n"),
      "m=audio 0 RTP/AVP 0 8 97",
      "a=fmtp:97 mode=AAC-hbr",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 60 }),
    fc
      .tuple(fc.constantFrom("m=", "a=rtpmap:", "a=fmtp:", "a=control:"), fc.string())
      .map((parts) => parts.join("")),
  );

  test("any description is read within its limits, or refused by name", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        try {
          const { media } = parseSdp(Buffer.from(lines.join("\r\n"), "latin1"));
          expect(media.length).toBeLessThanOrEqual(16);
          for (const { format, payloadType } of media) {
            expect(payloadType).toBeLessThan(128);
            for (const set of parameterSetsFromSdp(format.get("sprop-parameter-sets")))
              expect(set.length).toBeLessThanOrEqual(4_096);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CameraError);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("any parameter set is read, or refused by name, and never says a picture that cannot be", () => {
    const real = fc.constantFrom(SEQUENCE_SET, sequenceSet({ width: 1280, height: 720 }));
    const mutated = fc
      .tuple(real, fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 6 }), fc.nat(40))
      .map(([set, edits, length]) => {
        const bytes = Buffer.from(set).subarray(0, Math.max(2, set.length - (length % 12)));
        for (const [place, value] of edits) if (place < bytes.length) bytes[place] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (set) => {
        try {
          const { width, height, framesPerSecond, reorderFrames } = readH264Parameters(
            [set],
            [PICTURE_SET],
          );
          expect(Math.min(width, height)).toBeGreaterThanOrEqual(16);
          expect(Math.max(width, height)).toBeLessThanOrEqual(8_192);
          expect(framesPerSecond ?? 25).toBeLessThanOrEqual(240);
          expect(reorderFrames ?? 0).toBeLessThanOrEqual(16);
        } catch (error) {
          expect(error).toBeInstanceOf(CameraError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a challenge of the longest head is read in no noticeable time, whatever it repeats", () => {
    const piece = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.nat(1), (pieces, close) => {
        const text = `Digest ${pieces.join("")}`;
        const value = text.repeat(Math.ceil(16_000 / text.length)) + '"'.repeat(close);
        const startedMs = performance.now();
        const credentials = { username: "viewer", password: "secret", allowBasic: true };
        for (const challenge of parseChallenges([value.replaceAll(/[\r\n]/g, " ")])) {
          const header = authorization({ challenge, nonceCount: 0 }, credentials, {
            method: "OPTIONS",
            uri: "rtsp://192.0.2.1/",
          });
          expect(header).not.toMatch(/[\r\n]/);
          expect(header.length).toBeLessThan(64 * 1024);
        }
        // Generous: what grows with the square of it takes minutes.
        expect(performance.now() - startedMs).toBeLessThan(2_000);
      }),
      { numRuns: 100 },
    );
  });
});
