import { CameraError } from "./camera-error.ts";

/** 134 Mbit/s: some eight times what the largest cameras send. */
const BYTES_PER_SECOND = 16 * 1024 * 1024;
/** What may come at once, for instance after the network stood still. */
const BURST_BYTES = 16 * 1024 * 1024;

/** What an item costs beside its bytes, so that a flood of tiny ones is slowed down as well. */
export const ITEM_COST_BYTES = 2_048;

/** How much of one camera is read, so that none can take the time and memory of the others. */
export interface ReadAllowance {
  /**
   * Notes what was read.
   *
   * @returns milliseconds for which nothing more is to be read; 0 to go on.
   */
  take(sizeBytes: number, nowMs: number): number;
}

/** A camera that sends more is held back by TCP itself: its connection is read more slowly. */
export function createReadAllowance(
  bytesPerSecond = BYTES_PER_SECOND,
  burstBytes = BURST_BYTES,
): ReadAllowance {
  let left = burstBytes;
  let lastMs: number | null = null;
  return {
    take(sizeBytes, nowMs) {
      const elapsedMs = Math.max(0, nowMs - (lastMs ?? nowMs));
      lastMs = nowMs;
      left = Math.min(burstBytes, left + (elapsedMs / 1000) * bytesPerSecond) - sizeBytes;
      return left >= 0 ? 0 : Math.ceil((-left / bytesPerSecond) * 1000);
    },
  };
}

/** Also what had to wait for 5 s comes at once, at 60 a second. */
const PICTURES_PER_SECOND = 500;

/** So many tiny pictures would take more time and memory than their bytes. */
export function createPictureLimit(): {
  /** @throws CameraError `PROTOCOL_ERROR` for a picture too many. */
  take(nowMs: number): void;
} {
  let startMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  return {
    take(nowMs) {
      if (nowMs - startMs >= 1_000) {
        startMs = nowMs;
        count = 0;
      }
      count += 1;
      if (count > PICTURES_PER_SECOND)
        throw new CameraError(
          "PROTOCOL_ERROR",
          `Cannot keep stream: it sends more than ${PICTURES_PER_SECOND} pictures a second`,
        );
    },
  };
}
