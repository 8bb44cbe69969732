import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Box } from "../src/blur/boxes.ts";
import type { ColourPicture } from "../src/blur/planes.ts";
import { OnnxWriter } from "../scripts/models/onnx-writer.ts";

/**
 * A small network for faces that has no part in blurring (tiny face detector of face-api, MIT): one
 * file is taken out of its package when figures are measured, and it is no part of this project.
 */

const PACKAGE = "@vladmandic/face-api@1.7.15";
const MEMBER = "package/model/tiny_face_detector_model.bin";
const SHA256 = "b7503ce7df31039b1c43316a9b865cab6a70dd748cc602d3fa28b551503c3871";
const MEAN = [117.001, 114.697, 97.404] as const;
const ANCHORS = [
  [1.603231, 2.094468],
  [6.041143, 7.080126],
  [2.882459, 3.518061],
  [4.266906, 5.178857],
  [9.041765, 10.66308],
] as const;
const NUMBERS_PER_ANCHOR = 5;
const STRIDE = 32;
const SCORE_MIN = 0.5;

/** As the package's manifest has them, in the order of the file; one byte a weight. */
const CHANNELS = [16, 32, 64, 128, 256, 512] as const;
const QUANTIZATION: readonly (readonly [number, number])[] = [
  [0.009007044399485869, -1.2069439495311063],
  [0.005263455241334205, -0.9211046672334858],
  [0.004001977630690033, -0.5042491814669441],
  [0.013836609615999109, -1.411334180831909],
  [0.0015159862590771096, -0.30926119685173037],
  [0.002666276225856706, -0.317286870876948],
  [0.015265831292844286, -1.6792414422128714],
  [0.0020280554598453, -0.37113414915168985],
  [0.006100742489683862, -0.8907084034938438],
  [0.016276211832083907, -2.0508026908425725],
  [0.003394414279975143, -0.7637432129944072],
  [0.006716050119961009, -0.8059260143953211],
  [0.021875603993733724, -2.8875797271728514],
  [0.0041141652009066415, -0.8187188749804216],
  [0.008423839597141042, -0.9013508368940915],
  [0.030007277283014035, -3.8709387695088107],
  [0.008402082966823203, -1.4871686851277068],
  [0.028336129469030042, -4.675461362389957],
  [0.002268134028303857, -0.41053225912299807],
];

export interface NetworkJudge extends AsyncDisposable {
  /** Faces in a square picture, in its pixels. */
  find(picture: ColourPicture): Promise<Box[]>;
}

