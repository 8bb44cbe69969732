import { OBJECT_KINDS, type SeenObject } from "../../blur/nanodet.ts";
import type { ColourPicture } from "../../blur/planes.ts";
import { detectorFailed } from "./detector-failed.ts";
import type { DetectorOptions } from "./face-detector.ts";
import { InferenceThread, THREAD_LIMITS } from "./inference-thread.ts";
import { MODELS_FOLDER } from "./models.ts";

/** Finds persons, vehicles and animals. Boxes with a kind are all that comes out. */
export interface ObjectDetector extends AsyncDisposable {
  /**
   * Objects in pixels of the picture, best first, candidates from a score of 0.25 on included; for the
   * rest as `FaceDetector.find`.
   *
   * @throws HubError `DETECTOR_FAILED`: then nothing may be made of the picture.
   */
  find(picture: ColourPicture): Promise<SeenObject[]>;
}

/** @throws HubError `DETECTOR_FAILED` where the model is missing or altered, or does not run here. */
export async function openObjectDetector({
  folder = MODELS_FOLDER,
  limits = THREAD_LIMITS,
}: DetectorOptions = {}): Promise<ObjectDetector> {
  const thread = await InferenceThread.start({ task: { find: "objects" }, folder }, limits);
  return {
    find: async (picture) => {
      const finds = await thread.find(picture);
      return finds.map(([x, y, width, height, score, number]) => {
        const kind = OBJECT_KINDS[number];
        if (!kind) throw detectorFailed("its thread answered with a kind that there is not");
        return { x, y, width, height, score, kind };
      });
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
