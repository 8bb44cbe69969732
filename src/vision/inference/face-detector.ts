import type { Face } from "../../blur/boxes.ts";
import type { ColourPicture } from "../../blur/planes.ts";
import type { FaceMode } from "./find-faces.ts";
import type { Scope } from "./finder.ts";
import { InferenceThread, THREAD_LIMITS, type ThreadLimits } from "./inference-thread.ts";
import { MODELS_FOLDER } from "./models.ts";

export type { FaceMode } from "./find-faces.ts";

/** Finds faces in pictures. Boxes are all that comes out, and nothing is kept. */
export interface FaceDetector extends AsyncDisposable {
  /**
   * Faces in pixels of the picture, best first, candidates from a score of 0.25 on included. Boxes
   * may reach over the edge. Pictures are looked at one after the other; the bytes must not change
   * before this settles.
   *
   * @param scope - Of a part, which must be square, faces that are large in it are looked for: cheaper.
   * @throws HubError `DETECTOR_FAILED`: then nothing may be made of the picture. After a time-out or
   *   the end of its thread every further call throws: end the process.
   */
  find(picture: ColourPicture, scope?: Scope): Promise<Face[]>;
}

export interface DetectorOptions {
  /** Folder of the networks. */
  readonly folder?: string;
  readonly limits?: ThreadLimits;
}

/** @throws HubError `DETECTOR_FAILED` where a model is missing or altered, or does not run here. */
export async function openFaceDetector(
  mode: FaceMode,
  { folder = MODELS_FOLDER, limits = THREAD_LIMITS }: DetectorOptions = {},
): Promise<FaceDetector> {
  const thread = await InferenceThread.start({ task: { find: "faces", mode }, folder }, limits);
  return {
    find: async (picture, scope) => {
      const finds = await thread.find(picture, scope);
      return finds.map(([x, y, width, height, score]) => ({ x, y, width, height, score }));
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