/** null where the package cannot be had, with the reason said. */
export async function openNetworkJudge(): Promise<NetworkJudge | null> {
  const weights = fetchWeights();
  if (weights === null) return null;
  const session = await InferenceSession.create(modelOf(weights), {
    ...{ executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1 },
  });
  return {
    find: async (picture) => {
      const { width, height } = picture;
      const input = new Tensor("float32", planesOf(picture), [1, 3, height, width]);
      const output = (await session.run({ input }))["cells"]?.data;
      if (!(output instanceof Float32Array)) throw new Error("the judge answered with no number");
      return facesOf(output, width / STRIDE);
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

function fetchWeights(): Uint8Array | null {
  const kept = path.join(os.tmpdir(), `doorward-judge-${SHA256.slice(0, 16)}.bin`);
  if (existsSync(kept)) return checked(readFileSync(kept));
  const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-judge-"));
  try {
    const packed = execFileSync("npm", ["pack", "--silent", PACKAGE], {
      ...{ cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    }).trim();
    execFileSync("tar", ["-xzf", path.join(folder, path.basename(packed)), "-C", folder, MEMBER]);
    const bytes = checked(readFileSync(path.join(folder, MEMBER)));
    writeFileSync(kept, bytes);
    return bytes;
  } catch (error) {
    console.error(`No second judge: ${error instanceof Error ? error.message : "unknown"}`);
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checked(bytes: Uint8Array): Uint8Array {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== SHA256) throw new Error(`the judge's weights have the hash ${sha256}`);
  return bytes;
}

/** Convolutions, each but the last leaky and followed by a maximum of four. */
function modelOf(bytes: Uint8Array): Uint8Array {
  const graph = new OnnxWriter();
  const next = weightReader(bytes);
  const leaky = (value: string): string =>
    graph.node("LeakyRelu", [value], { alpha: { float: 0.1 } });
  const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const pool = (value: string, stride: number): string =>
    graph.node("MaxPool", [value], {
      ...{ kernel_shape: [2, 2], strides: [stride, stride] },
      ...(stride === 1 ? { pads: [0, 0, 1, 1] } : {}),
    });
  const first = outputFirst(next([3, 3, 3, CHANNELS[0]]));
  const firstBias = next([CHANNELS[0]]);
  let value = leaky(
    graph.node("Conv", ["input", graph.floats(...first), graph.floats(...firstBias)], same),
  );
  value = pool(value, 2);
  CHANNELS.slice(1).forEach((channels, index) => {
    const before = CHANNELS[index] ?? 0;
    const depth = outputFirst(transposedDepth(next([3, 3, before, 1])));
    const point = outputFirst(next([1, 1, before, channels]));
    const bias = next([channels]);
    value = graph.node("Conv", [value, graph.floats(...depth)], { ...same, group: before });
    value = graph.node("Conv", [value, graph.floats(...point), graph.floats(...bias)], {
      kernel_shape: [1, 1],
    });
    value = pool(leaky(value), index === CHANNELS.length - 2 ? 1 : 2);
  });
  const last = outputFirst(next([1, 1, 512, ANCHORS.length * NUMBERS_PER_ANCHOR]));
  const lastBias = next([ANCHORS.length * NUMBERS_PER_ANCHOR]);
  value = graph.node("Conv", [value, graph.floats(...last), graph.floats(...lastBias)], {
    kernel_shape: [1, 1],
  });
  const input = { name: "input", shape: [1, 3, "height", "width"] };
  const cells = { name: "cells", shape: [1, 25, "rows", "columns"] };
  return graph.model("judge", input, new Map([[value, cells]]));
}

type Tensors = [values: number[], shape: number[]];

function weightReader(bytes: Uint8Array): (shape: number[]) => Tensors {
  let [at, index] = [0, 0];
  return (shape) => {
    const [scale, min] = QUANTIZATION[index++] ?? [NaN, NaN];
    const length = shape.reduce((product, size) => product * size, 1);
    const part = bytes.subarray(at, at + length);
    at += length;
    return [Array.from(part, (value) => value * scale + min), shape];
  };
}

/** [rows, columns, in, 1] to [rows, columns, 1, in]: each channel by itself. */
function transposedDepth([values, shape]: Tensors): Tensors {
  const [rows = 0, columns = 0, channels = 0] = shape;
  return [values, [rows, columns, 1, channels]];
}

/** [rows, columns, in, out] to [out, in, rows, columns]. */
function outputFirst([values, [rows = 0, columns = 0, inputs = 0, outputs = 0]]: Tensors): Tensors {
  const made: number[] = [];
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      for (let cell = 0; cell < rows * columns; cell++)
        made.push(values[(cell * inputs + input) * outputs + output] ?? NaN);
  return [made, [outputs, inputs, rows, columns]];
}

function planesOf({ width, height, bytes }: ColourPicture): Float32Array {
  const area = width * height;
  const planes = new Float32Array(3 * area);
  for (let at = 0; at < area; at++)
    for (let colour = 0; colour < 3; colour++)
      planes[colour * area + at] = ((bytes[at * 3 + colour] ?? 0) - (MEAN[colour] ?? 0)) / 255;
  return planes;
}

function facesOf(output: Float32Array, cells: number): Box[] {
  const found: Box[] = [];
  const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
  for (let row = 0; row < cells; row++)
    for (let column = 0; column < cells; column++)
      ANCHORS.forEach(([wide, high], anchor) => {
        const number = (place: number): number =>
          output[((anchor * NUMBERS_PER_ANCHOR + place) * cells + row) * cells + column] ?? NaN;
        if (sigmoid(number(4)) < SCORE_MIN) return;
        const width = Math.exp(number(2)) * wide * STRIDE;
        const height = Math.exp(number(3)) * high * STRIDE;
        const x = (column + sigmoid(number(0))) * STRIDE - width / 2;
        const y = (row + sigmoid(number(1))) * STRIDE - height / 2;
        found.push({ x, y, width, height });
      });
  return found;
}
