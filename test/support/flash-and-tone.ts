import { spawnSync } from "node:child_process";

/** When the picture turns white and when the tone begins, in seconds of the file's own clock. */
export interface FlashesAndTones {
  readonly flashes: readonly number[];
  readonly tones: readonly number[];
}

const WHITE = 100;
const LOUD_DECIBELS = -25;

/** Decodes a movie whole, as a player would. @throws Error for any complaint of ffmpeg's. */
export function flashesAndTones(file: string): FlashesAndTones {
  const picture = measured(file, ["-an", "-vf"], "signalstats", "lavfi.signalstats.YAVG");
  // A millisecond at a time.
  const level = "asetnsamples=48,astats=metadata=1:reset=1";
  const sound = measured(
    file,
    ["-vn", "-ar", "48000", "-af"],
    level,
    "lavfi.astats.Overall.RMS_level",
  );
  return { flashes: rises(picture, WHITE), tones: rises(sound, LOUD_DECIBELS) };
}

interface Measured {
  readonly atSeconds: number;
  readonly value: number;
}

function measured(file: string, kind: readonly string[], filter: string, key: string): Measured[] {
  const print = `${kind.includes("-an") ? "" : "a"}metadata=print:key=${key}:file=-`;
  const result = spawnSync(
    "ffmpeg",
    ["-v", "error", "-xerror", "-i", file, ...kind, `${filter},${print}`, "-f", "null", "-"],
    { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (result.status !== 0 || result.stderr !== "") throw new Error(`ffmpeg: ${result.stderr}`);
  return [...result.stdout.matchAll(/pts_time:(\S+)\s+\S+=(\S+)/g)].map(([, at, value]) => ({
    atSeconds: Number(at),
    value: value === "-inf" ? Number.NEGATIVE_INFINITY : Number(value),
  }));
}

/** A tone's own waves are no rises. */
const APART_SECONDS = 0.5;

function rises(values: readonly Measured[], threshold: number): number[] {
  const found: number[] = [];
  let aboveAt = Number.NEGATIVE_INFINITY;
  for (const { atSeconds, value } of values) {
    if (value <= threshold) continue;
    if (atSeconds - aboveAt > APART_SECONDS) found.push(atSeconds);
    aboveAt = atSeconds;
  }
  return found;
}
