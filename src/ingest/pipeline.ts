import { fileURLToPath } from "node:url";
import { systemClock } from "../base/clock.ts";
import type { SoundState } from "../camera/connection.ts";
import type { LiveSender } from "../camera/live-sender.ts";
import { FragmentRing, RING_BYTES_MAX } from "../camera/ring.ts";
import type { TranscodeBudget } from "../camera/transcode-cost.ts";
import { CameraStream, type CameraSource, type CameraStatus } from "../camera/stream.ts";
import { sayable } from "../base/sayable.ts";
import { ClipRecorder, type OriginalsReaders } from "../clips/recorder.ts";
import type { IngestBlur } from "./blur.ts";
import { CameraMotion, watchMotion } from "./motion.ts";
import { openCameraMasks, type CameraMasks, type MasksTrouble } from "./masks.ts";
import { CameraRings } from "./rings.ts";
import { CLOCK_OFFSET_MAX_MS, type FromIngest, type StreamReport } from "./messages.ts";
import { PRE_ROLL_MS } from "../protocol/clip.ts";
import type { Fragment } from "../protocol/fragment.ts";
import { parseCameraId, type CameraId } from "../protocol/ids.ts";
import { hasOwnSub, type CameraSettings } from "../settings/cameras.ts";
import { ffmpegInput } from "../settings/ffmpeg.ts";

/** What every camera's pipeline has of its process. */
export interface PipelineGround {
  readonly clipsDirectory: string;
  readonly ffmpegPath: string;
  readonly live: LiveSender;
  /** Left out: faces are kept. */
  readonly blur?: Pick<IngestBlur, "of" | "vision">;
  /** What encoding again may take, of all cameras together. */
  readonly budget: TranscodeBudget;
  /** Those in force; null before there are any. */
  readonly readers: () => OriginalsReaders | null;
  readonly send: (message: FromIngest) => void;
  /** Recordings are being closed: nothing new may begin. */
  readonly isStopping: () => boolean;
}

/** All that belongs to one camera. */
export interface Pipeline {
  readonly settings: CameraSettings;
  readonly recorder: ClipRecorder;
  readonly rings: CameraRings;
  readonly motion: CameraMotion;
  readonly stack: AsyncDisposableStack;
}

/** Detection looks back by less than this; the ring must still hold the full pre-roll then. */
const DETECTION_DELAY_MAX_MS = 2_000;
/** Nothing is recorded from the sub stream: it is kept from its last key frame on, to be shown. */
const SUB_RING = { durationMs: 0, sizeBytes: 8 * 1024 * 1024 };
/** How often the hub is told that pictures still come. */
const REPORT_INTERVAL_MS = 5_000;
const RATE_SPAN_MS = 4_000;
/** Sub stream of the demo scene, as a common camera would send it. */
const DEMO_SUB = { width: 640, height: 360 };
const DEMO_SCENE = fileURLToPath(new URL("../../scripts/demo-scene.ts", import.meta.url));

interface SeenPictures {
  /** When the newest picture arrived, by this machine's clock. */
  readonly lastAtMs: number;
  /** How many came a second; null where it was not counted for long enough. */
  readonly perSecond: number | null;
}

function streamReport(status: CameraStatus, { lastAtMs, perSecond }: SeenPictures): StreamReport {
  switch (status.state) {
    case "idle":
    case "connecting":
      return { state: status.state, problem: null, codec: null, picture: null };
    case "streaming": {
      const { width, height, fps = null } = status;
      // A stream says what it likes: of such a size or rate nothing is told.
      const isLikely = Math.max(width, height) <= 16_384 && Math.min(width, height) >= 1;
      const rate = fps !== null && fps > 0 && fps <= 1_000 ? fps : null;
      const offsetMs = Math.round(status.clockOffsetMs ?? Number.NaN);
      const seen = {
        ...(perSecond === null ? {} : { seenFps: perSecond }),
        ...(Math.abs(offsetMs) <= CLOCK_OFFSET_MAX_MS ? { clockOffsetMs: offsetMs } : {}),
      };
      return {
        state: status.state,
        problem: null,
        codec: sayable(status.codec, 40),
        picture: isLikely ? { lastAtMs, width, height, fps: rate, ...seen } : null,
        sound: soundReport(status.sound),
      };
    }
    case "waiting-to-retry":
      return {
        state: status.state,
        problem: { code: status.code, message: sayable(status.message) },
        codec: null,
        picture: null,
      };
  }
}

