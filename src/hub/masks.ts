import { findFfmpeg } from "../base/ffmpeg.ts";
import { measureTranscode, TranscodeBudget, type PictureLoad } from "../camera/transcode-cost.ts";
import { askAboutMasks } from "./camera-masks.ts";
import type { MasksDesk } from "../http/masks-desk.ts";
import type { CameraStatus } from "../protocol/api.ts";
import type { MasksInCameraAnswer, MasksInCameraBody } from "../protocol/api-masks.ts";
import { HubError } from "../protocol/errors.ts";
import type { CameraSettings } from "../settings/cameras.ts";

type Masks = MasksInCameraBody["masks"];

export interface HubMasksOptions {
  readonly cameras: () => readonly CameraSettings[];
  /** What the ingest process last said of them. */
  readonly statuses: () => readonly CameraStatus[];
  /** For tests. */
  readonly budget?: TranscodeBudget;
}

/** A smaller stream beside the main one, where nothing is known of it. */
const SUB_GUESS = { width: 640, height: 360 };
const RATE_GUESS = 15;

/**
 * Where masks are painted. What a machine can is measured before masks are saved, and again by the
 * ingest process with the streams as they come: nothing passes there before it fits.
 */
export class HubMasks implements MasksDesk {
  readonly #options: HubMasksOptions;
  readonly #budget: TranscodeBudget;
  #isAsking = false;

  constructor(options: HubMasksOptions) {
    this.#options = options;
    const measure = async (load: PictureLoad) => measureTranscode((await findFfmpeg()).path, load);
    this.#budget = options.budget ?? new TranscodeBudget({ measure });
  }

  async requirePossible(id: string, masks: Masks): Promise<void> {
    const cameras = this.#options.cameras();
    const camera = cameras.find((each) => each.id === id);
    // Fewer, or as many as before in another place, cost nothing more than they do.
    if (!camera || masks.length === 0 || (camera.masks ?? []).length > 0) return;
    const loads = this.#loadsOf(camera);
    if (loads.length === 0 || (await this.#isHiddenByCamera(camera, masks))) return;
    const others = cameras.filter((each) => each.id !== id && (each.masks ?? []).length > 0);
    const taken = others.flatMap((each) => this.#loadsOf(each));
    const names = [...taken, ...loads].map((_, index) => `${index}`);
    try {
      for (const [index, load] of [...taken, ...loads].entries()) {
        const wrong = await this.#budget.admit(names[index] ?? "", load);
        if (wrong !== null && index >= taken.length)
          throw new HubError("MASKS_TOO_MUCH", `Cannot save masks of ${id}: ${wrong}`);
      }
    } finally {
      for (const name of names) this.#budget.release(name);
    }
  }

  async hideInCamera(id: string, masks: Masks): Promise<MasksInCameraAnswer> {
    const camera = this.#options.cameras().find((each) => each.id === id);
    if (camera?.source !== "rtsp" || camera.onvif === undefined)
      throw new HubError(
        "NO_ONVIF",
        `Cannot hide masks in ${id}: no ONVIF address is saved for it; add it, or let the hub paint them`,
      );
    if (this.#isAsking)
      throw new HubError("CAMERA_TEST_BUSY", "Cannot ask camera: another one is being asked; wait");
    this.#isAsking = true;
    try {
      return await askAboutMasks(camera, { masks, before: camera.masks ?? [] });
    } finally {
      this.#isAsking = false;
    }
  }

  async #isHiddenByCamera(camera: CameraSettings, masks: Masks): Promise<boolean> {
    if (camera.source !== "rtsp" || camera.onvif === undefined || this.#isAsking) return false;
    this.#isAsking = true;
    try {
      return (await askAboutMasks(camera, { masks, before: null })).isHidden;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      return false;
    } finally {
      this.#isAsking = false;
    }
  }

  /** None where no picture has come yet; the ingest process measures when one does. */
  #loadsOf(camera: CameraSettings): PictureLoad[] {
    const status = this.#options.statuses().find(({ id }) => id === camera.id);
    if (!status || status.width === null || status.height === null) return [];
    const framesPerSecond = status.fps ?? RATE_GUESS;
    const main = { width: status.width, height: status.height, framesPerSecond };
    const hasSub = camera.source === "rtsp" && camera.sub !== null && camera.sub !== camera.main;
    return hasSub ? [main, { ...SUB_GUESS, framesPerSecond }] : [main];
  }
}

export function openMasks(
  settings: { readonly current: { readonly cameras: readonly CameraSettings[] } },
  health: () => { readonly cameras: readonly CameraStatus[] },
): HubMasks {
  return new HubMasks({
    cameras: () => settings.current.cameras,
    statuses: () => health().cameras,
  });
}
