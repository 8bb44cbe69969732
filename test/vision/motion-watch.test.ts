import { describe, expect, test } from "vitest";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import { GREY_HEIGHT, GREY_WIDTH, type GreyFrame } from "../../src/vision/grey-frame.ts";
import { MotionWatch, type PictureSource } from "../../src/vision/motion-watch.ts";
import type { MotionEvent } from "../../src/vision/motion.ts";
import { missingCommands } from "../support/requirements.ts";
import { fragmentsFromFfmpeg } from "./footage.ts";
import { labelledFootage, score } from "./labelled.ts";
import { stretched } from "./stretched.ts";
import { watchAll } from "./watched.ts";

const FRAME_MS = 1000 / 15;
const STARTS_AT_MS = Date.UTC(2026, 0, 1);
const INIT: TrackInit = {
  ...{ track: "video", codec: "avc1.42c01e", timescale: 90_000, width: 640, height: 360 },
  bytes: new Uint8Array(8),
};

interface Passing {
  readonly fromS: number;
  readonly toS: number;
  /** Whether the sizes show it. */
  readonly isShown?: boolean;
}

interface SceneOptions {
  readonly seconds: number;
  readonly passings: readonly Passing[];
  /** Access units from one key frame to the next; one that is never reached: none but the first. */
  readonly group?: number;
  readonly calmBytes?: number;
}

/** A wall, and somebody who walks through the picture from time to time. */
class Scene {
  readonly options: SceneOptions;
  readonly #wall = new Uint8Array(GREY_WIDTH * GREY_HEIGHT);

