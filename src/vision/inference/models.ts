import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { detectorFailed } from "./detector-failed.ts";

/** Where the networks lie: `models/` of the project. */
export const MODELS_FOLDER = path.join(import.meta.dirname, "../../../models");

/** The networks that may be run, and no other: `models/README.md` says what each is. */
export const MODEL_SHA256 = {
  "blazeface.onnx": "c76f61cf323383e361092fe654e0ee6bfbf8971083b61471ec23cdf3231ff781",
  "nanodet.onnx": "e8b849e4a8ee3c5c1058a9a86d8d1d7baee4db131c99ec08c68ddb0da7a43c6f",
  "ultraface.onnx": "e34ced79a0c7ba7a64518af800b5017c70adc3846bd892ac1681c617a191ede1",
} as const;

export type ModelName = keyof typeof MODEL_SHA256;

/**
 * The bytes of a network, held against its hash: what was checked is what is run.
 *
 * @throws HubError `DETECTOR_FAILED` where it is missing or another.
 */
export async function readModel(name: ModelName, folder: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path.join(folder, name));
  } catch (cause) {
    throw detectorFailed(`models/${name} cannot be read; install Doorward again`, cause);
  }
  if (createHash("sha256").update(bytes).digest("hex") !== MODEL_SHA256[name])
    throw detectorFailed(
      `models/${name} is not the file that came with it; install Doorward again`,
    );
  return bytes;
}
