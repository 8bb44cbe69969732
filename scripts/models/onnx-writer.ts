import { valueInfo, type GraphValue } from "./onnx-graph.ts";
import { float, integer, message, raw, text, writeFields, type Field } from "./protobuf.ts";

/** Field numbers and types of the ONNX format (https://onnx.ai/onnx/repo-docs/IR.html). */
const MODEL = { irVersion: 1, graph: 7, operators: 8 } as const;
const OPERATORS = { version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, float: 2, integer: 3, text: 4, integers: 8, type: 20 } as const;
const ATTRIBUTE_TYPE = { float: 1, integer: 2, text: 3, integers: 7 } as const;
const TENSOR = { dimension: 1, type: 2, name: 8, content: 9 } as const;
const TYPE = { float: 1, integer64: 7, half: 10 } as const;
const IR_VERSION = 8;
const OPERATORS_VERSION = 13;

export type Attribute = number | string | readonly number[] | { readonly float: number };

/**
 * A graph that is written node by node, in an order in which it can be computed. The same calls give
 * the same bytes.
 */
export class OnnxWriter {
  readonly #nodes: Field[] = [];
  readonly #initializers: Field[] = [];
  #names = 0;

  /** @returns Name of the node's first output; the others are that name with `:1` and so on. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs = 1,
  ): string {
    const name = this.#name();
    this.#nodes.push(
      message(GRAPH.node, [
        ...inputs.map((input) => text(NODE.input, input)),
        ...Array.from({ length: outputs }, (_, at) => text(NODE.output, nth(name, at))),
        text(NODE.operator, operator),
        ...Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      ]),
    );
    return name;
  }

  /** Weights as halves; they are widened when the model is loaded, once. */
  halves(halves: Uint16Array, shape: readonly number[]): string {
    return this.node("Cast", [this.#tensor(TYPE.half, halves, shape)], { to: TYPE.float });
  }

  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#tensor(TYPE.float, Float32Array.from(values), shape);
  }

  integers(values: readonly number[]): string {
    return this.#tensor(TYPE.integer64, BigInt64Array.from(values.map(BigInt)), [values.length]);
  }

  /** @param outputs - Name of the value in the graph to what it is called outside. */
  model(name: string, input: GraphValue, outputs: ReadonlyMap<string, GraphValue>): Uint8Array {
    for (const [value, { name: called }] of outputs)
      this.#nodes.push(
        message(GRAPH.node, [
          text(NODE.input, value),
          text(NODE.output, called),
          text(NODE.operator, "Identity"),
        ]),
      );
    return writeFields([
      integer(MODEL.irVersion, IR_VERSION),
      message(MODEL.graph, [
        ...this.#nodes,
        text(GRAPH.name, name),
        ...this.#initializers,
        valueInfo(GRAPH.input, input),
        ...[...outputs.values()].map((output) => valueInfo(GRAPH.output, output)),
      ]),
      message(MODEL.operators, [integer(OPERATORS.version, OPERATORS_VERSION)]),
    ]);
  }

  #tensor(
    type: number,
    values: Float32Array | Uint16Array | BigInt64Array,
    shape: readonly number[],
  ): string {
    if (values.length !== shape.reduce((product, size) => product * size, 1))
      throw new Error(`Cannot write model: ${values.length} values for ${shape.join(" x ")}`);
    const name = this.#name();
    this.#initializers.push(
      message(GRAPH.initializer, [
        ...shape.map((size) => integer(TENSOR.dimension, size)),
        integer(TENSOR.type, type),
        text(TENSOR.name, name),
        raw(TENSOR.content, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
      ]),
    );
    return name;
  }

  #name(): string {
    return `v${this.#names++}`;
  }
}

/** The name of a node's output, counted from 0. */
export function nth(name: string, output: number): string {
  return output === 0 ? name : `${name}:${output}`;
}

function attribute(name: string, value: Attribute): Field {
  const fields = [text(ATTRIBUTE.name, name)];
  const put = (field: Field, type: number): Field[] => [
    ...fields,
    field,
    integer(ATTRIBUTE.type, type),
  ];
  if (typeof value === "number")
    return message(NODE.attribute, put(integer(ATTRIBUTE.integer, value), ATTRIBUTE_TYPE.integer));
  if (typeof value === "string")
    return message(NODE.attribute, put(text(ATTRIBUTE.text, value), ATTRIBUTE_TYPE.text));
  if ("float" in value)
    return message(NODE.attribute, put(float(ATTRIBUTE.float, value.float), ATTRIBUTE_TYPE.float));
  return message(NODE.attribute, [
    ...fields,
    ...value.map((each) => integer(ATTRIBUTE.integers, each)),
    integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.integers),
  ]);
}
