import type { MasksInCameraAnswer, MasksInCameraBody } from "../protocol/api-masks.ts";

type Masks = MasksInCameraBody["masks"];

/** Where a camera's masks are painted: in the camera, or else here, if this machine can. */
export interface MasksDesk {
  /**
   * @throws HubError `MASKS_TOO_MUCH` with what was measured, where the camera does not hide them by
   * itself and encoding its streams again does not fit beside those of other cameras.
   */
  requirePossible(camera: string, masks: Masks): Promise<void>;
  /** Asks a camera to hide them by itself in place of those that are saved, and reads back what it does. */
  hideInCamera(camera: string, masks: Masks): Promise<MasksInCameraAnswer>;
}