function soundReport(sound: SoundState): NonNullable<StreamReport["sound"]> {
  return { state: sound.state, message: "message" in sound ? sayable(sound.message) : null };
}

function rtspSource(
  camera: Extract<CameraSettings, { source: "rtsp" }>,
  url: string,
  audio: boolean,
): CameraSource {
  return {
    kind: "rtsp",
    url,
    ...(camera.username === null ? {} : { username: camera.username }),
    ...(camera.password === null ? {} : { password: camera.password }),
    allowBasic: camera.allowBasic,
    audio,
  };
}

function demoSource(
  onSubFragment: (fragment: Fragment) => void,
): Extract<CameraSource, { kind: "ffmpeg" }> {
  return {
    kind: "ffmpeg",
    input: {
      kind: "frames",
      command: [process.execPath, DEMO_SCENE],
      width: 1280,
      height: 720,
      framesPerSecond: 15,
    },
    audio: false,
    sub: { ...DEMO_SUB, onFragment: onSubFragment },
  };
}

function filmSource(
  camera: Extract<CameraSettings, { source: "ffmpeg" }>,
): Extract<CameraSource, { kind: "ffmpeg" }> {
  return { kind: "ffmpeg", input: ffmpegInput(camera), audio: false };
}

/** Counts how often something comes, over at least {@link RATE_SPAN_MS}. */
function countRate(nowMs: () => number): {
  add(): void;
  /** Null before it was counted for long enough. */
  perSecond(): number | null;
  beginAnew(): void;
} {
  let sinceMs = nowMs();
  let count = 0;
  let last: number | null = null;
  return {
    add: () => void (count += 1),
    perSecond: () => {
      const spanMs = nowMs() - sinceMs;
      if (spanMs < RATE_SPAN_MS) return last;
      last = Math.min(1_000, Math.round((count / spanMs) * 10_000) / 10);
      [sinceMs, count] = [nowMs(), 0];
      return last;
    },
    beginAnew: () => {
      [sinceMs, count, last] = [nowMs(), 0, null];
    },
  };
}

type TakeFragment = (fragment: Fragment) => void;

/**
 * A stream that is kept up, and the hub told of it: what changes, and that pictures still come. What
 * the camera sends goes through its masks first, and reaches nothing else.
 */
function openStream(
  ground: PipelineGround,
  masks: CameraMasks,
  camera: CameraId,
  role: "main" | "sub",
  source: CameraSource,
  onFragment: TakeFragment,
): AsyncDisposableStack {
  const stack = new AsyncDisposableStack();
  let lastAtMs = 0;
  let toldAtMs = 0;
  const rate = countRate(() => systemClock.monotonicMs());
  const take = (fragment: Fragment): void => {
    lastAtMs = systemClock.wallClockMs();
    if (fragment.track === "video") rate.add();
    onFragment(fragment);
  };
  let status: CameraStatus = { state: "idle" };
  const tell = (): void => {
    toldAtMs = lastAtMs;
    const report = way.report(streamReport(status, { lastAtMs, perSecond: rate.perSecond() }));
    ground.send({ type: "camera", camera, role, report });
  };
  const onStatus = (next: CameraStatus): void => {
    if (status.state !== "streaming") rate.beginAnew();
    status = next;
    masks.noteStatus(role, next);
    tell();
  };
  const { ffmpegPath, budget } = ground;
  const way = stack.use(
    masks.open({ camera, role, ffmpegPath, budget, onFragment: take, onChange: tell }),
  );
  const onFromCamera = (fragment: Fragment): void => way.push(fragment);
  stack.use(
    CameraStream.start({
      ...{ camera, role, source, clock: systemClock, onStatus },
      onFragment: onFromCamera,
    }),
  );
  const timer = setInterval(() => {
    if (status.state === "streaming" && lastAtMs !== toldAtMs) tell();
  }, REPORT_INTERVAL_MS);
  stack.defer(() => clearInterval(timer));
  return stack;
}