  constructor(options: SceneOptions) {
    this.options = options;
    for (let at = 0; at < this.#wall.length; at += 1)
      this.#wall[at] = 60 + (Math.floor((at % GREY_WIDTH) / 40) % 2) * 45;
  }

  passing(second: number): Passing | undefined {
    return this.options.passings.find(({ fromS, toS }) => second >= fromS && second < toS);
  }

  picture(fragment: Fragment): GreyFrame {
    const second = fragment.decodeTimeMs / 1000;
    const pixels = this.#wall.slice();
    const passing = this.passing(second);
    if (passing) {
      const left = Math.floor(((second - passing.fromS) * 60) % 290);
      for (let y = 60; y < 150; y += 1)
        pixels.fill(20, y * GREY_WIDTH + left, y * GREY_WIDTH + left + 30);
    }
    return { width: GREY_WIDTH, height: GREY_HEIGHT, pixels, atMs: fragment.wallClockMs };
  }

  fragments(): Fragment[] {
    const { seconds, group = 30, calmBytes = 300 } = this.options;
    return Array.from({ length: seconds * 15 }, (_, sequence) => {
      const decodeTimeMs = sequence * FRAME_MS;
      const keyFrame = sequence % group === 0;
      const passing = this.passing(decodeTimeMs / 1000);
      const moving = passing && passing.isShown !== false ? 1_500 : calmBytes;
      return {
        camera: parseCameraId("front"),
        track: "video",
        sequence,
        decodeTimeMs,
        durationMs: FRAME_MS,
        keyFrame,
        wallClockMs: STARTS_AT_MS + decodeTimeMs,
        bytes: new Uint8Array((keyFrame ? 20_000 : moving) + (sequence % 7) * 5),
        init: INIT,
      };
    });
  }
}

interface Outcome {
  readonly starts: readonly number[];
  readonly saidAt: readonly number[];
  readonly fed: readonly Fragment[];
  readonly asleepShare: number;
  readonly watch: MotionWatch;
}

interface RunOptions {
  readonly alwaysLook?: boolean;
  /** How many units the decoder keeps back before it gives a picture. */
  readonly delayUnits?: number;
  readonly isDecoding?: () => boolean;
}

/** Plays a scene through a watch whose decoder gives its pictures at once. */
function play(scene: Scene, options: RunOptions = {}): Outcome {
  const { alwaysLook = false, delayUnits = 0, isDecoding = () => true } = options;
  const fed: Fragment[] = [];
  const events: { event: MotionEvent; saidS: number }[] = [];
  let nowS = 0;
  const source = (onFrame: (frame: GreyFrame) => void): PictureSource => {
    let lastMs = -Infinity;
    return {
      push(fragment) {
        const before = fed.at(-1);
        // What a decoder would do with a picture whose predecessor it never had.
        if (!fragment.keyFrame && before?.sequence !== fragment.sequence - 1)
          throw new Error(`unit ${fragment.sequence} does not follow unit ${before?.sequence}`);
        fed.push(fragment);
        const shown = fed.at(-1 - delayUnits);
        if (!shown || shown.decodeTimeMs - lastMs < 180) return;
        lastMs = shown.decodeTimeMs;
        onFrame(scene.picture(shown));
      },
      get isDecoding() {
        return isDecoding();
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
  const watch = MotionWatch.open({
    alwaysLook,
    pictures: source,
    onEvent: (event) => events.push({ event, saidS: nowS }),
  });
  let asleep = 0;
  const fragments = scene.fragments();
  for (const fragment of fragments) {
    nowS = fragment.decodeTimeMs / 1000;
    watch.push(fragment);
    if (watch.isAsleep) asleep += 1;
  }
  const starts = events.filter(({ event }) => event.type === "start");
  return {
    starts: starts.map(({ event }) =>
      event.type === "start" ? (event.onsetAtMs - STARTS_AT_MS) / 1000 : NaN,
    ),
    saidAt: starts.map(({ saidS }) => saidS),
    fed,
    asleepShare: asleep / fragments.length,
    watch,
  };
}

const FOUR_VISITS = [15, 35, 75, 135].map((fromS) => ({ fromS, toS: fromS + 4 }));

describe("a watch over one camera", () => {
  test("sleeps once it has seen two visits, and misses none after them", () => {
    const scene = new Scene({ seconds: 180, passings: FOUR_VISITS });
    const looking = play(scene, { alwaysLook: true });
    const watch = play(scene);
    expect(looking.starts).toHaveLength(4);
    expect(looking.asleepShare).toBe(0);
    expect(watch.starts).toEqual(looking.starts);
    expect(watch.asleepShare).toBeGreaterThan(0.6);
    expect(watch.watch.counts.wakes).toEqual({ bySizes: 2, byPicture: 0, other: 0 });
    // Of the two minutes after the second visit hardly anything but key frames was decoded.
    expect(watch.fed.length).toBeLessThan(looking.fed.length * 0.45);
    for (const [index, saidAt] of watch.saidAt.entries())
      expect(saidAt - (looking.saidAt[index] ?? 0)).toBeLessThanOrEqual(0.4);
  });

  test("never sleeps through a stream whose sizes say nothing", () => {
    const passings = FOUR_VISITS.map((passing) => ({ ...passing, isShown: false }));
    const scene = new Scene({ seconds: 180, passings, calmBytes: 2_000 });
    const { starts, asleepShare } = play(scene);
    expect(starts).toEqual(play(scene, { alwaysLook: true }).starts);
    expect(asleepShare).toBe(0);
  });

  test("is woken by a key frame where the sizes do not show a visit, and trusts them no more", () => {
    const passings = [...FOUR_VISITS.slice(0, 2), { fromS: 60, toS: 68, isShown: false }];
    const { starts, asleepShare, watch } = play(new Scene({ seconds: 120, passings }));
    expect(starts).toHaveLength(3);
    expect(watch.counts.wakes).toEqual({ bySizes: 0, byPicture: 1, other: 0 });
    expect(watch.gate.isTrusted).toBe(false);
    expect(asleepShare).toBeLessThan(0.25);
  });

  test("never sleeps without key frames, or with too much between two of them", () => {
    for (const group of [100_000, 15 * 13]) {
      const scene = new Scene({ seconds: 180, passings: FOUR_VISITS, group });
      const { starts, asleepShare } = play(scene);
      expect(starts).toHaveLength(4);
      expect(asleepShare).toBe(0);
    }
  });

  test.each([15, 75, 150])(
    "decodes what it held of a group of %d first, so that nothing is missed",
    (group) => {
      const scene = new Scene({ seconds: 180, passings: FOUR_VISITS, group });
      const looking = play(scene, { alwaysLook: true });
      const watch = play(scene);
      expect(watch.starts).toEqual(looking.starts);
      expect(watch.asleepShare).toBeGreaterThan(0.5);
    },
  );

  test("looks at a key frame every two seconds at most while it sleeps", () => {
    const scene = new Scene({ seconds: 180, passings: FOUR_VISITS, group: 8 });
    const { fed } = play(scene);
    const asleepTimes = fed.map(({ decodeTimeMs }) => decodeTimeMs).filter((at) => at > 85_000);
    const gaps = asleepTimes.slice(1).map((at, index) => at - (asleepTimes[index] ?? 0));
    expect(gaps.some((gap) => gap > 1_800)).toBe(true);
  });

  test("does not sleep where the decoder keeps pictures back", () => {
    const scene = new Scene({ seconds: 180, passings: FOUR_VISITS });
    const { starts, asleepShare } = play(scene, { delayUnits: 3 });
    expect(starts).toHaveLength(4);
    expect(asleepShare).toBeLessThan(0.05);
  });

  test("does not sleep while there is no decoder that works", () => {
    const scene = new Scene({ seconds: 180, passings: FOUR_VISITS });
    expect(play(scene, { isDecoding: () => false }).asleepShare).toBe(0);
  });

  test("takes what is parked while it sleeps for scenery soon, and sleeps on", () => {
    // It appears between two key frames.
    const parked = { fromS: 61, toS: 64 };
    const scene = new Scene({ seconds: 100, passings: [...FOUR_VISITS.slice(0, 2), parked] });
    scene.picture = (fragment) => {
      const still = fragment.decodeTimeMs / 1000 < 61 ? fragment.decodeTimeMs : 61_500;
      return {
        ...Scene.prototype.picture.call(scene, { ...fragment, decodeTimeMs: still }),
        atMs: fragment.wallClockMs,
      };
    };
    const { starts, watch } = play(scene);
    // Something is suddenly there: that is an event, whether it is looked at all the time or not.
    expect(play(scene, { alwaysLook: true }).starts).toHaveLength(3);
    expect(starts).toHaveLength(3);
    expect(watch.isAsleep).toBe(true);
  });
});

const CONSTANT_QUALITY = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-bf", "0"];
const CONSTANT_RATE = [
  ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-bf", "0"],
  ...["-b:v", "300k", "-minrate", "300k", "-maxrate", "300k", "-bufsize", "40k"],
];
const TWO_SECONDS = ["-g", "30", "-sc_threshold", "0"];

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("a watch over a real stream", () => {
  const visits = [9, 20, 34, 48];
  const walks = visits.map((at) => `between(t,${at},${at + 3})*(t-${at})*230`).join("+");
  const graph = [
    "color=gray:s=640x360:r=15:d=56,noise=alls=3:allf=t[wall]",
    "testsrc2=s=60x150:r=15:d=56[box]",
    `[wall][box]overlay=x='-60+${walks}':y=150`,
  ].join(";");

  test.each([
    ["whose sizes rise", CONSTANT_QUALITY, 8],
    ["of constant bit rate", CONSTANT_RATE, 0],
  ])("%s: sees who comes", async (_name, encoder, asleepMin) => {
    const fragments = await fragmentsFromFfmpeg(["-f", "lavfi", "-i", graph], {
      encoder: [...encoder, ...TWO_SECONDS],
    });
    const { events, asleepSeconds } = await watchAll(fragments);
    expect(events.map(({ onset }) => Math.floor(onset))).toEqual(visits);
    for (const { onset, said } of events) expect(said - onset).toBeLessThan(1.2);
    if (asleepMin === 0) expect(asleepSeconds).toBe(0);
    else expect(asleepSeconds).toBeGreaterThan(asleepMin);
  });

  const cars = labelledFootage()?.find(({ name }) => name.startsWith("car"));
  if (!cars) console.warn("skipped: the labelled footage is not on this machine");
  test.skipIf(!cars)("of labelled footage: nothing labelled is lost by sleeping", async () => {
    const scene = cars ? stretched(cars, { times: 2, rounds: 2 }) : null;
    if (!scene) throw new Error("the labelled footage has no gaps");
    const fragments = await fragmentsFromFfmpeg(["-f", "lavfi", "-i", scene.graph], {
      encoder: [...CONSTANT_QUALITY, ...TWO_SECONDS],
    });
    const { events, asleepSeconds } = await watchAll(fragments);
    const lengthSeconds = (fragments.at(-1)?.decodeTimeMs ?? 0) / 1000;
    const result = score(events, scene.ranges, lengthSeconds);
    expect(result).toMatchObject({ found: scene.ranges.length, falseStarts: 0 });
    expect(asleepSeconds).toBeGreaterThan(5);
  });
});
