import type { Face, PictureSize } from "../../blur/boxes.ts";
import { planeFiller, type ColourPicture, type PlaneFiller } from "../../blur/planes.ts";
import { facesOf, inputSize, onlyOnce, priorsOf, ULTRAFACE_PLANES } from "../../blur/ultraface.ts";
import { openNetwork, type Network } from "./network.ts";

/**
 * How much is looked for: while somebody watches, for a copy of a recording, or for one where time
 * does not matter.
 */
export type FaceMode = "live" | "standard" | "thorough";

export const FACE_MODES: readonly FaceMode[] = ["live", "standard", "thorough"];

/** One network at one size of the picture. */
interface Pass {
  find(picture: ColourPicture): Promise<Face[]>;
}

/** Looks for faces in the thread it is called in. */
export interface FaceFinder extends AsyncDisposable {
  find(picture: ColourPicture): Promise<Face[]>;
}

/** Widths that UltraFace sees the picture in, and of what comes out of the larger one. */
const ULTRAFACE_WIDTH = 640;
const ULTRAFACE_SECOND_WIDTH = 960;
/** In the larger picture only faces that would be small in the first: cloth has large "faces" there. */
const SECOND_PASS_FACE_SHARE_MAX = 0.08;

/** @throws HubError `DETECTOR_FAILED` where a model is missing or altered, or does not run here. */
export async function openFaceFinder(mode: FaceMode, folder: string): Promise<FaceFinder> {
  const ultraface = await openNetwork("ultraface.onnx", ["logits", "offsets"], folder);
  const passes = [ultrafacePass(ultraface, ULTRAFACE_WIDTH, 1)];
  if (mode === "thorough")
    passes.push(ultrafacePass(ultraface, ULTRAFACE_SECOND_WIDTH, SECOND_PASS_FACE_SHARE_MAX));
  return {
    find: async (picture) => {
      const found: Face[] = [];
      for (const pass of passes) found.push(...(await pass.find(picture)));
      return onlyOnce(found);
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
  return {
    find: async (picture) => {
      const { size, priors, fill, planes } = sized(picture);
      fill(picture.bytes, planes);
      const [logits, offsets] = await network.run(planes, size);
      if (!logits || !offsets) return [];
      const faces = facesOf({ logits, offsets }, priors, picture);
      return faces.filter((face) => face.width <= faceShareMax * picture.width);
    },
  };
}

interface Sized {
  readonly fill: PlaneFiller;
}

/** Made once for pictures of one size, and again where the size changes. */
function sizedOnce<T extends Sized>(make: (size: PictureSize) => T): (size: PictureSize) => T {
  let [made, last]: [T | null, PictureSize] = [null, { width: 0, height: 0 }];
  return ({ width, height }) => {
    if (made === null || width !== last.width || height !== last.height)
      [made, last] = [make({ width, height }), { width, height }];
    return made;
  };
}
