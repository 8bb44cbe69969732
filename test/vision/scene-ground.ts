import { spawn } from "node:child_process";
import path from "node:path";

/** What scenes are made of: places without anybody, and things that are put into them. */

export const SCENE_WIDTH = 640;
export const SCENE_HEIGHT = 360;
export const SCENE_FRAMES_PER_SECOND = 15;
const SCENE_PIXELS = SCENE_WIDTH * SCENE_HEIGHT;

/** Grey levels, row by row. */
export type Plane = Uint8Array;

/** A thing that was cut out: `alpha` is 255 where it is, 0 around it. */
export interface CutOut {
  readonly width: number;
  readonly height: number;
  readonly pixels: Plane;
  readonly alpha: Plane;
}

export interface SceneGround {
  /** A yard with grass, a path and a house: the middle of what a minute of people left of it. */
  readonly yard: Plane;
  /** Asphalt from above. */
  readonly road: Plane;
  /** Somebody who stands, about 110 pixels tall. */
  readonly person: CutOut;
  readonly car: CutOut;
  /** Foliage in the wind, one after the other. */
  readonly leaves: readonly Plane[];
}

/** Grey pictures of what ffmpeg makes of `input`, 640x360 and 15 a second unless the filter differs. */
export async function* greyPictures(
  input: readonly string[],
  filter = `fps=${SCENE_FRAMES_PER_SECOND},scale=${SCENE_WIDTH}:${SCENE_HEIGHT}`,
  pixels = SCENE_PIXELS,
): AsyncGenerator<Plane> {
  const child = spawn(
    "ffmpeg",
    [
      ...["-v", "error", "-threads", "1", ...input, "-an", "-vf", `${filter},format=gray`],
      ...["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (; rest.length >= pixels; rest = rest.subarray(pixels))
      yield Uint8Array.from(rest.subarray(0, pixels));
  }
}

async function all(pictures: AsyncGenerator<Plane>): Promise<Plane[]> {
  const list: Plane[] = [];
  for await (const picture of pictures) list.push(picture);
  return list;
}

/** @param media - Folder of the labelled footage. */
export async function sceneGround(media: string): Promise<SceneGround> {
  const clip = (name: string): string => path.join(media, "clips", name);
  const still = `scale=${SCENE_WIDTH}:${SCENE_HEIGHT}`;
  const yardFilter = `fps=1,crop=768:432:0:60,${still}`;
  const yard = middle(await all(greyPictures(["-i", clip("vtest.avi")], yardFilter)));
  const cars = ["-i", clip("car-detection.mp4")];
  const road = middle(await all(greyPictures(cars, `fps=1,${still}`)));
  const at = async (name: string, second: number): Promise<Plane> => {
    const input = ["-ss", String(second), "-i", clip(name), "-frames:v", "1"];
    const [picture] = await all(greyPictures(input, still));
    if (!picture) throw new Error(`Cannot make scenes: ${name} has nothing at ${second} s`);
    return picture;
  };
  const hall = clip("one-by-one-person-detection.mp4");
  const room = middle(await all(greyPictures(["-i", hall], `fps=1,${still}`)).then(emptyOnes));
  const person = cutOut(await at("one-by-one-person-detection.mp4", 82), room);
  const car = cutOut(await at("car-detection.mp4", 17), road);
  const leaves = await all(
    greyPictures(
      ["-t", "22", "-i", clip("tree.avi")],
      `fps=${SCENE_FRAMES_PER_SECOND},crop=170:220:36:10,scale=264:342`,
      264 * 342,
    ),
  );
  return { yard, road, person: smaller(person, 110), car: smaller(car, 120), leaves };
}

export const LEAVES_WIDTH = 264;
export const LEAVES_HEIGHT = 342;

/** Labelled gaps between visits, by seconds. */
function emptyOnes(pictures: readonly Plane[]): Plane[] {
  return pictures.filter((_, s) => s < 5 || (s > 46 && s < 49) || (s > 71 && s < 74));
}

/** Pixel by pixel the median: what moves through is not in it. */
function middle(pictures: readonly Plane[]): Plane {
  const result = new Uint8Array(SCENE_PIXELS);
  const levels = new Uint8Array(pictures.length);
  for (let at = 0; at < result.length; at += 1) {
    for (const [index, picture] of pictures.entries()) levels[index] = picture[at] ?? 0;
    result[at] = levels.toSorted()[levels.length >> 1] ?? 0;
  }
  return result;
}

const CUT_LEVELS = 22;

/** The largest connected thing that `picture` has and `empty` has not. */
function cutOut(picture: Plane, empty: Plane): CutOut {
  const differs = new Uint8Array(SCENE_PIXELS);
  for (let at = 0; at < SCENE_PIXELS; at += 1)
    differs[at] = Math.abs((picture[at] ?? 0) - (empty[at] ?? 0)) > CUT_LEVELS ? 1 : 0;
  const seen = new Uint8Array(SCENE_PIXELS);
  let best: number[] = [];
  for (let start = 0; start < SCENE_PIXELS; start += 1) {
    if (differs[start] === 0 || seen[start] === 1) continue;
    const found = [start];
    seen[start] = 1;
    for (let next = 0; next < found.length; next += 1)
      for (const step of [
        -2,
        -1,
        1,
        2,
        -SCENE_WIDTH,
        SCENE_WIDTH,
        -2 * SCENE_WIDTH,
        2 * SCENE_WIDTH,
      ]) {
        const to = (found[next] ?? 0) + step;
        if (to < 0 || to >= SCENE_PIXELS || differs[to] === 0 || seen[to] === 1) continue;
        seen[to] = 1;
        found.push(to);
      }
    if (found.length > best.length) best = found;
  }
  return filled(picture, best);
}

/** A thing with its holes: between its leftmost and its rightmost pixel of each row. */
function filled(picture: Plane, members: readonly number[]): CutOut {
  const rows = new Map<number, { from: number; to: number }>();
  for (const at of members) {
    const column = at % SCENE_WIDTH;
    const row = (at - column) / SCENE_WIDTH;
    const known = rows.get(row) ?? { from: column, to: column };
    rows.set(row, { from: Math.min(known.from, column), to: Math.max(known.to, column) });
  }
  const spans = [...rows.values()];
  const left = Math.min(...spans.map(({ from }) => from));
  const right = Math.max(...spans.map(({ to }) => to));
  const top = Math.min(...rows.keys());
  const width = right - left + 1;
  const height = Math.max(...rows.keys()) - top + 1;
  const pixels = new Uint8Array(width * height);
  const alpha = new Uint8Array(width * height);
  for (const [row, { from, to }] of rows)
    for (let column = from; column <= to; column += 1) {
      const at = (row - top) * width + column - left;
      pixels[at] = picture[row * SCENE_WIDTH + column] ?? 0;
      alpha[at] = 255;
    }
  return { width, height, pixels, alpha };
}

/** Averages down to `height` rows. */
function smaller(thing: CutOut, height: number): CutOut {
  const scale = thing.height / height;
  const width = Math.max(1, Math.round(thing.width / scale));
  const pixels = new Uint8Array(width * height);
  const alpha = new Uint8Array(width * height);
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1) {
      let [sum, cover, count] = [0, 0, 0];
      for (let y = Math.floor(row * scale); y < Math.min(thing.height, (row + 1) * scale); y += 1)
        for (
          let x = Math.floor(column * scale);
          x < Math.min(thing.width, (column + 1) * scale);
          x += 1
        ) {
          const at = y * thing.width + x;
          sum += (thing.pixels[at] ?? 0) * (thing.alpha[at] ?? 0);
          cover += thing.alpha[at] ?? 0;
          count += 1;
        }
      const at = row * width + column;
      pixels[at] = cover === 0 ? 0 : sum / cover;
      alpha[at] = count === 0 ? 0 : cover / count;
    }
  return { width, height, pixels, alpha };
}
