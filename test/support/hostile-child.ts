import { systemClock } from "../../src/base/clock.ts";
import { FragmentRing } from "../../src/camera/ring.ts";
import { CameraStream, type CameraStatus, type StreamTiming } from "../../src/camera/stream.ts";
import { PRE_ROLL_MS } from "../../src/protocol/clip.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { RING_BYTES_MAX } from "../../src/camera/ring.ts";

/**
 * A process that does with cameras what the ingest process does, up to what the recorder takes: the
 * stream that is kept up, and the ring. It tells its parent what became of each.
 */
export interface ChildCamera {
  readonly id: string;
  readonly url: string;
  readonly password: string;
  readonly timing: Partial<StreamTiming>;
}

export interface CameraState {
  readonly id: string;
  readonly state: CameraStatus["state"];
  /** Every failure so far, in order, as `CODE message`. */
  readonly failures: readonly string[];
  readonly frames: number;
  /** Times that a number was left out, or a connection began anew. */
  readonly gaps: number;
  /** The longest time between two pictures. */
  readonly pauseMs: number;
  readonly sizes: readonly string[];
}

const FAILURES_MAX = 20;
const TELL_INTERVAL_MS = 100;
const cameras = new Map<string, () => CameraState>();

function start(camera: ChildCamera): void {
  const ring = new FragmentRing({ durationMs: PRE_ROLL_MS + 2_000, sizeBytes: RING_BYTES_MAX });
  const failures: string[] = [];
  const sizes = new Set<string>();
  let frames = 0;
  let gaps = 0;
  let next = 0;
  let pauseMs = 0;
  let lastMs: number | null = null;
  const stream = CameraStream.start({
    camera: parseCameraId(camera.id),
    role: "main",
    source: {
      kind: "rtsp",
      url: camera.url,
      username: "viewer",
      password: camera.password,
      audio: false,
    },
    clock: systemClock,
    onFragment: (fragment) => {
      ring.push(fragment);
      frames += 1;
      if (fragment.sequence !== next) gaps += 1;
      next = fragment.sequence + 1;
      const nowMs = performance.now();
      if (lastMs !== null) pauseMs = Math.max(pauseMs, nowMs - lastMs);
      lastMs = nowMs;
      if (sizes.size < FAILURES_MAX) sizes.add(`${fragment.init.width}x${fragment.init.height}`);
    },
    onStatus: (status) => {
      if (status.state === "waiting-to-retry" && failures.length < FAILURES_MAX)
        failures.push(`${status.code} ${status.message}`);
    },
    timing: camera.timing,
  });
  cameras.set(camera.id, () => ({
    ...{ id: camera.id, state: stream.status.state, failures, frames, gaps },
    ...{ pauseMs, sizes: [...sizes] },
  }));
}

process.on("message", (message: { readonly cameras: readonly ChildCamera[] }) => {
  for (const camera of message.cameras) start(camera);
});
process.on("disconnect", () => process.exit(0));
setInterval(
  () => process.connected && process.send?.([...cameras.values()].map((stateOf) => stateOf())),
  TELL_INTERVAL_MS,
);
