import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Box } from "../src/blur/boxes.ts";
import type { ColourPicture } from "../src/blur/planes.ts";
import { openNetworkJudge } from "./judge-network.ts";

/**
 * Two detectors that have no part in blurring look at the places where faces are known to be: what
 * they still find there, a person would see too. They look at each place by itself, enlarged, which
 * is more than anybody does who blurs.
 */

/** Side of what a judge is shown, and how much of it the face takes: a third of the width. */
export const JUDGED_SIDE = 192;
const SURROUNDINGS = 3;
const CASCADES = "/usr/share/opencv4/haarcascades";
const PYTHON = "/usr/bin/python3";

export interface Judge extends AsyncDisposable {
  readonly name: string;
  /** Whether it sees a face where the middle of the picture has one. */
  sees(place: ColourPicture): Promise<boolean>;
}

/** Those that this machine has; what is missing is said. */
export async function openJudges(): Promise<Judge[]> {
  const judges = [await openCascadeJudge(), await openNetwork()];
  return judges.filter((judge) => judge !== null);
}

/** What a judge is shown of a picture for a face in it: a square, edges repeated outside. */
export function placeOf({ width, height, bytes }: ColourPicture, face: Box): ColourPicture {
  const reach = Math.max(face.width, face.height) * SURROUNDINGS;
  const left = face.x + face.width / 2 - reach / 2;
  const top = face.y + face.height / 2 - reach / 2;
  const step = reach / JUDGED_SIDE;
  const samples = Math.max(1, Math.ceil(step));
  const made = new Uint8Array(JUDGED_SIDE * JUDGED_SIDE * 3);
  const pixel = (x: number, y: number, colour: number): number => {
    const column = Math.min(width - 1, Math.max(0, x));
    const row = Math.min(height - 1, Math.max(0, y));
    return bytes[(row * width + column) * 3 + colour] ?? 0;
  };
  const smooth = (x: number, y: number, colour: number): number => {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [shareX, shareY] = [x - column, y - row];
    const upper =
      pixel(column, row, colour) * (1 - shareX) + pixel(column + 1, row, colour) * shareX;
    const lower =
      pixel(column, row + 1, colour) * (1 - shareX) + pixel(column + 1, row + 1, colour) * shareX;
    return upper * (1 - shareY) + lower * shareY;
  };
  for (let row = 0; row < JUDGED_SIDE; row++)
    for (let column = 0; column < JUDGED_SIDE; column++)
      for (let colour = 0; colour < 3; colour++) {
        let sum = 0;
        for (let down = 0; down < samples; down++)
          for (let right = 0; right < samples; right++)
            sum += smooth(
              left + (column + (right + 0.5) / samples) * step - 0.5,
              top + (row + (down + 0.5) / samples) * step - 0.5,
              colour,
            );
        made[(row * JUDGED_SIDE + column) * 3 + colour] = Math.round(sum / samples ** 2);
      }
  return { width: JUDGED_SIDE, height: JUDGED_SIDE, bytes: made };
}

/** A find counts where it lies about where the face is and is about as large. */
function isThere({ x, y, width, height }: Box): boolean {
  const [middle, side] = [JUDGED_SIDE / 2, JUDGED_SIDE / SURROUNDINGS];
  const away = Math.hypot(x + width / 2 - middle, y + height / 2 - middle);
  const size = Math.sqrt(width * height) / side;
  return away < side / 2 && size > 0.45 && size < 2.2;
}

async function openNetwork(): Promise<Judge | null> {
  const network = await openNetworkJudge();
  if (network === null) return null;
  return {
    name: "network",
    sees: async (place) => (await network.find(place)).some(isThere),
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  };
}

async function openCascadeJudge(): Promise<Judge | null> {
  if (!existsSync(CASCADES) || !existsSync(PYTHON)) {
    console.error("No first judge: opencv-data and python3-opencv are not installed");
    return null;
  }
  const script = fileURLToPath(new URL("judge-cascades.py", import.meta.url));
  const child = spawn(PYTHON, [script, String(JUDGED_SIDE)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "cascades",
    sees: async ({ bytes }) => {
      child.stdin.write(greyOf(bytes));
      const line = await lines.next();
      if (line.done === true) throw new Error("the first judge ended");
      return line.value
        .split(" ")
        .filter(Boolean)
        .map((one) => one.split(",").map(Number))
        .some(([x = 0, y = 0, width = 0, height = 0]) => isThere({ x, y, width, height }));
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "close");
      child.stdin.end();
      await ended;
    },
  };
}

function greyOf(bytes: Uint8Array): Uint8Array {
  const grey = new Uint8Array(bytes.length / 3);
  for (let at = 0; at < grey.length; at++)
    grey[at] = Math.round(
      0.299 * (bytes[at * 3] ?? 0) +
        0.587 * (bytes[at * 3 + 1] ?? 0) +
        0.114 * (bytes[at * 3 + 2] ?? 0),
    );
  return grey;
}
