import { createHash } from "node:crypto";
import { expect } from "vitest";
import { runCommand } from "../support/live-hub.ts";

/** What can be said of a movie that an owner has opened. */

export interface Frame {
  readonly atSeconds: number;
  readonly isKey: boolean;
}

/** Every access unit of a track, in the order of the file. */
export async function framesOf(file: string, track: "v" | "a"): Promise<Frame[]> {
  const { stdout, code } = await runCommand([
    ...["ffprobe", "-v", "error", "-select_streams", `${track}:0`],
    ...["-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", file],
  ]);
  expect(code).toBe(0);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [time = "", flags = ""] = line.split(",");
      return { atSeconds: Number(time), isKey: flags.startsWith("K") };
    });
}

/** Decoded from the first frame to the last, without a single complaint. */
export async function requireWhole(file: string): Promise<void> {
  const decoded = await runCommand([
    "ffmpeg",
    "-v",
    "error",
    "-nostdin",
    "-i",
    file,
    "-f",
    "null",
    "-",
  ]);
  expect(decoded).toMatchObject({ code: 0, stderr: "" });
}

/**
 * The coded pictures of a movie as runs of consecutive pictures of the loop that the camera sends.
 *
 * @throws Error for a picture that the camera never sent.
 */
export function runsInLoop(movie: readonly Buffer[], loop: readonly Buffer[]): number[][] {
  const places = new Map<string, number[]>();
  loop.forEach((slice, index) => {
    const name = hashOf(slice);
    places.set(name, [...(places.get(name) ?? []), index]);
  });
  const runs: number[][] = [];
  for (const slice of movie) {
    const here = places.get(hashOf(slice));
    if (here === undefined) throw new Error("a picture that the camera never sent");
    const run = runs.at(-1);
    const next = run === undefined ? -1 : ((run.at(-1) ?? 0) + 1) % loop.length;
    if (run !== undefined && here.includes(next)) run.push(next);
    else runs.push([here[0] ?? 0]);
  }
  return runs;
}

function hashOf(slice: Buffer): string {
  // A NAL unit may be followed by zero bytes that belong to the container.
  let end = slice.length;
  while (end > 0 && slice[end - 1] === 0) end -= 1;
  return createHash("sha256").update(slice.subarray(0, end)).digest("hex");
}
