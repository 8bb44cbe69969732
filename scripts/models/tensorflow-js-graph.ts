/**
 * As much of a TensorFlow.js graph model (https://www.tensorflow.org/js/guide/save_load) as the
 * network that we take from one uses: nodes, and weights as halves.
 */

export interface GraphNode {
  readonly name: string;
  readonly operator: string;
  /** Names of nodes; `name:1` is the second output of one. */
  readonly inputs: readonly string[];
  readonly strides: readonly number[];
  readonly alpha: number;
}

export interface Weights {
  readonly shape: readonly number[];
  /** Of whole numbers null. */
  readonly halves: Uint16Array | null;
  /** Of halves null. */
  readonly integers: Int32Array | null;
}

export interface TensorflowGraph {
  /** In an order in which they can be computed. */
  readonly nodes: readonly GraphNode[];
  readonly weights: ReadonlyMap<string, Weights>;
}

interface ModelFile {
  readonly modelTopology: {
    readonly node: readonly {
      readonly name: string;
      readonly op: string;
      readonly input?: readonly string[];
      readonly attr?: {
        readonly strides?: { readonly list: { readonly i: readonly string[] } };
        readonly alpha?: { readonly f: number };
      };
    }[];
  };
  readonly weightsManifest: readonly {
    readonly weights: readonly {
      readonly name: string;
      readonly shape: readonly number[];
      readonly dtype: string;
      readonly quantization?: { readonly dtype: string };
    }[];
  }[];
}

/**
 * Both files are known by their hashes before they are read, so their shape is not checked here.
 *
 * @throws Error where the weights are of a kind that is not read.
 */
export function readTensorflowGraph(json: Uint8Array, binary: Uint8Array): TensorflowGraph {
  const file = JSON.parse(new TextDecoder().decode(json)) as ModelFile;
  const nodes = file.modelTopology.node.map(({ name, op, input = [], attr }) => ({
    ...{ name, operator: op, inputs: input },
    strides: (attr?.strides?.list.i ?? []).map(Number),
    alpha: attr?.alpha?.f ?? 0,
  }));
  const weights = new Map<string, Weights>();
  let at = 0;
  const take = (bytes: number): ArrayBuffer => {
    at += bytes;
    return Uint8Array.from(binary.subarray(at - bytes, at)).buffer;
  };
  for (const { name, shape, dtype, quantization } of file.weightsManifest.flatMap(
    (group) => group.weights,
  )) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (dtype === "int32")
      weights.set(name, { shape, halves: null, integers: new Int32Array(take(4 * count)) });
    else if (dtype === "float32" && quantization?.dtype === "float16")
      weights.set(name, { shape, halves: new Uint16Array(take(2 * count)), integers: null });
    else throw new Error(`Cannot read model: weights ${name} are of type ${dtype}`);
  }
  if (at !== binary.length) throw new Error("Cannot read model: weights are left over");
  return { nodes, weights };
}
