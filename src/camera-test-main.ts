import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "./base/clock.ts";
import { CameraStream, type CameraStatus } from "./camera/stream.ts";
import type { CameraTrial } from "./probe/camera-test.ts";
import { sayable } from "./base/sayable.ts";
import type { CameraTestAnswer } from "./protocol/api-settings.ts";
import { parseCameraId } from "./protocol/ids.ts";

/**
 * Tries one camera, says what came of it, and ends. It decodes nothing and keeps nothing: it parses
 * what the camera sends as far as the stream's own description of itself.
 */
const TRIAL_MS = 10_000;
/** How long a stream that does not say its rate is counted. */
const COUNTED_MS = 1_500;
/** Cameras have room for a few sessions only, so that this one is ended in due form. */
const GOODBYE_MS = 1_000;

const NO_PICTURE =
  "Cannot use camera: no picture within 10 s; where it sends key frames more rarely, set it to one every 2 s";

const NOTHING = { codec: null, width: null, height: null, fps: null };

function refusal(code: string, message: string): CameraTestAnswer {
  return { ok: false, ...NOTHING, problem: { code, message: sayable(message) } };
}

/** Resolves with what came of it, once. */
function watch({ url, username, password }: CameraTrial): {
  readonly stream: CameraStream;
  readonly result: Promise<CameraTestAnswer>;
} {
  const { promise, resolve } = Promise.withResolvers<CameraTestAnswer>();
  let frames = 0;
  let firstAtMs = 0;
  const count = (): void => {
    if (frames === 0) firstAtMs = performance.now();
    frames += 1;
  };
  const seen = (status: Extract<CameraStatus, { state: "streaming" }>, fps: number | null): void =>
    resolve({
      ok: true,
      codec: sayable(status.codec, 40),
      width: status.width,
      height: status.height,
      fps,
      problem: null,
    });
  const onStatus = (status: CameraStatus): void => {
    if (status.state === "waiting-to-retry") resolve(refusal(status.code, status.message));
    else if (status.state === "streaming" && status.fps !== undefined) seen(status, status.fps);
    else if (status.state === "streaming")
      setTimeout(() => {
        const seconds = (performance.now() - firstAtMs) / 1_000;
        // Intervals, not frames: the first one begins the count.
        seen(status, frames > 2 ? Math.round((frames - 1) / seconds) : null);
      }, COUNTED_MS);
  };
  const stream = CameraStream.start({
    camera: parseCameraId("trial"),
    role: "main",
    source: {
      kind: "rtsp",
      url,
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      audio: false,
    },
    clock: systemClock,
    onFragment: count,
    onStatus,
    timing: { silenceMs: TRIAL_MS },
  });
  setTimeout(() => resolve(refusal("SILENT", NO_PICTURE)), TRIAL_MS);
  return { stream, result: promise };
}

process.once("message", (trial: CameraTrial) => {
  const { stream, result } = watch(trial);
  void result.then(async (answer) => {
    await Promise.race([stream[Symbol.asyncDispose](), sleep(GOODBYE_MS)]);
    process.send?.(answer, () => process.exit(0));
  });
});
process.on("disconnect", () => process.exit(0));
