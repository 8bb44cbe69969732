import type { Face } from "../../blur/boxes.ts";
import { planeFiller, type ColourPicture } from "../../blur/planes.ts";
import { facesOf, inputSize, onlyOnce, priorsOf, ULTRAFACE_PLANES } from "../../blur/ultraface.ts";
import { sizedOnce, type Find, type Finder } from "./finder.ts";
import { openNetwork, type Network } from "./network.ts";

/**
 * How much is looked for: while somebody watches, for a copy of a recording, or for one where time
 * does not matter.
 */
export type FaceMode = "live" | "standard" | "thorough";

/** One network at one size of the picture. */
type Pass = (picture: ColourPicture) => Promise<Face[]>;

/** Width that UltraFace sees the picture in. */
const ULTRAFACE_WIDTH = 640;
/** A second time, for what is small in the first. */
const ULTRAFACE_SECOND_WIDTH = 960;
/** In the larger picture only faces that would be small in the first: cloth has large "faces" there. */
const SECOND_PASS_FACE_SHARE_MAX = 0.08;

/** @throws HubError `DETECTOR_FAILED` where a model is missing or altered, or does not run here. */
export async function openFaceFinder(mode: FaceMode, folder: string): Promise<Finder> {
  const ultraface = await openNetwork("ultraface.onnx", ["logits", "offsets"], folder);
  const passes = [ultrafacePass(ultraface, ULTRAFACE_WIDTH, 1)];
  if (mode === "thorough")
    passes.push(ultrafacePass(ultraface, ULTRAFACE_SECOND_WIDTH, SECOND_PASS_FACE_SHARE_MAX));
  return {
    find: async (picture) => {
      const found: Face[] = [];
      for (const pass of passes) found.push(...(await pass(picture)));
      return onlyOnce(found).map(({ x, y, width, height, score }): Find => [
        x,
        y,
        width,
        height,
        score,
        0,
      ]);
    },
    [Symbol.asyncDispose]: () => ultraface[Symbol.asyncDispose](),
  };
}

function ultrafacePass(network: Network, width: number, faceShareMax: number): Pass {
  const sized = sizedOnce((picture) => {
    const size = inputSize(picture, width);
    return {
      ...{ size, priors: priorsOf(size), fill: planeFiller(picture, size, ULTRAFACE_PLANES) },
      planes: new Float32Array(3 * size.width * size.height),
    };
  });
  return async (picture) => {
    const { size, priors, fill, planes } = sized(picture);
    fill(picture.bytes, planes);
    const [logits, offsets] = await network.run(planes, size);
    const faces = facesOf({ logits, offsets }, priors, picture);
    return faces.filter((face) => face.width <= faceShareMax * picture.width);
  };
}
