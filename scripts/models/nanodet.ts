import { nth, OnnxWriter } from "./onnx-writer.ts";
import type { GraphNode, TensorflowGraph, Weights } from "./tensorflow-js-graph.ts";

/** Which of the 80 classes of COCO belong to what we tell apart; the rest is cut off. */
const KINDS: readonly (readonly number[])[] = [
  [0],
  // Bicycle, car, motorcycle, bus, train, truck.
  [1, 2, 3, 5, 6, 7],
  // Bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe.
  [14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
];
const CLASSES = 80;
const SIDES = 4;
/** A side's distance is an average over this many whole numbers, from 0 on. */
const BINS = 11;
/** Width and height that the published graph is fixed to. */
const PUBLISHED_SIZE = 416;

/**
 * NanoDet as it was published for TensorFlow.js, as an ONNX graph: channels first throughout, so that
 * all transpositions fall away, and of any size that is a multiple of 32. It is reduced to what we may
 * know: for each cell three scores (person, vehicle, animal), and how far the four sides of a box are
 * from the cell's centre, in strides. The weights of all other classes are left out.
 */
export function nanodetModel(graph: TensorflowGraph): Uint8Array {
  const converter = new Converter(graph);
  const splits = graph.nodes.filter(({ operator }) => operator === "SplitV");
  for (const node of neededFor(splits, graph.nodes)) converter.add(node);
  const { writer } = converter;
  // They are listed from the finest cells to the coarsest.
  const heads = splits.map(({ name }) => converter.value(name).name);
  const scores = heads.map((head) => kindScores(writer, head));
  const sides = heads.map((head) => sideDistances(writer, nth(head, 1)));
  return writer.model(
    "nanodet",
    { name: "input", shape: [1, 3, "height", "width"] },
    new Map([
      [
        writer.node("Concat", scores, { axis: 2 }),
        { name: "scores", shape: [1, KINDS.length, "cells"] },
      ],
      [writer.node("Concat", sides, { axis: 2 }), { name: "sides", shape: [1, SIDES, "cells"] }],
    ]),
  );
}

/** What the last nodes are computed from, in order. */
function neededFor(last: readonly GraphNode[], nodes: readonly GraphNode[]): GraphNode[] {
  const wanted = new Set(last.map(({ name }) => name));
  const needed: GraphNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!wanted.has(node.name) || node.operator === "Const") continue;
    for (const name of node.inputs) wanted.add(name);
    needed.unshift(node);
  }
  return needed;
}

function kindScores(writer: OnnxWriter, classes: string): string {
  const sizes = writer.integers(KINDS.map(({ length }) => length));
  const split = writer.node("Split", [classes, sizes], { axis: 1 }, KINDS.length);
  const best = KINDS.map((_, at) =>
    writer.node("ReduceMax", [nth(split, at)], { axes: [1], keepdims: 1 }),
  );
  const scores = writer.node("Sigmoid", [writer.node("Concat", best, { axis: 1 })]);
  return writer.node("Reshape", [scores, writer.integers([1, KINDS.length, -1])]);
}

function sideDistances(writer: OnnxWriter, bins: string): string {
  const split = writer.node("Reshape", [bins, writer.integers([1, SIDES, BINS, -1])]);
  const shares = writer.node("Softmax", [split], { axis: 2 });
  const numbers = Array.from({ length: BINS }, (_, at) => at);
  const parts = writer.node("Mul", [shares, writer.floats(numbers, [1, 1, BINS, 1])]);
  return writer.node("ReduceSum", [parts, writer.integers([2])], { keepdims: 0 });
}

interface Value {
  /** In the graph that is written. */
  readonly name: string;
  /** Width and height in the published graph. */
  readonly size: number;
  /** Pixels on each side that the next convolution or pooling adds. */
  readonly padding: number;
}

class Converter {
  readonly writer = new OnnxWriter();
  readonly #values = new Map<string, Value>();
  readonly #weights: ReadonlyMap<string, Weights>;
  /** Of a convolution: what is added to it. */
  readonly #biases: ReadonlyMap<string, string>;

  constructor({ nodes, weights }: TensorflowGraph) {
    this.#weights = weights;
    const added = nodes.filter(
      ({ operator, inputs }) => operator === "Add" && weights.has(inputs[1] ?? ""),
    );
    this.#biases = new Map(added.map(({ inputs: [to = "", bias = ""] }) => [to, bias]));
  }

  /** @throws Error where nothing of that name was computed. */
  value(node: string): Value {
    const found = this.#values.get(node);
    if (!found) throw new Error(`Cannot convert model: ${node} is read before it is computed`);
    return found;
  }

