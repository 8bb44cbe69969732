import { isMap, type Document } from "yaml";
import type { MotionAnswer, MotionBody } from "../protocol/api-nothing.ts";
import { HubError } from "../protocol/errors.ts";
import type { CameraSettings } from "./cameras.ts";
import { cameraIndex } from "./edit.ts";
import { motionOf } from "./motion.ts";

/** @throws HubError `NOT_FOUND` where there is no such camera. */
export function motionAnswer(cameras: readonly CameraSettings[], id: string): MotionAnswer {
  const camera = cameras.find((each) => each.id === id);
  if (!camera) throw new HubError("NOT_FOUND", "There is no camera of this id");
  return { ...motionOf(camera), canChange: camera.source !== "demo" };
}

/**
 * Puts what is said of motion into the text of the settings file.
 *
 * @throws HubError `NOT_FOUND` where the file has no such camera.
 */
export function putMotion(document: Document.Parsed, id: string, body: MotionBody): void {
  const index = cameraIndex(document, id);
  if (index < 0)
    throw new HubError(
      "NOT_FOUND",
      `Cannot save motion of ${id}: there is no camera of this id in the settings file`,
    );
  const at = ["cameras", index, "motion"];
  if (!isMap(document.getIn(at))) document.setIn(at, document.createNode({}));
  for (const [member, value] of Object.entries(body))
    if (value !== undefined) document.setIn([...at, member], value);
  const left = document.getIn(at);
  if (isMap(left) && left.items.length === 0) document.deleteIn(at);
}
