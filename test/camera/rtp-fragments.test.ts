import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { readAacFormat } from "../../src/camera/aac-depacketiser.ts";
import { readH264Parameters } from "../../src/camera/h264-parameters.ts";
import { createRtpFragments } from "../../src/camera/rtp-fragments.ts";
import { parseSdp } from "../../src/camera/sdp.ts";
import { createTimeline } from "../../src/camera/timeline.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { PICTURE_SET, SEQUENCE_SET } from "./scripted-camera.ts";

const WALL_AT_ZERO_MS = Date.UTC(2026, 10, 21, 12);
const SDP = [
  ...["v=0", "m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/48000/2"],
  "a=fmtp:97 mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1190",
].join("\r\n");

/** A camera with pictures every 100 ms and sound all the time; sound arrives later than pictures. */
function receive(options: { reports: boolean; soundDelayMs: number; seconds: number }) {
  const clock: Clock & { nowMs: number } = {
    nowMs: 0,
    monotonicMs: () => clock.nowMs,
    wallClockMs: () => WALL_AT_ZERO_MS + clock.nowMs,
  };
  const fragments: Fragment[] = [];
  const timeline = createTimeline(parseCameraId("front"), clock, (fragment) =>
    fragments.push(fragment),
  );
  const [media] = parseSdp(Buffer.from(SDP)).media;
  if (media === undefined) throw new Error("no media");
  const audio = {
    format: { kind: "aac", parameters: readAacFormat(media) },
    clockRate: 48_000,
  } as const;
  const received = createRtpFragments({ clock, timeline, audio });
  const parameters = readH264Parameters([SEQUENCE_SET], [PICTURE_SET]);
  // What happens when, so that late sound and early pictures mix as on a wire.
  const events: { atMs: number; run: () => void }[] = [];
  for (let capturedMs = 0; capturedMs < options.seconds * 1000; capturedMs += 100) {
    const timestamp = (4_294_900_000 + capturedMs * 90) >>> 0;
    const atMs = capturedMs + 20;
    const unit = { timestamp, keyFrame: true, parameters, lostBefore: 0 };
    events.push({
      atMs,
      run: () => received.video({ ...unit, sample: Uint8Array.of(capturedMs / 100) }, atMs),
    });
    if (!options.reports || capturedMs % 1000 !== 500) continue;
    const wallClockMs = WALL_AT_ZERO_MS + capturedMs;
    const soundTime = (77_777 + capturedMs * 48) >>> 0;
    events.push({
      atMs: atMs + 1,
      run: () => {
        received.videoClock.report({ synchronisationSource: 1, wallClockMs, timestamp });
        received.audioClock?.report({
          ...{ synchronisationSource: 2, wallClockMs },
          timestamp: soundTime,
        });
      },
    });
  }
  for (let frame = 0; (frame * 1024) / 48 < options.seconds * 1000; frame += 1) {
    const atMs = (frame * 1024) / 48 + 20 + options.soundDelayMs;
    const timestamp = (77_777 + frame * 1024) >>> 0;
    const sample = Buffer.from(String(frame));
    events.push({ atMs, run: () => received.audio({ timestamp, sample, lostBefore: 0 }, atMs) });
  }
  for (const event of events.toSorted((left, right) => left.atMs - right.atMs)) {
    clock.nowMs = event.atMs;
    event.run();
  }
  return fragments;
}

/** When a fragment's content was captured, from the number written in it. */
function capturedMs(fragment: Fragment): number {
  const content = Buffer.from(fragment.bytes.subarray(112));
  return fragment.track === "video"
    ? (content[0] ?? 0) * 100
    : (Number(content.toString()) * 1024) / 48;
}

/** Where the capture time 0 stands on a track's time line, for each of its fragments. */
function origins(fragments: readonly Fragment[], track: "video" | "audio"): number[] {
  return fragments
    .filter((fragment) => fragment.track === track)
    .map((fragment) => fragment.decodeTimeMs - capturedMs(fragment));
}

describe("pictures and sound of one connection", () => {
  test("sender reports put them on one time line, however late the sound arrives", () => {
    const fragments = receive({ reports: true, soundDelayMs: 350, seconds: 5 });
    const video = origins(fragments, "video");
    const sound = origins(fragments, "audio");
    expect(sound.length).toBeGreaterThan(150);
    for (const origin of video) expect(origin).toBeCloseTo(0, 5);
    for (const origin of sound) expect(Math.abs(origin)).toBeLessThan(1);
  });

  test("without reports sound waits a while, and is placed by its arrival", () => {
    const fragments = receive({ reports: false, soundDelayMs: 40, seconds: 6 });
    const sound = fragments.filter(({ track }) => track === "audio");
    expect(capturedMs(sound[0] ?? fragments[0]!)).toBeGreaterThan(2_900);
    for (const origin of origins(fragments, "audio")) expect(origin).toBeCloseTo(40, 0);
  });

  test("each track's fragments follow one another without gap or overlap", () => {
    const fragments = receive({ reports: true, soundDelayMs: 120, seconds: 5 });
    for (const track of ["video", "audio"] as const) {
      const own = fragments.filter((fragment) => fragment.track === track);
      for (const [index, fragment] of own.entries()) {
        expect(fragment.sequence).toBe(index);
        const before = own[index - 1];
        if (before === undefined) continue;
        const endMs = before.decodeTimeMs + before.durationMs;
        // The first picture's duration is a guess: this stream says 15 a second and sends 10.
        if (track === "audio" || index > 1) expect(fragment.decodeTimeMs).toBeCloseTo(endMs, 5);
      }
    }
  });
});
