import { BLAZEFACE_PLANES, blazefacesOf } from "../../blur/blazeface.ts";
import type { Face } from "../../blur/boxes.ts";
import { emptyPlanes, fitted, planeFiller, type ColourPicture } from "../../blur/planes.ts";
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

/** How long the picture's longer side is for UltraFace. */
const ULTRAFACE_LENGTH = 640;
/** A second time, for what is small in the first; in a longer one the network sees faces in cloth. */
const ULTRAFACE_SECOND_LENGTH = 960;
/** In the larger picture only faces that would be small in the first: cloth has large "faces" there. */
const SECOND_PASS_FACE_SHARE_MAX = 0.08;
/** For BlazeFace, which finds large and turned faces that UltraFace does not. */
const BLAZEFACE_LENGTH = { standard: 256, thorough: 384 } as const;
/** Of a part, a third of which is the face that is expected there. */
const PART_LENGTH = { ultraface: 256, blazeface: 192 } as const;

/** @throws HubError `DETECTOR_FAILED` where a model is missing or altered, or does not run here. */
export async function openFaceFinder(mode: FaceMode, folder: string): Promise<Finder> {
  await using opening = new AsyncDisposableStack();
  const ultraface = await openNetwork("ultraface.onnx", ["logits", "offsets"], folder);
  opening.use(ultraface);
  const passes = {
    whole: [ultrafacePass(ultraface, ULTRAFACE_LENGTH, 1)],
    part: [ultrafacePass(ultraface, PART_LENGTH.ultraface, 1)],
  };
  if (mode !== "live") {
    const blazeface = await openNetwork("blazeface.onnx", ["scores", "boxes"], folder);
    opening.use(blazeface);
    passes.whole.push(blazefacePass(blazeface, BLAZEFACE_LENGTH[mode]));
    passes.part.push(blazefacePass(blazeface, PART_LENGTH.blazeface));
  }
  if (mode === "thorough")
    passes.whole.push(
      ultrafacePass(ultraface, ULTRAFACE_SECOND_LENGTH, SECOND_PASS_FACE_SHARE_MAX),
    );
  const opened = opening.move();
  return {
    find: async (picture, scope) => {
      const found: Face[] = [];
      for (const pass of passes[scope]) found.push(...(await pass(picture)));
      return onlyOnce(found).map(({ x, y, width, height, score }): Find => [
        x,
        y,
        width,
        height,
        score,
        0,
      ]);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function ultrafacePass(network: Network, length: number, faceShareMax: number): Pass {
  const sized = sizedOnce((picture) => {
    const size = inputSize(picture, length);
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

function blazefacePass(network: Network, length: number): Pass {
  const sized = sizedOnce((picture) => {
    const input = fitted(picture, length);
    return {
      ...{ input, planes: emptyPlanes(input.canvas, BLAZEFACE_PLANES) },
      fill: planeFiller(picture, input.scaled, BLAZEFACE_PLANES, input.canvas),
    };
  });
  return async (picture) => {
    const { input, planes, fill } = sized(picture);
    fill(picture.bytes, planes);
    const [scores, boxes] = await network.run(planes, input.canvas);
    return blazefacesOf({ scores, boxes }, input, picture);
  };
}
