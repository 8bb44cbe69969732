import {
  contentOf,
  integer,
  message,
  readFields,
  text,
  textsOf,
  writeFields,
  type Field,
} from "./protobuf.ts";

/**
 * As much of the ONNX format (https://onnx.ai/onnx/repo-docs/IR.html) as it takes to cut a graph:
 * fields are copied as they are unless they are what changes.
 */

/** Field numbers of the messages that are looked into. */
const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;
const NODE = { input: 1, output: 2, name: 3 } as const;
const TENSOR = { name: 8 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { element: 1, shape: 2 } as const;
const SHAPE = { dimension: 1 } as const;
const DIMENSION = { value: 1, parameter: 2 } as const;
const FLOAT = 1;

/** A value of the graph, 32-bit floats; a dimension is a size or, where it is free, a name. */
export interface GraphValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface GraphCut {
  readonly input: GraphValue;
  /** By the name that the value has in the model. */
  readonly outputs: ReadonlyMap<string, GraphValue>;
}

/** Input or output of a graph. */
export function valueInfo(number: number, { name, shape }: GraphValue): Field {
  const dimensions = shape.map((size) =>
    message(SHAPE.dimension, [
      typeof size === "number" ? integer(DIMENSION.value, size) : text(DIMENSION.parameter, size),
    ]),
  );
  const tensor = message(TYPE.tensor, [
    integer(TENSOR_TYPE.element, FLOAT),
    message(TENSOR_TYPE.shape, dimensions),
  ]);
  return message(number, [text(VALUE.name, name), message(VALUE.type, [tensor])]);
}

/**
 * The model with other outputs: only what they are computed from is left, and its sizes are as
 * `cut` says.
 *
 * @throws Error where the model has no such value.
 */
export function cutGraph(model: Uint8Array, cut: GraphCut): Uint8Array {
  return writeFields(
    readFields(model).map((field) =>
      field.number === MODEL.graph
        ? message(MODEL.graph, cutFields(readFields(contentOf(field)), cut))
        : field,
    ),
  );
}

function cutFields(graph: readonly Field[], { input, outputs }: GraphCut): Field[] {
  const nodes = graph
    .filter(({ number }) => number === GRAPH.node)
    .map(contentOf)
    .map(readFields);
  const wanted = new Set(outputs.keys());
  const kept: Field[] = [];
  // Nodes are listed in an order in which they can be computed, so what they need comes before.
  for (const node of nodes.toReversed()) {
    if (!textsOf(node, NODE.output).some((name) => wanted.has(name))) continue;
    for (const name of textsOf(node, NODE.input)) wanted.add(name);
    const renamed = node
      .filter(({ number }) => number !== NODE.name)
      .map((field) => {
        const [name = ""] = field.number === NODE.output ? textsOf([field], NODE.output) : [];
        const output = outputs.get(name);
        return output ? text(NODE.output, output.name) : field;
      });
    kept.unshift(message(GRAPH.node, renamed));
  }
  const found = nodes.flatMap((node) => textsOf(node, NODE.output));
  for (const name of [...outputs.keys()])
    if (!found.includes(name)) throw new Error(`Cannot cut model: it computes no ${name}`);
  if (!wanted.has(input.name)) throw new Error(`Cannot cut model: ${input.name} is not its input`);
  const weights = graph.filter(
    (field) =>
      field.number === GRAPH.initializer &&
      textsOf(readFields(contentOf(field)), TENSOR.name).some((name) => wanted.has(name)),
  );
  return [
    ...kept,
    ...graph.filter(({ number }) => number === GRAPH.name),
    ...weights,
    valueInfo(GRAPH.input, input),
    ...[...outputs.values()].map((output) => valueInfo(GRAPH.output, output)),
  ];
}
