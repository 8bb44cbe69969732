import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { cutGraph } from "../scripts/models/onnx-graph.ts";
import { projectRoot } from "./support/requirements.ts";

const folder = path.join(projectRoot, "models");

/** A network that is not here may not be shipped: what it finds, and whose it is, is said first. */
const ALLOWED: Readonly<Record<string, string>> = {
  "ultraface.onnx": "e34ced79a0c7ba7a64518af800b5017c70adc3846bd892ac1681c617a191ede1",
};
const TEXTS = ["NOTICE", "README.md"];

const read = (name: string): Buffer => readFileSync(path.join(folder, name));

describe("of neural networks there are", () => {
  test("those that are allowed, byte for byte, and no other", () => {
    const found = readdirSync(folder).filter((name) => !TEXTS.includes(name));
    const hashes = found.map((name) => [
      name,
      createHash("sha256").update(read(name)).digest("hex"),
    ]);
    expect(Object.fromEntries(hashes)).toEqual(ALLOWED);
  });

  test("the same that the README lists, each with its licence", () => {
    const readme = read("README.md").toString();
    for (const [name, sha256] of Object.entries(ALLOWED)) {
      expect(readme).toContain(`${sha256}  ${name}`);
      expect(read("NOTICE").toString()).toContain(name);
    }
  });

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
