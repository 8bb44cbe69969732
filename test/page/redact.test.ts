import { describe, expect, test } from "vitest";
import { addedBoxAt } from "../../web/page/redact/corrections.ts";
import type { Box } from "../../src/blur/boxes.ts";
import { readVideoTrack } from "../../web/page/redact/mp4-samples.ts";
import { coveredShare, judgePicture } from "../support/covered-faces.ts";
import { coloursOf, labelledClip, lumaFrames, segmentsOf } from "../support/labelled-faces.ts";
import { axe } from "../support/page.ts";
import { redactAssets, runRedactor, startRedactPage } from "../support/redact-page.ts";
import { missingCommands } from "../support/requirements.ts";

const lacks = missingCommands("chromium", "ffmpeg");
const LONG_MS = 240_000;
const [WIDTH, HEIGHT, FRAMES] = [640, 360, 40];
const SIZE = { width: WIDTH, height: HEIGHT };
const generated = (...options: readonly string[]): Uint8Array[] => {
  const source = `testsrc2=size=${WIDTH}x${HEIGHT}:rate=10:duration=${FRAMES / 10}`;
  return segmentsOf(["-f", "lavfi", "-i", source, ...options], 10);
};
/** As many cameras have it: all 256 levels. */
const FULL_RANGE = [
  ...["-vf", "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p", "-color_range", "pc"],
  ...["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"],
];
const bufferOf = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

