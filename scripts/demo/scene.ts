import { BELL, DOORSTEP, LAMP, nearness, paintBackdrop, pathAt } from "./backdrop.ts";
import { newPlanes, toInk, toPlanes, type Planes } from "./canvas.ts";
import { drawFigure, randomOutfit, type Outfit, type Pose } from "./figure.ts";
import { drawFoliage, growLeaves } from "./foliage.ts";
import { ease, mix, seededRandom } from "./random.ts";
import { drawStroke } from "./strokes.ts";

/** Seconds from one visitor to the next, and of the parts of a visit. */
export const VISIT_EVERY_S = 40;
const FIRST_VISIT_S = 9;
const WALK_S = 5.6;
const TURN_S = 0.7;
const WAIT_S = 3.4;
/** From the first step into the picture to the last one out of it. */
export const VISIT_S = WALK_S * 2 + TURN_S * 2 + WAIT_S;
const RINGS_AT_S = WALK_S + TURN_S + 0.4;
const RINGS_FOR_S = 1.3;
const FIGURE_HEIGHT = 258;
/** Two steps carry a visitor this many figure heights far. */
const STRIDE_LENGTH = 0.86;

export interface Visit {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** When the n-th visitor is in the picture. */
export function visitAt(index: number): Visit {
  const fromSeconds = FIRST_VISIT_S + index * VISIT_EVERY_S;
  return { fromSeconds, toSeconds: fromSeconds + VISIT_S };
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  /** The picture at this time as yuv420p; overwritten by the next call. */
  draw(seconds: number): Uint8Array;
}

/**
 * A front door on a changeable day: leaves move, clouds pass, and every forty seconds somebody
 * comes up the path, rings, waits and leaves. The same seed gives the same pictures.
 */
export function makeScene(width: number, height: number, seed: number): Scene {
  const backdrop = toPlanes(paintBackdrop(width, height));
  const lit = newPlanes(width, height);
  const canvas = newPlanes(width, height);
  lit.chromaBlue.set(backdrop.chromaBlue);
  lit.chromaRed.set(backdrop.chromaRed);
  const leaves = growLeaves(seededRandom(seed));
  const clouds = makeClouds(seed);
  let step = -1;
  return {
    width,
    height,
    draw(seconds: number): Uint8Array {
      const wanted = Math.round(clouds(seconds) * LIGHT_STEPS);
      if (wanted !== step) {
        step = wanted;
        relight(backdrop, lit, step / LIGHT_STEPS);
      }
      canvas.bytes.set(lit.bytes);
      const light = step / LIGHT_STEPS;
      drawFoliage(canvas, leaves, seconds, light);
      drawVisit(canvas, seconds, seed, light);
      return canvas.bytes;
    },
  };
}

/** Light is changed in steps too small to see, so that most pictures need no new backdrop. */
const LIGHT_STEPS = 256;
const CLOUD_EVERY_S = 31;

/** How bright the day is: it drifts slowly, and drops while a cloud passes. */
function makeClouds(seed: number): (seconds: number) => number {
  return (seconds) => {
    const drift = 1 + 0.05 * Math.sin(seconds / 19 + seed);
    const index = Math.floor(seconds / CLOUD_EVERY_S);
    const random = seededRandom(seed * 131 + index);
    const comesAt = 2 + random() * 12;
    const stays = 5 + random() * 9;
    const depth = 0.1 + 0.16 * random();
    const inside = seconds - index * CLOUD_EVERY_S - comesAt;
    // The edge of a cloud takes half a second to arrive, and a little longer to leave.
    const shade = ease(inside / 0.5) * ease((stays - inside) / 0.9);
    return drift * (1 - depth * shade);
  };
}

function relight(from: Planes, to: Planes, light: number): void {
  const table = Uint8Array.from({ length: 256 }, (_, level) =>
    Math.min(235, Math.round(16 + Math.max(0, level - 16) * light)),
  );
  for (let index = 0; index < from.luma.length; index += 1) {
    to.luma[index] = table[from.luma[index]!]!;
  }
}

function drawVisit(canvas: Planes, seconds: number, seed: number, light: number): void {
  const index = Math.floor((seconds - FIRST_VISIT_S) / VISIT_EVERY_S);
  if (index < 0) return;
  const since = seconds - visitAt(index).fromSeconds;
  if (since > VISIT_S) return;
  const outfit = randomOutfit(seededRandom(seed * 7919 + index));
  if (since > RINGS_AT_S && since < RINGS_AT_S + 6) glow(canvas, since - RINGS_AT_S);
  drawFigure(canvas, poseAt(since), leavingParcel(outfit, since), light);
}

/** The bell's ring lights up, and the lamp with it. */
function glow(canvas: Planes, since: number): void {
  const blink = 0.6 + 0.4 * Math.cos(since * 6);
  const ring = {
    fromX: BELL[0],
    fromY: BELL[1] + 8,
    fromRadius: 5,
    toX: BELL[0],
    toY: BELL[1] + 8,
  };
  drawStroke(canvas, { ...ring, toRadius: 5 }, toInk([120, 220, 255]), blink);
  const bulb = { fromX: LAMP[0], fromY: LAMP[1] - 4, fromRadius: 7, toX: LAMP[0] };
  drawStroke(canvas, { ...bulb, toY: LAMP[1] + 8, toRadius: 7 }, toInk([255, 250, 226]), 1);
}

function leavingParcel(outfit: Outfit, since: number): Outfit {
  return since < VISIT_S / 2 ? outfit : { ...outfit, parcel: null };
}

function poseAt(since: number): Pose {
  const leaving = since > VISIT_S / 2;
  // A visit is the same backwards, apart from the ringing.
  const inward = leaving ? VISIT_S - since : since;
  const walked = walkShare(Math.min(1, inward / WALK_S));
  const [x, y] = pathAt(walked);
  const height = FIGURE_HEIGHT * nearness(y);
  const turned = ease((inward - WALK_S) / TURN_S);
  const ringing = since - RINGS_AT_S;
  return {
    x: mix(x, DOORSTEP[0] + 50, turned),
    y,
    height,
    turn: (leaving ? -1 : 1) * (1 - turned),
    stride: (strideOf(walked) + turned * 0.4) * (leaving ? -1 : 1),
    pace: 0.12 * (turned > 0 && turned < 1 ? 1 : 0) + ease((1 - inward / WALK_S) * 6),
    reach: ease(ringing / 0.5) * ease((RINGS_FOR_S - ringing) / 0.4),
  };
}

/** Walking speed looks even when it shrinks with distance; the last step is shorter. */
function walkShare(share: number): number {
  return share + 0.06 * Math.sin(share * Math.PI) - 0.02 * Math.sin(share * Math.PI * 2);
}

function strideOf(walked: number): number {
  let length = 0;
  let [lastX, lastY] = pathAt(0);
  for (let part = 1; part <= 16; part += 1) {
    const [x, y] = pathAt((walked * part) / 16);
    length += Math.hypot(x - lastX, (y - lastY) * 2.2) / (FIGURE_HEIGHT * nearness(y));
    [lastX, lastY] = [x, y];
  }
  return (length / STRIDE_LENGTH) * Math.PI * 2;
}