  add(node: GraphNode): void {
    this.#values.set(node.name, this.#convert(node));
  }

  #convert(node: GraphNode): Value {
    const { operator, inputs, alpha } = node;
    const [first = "", second = ""] = inputs;
    if (operator === "Placeholder") return { name: "input", size: PUBLISHED_SIZE, padding: 0 };
    const value = this.value(first);
    const named = (name: string): Value => ({ ...value, name });
    switch (operator) {
      case "Transpose":
        return value;
      case "Pad":
      case "PadV2":
        return { ...value, padding: this.#padding(second) };
      case "Conv2D":
      case "MaxPool":
        return this.#windowed(node, value);
      case "Add":
        // What is added to a convolution was written with it.
        if (this.#weights.has(second)) return value;
        return named(this.writer.node("Add", [value.name, this.value(second).name]));
      case "LeakyRelu":
        return named(this.writer.node("LeakyRelu", [value.name], { alpha: { float: alpha } }));
      case "ConcatV2": {
        const parts = inputs.slice(0, -1).map((input) => this.value(input).name);
        return named(this.writer.node("Concat", parts, { axis: 1 }));
      }
      case "ResizeBilinear":
        return this.#resized(value, this.#integers(second)[0] ?? 0);
      case "SplitV": {
        const sizes = this.writer.integers([KINDS.flat().length, SIDES * BINS]);
        return named(this.writer.node("Split", [value.name, sizes], { axis: 1 }, 2));
      }
      default:
        throw new Error(`Cannot convert model: ${operator} is not known`);
    }
  }

  #windowed({ name, operator, inputs, strides }: GraphNode, { padding, ...value }: Value): Value {
    const [, stride = 1] = strides;
    const shape = { strides: [stride, stride], pads: [padding, padding, padding, padding] };
    const size = value.size / stride;
    if (operator === "MaxPool") {
      const pooled = this.writer.node("MaxPool", [value.name], { kernel_shape: [3, 3], ...shape });
      return { name: pooled, size, padding: 0 };
    }
    const [kernel, bias] = [this.#halves(inputs[1]), this.#halves(this.#biases.get(name))];
    const channels = channelsKept(bias.halves.length);
    const [height = 0, width = 0, from = 0] = kernel.shape;
    const convolved = this.writer.node(
      "Conv",
      [
        value.name,
        this.writer.halves(channelsFirst(kernel, channels), [channels.length, from, height, width]),
        this.writer.halves(
          Uint16Array.from(channels, (channel) => bias.halves[channel] ?? 0),
          [channels.length],
        ),
      ],
      shape,
    );
    return { name: convolved, size, padding: 0 };
  }

  #resized(value: Value, size: number): Value {
    const by = size / value.size;
    const resized = this.writer.node(
      "Resize",
      [value.name, "", this.writer.floats([1, 1, by, by])],
      { mode: "linear", coordinate_transformation_mode: "half_pixel" },
    );
    return { name: resized, size, padding: 0 };
  }

  #padding(name: string): number {
    const [, , , , padding = 0] = this.#integers(name);
    return padding;
  }

  #integers(name: string): number[] {
    const { integers } = this.#weights.get(name) ?? {};
    if (!integers) throw new Error(`Cannot convert model: ${name} is no whole number`);
    return [...integers];
  }

  #halves(name = ""): { readonly shape: readonly number[]; readonly halves: Uint16Array } {
    const { shape, halves } = this.#weights.get(name) ?? {};
    if (!shape || !halves) throw new Error(`Cannot convert model: ${name} has no weights`);
    return { shape, halves };
  }
}

/** Of a head those of our classes, in our order, and of the sides; of every other convolution all. */
function channelsKept(count: number): number[] {
  const all = Array.from({ length: count }, (_, channel) => channel);
  return count === CLASSES + SIDES * BINS ? [...KINDS.flat(), ...all.slice(CLASSES)] : all;
}

/** From height x width x from x to, to (some of) to x from x height x width. */
function channelsFirst(
  { shape, halves }: { readonly shape: readonly number[]; readonly halves: Uint16Array },
  channels: readonly number[],
): Uint16Array {
  const [height = 0, width = 0, from = 0, to = 0] = shape;
  const turned = new Uint16Array(channels.length * from * height * width);
  let at = 0;
  for (const output of channels)
    for (let input = 0; input < from; input++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          turned[at++] = halves[((y * width + x) * from + input) * to + output] ?? 0;
  return turned;
}
