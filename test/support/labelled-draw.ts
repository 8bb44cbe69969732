import { insidePicture, type Box, type PictureSize } from "../../src/blur/boxes.ts";
import { sharedPath } from "./requirements.ts";
import { lensOf, light, throughLens } from "./labelled-lens.ts";
import {
  bustMask,
  bustOf,
  fillBox,
  paint,
  placed,
  pyramidOf,
  randomOf,
  type Mask,
  type Placing,
  type Point,
  type Pyramid,
} from "./labelled-paint.ts";
import {
  footageFrames,
  labelledFacesOf,
  labelledPhoto,
  type ColourImage,
  type LabelledPhoto,
} from "./labelled-photos.ts";
import type { Actor, Scene } from "./labelled-scenes.ts";

export interface TrueFace {
  readonly id: number;
  /** In pixels, cut off at the edge of the picture. */
  readonly box: Box;
  /** How much of the face is in the picture and behind nothing. */
  readonly visible: number;
}

interface Cast {
  readonly actor: Actor;
  readonly photo: LabelledPhoto;
  readonly face: Box;
  readonly pyramid: Pyramid;
  readonly mask: Mask;
}

const BLUR_STEPS = 7;
const SCREEN_COLOUR = [96, 84, 72] as const;
/** Of what is worn: dark cloth, and a light one. */
const WORN_COLOURS = [
  [38, 40, 52],
  [196, 206, 214],
] as const;
const GRID = 12;

/** Pictures of a scene, and where its faces are in them. */
export function* sceneFrames(
  scene: Scene,
  rate: number,
): Generator<{ bytes: Uint8Array; faces: TrueFace[] }> {
  const size: PictureSize = { width: scene.width, height: scene.height };
  const random = randomOf(scene.seed + 7);
  const cast = scene.actors.map(castOf);
  const behind = backgroundOf(scene, rate, random);
  const bend = scene.isFisheye ? lensOf(size) : null;
  for (let frame = 0; frame < scene.frames; frame++) {
    const drawn = drawnAt(scene, cast, behind, frame);
    const image = bend ? bend(drawn) : drawn;
    if (scene.light.gain < 0.5) brightBehind(image, scene, cast, frame, random);
    else light(image, scene.light, random);
    yield { bytes: image.bytes, faces: cast.flatMap((one, id) => truthOf(scene, one, id, frame)) };
  }
}

function castOf(actor: Actor): Cast {
  const photo = labelledPhoto(actor.photo);
  const face = photo.faces[actor.face];
  if (!face) throw new Error(`${actor.photo} has no face ${actor.face}`);
  return {
    actor,
    photo,
    face,
    pyramid: pyramidOf(dressed(photo.image, face, actor)),
    mask: bustMask(face),
  };
}

/** A hat or a mask in the photograph itself, so that it turns and moves with the face. */
function dressed(image: ColourImage, face: Box, { worn }: Actor): ColourImage {
  if (worn.length === 0) return image;
  const copy = { ...image, bytes: Uint8Array.from(image.bytes) };
  worn.forEach(({ from, to, isWide }) => {
    const wide = isWide ? 0.18 : 0.02;
    const colour = WORN_COLOURS[isWide ? 0 : 1];
    fillBox(
      copy,
      {
        ...{ x: face.x - wide * face.width, width: (1 + 2 * wide) * face.width },
        ...{ y: face.y + from * face.height, height: (to - from) * face.height },
      },
      colour,
    );
  });
  return copy;
}

function backgroundOf(
  scene: Scene,
  rate: number,
  random: () => number,
): (frame: number) => ColourImage {
  const size = { width: scene.width, height: scene.height };
  const file = scene.background && sharedPath(`media/clips/${scene.background.clip}`);
  if (scene.background && file !== null && file !== "") {
    const frames = footageFrames(file, size, {
      from: scene.background.from,
      count: scene.frames,
      rate,
    });
    return (frame) => {
      const found = frames[frame];
      if (!found) throw new Error(`The footage behind ${scene.name} is too short`);
      return { ...found, bytes: Uint8Array.from(found.bytes) };
    };
  }
  const wall = new Uint8Array(size.width * size.height * 3);
  const [red, green, blue] = [110 + 60 * random(), 110 + 50 * random(), 100 + 50 * random()];
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) {
      const lit = 0.6 + (0.5 * x) / size.width - (0.2 * y) / size.height + (y % 90 < 3 ? -0.15 : 0);
      wall.set([red * lit, green * lit, blue * lit], (y * size.width + x) * 3);
    }
  return () => ({ ...size, bytes: Uint8Array.from(wall) });
}

function placingOf({ actor, face }: Cast, scene: Scene, frame: number): Placing {
  const pose = actor.pose(frame);
  const shake = scene.shake(frame);
  return {
    from: { x: face.x + face.width / 2, y: face.y + face.height / 2 },
    to: { x: pose.x * scene.width + shake.x, y: pose.y * scene.height + shake.y },
    scale: pose.height / face.height,
    squeeze: pose.squeeze,
    angle: (pose.angle * Math.PI) / 180,
  };
}

