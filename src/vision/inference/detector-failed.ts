import { HubError } from "../../protocol/errors.ts";

/** Nothing may be made of a picture that was to be looked at: it counts as not looked at. */
export function detectorFailed(found: string, cause?: unknown): HubError {
  return new HubError("DETECTOR_FAILED", `Cannot look at a picture: ${found}`, { cause });
}
