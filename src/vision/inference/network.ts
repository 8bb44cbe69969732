import { env, InferenceSession, Tensor } from "onnxruntime-node";
import type { PictureSize } from "../../blur/boxes.ts";
import { detectorFailed } from "./detector-failed.ts";
import { readModel, type ModelName } from "./models.ts";

// What it would say of a picture's size or of the machine is nobody's business.
env.logLevel = "fatal";

const OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  // A camera's pictures may take one core, not the machine.
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  logSeverityLevel: 4,
  enableProfiling: false,
};

/** A network that is loaded: planes go in, numbers come out. */
export interface Network extends AsyncDisposable {
  /**
   * @param planes - Three planes of `size`, one after the other.
   * @returns Both outputs, in the order asked for at {@link openNetwork}.
   * @throws HubError `DETECTOR_FAILED` where the runtime fails or an output is missing.
   */
  run(planes: Float32Array, size: PictureSize): Promise<readonly [Float32Array, Float32Array]>;
}

/** @throws HubError `DETECTOR_FAILED` where the model is missing or altered, or does not run here. */
export async function openNetwork(
  name: ModelName,
  outputs: readonly [string, string],
  folder: string,
): Promise<Network> {
  const model = await readModel(name, folder);
  const session = await runtime(() => InferenceSession.create(model, OPTIONS));
  return {
    run: async (planes, { width, height }) => {
      const input = new Tensor("float32", planes, [1, 3, height, width]);
      const found = await runtime(() => session.run({ input }, outputs));
      const numbersOf = (output: string): Float32Array => {
        const data = found[output]?.data;
        if (data instanceof Float32Array) return data;
        throw detectorFailed(`${name} answered with no ${output}`);
      };
      return [numbersOf(outputs[0]), numbersOf(outputs[1])];
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

async function runtime<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw detectorFailed(cause instanceof Error ? cause.message : "the runtime failed", cause);
  }
}
