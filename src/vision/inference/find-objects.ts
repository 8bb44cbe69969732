import { NANODET_LENGTH, NANODET_PLANES, OBJECT_KINDS, objectsOf } from "../../blur/nanodet.ts";
import { emptyPlanes, fitted, planeFiller } from "../../blur/planes.ts";
import { sizedOnce, type Find, type Finder } from "./finder.ts";
import { openNetwork } from "./network.ts";

/** @throws HubError `DETECTOR_FAILED` where the model is missing or altered, or does not run here. */
export async function openObjectFinder(folder: string): Promise<Finder> {
  const nanodet = await openNetwork("nanodet.onnx", ["scores", "sides"], folder);
  const sized = sizedOnce((picture) => {
    const input = fitted(picture, NANODET_LENGTH);
    return {
      ...{ input, planes: emptyPlanes(input.canvas, NANODET_PLANES) },
      fill: planeFiller(picture, input.scaled, NANODET_PLANES, input.canvas),
    };
  });
  return {
    find: async (picture) => {
      const { input, planes, fill } = sized(picture);
      fill(picture.bytes, planes);
      const [scores, sides] = await nanodet.run(planes, input.canvas);
      return objectsOf({ scores, sides }, input, picture).map(
        ({ x, y, width, height, score, kind }): Find => [
          ...([x, y, width, height, score] as const),
          OBJECT_KINDS.indexOf(kind),
        ],
      );
    },
    [Symbol.asyncDispose]: () => nanodet[Symbol.asyncDispose](),
  };
}