describe.skipIf(lacks)("blurring on this device", { timeout: LONG_MS }, () => {
  test("covers the owner's box with a coarse mosaic, in its frames only, and leaves the rest as it was", async () => {
    const segments = generated();
    await using blur = await startRedactPage({ segments });
    const drawn: readonly (readonly [number, Box])[] = [
      [5, { x: 100, y: 80, width: 80, height: 100 }],
      [25, { x: 400, y: 180, width: 80, height: 100 }],
    ];
    const added = { id: 1, fromFrame: 5, toFrame: 30, drawn };
    const run = await runRedactor(blur.page, { added: [added] });
    expect(run).toMatchObject({ error: null, frameCount: FRAMES, width: WIDTH, height: HEIGHT });
    expect([...blur.made.keys()]).toEqual([0, 1]);
    const before = segments.flatMap((bytes) => lumaFrames(bytes, SIZE));
    const after = [...blur.made.values()].flatMap((bytes) => lumaFrames(bytes, SIZE));
    expect(after.length).toBe(FRAMES);
    for (const [frame, picture] of after.entries()) {
      const own = addedBoxAt({ ...added, drawn: new Map(drawn) }, frame);
      const found = run.tracks.flatMap(({ boxes }) => boxes.filter(([at]) => at === frame));
      const boxes = [...(own ? [own] : []), ...found.map(([, box]) => box)];
      const judged = judgePicture(before[frame], picture, boxes, SIZE);
      expect(judged.outsideDifference, `outside, frame ${frame}`).toBeLessThan(4);
      if (!own) continue;
      expect(judged.blocksAcrossMax, `frame ${frame}`).toBeLessThanOrEqual(8);
      expect(judged.unevenness, `inside, frame ${frame}`).toBeLessThan(8);
    }
    expect(blur.problems).toEqual([]);
  });

  test("keeps every time, the clock and the colours of the recording, and begins with a key frame", async () => {
    const segments = generated(...FULL_RANGE);
    await using blur = await startRedactPage({ segments });
    expect((await runRedactor(blur.page)).error).toBeNull();
    segments.forEach((original, index) => {
      const made = readVideoTrack(bufferOf(blur.made.get(index) ?? new Uint8Array()));
      const from = readVideoTrack(bufferOf(original));
      expect([made.timescale, made.width, made.height]).toEqual([90_000, WIDTH, HEIGHT]);
      const times = (track: typeof from) =>
        track.samples.map(({ ticks, durationTicks }) => [ticks, durationTicks]);
      expect(times(made)).toEqual(times(from));
      expect(made.samples[0]?.isKey).toBe(true);
      expect(coloursOf(blur.made.get(index) ?? new Uint8Array())).toBe("pc,bt709,bt709,bt709");
    });
    expect(readVideoTrack(bufferOf(segments[1] ?? new Uint8Array())).samples[0]?.ticks).toBe(
      180_000,
    );
  });

  test.for(["walking.mp4", "head-pose.mp4"])(
    "covers the labelled faces of %s in every frame",
    async (name, { skip }) => {
      const clip = labelledClip(name);
      if (!clip) skip("the labelled footage is not here");
      else {
        await using blur = await startRedactPage({ segments: clip.segments });
        const run = await runRedactor(blur.page);
        expect(run).toMatchObject({ error: null, frameCount: clip.frames });
        const { share, uncovered } = coveredShare(clip, run.tracks);
        expect(uncovered).toEqual([]);
        expect(share).toBeGreaterThanOrEqual(0.985);
        const before = clip.segments.flatMap((bytes) => lumaFrames(bytes, clip));
        const made = [...blur.made.values()].flatMap((bytes) => lumaFrames(bytes, clip));
        expect(made.length).toBe(clip.frames);
        for (const [frame, picture] of made.entries()) {
          const boxes = run.tracks.flatMap(({ boxes: all }) =>
            all.filter(([at]) => at === frame).map(([, box]) => box),
          );
          const judged = judgePicture(before[frame], picture, boxes, clip);
          expect(judged.unevenness, `inside, frame ${frame}`).toBeLessThan(8);
          expect(judged.outsideDifference, `outside, frame ${frame}`).toBeLessThan(3);
        }
      }
    },
  );

  test("stops when it is told to, and makes nothing", async () => {
    await using blur = await startRedactPage({ segments: generated() });
    expect(await runRedactor(blur.page, { cancelAt: 3 })).toMatchObject({ error: "CANCELLED" });
    expect(blur.made.size).toBe(0);
  });

  test.for<[string, (name: string, bytes: Buffer) => Buffer]>([
    ["model", (name, bytes) => (name.endsWith(".onnx") ? flipped(bytes) : bytes)],
    ["runtime", (name, bytes) => (name.endsWith(".wasm") ? bytes.subarray(0, 1_000) : bytes)],
  ])("makes nothing with a damaged %s", async ([, tamper]) => {
    await using blur = await startRedactPage({ segments: generated(), tamper });
    expect(await runRedactor(blur.page)).toMatchObject({ error: "DETECTOR_FAILED" });
    expect(blur.made.size).toBe(0);
  });

  test("makes nothing of a recording that is cut off, or that does not begin with a key frame", async () => {
    const [first = new Uint8Array(), second = new Uint8Array()] = generated();
    for (const broken of [first.subarray(0, -500), withoutKeyFrame(first)]) {
      await using blur = await startRedactPage({ segments: [second, broken] });
      expect(await runRedactor(blur.page)).toMatchObject({ error: "SEGMENT_UNREADABLE" });
      expect(blur.made.size).toBe(0);
    }
  });

  test("asks for its own files only, all from one folder, and not before it is used", async () => {
    await using blur = await startRedactPage({ segments: generated() });
    const early = blur.requests.filter((url) => url.includes("/assets/redact/"));
    expect(early).toEqual([]);
    await runRedactor(blur.page);
    const origin = new URL(blur.page.url()).origin;
    expect(blur.requests.filter((url) => new URL(url).origin !== origin)).toEqual([]);
    const asked = blur.requests.filter((url) => url.includes("/assets/redact/"));
    const names = (await redactAssets()).map(({ name }) => name);
    expect(new Set(asked.map((url) => url.split("/").at(-1)))).toEqual(new Set(names));
  });
});

