import type { BlurReason } from "../protocol/blur-state.ts";
import type { CameraId } from "../protocol/ids.ts";
import type {
  BlurFootage,
  BlurredPoster,
  BlurredSegment,
  BlurRules,
} from "../vision/blur-footage.ts";

/** Who blurs. What it holds is gone with {@link BlurWorker.kill}, and with nothing less certain. */
export interface BlurWorker {
  /** Makes it ready where it is not; `onReady` says when, and whether it is, is the answer. */
  wake(): boolean;
  begin(job: number, camera: CameraId, rules: BlurRules): void;
  push(job: number, footage: BlurFootage): void;
  end(job: number): void;
  drop(job: number): void;
  /** Ends it at once, with all that it has in memory; `onGone` follows. */
  kill(reason: BlurReason): void;
}

/** What it says, checked: only of jobs that were begun, and of segments that were pushed. */
export interface BlurWorkerEvents {
  readonly onReady: () => void;
  readonly onSegment: (job: number, segment: BlurredSegment) => void;
  readonly onPoster: (job: number, poster: BlurredPoster) => void;
  /** Every job that was begun is lost. */
  readonly onGone: (reason: BlurReason) => void;
}
