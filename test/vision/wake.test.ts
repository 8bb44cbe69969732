import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WakeGate } from "../../src/vision/wake.ts";

const FRAME_MS = 1000 / 15;

/** Repeatable chance, 0 to 1. */
function makeChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A stream of made sizes in front of a gate, as a watch that always looks would tell it. */
class Stream {
  readonly gate = new WakeGate();
  readonly #chance: () => number;
  #frames = 0;

  constructor(seed = 1) {
    this.#chance = makeChance(seed);
  }

  get nowMs(): number {
    return this.#frames * FRAME_MS;
  }

  /** Seconds of pictures of about `sizeBytes`, give or take `spread` of it. */
  run(seconds: number, sizeBytes: number, { spread = 0.15, isStill = true, group = 30 } = {}) {
    const calm: boolean[] = [];
    const trusted: boolean[] = [];
    for (let count = 0; count < seconds * 15; count += 1) {
      const keyFrame = this.#frames % group === 0;
      const stray = 1 + (this.#chance() * 2 - 1) * spread;
      const size = Math.round((keyFrame ? 20_000 : sizeBytes) * stray);
      this.gate.push({ keyFrame, sizeBytes: size, decodeTimeMs: this.nowMs }, isStill);
      this.#frames += 1;
      calm.push(this.gate.isCalm);
      trusted.push(this.gate.isTrusted);
    }
    return { calm, trusted };
  }

  /** Somebody walks by for three seconds, and the pictures show it after 0.4 s. */
  visit(sizeBytes: number): void {
    const onsetMs = this.nowMs;
    this.run(0.4, sizeBytes);
    this.gate.moved(onsetMs, this.nowMs);
    this.run(2.6, sizeBytes, { isStill: false });
  }
}

/** A still scene of which two visits have been seen. */
function trusting(seed?: number): Stream {
  const stream = new Stream(seed);
  for (let visit = 0; visit < 2; visit += 1) {
    stream.run(20, 300);
    stream.visit(1_500);
  }
  stream.run(10, 300);
  return stream;
}

describe("the sizes of a stream's pictures", () => {
  test("say nothing before it is known what is usual", () => {
    const { calm } = new Stream().run(5, 300);
    expect(calm).not.toContain(true);
  });

  test("are calm in a still scene, key frames or not, and are relied on after two visits", () => {
    const stream = trusting();
    const { calm, trusted } = stream.run(60, 300);
    expect(calm).not.toContain(false);
    expect(trusted).not.toContain(false);
  });

  test("are not relied on before they have shown two movements", () => {
    const stream = new Stream();
    expect(stream.run(300, 300).trusted).not.toContain(true);
    stream.visit(1_500);
    expect(stream.run(60, 300).trusted).not.toContain(true);
    stream.visit(1_500);
    expect(stream.gate.isTrusted).toBe(true);
  });

  test.each([1.5, 2, 5])(
    "rise within 0.5 s of a movement that makes them %d times as large",
    (rise) => {
      const stream = trusting();
      const { calm } = stream.run(1, 300 * rise);
      const after = calm.indexOf(false) / 15;
      expect(after).toBeGreaterThanOrEqual(0);
      expect(after).toBeLessThanOrEqual(0.5);
    },
  );

  test("do not rise for one or three large pictures", () => {
    const stream = trusting();
    for (const size of [30_000, 300, 300, 300, 8_000, 9_000, 7_000, 300, 300, 300, 300]) {
      const { calm } = stream.run(FRAME_MS / 1000, size);
      expect(calm).not.toContain(false);
    }
  });

  test("of constant bit rate are never relied on, whatever moves", () => {
    const stream = new Stream();
    const trusted: boolean[] = [];
    for (let visit = 0; visit < 20; visit += 1) {
      trusted.push(...stream.run(20, 2_000, { spread: 0.1 }).trusted);
      stream.visit(2_000);
    }
    expect(trusted).not.toContain(true);
  });

  test("are no longer relied on after a movement that they did not show, until four that they did", () => {
    const stream = trusting();
    stream.visit(300);
    expect(stream.gate.isTrusted).toBe(false);
    for (let visit = 0; visit < 4; visit += 1) {
      expect(stream.run(20, 300).trusted).not.toContain(true);
      stream.visit(1_500);
    }
    expect(stream.gate.isTrusted).toBe(true);
  });

  test("are not relied on where they have no room to rise as far as they were seen to", () => {
    const stream = trusting();
    // Rain, and an encoder at its limit: what a visit would add does not fit any more.
    stream.run(90, 1_600);
    expect(stream.gate.isTrusted).toBe(false);
    stream.run(90, 300);
    expect(stream.gate.isTrusted).toBe(true);
  });

  test("that rise to the noise of the night are usual half a minute later", () => {
    const stream = trusting();
    const { calm } = stream.run(60, 600);
    expect(calm.slice(15, 30)).not.toContain(true);
    expect(calm.slice(40 * 15)).not.toContain(false);
    // And a visit still shows.
    expect(stream.run(1, 1_500).calm).toContain(false);
  });

  test("that fall in the morning are usual at once, so that a small rise shows again", () => {
    const stream = new Stream();
    for (let visit = 0; visit < 2; visit += 1) {
      stream.run(60, 1_200);
      stream.visit(4_000);
    }
    stream.run(15, 300);
    expect(stream.run(1, 600).calm).toContain(false);
  });

  test("of a visitor who stays do not become what is usual while he moves", () => {
    const stream = trusting();
    stream.visit(1_500);
    stream.run(120, 1_500, { isStill: false });
    expect(stream.gate.isCalm).toBe(false);
    expect(stream.gate.levels.threshold).toBeLessThan(800);
  });

  test("are known again after a gap, without a rise that never was", () => {
    const stream = trusting();
    const { gate } = stream;
    gate.push({ keyFrame: true, sizeBytes: 20_000, decodeTimeMs: stream.nowMs + 60_000 }, true);
    gate.push({ keyFrame: false, sizeBytes: 300, decodeTimeMs: stream.nowMs + 60_066 }, true);
    expect(gate.isCalm).toBe(true);
    expect(gate.isTrusted).toBe(true);
  });

  test("of any stream whatever are survived, and a stream without calm is never called calm", () => {
    const unit = fc.record({
      keyFrame: fc.boolean(),
      sizeBytes: fc.integer({ min: 0, max: 8_000_000 }),
      stepMs: fc.oneof(
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: -100_000, max: 100_000 }),
      ),
      isStill: fc.boolean(),
      moved: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 300 }), (units) => {
        const gate = new WakeGate();
        let nowMs = 0;
        for (const { keyFrame, sizeBytes, stepMs, isStill, moved } of units) {
          nowMs += stepMs;
          gate.push({ keyFrame, sizeBytes, decodeTimeMs: nowMs }, isStill);
          if (moved) gate.moved(nowMs - 400, nowMs);
          expect(gate.levels.now).toBeGreaterThanOrEqual(0);
          if (gate.isCalm) expect(gate.levels.threshold).toBeLessThan(Infinity);
          if (gate.isTrusted) expect(gate.levels.threshold).toBeLessThan(8_000_000);
        }
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  test("however much they stray: a tripled size is never taken for calm", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 60, max: 50_000 }),
        fc.double({ min: 0, max: 0.4, noNaN: true }),
        (seed, size, spread) => {
          const stream = new Stream(seed);
          stream.run(30, size, { spread });
          const { calm } = stream.run(1, size * 3, { spread });
          expect(calm.at(-1)).toBe(false);
        },
      ),
      { seed: 5, numRuns: 60 },
    );
  });
});
