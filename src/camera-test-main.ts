import { systemClock } from "./base/clock.ts";
import { CameraStream, type CameraStatus } from "./camera/stream.ts";
import type { CameraTrial } from "./camera-test.ts";
import { sayable } from "./ingest-messages.ts";
import type { CameraTestAnswer } from "./protocol/api-settings.ts";
import { parseCameraId } from "./protocol/ids.ts";

/**
 * Tries one camera, says what came of it, and ends. It decodes nothing and keeps nothing: it parses
 * what the camera sends as far as the stream's own description of itself.
 */
const TRIAL_MS = 10_000;
/** How long a stream may take to say how many pictures a second it has. */
const RATE_WAIT_MS = 1_500;

const NOTHING = { codec: null, width: null, height: null, fps: null };

function answer(result: CameraTestAnswer): void {
  process.send?.(result, () => process.exit(0));
}

function refuse(code: string, message: string): void {
  answer({ ok: false, ...NOTHING, problem: { code, message: sayable(message) } });
}

function seen(status: Extract<CameraStatus, { state: "streaming" }>, fps: number | null): void {
  const { codec, width, height } = status;
  answer({ ok: true, codec: sayable(codec, 40), width, height, fps, problem: null });
}

process.once("message", ({ url, username, password }: CameraTrial) => {
  let frames = 0;
  let firstAtMs = 0;
  const onFragment = (): void => {
    if (frames === 0) firstAtMs = performance.now();
    frames += 1;
  };
  const onStatus = (status: CameraStatus): void => {
    if (status.state === "waiting-to-retry") refuse(status.code, status.message);
    if (status.state !== "streaming") return;
    if (status.fps !== undefined) {
      seen(status, status.fps);
      return;
    }
    setTimeout(() => {
      const seconds = (performance.now() - firstAtMs) / 1_000;
      // Intervals, not frames: the first one begins the count.
      const counted = frames > 2 ? Math.round((frames - 1) / seconds) : null;
      seen(status, counted);
    }, RATE_WAIT_MS);
  };
  CameraStream.start({
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
    onFragment,
    onStatus,
  });
  setTimeout(() => refuse("SILENT", "Cannot use camera: no picture within 10 s"), TRIAL_MS);
});
process.on("disconnect", () => process.exit(0));
