import type { LiteGraph, LiteOperator, LiteTensor } from "./flatbuffer-graph.ts";
import { OnnxWriter } from "./onnx-writer.ts";

/** Numbers of the schema's BuiltinOperator. */
const ADD = 0;
const CONVOLUTION = 3;
const DEPTHWISE = 4;
const DEQUANTIZE = 6;
const MAX_POOL = 17;
const RELU = 19;
const RESHAPE = 22;
const RESIZE_BILINEAR = 23;
const PAD = 34;
/** Of the schema's TensorType and Padding. */
const HALF = 1;
const SAME = 0;
/** Places of the stride and of the window's size among the options of convolutions and pooling. */
const OPTION = { padding: 0, stride: 1, window: 3 } as const;
/** Centre and size. What follows would say where eyes, nose, mouth and ears are. */
const BOX_NUMBERS = 4;

/**
 * BlazeFace (full range) as it was published for TensorFlow Lite, as an ONNX graph: channels first, of
 * any size that is a multiple of 32. Of each cell's numbers only the score and the box are left: the
 * weights for the points of a face are left out.
 */
export function blazefaceModel(graph: LiteGraph): Uint8Array {
  const writer = new OnnxWriter();
  const converter = new Converter(graph, writer);
  for (const operator of graph.operators) converter.add(operator);
  const [boxes = -1, scores = -1] = graph.outputs;
  const sure = writer.node("Sigmoid", [converter.name(scores)]);
  return writer.model(
    "blazeface",
    { name: "input", shape: [1, 3, "height", "width"] },
    new Map([
      [cells(writer, sure, 1), { name: "scores", shape: [1, 1, "cells"] }],
      [
        cells(writer, converter.name(boxes), BOX_NUMBERS),
        { name: "boxes", shape: [1, BOX_NUMBERS, "cells"] },
      ],
    ]),
  );
}

function cells(writer: OnnxWriter, value: string, numbers: number): string {
  return writer.node("Reshape", [value, writer.integers([1, numbers, -1])]);
}

class Converter {
  readonly #graph: LiteGraph;
  readonly #writer: OnnxWriter;
  /** Of a tensor that is computed: its name in the graph that is written. */
  readonly #names = new Map<number, string>();
  /** Of weights that the file has as halves and widens: where the halves are. */
  readonly #halves = new Map<number, LiteTensor>();

  /** The tensor with each cell's box and points, before it is reshaped. */
  readonly #boxes: number;

  constructor(graph: LiteGraph, writer: OnnxWriter) {
    this.#graph = graph;
    this.#writer = writer;
    for (const input of graph.inputs) this.#names.set(input, "input");
    const last = graph.operators.find(({ outputs }) => outputs[0] === graph.outputs[0]);
    this.#boxes = last?.inputs[0] ?? -1;
  }

  /** @throws Error where the tensor was not computed. */
  name(tensor: number): string {
    const name = this.#names.get(tensor);
    if (name === undefined) throw new Error(`Cannot convert model: ${tensor} is read too early`);
    return name;
  }

  add(operator: LiteOperator): void {
    const { code, inputs, outputs } = operator;
    const [first = -1, second = -1] = inputs;
    const [output = -1] = outputs;
    if (code === DEQUANTIZE) {
      const halves = this.#tensor(first);
      if (halves.type !== HALF) throw new Error("Cannot convert model: weights are no halves");
      this.#halves.set(output, halves);
    } else this.#names.set(output, this.#convert(operator, first, second));
  }

  #convert(operator: LiteOperator, first: number, second: number): string {
    const value = this.name(first);
    switch (operator.code) {
      case CONVOLUTION:
      case DEPTHWISE:
        return this.#convolution(operator, value);
      case ADD:
        return this.#writer.node("Add", [value, this.name(second)]);
      case RELU:
        return this.#writer.node("Relu", [value]);
      case MAX_POOL: {
        const [stride, window] = [
          operator.option(OPTION.stride, 4),
          operator.option(OPTION.window, 4),
        ];
        const shape = { kernel_shape: [window, window], strides: [stride, stride] };
        return this.#writer.node("MaxPool", [value], shape);
      }
      case PAD: {
        // Channels are last in the file: begin and end of each of four dimensions.
        const added = this.#integers(second)[7] ?? 0;
        const pads = this.#writer.integers([0, 0, 0, 0, 0, added, 0, 0]);
        return this.#writer.node("Pad", [value, pads]);
      }
      case RESIZE_BILINEAR:
        return this.#writer.node("Resize", [value, "", this.#writer.floats([1, 1, 2, 2])], {
          ...{ mode: "linear", coordinate_transformation_mode: "half_pixel" },
        });
      case RESHAPE:
        // The rows of cells are joined where the graph ends.
        return value;
      default:
        throw new Error(`Cannot convert model: operator ${operator.code} is not known`);
    }
  }

  #convolution({ code, inputs, outputs, option }: LiteOperator, value: string): string {
    const [kernel, bias] = [this.#weights(inputs[1]), this.#weights(inputs[2])];
    const [, height = 0, width = 0, last = 0] = kernel.shape;
    const isDepthwise = code === DEPTHWISE;
    const turned = lastFirst(kernel.halves, {
      ...{ groups: isDepthwise ? 1 : bias.halves.length, pixels: height * width, channels: last },
    });
    const channels = outputs.includes(this.#boxes) ? BOX_NUMBERS : bias.halves.length;
    const from = isDepthwise ? 1 : last;
    const stride = option(OPTION.stride, 4);
    // With an even number of rows and a stride of 2, a window of 3 looks one row below the last.
    const isPadded = option(OPTION.padding, 1) === SAME && height > 1;
    const [before, after] = isPadded ? [stride === 1 ? 1 : 0, 1] : [0, 0];
    return this.#writer.node(
      "Conv",
      [
        value,
        this.#writer.halves(turned.subarray(0, channels * from * height * width), [
          ...[channels, from, height, width],
        ]),
        this.#writer.halves(bias.halves.subarray(0, channels), [channels]),
      ],
      {
        ...{ strides: [stride, stride], pads: [before, before, after, after] },
        group: isDepthwise ? channels : 1,
      },
    );
  }

  #weights(tensor = -1): { readonly shape: readonly number[]; readonly halves: Uint16Array } {
    const found = this.#halves.get(tensor);
    if (!found) throw new Error(`Cannot convert model: ${tensor} has no weights`);
    return { shape: found.shape, halves: new Uint16Array(Uint8Array.from(found.content).buffer) };
  }

  #integers(tensor: number): number[] {
    return [...new Int32Array(Uint8Array.from(this.#tensor(tensor).content).buffer)];
  }

  #tensor(at: number): LiteTensor {
    const tensor = this.#graph.tensors[at];
    if (!tensor) throw new Error(`Cannot convert model: there is no tensor ${at}`);
    return tensor;
  }
}

/** From groups x pixels x channels to groups x channels x pixels. */
function lastFirst(
  halves: Uint16Array,
  size: { readonly groups: number; readonly pixels: number; readonly channels: number },
): Uint16Array {
  const { groups, pixels, channels } = size;
  const turned = new Uint16Array(halves.length);
  let at = 0;
  for (let group = 0; group < groups; group++)
    for (let channel = 0; channel < channels; channel++)
      for (let pixel = 0; pixel < pixels; pixel++)
        turned[at++] = halves[(group * pixels + pixel) * channels + channel] ?? 0;
  return turned;
}
