/**
 * As much of a TensorFlow Lite file (a FlatBuffer, https://flatbuffers.dev/internals; its schema is
 * tensorflow/lite/schema/schema.fbs) as the network that we take from one uses.
 */

export interface LiteTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Numbers of the schema: 0 is a float of 32 bits, 1 of 16, 2 a whole number of 32. */
  readonly type: number;
  /** Little-endian; empty where it is computed. */
  readonly content: Uint8Array;
}

export interface LiteOperator {
  /** Number of the schema's BuiltinOperator. */
  readonly code: number;
  /** Places in the list of tensors. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Byte or 32-bit field of its options, in the order of the schema; 0 where it is not there. */
  readonly option: (field: number, size: 1 | 4) => number;
}

export interface LiteGraph {
  readonly tensors: readonly LiteTensor[];
  /** In an order in which they can be computed. */
  readonly operators: readonly LiteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

const MODEL = { operatorCodes: 1, subgraphs: 2, buffers: 4 } as const;
const OPERATOR_CODE = { short: 0, code: 3 } as const;
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 } as const;
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3 } as const;
const BUFFER = { data: 0 } as const;
const OPERATOR = { code: 0, inputs: 1, outputs: 2, options: 4 } as const;

/** A table at a place in the file: its fields are found by their order in the schema. */
class Table {
  readonly #view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  byte(field: number): number {
    const at = this.#place(field);
    return at === 0 ? 0 : this.#view.getUint8(at);
  }

  integer(field: number): number {
    const at = this.#place(field);
    return at === 0 ? 0 : this.#view.getInt32(at, true);
  }

  table(field: number): Table | null {
    const at = this.#place(field);
    return at === 0 ? null : new Table(this.#view, at + this.#view.getUint32(at, true));
  }

  tables(field: number): Table[] {
    const { at, length } = this.#vector(field);
    return Array.from({ length }, (_, index) => {
      const place = at + 4 * index;
      return new Table(this.#view, place + this.#view.getUint32(place, true));
    });
  }

  integers(field: number): number[] {
    const { at, length } = this.#vector(field);
    return Array.from({ length }, (_, index) => this.#view.getInt32(at + 4 * index, true));
  }

  bytes(field: number): Uint8Array {
    const { at, length } = this.#vector(field);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length);
  }

  #vector(field: number): { readonly at: number; readonly length: number } {
    const place = this.#place(field);
    if (place === 0) return { at: 0, length: 0 };
    const at = place + this.#view.getUint32(place, true);
    return { at: at + 4, length: this.#view.getUint32(at, true) };
  }

  /** 0 where the field is left out. */
  #place(field: number): number {
    const fields = this.#at - this.#view.getInt32(this.#at, true);
    const entry = 4 + 2 * field;
    if (entry >= this.#view.getUint16(fields, true)) return 0;
    const offset = this.#view.getUint16(fields + entry, true);
    return offset === 0 ? 0 : this.#at + offset;
  }
}

/**
 * The file is known by its hash before it is read, so its shape is not checked here.
 *
 * @throws RangeError where a place in it is outside of it.
 */
export function readLiteGraph(file: Uint8Array): LiteGraph {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const model = new Table(view, view.getUint32(0, true));
  const codes = model
    .tables(MODEL.operatorCodes)
    .map((code) => Math.max(code.byte(OPERATOR_CODE.short), code.integer(OPERATOR_CODE.code)));
  const buffers = model.tables(MODEL.buffers).map((buffer) => buffer.bytes(BUFFER.data));
  const [graph] = model.tables(MODEL.subgraphs);
  if (!graph) throw new Error("Cannot read model: it has no graph");
  return {
    tensors: graph.tables(SUBGRAPH.tensors).map((tensor) => ({
      name: new TextDecoder().decode(tensor.bytes(TENSOR.name)),
      shape: tensor.integers(TENSOR.shape),
      type: tensor.byte(TENSOR.type),
      content: buffers[tensor.integer(TENSOR.buffer)] ?? new Uint8Array(),
    })),
    operators: graph.tables(SUBGRAPH.operators).map((operator) => {
      const options = operator.table(OPERATOR.options);
      return {
        code: codes[operator.integer(OPERATOR.code)] ?? -1,
        inputs: operator.integers(OPERATOR.inputs),
        outputs: operator.integers(OPERATOR.outputs),
        option: (field, size) => (size === 1 ? options?.byte(field) : options?.integer(field)) ?? 0,
      };
    }),
    inputs: graph.integers(SUBGRAPH.inputs),
    outputs: graph.integers(SUBGRAPH.outputs),
  };
}
