import path from "node:path";
import { Readable } from "node:stream";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { fragmentsFromFfmpeg } from "./footage.ts";
import {
  cloudShadows,
  crossing,
  Grain,
  gusts,
  headlights,
  infrared,
  leaves,
  light,
  noise,
  rain,
  shake,
  staying,
  steps,
  thing,
  type Effect,
} from "./scene-effects.ts";
import {
  greyPictures,
  SCENE_FRAMES_PER_SECOND,
  SCENE_HEIGHT,
  SCENE_WIDTH,
  type Plane,
  type SceneGround,
} from "./scene-ground.ts";

type Range = readonly [from: number, to: number];

/**
 * A scene that was made from real footage by a known transformation, so that it is known to the
 * picture when something moves in it that is worth an event.
 */
export interface MadeScene {
  readonly name: string;
  readonly lengthSeconds: number;
  /** Seconds in which somebody or something that matters is there and moves, or stands still. */
  readonly ranges: readonly Range[];
  /** Paints the picture of a second on what is there before anything happens. */
  readonly pictures: () => AsyncGenerator<Plane>;
}

interface SceneParts {
  readonly name: string;
  readonly seconds: number;
  readonly ranges: readonly Range[];
  readonly on: Plane | { readonly file: string; readonly fromS: number };
  readonly effects: readonly Effect[];
  readonly seed: number;
}

function scene(parts: SceneParts): MadeScene {
  const { name, seconds, ranges } = parts;
  return { name, lengthSeconds: seconds, ranges, pictures: () => painted(parts) };
}

async function* painted({ on, seconds, effects, seed }: SceneParts): AsyncGenerator<Plane> {
  const grain = new Grain(seed);
  const levels = new Float32Array(SCENE_WIDTH * SCENE_HEIGHT);
  const base = on instanceof Uint8Array ? still(on, seconds) : filmed(on, seconds);
  let index = 0;
  for await (const picture of base) {
    levels.set(picture);
    for (const effect of effects) effect(levels, index / SCENE_FRAMES_PER_SECOND, grain);
    yield new Uint8Array(new Uint8ClampedArray(levels).buffer);
    index += 1;
  }
}

async function* still(picture: Plane, seconds: number): AsyncGenerator<Plane> {
  for (let index = 0; index < seconds * SCENE_FRAMES_PER_SECOND; index += 1) yield picture;
}

function filmed({ file, fromS }: { file: string; fromS: number }, seconds: number) {
  return greyPictures(["-ss", String(fromS), "-t", String(seconds), "-i", file]);
}

/** As the sub stream of a camera would bring it. */
export async function fragmentsOfScene(made: MadeScene): Promise<Fragment[]> {
  const size = `${SCENE_WIDTH}x${SCENE_HEIGHT}`;
  return await fragmentsFromFfmpeg(
    [
      ...["-f", "rawvideo", "-pix_fmt", "gray", "-s", size],
      ...["-r", String(SCENE_FRAMES_PER_SECOND), "-i", "pipe:0"],
    ],
    { stdin: Readable.from(made.pictures()) },
  );
}

/** All of them, a minute each but for two. */
export function madeScenes(ground: SceneGround, media: string): MadeScene[] {
  const { yard, road, person, car } = ground;
  const visit: Range = [44, 50];
  const visitor = thing(person, crossing(person, visit, 190));
  const atNight = (gain: number): Effect => thing(person, crossing(person, visit, 190), gain);
  const minute = { seconds: 60, ranges: [visit], on: yard };
  const hall = { file: path.join(media, "clips", "one-by-one-person-detection.mp4"), fromS: 0 };
  const traffic = { file: path.join(media, "clips", "car-detection.mp4"), fromS: 0 };
  const cars: Range[] = [
    [3.6, 8.4],
    [14.3, 18.7],
    [24.4, 27.7],
  ];
  const ramp = steps(
    1,
    [
      [1, 0.5],
      [12, 1.15],
      [24, 0.6],
      [36, 1.1],
    ],
    8,
  );
  const jumps = steps(
    1,
    [
      [6, 0.62],
      [12, 1.25],
      [18, 0.8],
      [24, 1.35],
      [30, 0.7],
      [36, 1.05],
      [40, 0.8],
    ],
    0.3,
  );
  return [
    scene({ ...minute, name: "quiet", effects: [visitor, noise(2.5)], seed: 1 }),
    scene({
      name: "ramps",
      on: hall,
      seconds: 50,
      ranges: [
        [6, 20.3],
        [22.7, 45.3],
      ],
      effects: [light(ramp)],
      seed: 2,
    }),
    scene({
      name: "ramps-cars",
      on: traffic,
      seconds: 30,
      ranges: cars,
      effects: [
        light(
          steps(
            1,
            [
              [0, 0.6],
              [9, 1.2],
              [19, 0.7],
            ],
            4,
          ),
        ),
      ],
      seed: 3,
    }),
    scene({
      ...minute,
      name: "exposure",
      effects: [visitor, light(jumps, (s) => 12 * (1 - jumps(s))), noise(2.5)],
      seed: 4,
    }),
    scene({
      ...minute,
      name: "headlights",
      effects: [
        light(
          () => 0.35,
          () => 4,
        ),
        atNight(0.35),
        headlights([8, 16, 25, 34, 54], 1.9),
        noise(3),
      ],
      seed: 5,
    }),
    scene({ ...minute, name: "rain", effects: [visitor, rain(260), noise(2.5)], seed: 6 }),
    scene({ ...minute, name: "downpour", effects: [visitor, rain(900), noise(2.5)], seed: 7 }),
    scene({
      ...minute,
      name: "night-noise",
      effects: [
        light(
          () => 0.3,
          () => 6,
        ),
        atNight(0.2),
        noise(11),
      ],
      seed: 8,
    }),
    scene({ ...minute, name: "shake", effects: [visitor, shake(gusts), noise(2.5)], seed: 9 }),
    scene({
      ...minute,
      name: "leaves",
      effects: [leaves(ground, 1), visitor, noise(2.5)],
      seed: 10,
    }),
    scene({
      ...minute,
      name: "leaves-gale",
      effects: [leaves(ground, 3), visitor, noise(2.5)],
      seed: 11,
    }),
    scene({
      ...minute,
      name: "infrared",
      effects: [visitor, infrared(12, 30), infrared(36, 60), noise(3)],
      seed: 12,
    }),
    scene({
      ...minute,
      name: "cloud-shadows",
      effects: [cloudShadows(0.35, 70), visitor, noise(2.5)],
      seed: 13,
    }),
    scene({
      ...minute,
      name: "parked",
      on: road,
      ranges: [
        [8, 11.5],
        [42, 45],
      ],
      effects: [thing(car, staying(car, [8, 11.5, 42, 45], 280, 150)), noise(2.5)],
      seed: 14,
    }),
    scene({
      ...minute,
      name: "stands-still",
      ranges: [[8, 42]],
      effects: [thing(person, staying(person, [8, 11, 39, 42], 300, 190, 0.6)), noise(2.5)],
      seed: 15,
    }),
    scene({
      ...minute,
      name: "rain-night-headlights",
      effects: [
        light(
          () => 0.4,
          () => 4,
        ),
        atNight(0.35),
        rain(200),
        headlights([10, 22, 33], 1.5),
        noise(6),
      ],
      seed: 16,
    }),
  ];
}
