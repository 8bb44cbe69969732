import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { overlapOf, type Box } from "../../src/blur/boxes.ts";
import type { ColourPicture } from "../../src/blur/planes.ts";
import { openFaceDetector, type FaceMode } from "../../src/vision/inference/face-detector.ts";
import { THREAD_LIMITS } from "../../src/vision/inference/inference-thread.ts";
import { MODEL_SHA256, MODELS_FOLDER } from "../../src/vision/inference/models.ts";
import { blurAbilityOf, facesWhereUnsaid } from "../../src/settings/blur.ts";
import { probeInference } from "../../src/vision/inference/probe.ts";
import { openObjectDetector } from "../../src/vision/inference/object-detector.ts";
import { drawCar, drawFace, drawnWall, drawPerson } from "../support/drawn-scene.ts";
import { temporaryFolder } from "../support/temporary.ts";

const WALL = { width: 640, height: 360 };
const MODES: readonly FaceMode[] = ["live", "standard", "thorough"];

const bestOn = (box: Box, found: readonly Box[]): number =>
  Math.max(0, ...found.map((each) => overlapOf(each, box)));

/** A detector on another thread than the one with networks. */
const standIn = (folder: string) => ({
  folder,
  limits: {
    ...THREAD_LIMITS,
    entry: new URL("./broken-thread-child.ts", import.meta.url),
    runTimeoutMs: folder === "hangs" ? 300 : THREAD_LIMITS.runTimeoutMs,
    startTimeoutMs: folder === "never begins" ? 300 : THREAD_LIMITS.startTimeoutMs,
  },
});

describe("the detector of faces", () => {
  test.each(MODES)(
    "finds those that were drawn, in mode %s, and says boxes and scores",
    async (mode) => {
      await using detector = await openFaceDetector(mode);
      const picture = drawnWall(WALL);
      const drawn = [drawFace(picture, 150, 150, 160), drawFace(picture, 330, 120, 60)];
      const found = await detector.find(picture);
      for (const face of drawn) expect(bestOn(face, found)).toBeGreaterThan(0.5);
      for (const face of found)
        expect(Object.keys(face).toSorted()).toEqual(["height", "score", "width", "x", "y"]);
      expect(await detector.find(drawnWall(WALL))).toEqual([]);
    },
  );

  test("says where they are in pixels of the picture, of whatever size and shape that is", async () => {
    await using detector = await openFaceDetector("standard");
    for (const [width, height] of [
      [1280, 720],
      [480, 270],
      [360, 640],
      [641, 363],
    ] as const) {
      const picture = drawnWall({ width, height });
      const face = drawFace(picture, width * 0.6, height * 0.4, height * 0.25);
      expect(bestOn(face, await detector.find(picture)), `${width} x ${height}`).toBeGreaterThan(
        0.5,
      );
    }
  });

  test("looks at pictures in the order in which they come", async () => {
    await using detector = await openFaceDetector("live");
    const places = [100, 200, 300, 400];
    const found = await Promise.all(
      places.map((x) => {
        const picture = drawnWall(WALL);
        drawFace(picture, x, 150, 120);
        return detector.find(picture);
      }),
    );
    const centres = found.map(([face]) => (face ? face.x + face.width / 2 : 0));
    centres.forEach((centre, index) =>
      expect(Math.abs(centre - (places[index] ?? 0))).toBeLessThan(12),
    );
  });
});

describe("the detector of objects", () => {
  test("finds a person and a car that were drawn, and nothing on an empty wall", async () => {
    await using detector = await openObjectDetector();
    const picture = drawnWall(WALL);
    const [person, car] = [drawPerson(picture, 150, 40, 290), drawCar(picture, 280, 190, 300)];
    const found = await detector.find(picture);
    const ofKind = (kind: string): Box[] => found.filter((object) => object.kind === kind);
    expect(bestOn(person, ofKind("person"))).toBeGreaterThan(0.5);
    expect(bestOn(car, ofKind("vehicle"))).toBeGreaterThan(0.5);
    for (const object of found)
      expect(Object.keys(object).toSorted()).toEqual([
        "height",
        "kind",
        "score",
        "width",
        "x",
        "y",
      ]);
    expect(await detector.find(drawnWall(WALL))).toEqual([]);
  });
});

describe("whether a machine can look at pictures", () => {
  test("is found out by doing it once, in a process of its own", async () => {
    const probe = await probeInference();
    expect(probe).toEqual({ works: true, msPerPicture: expect.any(Number) as unknown });
  });

  test("costs that process, where the processor lacks what is needed, and is an answer", async () => {
    const entry = path.join(import.meta.dirname, "broken-probe-child.ts");
    expect(await probeInference({ entry })).toEqual({
      ...{ works: false, reason: "the process ended with SIGILL" },
    });
  });
});