describe.skipIf(lacks)("the screen that blurs", { timeout: LONG_MS }, () => {
  test.for([
    { language: "en", scheme: "light", viewport: { width: 1280, height: 800 } },
    { language: "fr", scheme: "dark", viewport: { width: 390, height: 844 } },
  ] as const)("has nothing that axe finds: $language, $scheme", async (look) => {
    await using blur = await startRedactPage({ segments: generated(), ...look });
    const { page } = blur;
    await page.evaluate("window.harness.show()");
    await page.locator("progress").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.locator(".strip").waitFor({ timeout: 120_000 });
    await page.locator(".view").scrollIntoViewIfNeeded();
    expect(await axe(page)).toEqual([]);
    const small = await page.evaluate<string[]>(
      `[...document.querySelectorAll("button:not(.box), input")]
         .filter((one) => one.getBoundingClientRect().height < 47.5)
         .map((one) => one.outerHTML.slice(0, 80))`,
    );
    expect(small).toEqual([]);
    expect(blur.problems).toEqual([]);
  });

  test("is used by the keyboard alone: steps, adds, moves, removes, undoes, makes", async () => {
    await using blur = await startRedactPage({ segments: generated() });
    const { page } = blur;
    await page.evaluate("window.harness.show()");
    const view = page.locator(".view");
    await view.waitFor({ timeout: 120_000 });
    const slider = page.getByRole("slider");
    const start = Number(await slider.inputValue());
    await view.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => slider.inputValue()).toBe(String(start + 1));
    const own = page.locator("button.box.owner");
    await page.getByRole("button", { name: "Add a box" }).focus();
    await page.keyboard.press("Enter");
    await own.waitFor();
    await own.focus();
    const left = (): Promise<number> =>
      own.evaluate((box) =>
        Number.parseFloat((box as unknown as { style: { left: string } }).style.left),
      );
    const before = await left();
    await page.keyboard.press("ArrowRight");
    await expect.poll(left).toBeCloseTo(before + 1, 3);
    await page.keyboard.press("Delete");
    await expect.poll(() => own.count()).toBe(0);
    await page.getByRole("button", { name: "Undo" }).focus();
    await page.keyboard.press("Enter");
    await own.waitFor();
    await page.getByRole("button", { name: "Looks right" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate("window.outcome"), { timeout: 60_000 }).toBe("done");
    expect([...blur.made.keys()]).toEqual([0, 1]);
    // A JPEG of the segment that was asked for.
    expect(await page.evaluate("window.still")).toEqual({ segment: 1, begins: [0xff, 0xd8] });
    expect(blur.problems).toEqual([]);
  });

  test("takes a box that is drawn over the picture, and is left at any time", async () => {
    await using blur = await startRedactPage({ segments: generated() });
    const { page } = blur;
    await page.evaluate("window.harness.show()");
    const view = page.locator(".view");
    await view.waitFor({ timeout: 120_000 });
    await view.scrollIntoViewIfNeeded();
    const at = await view.boundingBox();
    if (!at) throw new Error("the picture is not shown");
    await page.mouse.move(at.x + at.width * 0.7, at.y + at.height * 0.6);
    await page.mouse.down();
    await page.mouse.move(at.x + at.width * 0.9, at.y + at.height * 0.9, { steps: 3 });
    await page.mouse.up();
    const drawn = await page.locator("button.box.owner").boundingBox();
    expect(drawn?.x).toBeCloseTo(at.x + at.width * 0.7, -1);
    expect(drawn?.height).toBeCloseTo(at.height * 0.3, -1);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await page.evaluate("window.outcome")).toBe("cancelled");
    expect(blur.made.size).toBe(0);
  });
});

function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[500_000] = (changed[500_000] ?? 0) ^ 1;
  return changed;
}

/** Its first fragment is left out. */
function withoutKeyFrame(bytes: Uint8Array): Uint8Array {
  const movie = Buffer.from(bytes);
  const first = movie.indexOf("moof") - 4;
  const second = movie.indexOf("moof", first + 8) - 4;
  return new Uint8Array(Buffer.concat([movie.subarray(0, first), movie.subarray(second)]));
}
