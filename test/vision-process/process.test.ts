import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { BlurWorkerEvents } from "../../src/clips/blur-worker.ts";
import type { BlurReason } from "../../src/protocol/blur-state.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { BlurredPoster, BlurredSegment } from "../../src/vision/blur-footage.ts";
import type { SeenObjects } from "../../src/vision-process/messages.ts";
import { testFootage as footage } from "../support/test-footage.ts";
import { VisionProcess, type VisionProcessOptions } from "../../src/vision-process/process.ts";

const ENTRY = fileURLToPath(new URL("../support/vision-child.ts", import.meta.url));

function start(options: Partial<VisionProcessOptions> = {}) {
  const segments: { job: number; segment: BlurredSegment }[] = [];
  const posters: BlurredPoster[] = [];
  const gone: BlurReason[] = [];
  const problems: string[] = [];
  let ready = 0;
  const events: BlurWorkerEvents = {
    onReady: () => (ready += 1),
    onSegment: (job, segment) => segments.push({ job, segment }),
    onPoster: (_job, poster) => posters.push(poster),
    onGone: (reason) => gone.push(reason),
  };
  const vision = new VisionProcess(
    { entry: ENTRY, onProblem: (message) => problems.push(message), ...options },
    events,
  );
  return {
    ...{ vision, segments, posters, gone, problems },
    ready: () => ready,
    begin: (job: number, camera: string): void =>
      vision.begin(job, parseCameraId(camera), { cover: "faces", plates: false, mode: "standard" }),
    [Symbol.asyncDispose]: async () => await vision[Symbol.asyncDispose](),
  };
}

test("begins with the first work, answers, and ends when there is no more", async () => {
  await using started = start({ idleMs: 300 });
  const { vision, segments } = started;
  expect(vision.pid).toBeNull();
  expect(vision.wake()).toBe(true);
  started.begin(1, "front");
  vision.push(1, footage(0));
  vision.push(1, footage(1));
  await expect.poll(() => segments.length).toBe(1);
  // The answer to the last waits for the end, for as long as that takes.
  vision.end(1);
  await expect.poll(() => segments.length).toBe(2);
  expect(segments.map(({ job, segment }) => [job, segment.segment, segment.outcome])).toEqual([
    [1, 0, "blurred"],
    [1, 1, "blurred"],
  ]);
  expect(segments[0]?.segment.fragments.length).toBe(3);
  await expect.poll(() => vision.pid, { timeout: 5_000 }).toBeNull();
  // And again, where there is work again.
  expect(vision.wake()).toBe(true);
  started.begin(2, "front");
  vision.push(2, footage(0));
  vision.end(2);
  await expect.poll(() => segments.length).toBe(3);
  expect(started.gone).toEqual([]);
});

describe("what it says is not believed", () => {
  test.each(["die", "twice", "garbage", "strange-message", "closes-its-pipe"])(
    "%s ends it, and it is begun anew",
    async (misdeed) => {
      await using started = start();
      const { vision, segments } = started;
      vision.wake();
      started.begin(1, misdeed);
      vision.push(1, footage(0));
      await expect.poll(() => started.gone, { timeout: 10_000 }).toEqual(["vision-ended"]);
      expect(segments.length).toBe(misdeed === "twice" ? 1 : 0);
      expect(started.problems.at(-1)).toMatch(/^the vision process ended/);
      expect(started.posters).toEqual([]);
      await expect.poll(() => vision.wake(), { timeout: 10_000 }).toBe(true);
      started.begin(2, "front");
      vision.push(2, footage(0));
      vision.end(2);
      await expect.poll(() => segments.at(-1)?.job).toBe(2);
    },
  );

  test.each(["hang", "hang-saying-it-works"])("%s is ended by a time-out", async (misdeed) => {
    await using started = start({ stallMs: 200 });
    started.vision.wake();
    started.begin(1, misdeed);
    started.vision.push(1, footage(0));
    started.vision.end(1);
    await expect.poll(() => started.gone, { timeout: 15_000 }).toEqual(["timed-out"]);
  });
});

test("an answer to what was dropped is nobody's, and no misdeed", async () => {
  await using started = start();
  const { vision } = started;
  vision.wake();
  started.begin(1, "front");
  vision.push(1, footage(0));
  vision.push(1, footage(1));
  vision.drop(1);
  started.begin(2, "front");
  vision.push(2, footage(0));
  vision.end(2);
  await expect.poll(() => started.segments.map(({ job }) => job)).toEqual([2]);
  expect(started.gone).toEqual([]);
});

test("pictures are looked at for objects, and a look goes on in the next process", async () => {
  await using started = start();
  const { vision } = started;
  const seen: SeenObjects[] = [];
  const look = vision.look(parseCameraId("front"), (objects) => seen.push(objects));
  const { init, fragments } = footage(0);
  look.push({ init, fragments });
  await expect.poll(() => seen.length).toBe(1);
  expect(seen[0]?.objects[0]?.kind).toBe("person");
  vision.kill("too-old");
  await expect.poll(() => started.gone).toEqual(["too-old"]);
  await expect
    .poll(
      () => {
        look.push({ init, fragments });
        return seen.length;
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(1);
  look[Symbol.dispose]();
});
