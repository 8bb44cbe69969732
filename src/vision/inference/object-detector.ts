import type { Box } from "../../blur/boxes.ts";

/** What something seems to be; never who or whose. */
export type ObjectKind = "person" | "vehicle" | "animal";

/** In pixels of the picture. */
export interface SeenObject extends Box {
  readonly kind: ObjectKind;
  /** How sure the detector is, 0 to 1. */
  readonly score: number;
}
