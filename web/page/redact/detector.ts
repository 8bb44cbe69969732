import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { HubError } from "../../../src/protocol/errors.ts";
import modelAddress from "../../../models/ultraface.onnx?url";
import type { Face, PictureSize } from "../../../src/blur/boxes.ts";
import { facesOf, inputSize, onlyOnce, priorsOf, toPlanes } from "../../../src/blur/ultraface.ts";

/** Of `models/ultraface.onnx`: another file is not asked anything. */
const MODEL_SHA256 = "e34ced79a0c7ba7a64518af800b5017c70adc3846bd892ac1681c617a191ede1";
/** Every picture is looked at in this width, ... */
const WIDTH = 640;
/** ... and one that is wider also in this one, for faces that are small in the first. */
const SECOND_WIDTH = 960;
/** In the larger picture only faces that would be small in the first: cloth has large "faces" there. */
const SECOND_PASS_FACE_SHARE_MAX = 0.08;

/** Finds faces in pictures. Boxes are all that comes out, and nothing is kept. */
export interface Detector extends AsyncDisposable {
  /** @throws HubError `DETECTOR_FAILED`: then nothing may be made of the picture. */
  find(picture: CanvasImageSource, size: PictureSize): Promise<Face[]>;
}

interface Pass {
  readonly size: PictureSize;
  readonly priors: ReturnType<typeof priorsOf>;
  readonly planes: Float32Array;
  readonly canvas: OffscreenCanvasRenderingContext2D;
  readonly isSecond: boolean;
}

/** @throws HubError `DETECTOR_FAILED` where the model is another or does not run here. */
export async function openDetector(): Promise<Detector> {
  const session = await openSession();
  let [passes, last]: [readonly Pass[], PictureSize] = [[], { width: 0, height: 0 }];
  return {
    find: async (source, picture) => {
      if (picture.width !== last.width || picture.height !== last.height)
        [passes, last] = [passesFor(picture), picture];
      const found: Face[] = [];
      for (const pass of passes)
        for (const face of await look(session, pass, source, picture))
          if (!pass.isSecond || face.width <= SECOND_PASS_FACE_SHARE_MAX * picture.width)
            found.push(face);
      return onlyOnce(found);
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

function passesFor(picture: PictureSize): Pass[] {
  const widths = picture.width > WIDTH ? [WIDTH, SECOND_WIDTH] : [WIDTH];
  return widths.map((width, index): Pass => {
    const size = inputSize(picture, width);
    const canvas = new OffscreenCanvas(size.width, size.height).getContext("2d", {
      ...{ alpha: false, willReadFrequently: true },
    });
    if (!canvas) throw failed("this browser draws no picture in the background");
    return {
      ...{ size, canvas, priors: priorsOf(size), isSecond: index > 0 },
      planes: new Float32Array(3 * size.width * size.height),
    };
  });
}

async function openSession(): Promise<InferenceSession> {
  // Threads of the runtime would be scripts that the page's policy does not know.
  env.wasm.numThreads = 1;
  env.wasm.proxy = false;
  env.logLevel = "error";
  try {
    const model = await (await fetch(modelAddress)).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", model));
    const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (sha256 !== MODEL_SHA256) throw failed("its model is not the one that came with this page");
    return await InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw failed(cause instanceof Error ? cause.message : "unknown", cause);
  }
}

async function look(
  session: InferenceSession,
  { size, priors, planes, canvas }: Pass,
  source: CanvasImageSource,
  picture: PictureSize,
): Promise<Face[]> {
  canvas.drawImage(source, 0, 0, size.width, size.height);
  toPlanes(canvas.getImageData(0, 0, size.width, size.height).data, planes);
  try {
    const input = new Tensor("float32", planes, [1, 3, size.height, size.width]);
    const output = await session.run({ input });
    const [logits, offsets] = [output["logits"]?.data, output["offsets"]?.data];
    if (!(logits instanceof Float32Array) || !(offsets instanceof Float32Array))
      throw new Error("the network answered with no number");
    return facesOf({ logits, offsets }, priors, picture);
  } catch (cause) {
    throw failed(cause instanceof Error ? cause.message : "unknown", cause);
  }
}

function failed(found: string, cause?: unknown): HubError {
  return new HubError("DETECTOR_FAILED", `Cannot look for faces: ${found}`, { cause });
}