test("a machine that was too busy to be tried covers faces by default, and one that cannot does not", async () => {
  const silent = path.join(import.meta.dirname, "silent-probe-child.ts");
  const busy = await probeInference({ entry: silent, timeoutMs: 100 });
  expect(busy).toMatchObject({ works: false, hasTimedOut: true });
  expect(facesWhereUnsaid(blurAbilityOf(busy))).toBe("blur-copy");
  const entry = path.join(import.meta.dirname, "broken-probe-child.ts");
  expect(facesWhereUnsaid(blurAbilityOf(await probeInference({ entry })))).toBe("keep");
});

test("a detector that is not asked any more looks at a black picture, and so forgets the last", async () => {
  const { limits, ...options } = standIn("counts black pictures");
  const asked = { ...options, limits: { ...limits, forgetAfterMs: 20 } };
  await using detector = await openFaceDetector("live", asked);
  const grey = { width: 2, height: 2, bytes: new Uint8Array(12).fill(128) };
  expect(await detector.find(grey)).toMatchObject([{ x: 0 }]);
  await expect
    .poll(async () => (await detector.find(grey))[0]?.x, { interval: 100, timeout: 10_000 })
    .toBeGreaterThan(0);
});

describe("nothing is made of a picture", () => {
  const altered = (folder: string, name: string): void => {
    const bytes = readFileSync(path.join(MODELS_FOLDER, name));
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    writeFileSync(path.join(folder, name), bytes);
  };

  test.each(Object.keys(MODEL_SHA256))(
    "where %s is missing, or altered by one bit",
    async (name) => {
      await using folder = temporaryFolder();
      for (const each of Object.keys(MODEL_SHA256))
        copyFileSync(path.join(MODELS_FOLDER, each), path.join(folder.path, each));
      const open = () =>
        name === "nanodet.onnx"
          ? openObjectDetector({ folder: folder.path })
          : openFaceDetector("standard", { folder: folder.path });
      altered(folder.path, name);
      await expect(open()).rejects.toMatchObject({
        ...{
          code: "DETECTOR_FAILED",
          message: expect.stringContaining("is not the file") as unknown,
        },
      });
      rmSync(path.join(folder.path, name));
      await expect(open()).rejects.toMatchObject({
        ...{
          code: "DETECTOR_FAILED",
          message: expect.stringContaining("cannot be read") as unknown,
        },
      });
    },
  );

  test("that is not as large as it says, or larger than a decoder may hand over", async () => {
    await using detector = await openFaceDetector("live");
    const bytes = new Uint8Array(30);
    for (const size of [
      { width: 5, height: 5 },
      { width: 0, height: 0 },
      { width: 2.5, height: 4 },
      { width: NaN, height: 2 },
      { width: 100_000, height: 100_000 },
    ])
      await expect(detector.find({ ...size, bytes })).rejects.toMatchObject({
        code: "DETECTOR_FAILED",
      });
    expect(await detector.find(drawnWall(WALL))).toEqual([]);
  });

  const picture: ColourPicture = { width: 2, height: 2, bytes: new Uint8Array(12) };

  test.each([
    ["hangs", "no answer within 300 ms"],
    ["dies", "its thread has ended"],
    ["throws", "out of luck"],
    ["answers with no number", "no boxes"],
    ["answers with half a box", "no boxes"],
    ["answers with a text", "no boxes"],
  ])("by a thread that %s", async (way, reason) => {
    await using detector = await openFaceDetector("live", standIn(way));
    const failed = {
      ...{ code: "DETECTOR_FAILED", message: expect.stringContaining(reason) as unknown },
    };
    await expect(detector.find(picture)).rejects.toMatchObject(failed);
    await expect(detector.find(picture)).rejects.toMatchObject({ code: "DETECTOR_FAILED" });
  });

  test("by a thread that never begins", async () => {
    await expect(openFaceDetector("live", standIn("never begins"))).rejects.toMatchObject({
      ...{ code: "DETECTOR_FAILED", message: expect.stringContaining("no answer") as unknown },
    });
  });

  test("by a thread that names a kind that there is not", async () => {
    await using detector = await openObjectDetector(
      standIn("answers with a kind that there is not"),
    );
    await expect(detector.find(picture)).rejects.toMatchObject({ code: "DETECTOR_FAILED" });
  });

  test("that waits behind too many others", async () => {
    await using detector = await openFaceDetector("live", standIn("hangs"));
    const outcomes = Promise.allSettled(Array.from({ length: 64 }, () => detector.find(picture)));
    await expect(detector.find(picture)).rejects.toThrow("64 pictures are waiting already");
    for (const { status } of await outcomes) expect(status).toBe("rejected");
  });
});
