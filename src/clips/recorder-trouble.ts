import { systemErrorCode } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";
import type { CameraId, ClipId } from "../protocol/ids.ts";

/** Something that cost footage, or will. Recording goes on by itself as soon as it can. */
export interface RecorderTrouble {
  readonly camera: CameraId;
  readonly clip: ClipId | null;
  readonly code:
    | "RECORDER_DISK_FULL"
    | "RECORDER_DISK_ERROR"
    | "RECORDER_DISK_SLOW"
    | "RECORDER_NO_FOOTAGE"
    | "RECORDER_BLUR_LOST"
    | "RECORDER_FAILED";
  readonly message: string;
}

/** What a failure while recording is called, and in which words. */
export function failureOf(error: unknown): {
  readonly code: RecorderTrouble["code"];
  readonly found: string;
} {
  const code = systemErrorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return { code: "RECORDER_DISK_FULL", found: "no space is left on the disk" };
  if (code !== null) return { code: "RECORDER_DISK_ERROR", found: `the disk answered ${code}` };
  const found = error instanceof HubError ? error.message : "an unexpected failure";
  return { code: "RECORDER_FAILED", found };
}
