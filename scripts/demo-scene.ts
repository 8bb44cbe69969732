import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeScene } from "./demo/scene.ts";

/**
 * Writes the demo camera's picture to standard output as raw yuv420p frames, at the pace of a real
 * camera, until it is closed. Same seed, same pictures.
 */
const USAGE = `usage: demo-scene.ts [--size 1280x720] [--rate 15] [--seconds N] [--seed N] [--fast]
`;

const WIDTH_MAX = 1920;
const RATE_MAX = 30;

interface Options {
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  readonly fast: boolean;
}

/** What the arguments ask for, or null where they make no sense. */
function readOptions(): Options | null {
  try {
    const { values } = parseArgs({
      options: {
        size: { type: "string", default: "1280x720" },
        rate: { type: "string", default: "15" },
        seconds: { type: "string", default: "Infinity" },
        seed: { type: "string", default: "7" },
        fast: { type: "boolean", default: false },
      },
    });
    const [width = 0, height = 0] = values.size.split("x").map(Number);
    const [rate, seconds, seed] = [values.rate, values.seconds, values.seed].map(Number) as [
      number,
      number,
      number,
    ];
    // Colour is kept at half the size, and the scene is drawn for 16:9.
    const sizeFits =
      width % 32 === 0 && width > 0 && width <= WIDTH_MAX && width * 9 === height * 16;
    const rateFits = rate >= 1 && rate <= RATE_MAX;
    if (!sizeFits || !rateFits || !(seconds > 0) || !Number.isInteger(seed)) return null;
    return { width, height, rate, seconds, seed, fast: values.fast };
  } catch {
    return null;
  }
}

/** A consumer that stood still for longer than this is not caught up with. */
const LATE_MAX_MS = 1_000;

async function play({ width, height, rate, seconds, seed, fast }: Options): Promise<void> {
  const scene = makeScene(width, height, seed);
  let open = true;
  let wake: () => void = () => undefined;
  const close = () => {
    open = false;
    wake();
  };
  process.stdout
    .on("error", close)
    .on("close", close)
    .on("drain", () => wake());
  let startedMs = performance.now();
  for (let frame = 0; open && frame < seconds * rate; frame += 1) {
    const waitMs = startedMs + (frame * 1000) / rate - performance.now();
    if (waitMs < -LATE_MAX_MS) startedMs -= waitMs;
    if (!fast && waitMs > 0) await setTimeout(waitMs);
    // A copy, because the pipe may still hold the last picture when the next one is drawn.
    const picture = Buffer.from(scene.draw(frame / rate));
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    if (!process.stdout.write(picture) && open) await promise;
  }
}

const options = readOptions();
if (options === null) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  await play(options);
}
