/**
 * As much of the ONNX format (protocol buffers, https://onnx.ai/onnx/repo-docs/IR.html) as it takes
 * to cut a graph: fields are copied as they are unless they are what changes.
 */

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Of a varint, or the content of a length-delimited or fixed field. */
  readonly value: number | Uint8Array;
}

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

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

function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 49) throw new Error("Cannot read model: cut off");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error("Cannot read model: cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    const number = Math.floor(key / 8);
    if (wire === VARINT) fields.push({ number, wire, value: varint() });
    else if (wire === BYTES) fields.push({ number, wire, value: take(varint()) });
    else if (wire === FIXED_32 || wire === FIXED_64)
      fields.push({ number, wire, value: take(wire === FIXED_32 ? 4 : 8) });
    else throw new Error(`Cannot read model: wire type ${wire}`);
  }
  return fields;
}

function writeFields(fields: readonly Field[]): Uint8Array {
  const parts: number[] = [];
  const chunks: Uint8Array[] = [];
  const varint = (value: number): void => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) parts.push((rest % 128) | 128);
    parts.push(rest);
  };
  for (const { number, wire, value } of fields) {
    varint(number * 8 + wire);
    if (typeof value === "number") varint(value);
    else {
      if (wire === BYTES) varint(value.length);
      chunks.push(Uint8Array.from(parts.splice(0)), value);
    }
  }
  chunks.push(Uint8Array.from(parts));
  return new Uint8Array(Buffer.concat(chunks));
}

const text = (number: number, value: string): Field => ({
  ...{ number, wire: BYTES },
  value: new TextEncoder().encode(value),
});
const message = (number: number, fields: readonly Field[]): Field => ({
  ...{ number, wire: BYTES },
  value: writeFields(fields),
});
const integer = (number: number, value: number): Field => ({ number, wire: VARINT, value });

function contentOf({ value }: Field): Uint8Array {
  if (typeof value === "number") throw new Error("Cannot read model: a number for a message");
  return value;
}

function textsOf(fields: readonly Field[], number: number): string[] {
  return fields
    .filter((field) => field.number === number)
    .map((field) => new TextDecoder().decode(contentOf(field)));
}

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

function valueInfo(number: number, { name, shape }: GraphValue): Field {
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
