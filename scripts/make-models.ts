import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cutGraph } from "./models/onnx-graph.ts";

/**
 * Makes `models/` again from the packages that the weights came in. What is in the repository was
 * made by this; `test/models.test.ts` holds the files to their hashes.
 */

const MODELS = path.join(path.dirname(fileURLToPath(import.meta.url)), "../models");

const ULTRAFACE = {
  package: "faceplugin-face-recognition-js@0.0.1",
  member: "package/model/fr_detect.onnx",
  sha256: "6c0256ccd3164f844736a401faf936ec2930764a87ae39442180887d0c5c8854",
} as const;

/** One file of a package, without installing anything of it. */
function fetchMember(from: typeof ULTRAFACE): Uint8Array {
  const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-models-"));
  try {
    const packed = execFileSync("npm", ["pack", "--silent", from.package], {
      ...{ cwd: folder, encoding: "utf8" },
    }).trim();
    const archive = path.join(folder, path.basename(packed));
    execFileSync("tar", ["-xzf", archive, "-C", folder, from.member]);
    const bytes = readFileSync(path.join(folder, from.member));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (sha256 !== from.sha256) throw new Error(`Cannot use ${from.member}: its hash is ${sha256}`);
    return bytes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The network alone: prior boxes, softmax and decoding are fixed to 320 x 240 in the published graph
 * and are done in our code, so that any size of picture will do.
 */
function makeUltraface(): Uint8Array {
  return cutGraph(fetchMember(ULTRAFACE), {
    input: { name: "input", shape: [1, 3, "height", "width"] },
    outputs: new Map([
      ["461", { name: "logits", shape: [1, "priors", 2] }],
      ["462", { name: "offsets", shape: [1, "priors", 4] }],
    ]),
  });
}

const made = makeUltraface();
writeFileSync(path.join(MODELS, "ultraface.onnx"), made);
console.log(`ultraface.onnx  ${made.length}  ${createHash("sha256").update(made).digest("hex")}`);
