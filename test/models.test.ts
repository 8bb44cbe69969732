import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { cutGraph } from "../scripts/models/onnx-graph.ts";
import { OnnxWriter } from "../scripts/models/onnx-writer.ts";
import { BLAZEFACE_PLANES, blazefacesOf } from "../src/blur/blazeface.ts";
import { overlapOf } from "../src/blur/boxes.ts";
import { emptyPlanes, fitted, planeFiller } from "../src/blur/planes.ts";
import { openNetwork } from "../src/vision/inference/network.ts";
import { MODEL_SHA256, MODELS_FOLDER } from "../src/vision/inference/models.ts";
import { drawFace, drawnWall } from "./support/drawn-scene.ts";
import { projectRoot } from "./support/requirements.ts";

const folder = path.join(projectRoot, "models");

/** A network that is not here may not be shipped: what it finds, and whose it is, is said first. */
const ALLOWED: Readonly<Record<string, string>> = {
  "blazeface.onnx": "c76f61cf323383e361092fe654e0ee6bfbf8971083b61471ec23cdf3231ff781",
  "nanodet.onnx": "e8b849e4a8ee3c5c1058a9a86d8d1d7baee4db131c99ec08c68ddb0da7a43c6f",
  "ultraface.onnx": "e34ced79a0c7ba7a64518af800b5017c70adc3846bd892ac1681c617a191ede1",
};
/** All that may go in and come out: a score for each of a few kinds, and four numbers of a box. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, readonly (number | string)[]>>>> = {
  "blazeface.onnx": {
    input: [1, 3, "height", "width"],
    scores: [1, 1, "cells"],
    boxes: [1, 4, "cells"],
  },
  "nanodet.onnx": {
    input: [1, 3, "height", "width"],
    scores: [1, 3, "cells"],
    sides: [1, 4, "cells"],
  },
  "ultraface.onnx": {
    input: [1, 3, "height", "width"],
    logits: [1, "priors", 2],
    offsets: [1, "priors", 4],
  },
};
const TEXTS = ["LICENSE-Apache-2.0", "NOTICE", "README.md"];

const read = (name: string): Buffer => readFileSync(path.join(folder, name));

async function shapesOf(model: Uint8Array): Promise<Record<string, unknown>> {
  const session = await InferenceSession.create(model);
  const values = [...session.inputMetadata, ...session.outputMetadata];
  await session.release();
  return Object.fromEntries(values.map((value) => [value.name, value.isTensor && value.shape]));
}

describe("of neural networks there are", () => {
  test("those that are allowed, byte for byte, and no other", () => {
    const found = readdirSync(folder).filter((name) => !TEXTS.includes(name));
    const hashes = found.map((name) => [
      name,
      createHash("sha256").update(read(name)).digest("hex"),
    ]);
    expect(Object.fromEntries(hashes)).toEqual(ALLOWED);
    expect(MODEL_SHA256).toEqual(ALLOWED);
  });

  test("the same that the README lists, each with its licence", () => {
    const readme = read("README.md").toString();
    for (const [name, sha256] of Object.entries(ALLOWED)) {
      expect(readme).toContain(`${sha256}  ${name}`);
      expect(read("NOTICE").toString()).toContain(`${name}: `);
    }
  });

  test.each(Object.keys(ALLOWED))(
    "%s tells boxes, how sure it is, and nothing else",
    async (name) => {
      expect(await shapesOf(read(name))).toEqual(SHAPES[name]);
    },
  );

  test("none anywhere else in the repository's own folders", () => {
    const names = ["src", "web", "scripts", "test", "bench", "docs"].flatMap((top) =>
      readdirSync(path.join(projectRoot, top), { recursive: true, encoding: "utf8" })
        .filter((name) => !name.startsWith("dist"))
        .map((name) => `${top}/${name}`),
    );
    expect(names.filter((name) => /\.(onnx|tflite|pb|pt|pth|bin|ort|gguf)$/.test(name))).toEqual(
      [],
    );
  });
});

describe("a graph that is written", () => {
  const written = (halves: number[]): Uint8Array => {
    const writer = new OnnxWriter();
    const by = writer.halves(Uint16Array.from(halves), [1, 3, 1, 1]);
    const output = writer.node("Mul", ["input", by]);
    const [input, shape] = ["input", [1, 3, "height", "width"]] as const;
    return writer.model("times", { name: input, shape }, new Map([[output, { name: "o", shape }]]));
  };

  test("is the same bytes each time, and what it says", async () => {
    const [one, other] = [written([0x3c00, 0x4000, 0x4200]), written([0x3c00, 0x4000, 0x4200])];
    expect(Buffer.compare(one, other)).toBe(0);
    expect(await shapesOf(one)).toMatchObject({ o: [1, 3, "height", "width"] });
  });

  test("with weights that do not fill their shape is refused", () => {
    expect(() => written([0x3c00])).toThrow("1 values for 1 x 3 x 1 x 1");
  });
});

test("BlazeFace finds a face that was drawn by itself, at the sizes in which it is used", async () => {
  await using network = await openNetwork("blazeface.onnx", ["scores", "boxes"], MODELS_FOLDER);
  const picture = drawnWall({ width: 640, height: 360 });
  const face = drawFace(picture, 420, 160, 150);
  for (const length of [192, 384]) {
    const input = fitted(picture, length);
    const planes = emptyPlanes(input.canvas, BLAZEFACE_PLANES);
    planeFiller(picture, input.scaled, BLAZEFACE_PLANES, input.canvas)(picture.bytes, planes);
    const [scores, boxes] = await network.run(planes, input.canvas);
    const [found, ...others] = blazefacesOf({ scores, boxes }, input, picture);
    expect(others).toEqual([]);
    expect(found && overlapOf(found, face)).toBeGreaterThan(0.5);
    scores[7] = NaN;
    expect(() => blazefacesOf({ scores, boxes }, input, picture)).toThrow("no number");
    expect(() => blazefacesOf({ scores, boxes: boxes.slice(1) }, input, picture)).toThrow("size");
  }
});

describe("a graph that is cut", () => {
  const cut = (output: string, input = "input") =>
    cutGraph(read("ultraface.onnx"), {
      input: { name: input, shape: [1, 3, "height", "width"] },
      outputs: new Map([[output, { name: output, shape: [1, "priors", 2] }]]),
    });

  test("to one of two outputs has fewer weights, and to what it computes already is itself", () => {
    const whole = read("ultraface.onnx");
    const half = cut("logits");
    expect(half.length).toBeLessThan(whole.length);
    expect(half.length).toBeGreaterThan(whole.length / 2);
    const both = cutGraph(whole, {
      input: { name: "input", shape: [1, 3, "height", "width"] },
      outputs: new Map([
        ["logits", { name: "logits", shape: [1, "priors", 2] }],
        ["offsets", { name: "offsets", shape: [1, "priors", 4] }],
      ]),
    });
    expect(Buffer.compare(both, whole)).toBe(0);
  });

  test("to a value that it does not compute, or from one that is no input, is refused", () => {
    expect(() => cut("faces")).toThrow("computes no faces");
    expect(() => cut("logits", "picture")).toThrow("picture is not its input");
    const whole = read("ultraface.onnx");
    expect(() =>
      cutGraph(whole.subarray(0, -5), {
        input: { name: "input", shape: [] },
        outputs: new Map(),
      }),
    ).toThrow("cut off");
  });
});