function openRecorder(
  camera: CameraId,
  settings: CameraSettings,
  { clipsDirectory, readers, blur, send }: PipelineGround,
): ClipRecorder {
  return ClipRecorder.create({
    ...{ camera, clipsDirectory, readers },
    ...(blur ? { blur: blur.of(settings) } : {}),
    emit: (event) => send({ type: "recorder", event }),
    reportTrouble: ({ code, message }) =>
      send({ type: "trouble", camera, code, message: sayable(message) }),
  });
}

/** One camera: streams, ring, motion, recorder. */
export function startCamera(settings: CameraSettings, ground: PipelineGround): Pipeline {
  const stack = new AsyncDisposableStack();
  const camera = parseCameraId(settings.id);
  const ring = new FragmentRing({
    durationMs: PRE_ROLL_MS + DETECTION_DELAY_MAX_MS,
    sizeBytes: RING_BYTES_MAX,
  });
  const recorder = stack.use(openRecorder(camera, settings, ground));
  const rings = stack.use(new CameraRings(recorder, ring));
  const { ffmpegPath } = ground;
  let isEnded = false;
  const isStopping = (): boolean => isEnded || ground.isStopping();
  const motion = stack.use(
    CameraMotion.open({
      ...{ camera, settings, ring, recorder, isStopping },
      vision: ground.blur?.vision ?? null,
      watch: (now, onEvent) =>
        watchMotion({ camera, settings: now, ffmpegPath }, ground.send, onEvent),
    }),
  );
  const analyse = (fragment: Fragment): void => {
    if (fragment.track === "video") motion.push(fragment);
  };
  const subRing = new FragmentRing(SUB_RING);
  const onSubFragment = (fragment: Fragment): void => {
    if (isEnded) return;
    subRing.push(fragment);
    analyse(fragment);
  };
  stack.use(ground.live.offer(camera, "main", ring));
  if (hasOwnSub(settings)) stack.use(ground.live.offer(camera, "sub", subRing));
  const onMainFragment = (fragment: Fragment): void => {
    if (isEnded) return;
    ring.push(fragment);
    rings.push(fragment);
    recorder.push(fragment);
    if (!hasOwnSub(settings)) analyse(fragment);
  };
  const onTrouble = (trouble: MasksTrouble): void =>
    ground.send({ type: "trouble", camera, ...trouble });
  const masks = stack.use(openCameraMasks(settings, onTrouble));
  const open = (role: "main" | "sub", source: CameraSource, onFragment: TakeFragment): void =>
    void stack.use(openStream(ground, masks, camera, role, source, onFragment));
  const changes = masks.filter === undefined ? {} : { filter: masks.filter };
  switch (settings.source) {
    case "demo":
      open("main", { ...demoSource(onSubFragment), ...changes }, onMainFragment);
      break;
    case "ffmpeg":
      open("main", { ...filmSource(settings), ...changes }, onMainFragment);
      break;
    case "rtsp":
      open("main", rtspSource(settings, settings.main, settings.audio), onMainFragment);
      if (settings.sub !== null)
        open("sub", rtspSource(settings, settings.sub, false), onSubFragment);
      break;
  }
  // First of all, while its connections are still being closed: what it shows may be masked by now.
  stack.defer(() => {
    isEnded = true;
    for (const each of [ring, subRing]) each.clear();
  });
  return { settings, recorder, rings, motion, stack };
}

/**
 * Takes nothing more, and closes what is recorded and what is connected to at the same time: a disk
 * that hangs keeps no camera connected. What is in memory of it goes with its connections.
 */
export async function endCamera({
  recorder,
  stack,
}: {
  readonly recorder: Pick<ClipRecorder, "stop">;
  readonly stack: AsyncDisposableStack;
}): Promise<void> {
  recorder.stop();
  await stack.disposeAsync();
}
