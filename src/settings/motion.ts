import Type from "typebox";
import type { CameraAreas } from "./zones.ts";
import { GREY_CELLS } from "../vision/grey-frame.ts";
import type { MotionRules } from "../vision/motion.ts";
import { zonesOf } from "../vision/zones.ts";

/** What an owner says about motion. */

export const MotionSchema = Type.Object(
  {
    /** How far something must stand out from what is usually seen. */
    sensitivity: Type.Optional(
      Type.Union([Type.Literal("low"), Type.Literal("normal"), Type.Literal("high")], {
        description: "low, normal or high",
      }),
    ),
    /** Share of its zone, or of the picture, that something must cover to begin a recording. */
    smallest: Type.Optional(
      Type.Number({
        ...{ minimum: 0, maximum: 0.5 },
        description: "a share of the zone from 0 to 0.5, such as 0.008",
      }),
    ),
    /** Whether it is told what moved: a person, a vehicle, an animal. */
    objects: Type.Optional(Type.Boolean({ description: "true or false" })),
  },
  { additionalProperties: false },
);

export interface MotionSettings {
  readonly sensitivity: "low" | "normal" | "high";
  readonly smallest: number;
  readonly objects: boolean;
}

const MOTION_DEFAULT: MotionSettings = { sensitivity: "normal", smallest: 0, objects: true };

/** Factors on how far a cell must stray from what is usual. */
const THRESHOLDS = { low: 1.6, normal: 1, high: 0.75 } as const;

/** What holds for a camera, with the defaults for what its settings leave out. */
export function motionOf(camera: { readonly motion?: Partial<MotionSettings> }): MotionSettings {
  return { ...MOTION_DEFAULT, ...camera.motion };
}

/** The same as the detector takes it, with the camera's zones. */
export function motionRulesOf(
  camera: { readonly motion?: Partial<MotionSettings> } & Pick<CameraAreas, "zones">,
): MotionRules {
  const { sensitivity, smallest } = motionOf(camera);
  return {
    zones: zonesOf(camera.zones ?? [], GREY_CELLS),
    threshold: THRESHOLDS[sensitivity],
    smallestShare: smallest,
  };
}
