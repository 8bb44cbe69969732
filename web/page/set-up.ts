import { remember, remembered } from "./remembered.ts";

/**
 * What is left to set up on this device once it is in the household, step by step; a phone that ends
 * the app in between goes on there. `camera-unnamed`: the house's name could not be saved.
 */
export type SetUpStep = "camera" | "camera-unnamed" | "told";

const STORED = "doorward-set-up";

export function setUpLeft(): SetUpStep | null {
  const stored = remembered("localStorage", STORED);
  return stored === "camera" || stored === "camera-unnamed" || stored === "told" ? stored : null;
}

/** Null when there is nothing left. */
export function leaveToSetUp(step: SetUpStep | null): void {
  remember("localStorage", STORED, step);
}