function drawnAt(
  scene: Scene,
  cast: readonly Cast[],
  behind: (frame: number) => ColourImage,
  frame: number,
): ColourImage {
  const draw = (at: number): ColourImage => {
    const image = behind(frame);
    for (const one of cast)
      paint(image, one.pyramid, placingOf(one, scene, at), one.mask, bustOf(one.face));
    for (const screen of screensOf(scene, frame)) fillBox(image, screen, SCREEN_COLOUR);
    return image;
  };
  if (scene.exposure === 0) return draw(frame);
  const sums = new Float32Array(scene.width * scene.height * 3);
  for (let step = 0; step < BLUR_STEPS; step++) {
    const { bytes } = draw(frame + (step / (BLUR_STEPS - 1) - 0.5) * scene.exposure);
    for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] ?? 0) + (bytes[at] ?? 0);
  }
  const bytes = Uint8Array.from(sums, (sum) => Math.round(sum / BLUR_STEPS));
  return { width: scene.width, height: scene.height, bytes };
}

function screensOf(scene: Scene, frame: number): Box[] {
  return scene.screens(frame).map(({ x, y, width, height }) => ({
    ...{ x: x * scene.width, y: y * scene.height },
    ...{ width: width * scene.width, height: height * scene.height },
  }));
}

/** Against the light: people dark, the sky behind them white. */
function brightBehind(
  image: ColourImage,
  scene: Scene,
  cast: readonly Cast[],
  frame: number,
  random: () => number,
): void {
  const people = cast.map((one) => {
    const { to, scale } = placingOf(one, scene, frame);
    return { ...to, reach: one.face.height * scale * 1.5 };
  });
  const grain = (): number => (random() + random() + random() - 1.5) * 2 * scene.light.noise;
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++) {
      const away = Math.min(...people.map((one) => Math.hypot(x - one.x, y - one.y) / one.reach));
      const bright = Math.min(1, Math.max(0, (away - 0.8) * 2.5));
      const at = (y * image.width + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const value = image.bytes[at + channel] ?? 0;
        const lit =
          value * scene.light.gain * (1 - bright) + Math.min(255, value * 0.9 + 120) * bright;
        image.bytes[at + channel] = Math.min(255, Math.max(0, Math.round(lit + grain())));
      }
    }
}

/** By points of the ellipse in the labelled box, each taken through all that was done to it. */
function truthOf(scene: Scene, one: Cast, id: number, frame: number): TrueFace[] {
  const placing = placingOf(one, scene, frame);
  const screens = screensOf(scene, frame);
  const size = { width: scene.width, height: scene.height };
  const inFront = scene.actors.slice(id + 1).map((_, index) => {
    // Whoever is drawn later stands in front.
    const other = { ...one, actor: scene.actors[id + 1 + index] ?? one.actor };
    const face = labelledFace(other.actor);
    return placedEllipse(face, placingOf({ ...other, face }, scene, frame), 1.3);
  });
  const seen: Point[] = [];
  const [xs, ys]: [number[], number[]] = [[], []];
  let points = 0;
  for (const point of ellipseGrid(one.face)) {
    const straight = placed(point, placing);
    const bent = scene.isFisheye ? throughLens(straight, size) : straight;
    xs.push(bent.x);
    ys.push(bent.y);
    points += 1;
    const isInside = bent.x >= 0 && bent.y >= 0 && bent.x < size.width && bent.y < size.height;
    const isHidden =
      screens.some((screen) => contains(screen, straight)) ||
      inFront.some((ellipse) => ellipse(straight));
    if (isInside && !isHidden) seen.push(bent);
  }
  const box = insidePicture(boundsOf(xs, ys), size);
  return box === null ? [] : [{ id, box, visible: seen.length / points }];
}

function labelledFace({ photo, face }: Actor): Box {
  const found = labelledFacesOf(photo)[face];
  if (!found) throw new Error(`${photo} has no face ${face}`);
  return found;
}

function placedEllipse(face: Box, { to, scale }: Placing, by: number): (point: Point) => boolean {
  const [reachX, reachY] = [(face.width * scale * by) / 2, (face.height * scale * by) / 2];
  return ({ x, y }) => ((x - to.x) / reachX) ** 2 + ((y - to.y) / reachY) ** 2 <= 1;
}

function ellipseGrid({ x, y, width, height }: Box): Point[] {
  const points: Point[] = [];
  for (let ring = 1; ring <= GRID / 2; ring++)
    for (let step = 0; step < 2 * GRID; step++) {
      const [angle, reach] = [(step * Math.PI) / GRID, ring / GRID];
      points.push({
        x: x + width / 2 + width * reach * Math.cos(angle),
        y: y + height / 2 + height * reach * Math.sin(angle),
      });
    }
  return points;
}

export function boundsOf(xs: readonly number[], ys: readonly number[]): Box {
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function contains({ x, y, width, height }: Box, point: Point): boolean {
  return point.x >= x && point.y >= y && point.x < x + width && point.y < y + height;
}
