import { describe, expect, test } from "vitest";
import { FRAGMENT_OVERHEAD_BYTES, FragmentRing, readRing } from "../../src/camera/ring.ts";
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
    expect(ring.droppedForSize).toBeGreaterThan(0);
  });

  test("a camera that sends one key frame and no other cannot make it grow", () => {
    const ring = new FragmentRing({ durationMs: 10_000, sizeBytes: 50 * SIZE_BYTES });
    fill(ring, 1_000, { group: 100_000 });
    expect(ring.sizeBytes).toBeLessThanOrEqual(50 * SIZE_BYTES);
    expect(ring.since(0)).toEqual([]);
  });

  test("a subscriber gets what comes, and on request the picture in progress first", () => {
    const ring = new FragmentRing();
    fill(ring, 25);
    const plain: number[] = [];
    const replayed: number[] = [];
    const stop = ring.subscribe((seen) => plain.push(seen.sequence));
    ring.subscribe((seen) => replayed.push(seen.sequence), { replay: true });
    ring.push(fragment(25));
    stop();
    ring.push(fragment(26));
    expect(plain).toEqual([25]);
    expect(replayed).toEqual([20, 21, 22, 23, 24, 25, 26]);
  });

  test("a reader that keeps up sees everything", async () => {
    const ring = new FragmentRing();
    fill(ring, 21);
    const seen: number[] = [];
    for await (const { fragment: read } of readRing(ring, {
      queueBytesMax: 10_000,
      replay: true,
    })) {
      seen.push(read.sequence);
      if (read.sequence === 30) break;
      ring.push(fragment(read.sequence + 1));
    }
    expect(seen).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  });

  test("a reader that is too slow loses groups of pictures, not the memory of the hub", async () => {
    const ring = new FragmentRing();
    const reader = readRing(ring, { queueBytesMax: 2_500 });
    const first = reader.next();
    // All at once: the reader has no chance to read in between.
    fill(ring, 190);
    const { fragment: read, lostBefore } = (await first).value ?? {};
    expect(read?.keyFrame).toBe(true);
    // The queue is bounded, so it cannot go far back; everything before it is counted as lost.
    expect(read?.sequence).toBe(180);
    expect(lostBefore).toBe(180);
    expect((await reader.next()).value).toMatchObject({
      fragment: { sequence: 181 },
      lostBefore: 0,
    });
    await reader.return();
  });

  test("a reader ends with its signal, even while it waits", async () => {
    const ring = new FragmentRing();
    const closing = new AbortController();
    const { signal } = closing;
    const next = readRing(ring, { queueBytesMax: 1_000, signal }).next();
    setTimeout(() => closing.abort(), 10);
    expect((await next).done).toBe(true);
  });
});
