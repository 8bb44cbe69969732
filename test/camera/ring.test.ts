import { describe, expect, test } from "vitest";
import { FRAGMENT_OVERHEAD_BYTES, FragmentRing } from "../../src/camera/ring.ts";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";

const camera = parseCameraId("front");
const SIZE_BYTES = 100 + FRAGMENT_OVERHEAD_BYTES;
const init: TrackInit = {
  track: "video",
  codec: "avc1.42c028",
  timescale: 90_000,
  width: 640,
  height: 360,
  bytes: new Uint8Array(1),
};

/** Ten pictures a second, a key frame every 2 s unless said otherwise. */
function fragment(
  sequence: number,
  options: { sizeBytes?: number; group?: number } = {},
): Fragment {
  return {
    camera,
    track: "video",
    sequence,
    decodeTimeMs: sequence * 100,
    durationMs: 100,
    keyFrame: sequence % (options.group ?? 20) === 0,
    wallClockMs: 1_000_000 + sequence * 100,
    bytes: new Uint8Array(options.sizeBytes ?? 100),
    init,
  };
}

function fill(ring: FragmentRing, count: number, options = {}): void {
  for (let sequence = 0; sequence < count; sequence += 1) ring.push(fragment(sequence, options));
}

describe("the ring of the last seconds", () => {
  test("it holds ten seconds before the newest picture, from a key frame on, and no group more", () => {
    const ring = new FragmentRing();
    fill(ring, 1_000);
    const [first] = ring.since(0);
    expect(first?.keyFrame).toBe(true);
    expect(first?.sequence).toBeLessThanOrEqual(999 - 100);
    expect(ring.length).toBeLessThanOrEqual(100 + 2 * 20);
    expect(ring.sizeBytes).toBe(ring.length * SIZE_BYTES);
  });

  test("a time is answered from the key frame at or before it", () => {
    const ring = new FragmentRing();
    fill(ring, 95);
    expect(ring.since(1_000_000 + 4_500)[0]?.sequence).toBe(40);
    expect(ring.since(1_000_000 + 4_000)[0]?.sequence).toBe(40);
    expect(ring.since(1_000_000 + 3_999)[0]?.sequence).toBe(20);
    expect(ring.since(1_000_000 + 4_500)).toHaveLength(55);
    expect(ring.since(0)[0]?.sequence).toBe(0);
    expect(new FragmentRing().since(0)).toEqual([]);
  });

  test("it never holds more bytes than it may, and what is left starts with a key frame", () => {
    const ring = new FragmentRing({ durationMs: 10_000, sizeBytes: 50 * SIZE_BYTES });
    for (let sequence = 0; sequence < 300; sequence += 1) {
      ring.push(fragment(sequence));
      expect(ring.sizeBytes).toBeLessThanOrEqual(50 * SIZE_BYTES);
    }
    expect(ring.since(0)[0]?.keyFrame).toBe(true);
    expect(ring.length).toBeLessThan(300);
  });

  test("a camera that sends one key frame and no other cannot make it grow", () => {
    const ring = new FragmentRing({ durationMs: 10_000, sizeBytes: 50 * SIZE_BYTES });
    fill(ring, 1_000, { group: 100_000 });
    expect(ring.sizeBytes).toBeLessThanOrEqual(50 * SIZE_BYTES);
    expect(ring.since(0)).toEqual([]);
  });

  test("a subscriber gets the picture in progress first, and then what comes", () => {
    const ring = new FragmentRing();
    fill(ring, 25);
    const seen: number[] = [];
    const stop = ring.subscribe(({ sequence }) => seen.push(sequence));
    ring.push(fragment(25));
    stop();
    ring.push(fragment(26));
    expect(seen).toEqual([20, 21, 22, 23, 24, 25]);
  });
});
