import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "./base/clock.ts";
import { findFfmpeg } from "./base/ffmpeg.ts";
import { sandboxState } from "./base/sandbox.ts";
import { LiveSender } from "./camera/live-sender.ts";
import { FragmentRing, RING_BYTES_MAX } from "./camera/ring.ts";
import { CameraStream, type CameraSource, type CameraStatus } from "./camera/stream.ts";
import { ClipRecorder, type OriginalsReaders } from "./clips/recorder.ts";
import { sayable, type FromIngest, type StreamReport, type ToIngest } from "./ingest-messages.ts";
import { picturePipe } from "./ingest-pipe.ts";
import { parseRecipient } from "./protocol/age-header.ts";
import { PRE_ROLL_MS } from "./protocol/clip.ts";
import { HubError } from "./protocol/errors.ts";
import type { Fragment } from "./protocol/fragment.ts";
import { parseCameraId, type CameraId } from "./protocol/ids.ts";
import { verifyKeyringSince, type KeyringPosition } from "./protocol/keyring.ts";
import { hasOwnSub, hasSameStreams, type CameraSettings } from "./settings.ts";
import { GreyFrames } from "./vision/frames.ts";
import { MotionDetector } from "./vision/motion.ts";

/**
 * The ingest process: parses what cameras send, keeps the last seconds in memory, finds motion and
 * seals what is recorded. It is the only writer of footage. It opens no database and no socket but
 * its cameras', and ends when the hub does.
 */
interface Ingest {
  readonly clipsDirectory: string;
  readonly ffmpegPath: string;
  readonly cameras: readonly CameraSettings[];
}

/** All that belongs to one camera. */
interface Pipeline {
  readonly settings: CameraSettings;
  readonly recorder: ClipRecorder;
  readonly stack: AsyncDisposableStack;
}

/** Detection looks back by less than this; the ring must still hold the full pre-roll then. */
const DETECTION_DELAY_MAX_MS = 2_000;
/** Nothing is recorded from the sub stream: it is kept from its last key frame on, to be shown. */
const SUB_RING = { durationMs: 0, sizeBytes: 8 * 1024 * 1024 };
const FFMPEG_RETRY_MS = 5_000;
/** How often the hub is told that pictures still come. */
const REPORT_INTERVAL_MS = 5_000;
/** Sub stream of the demo scene, as a common camera would send it. */
const DEMO_SUB = { width: 640, height: 360 };
const DEMO_SCENE = fileURLToPath(new URL("../scripts/demo-scene.ts", import.meta.url));

let ingest: Ingest | null = null;
let readers: OriginalsReaders | null = null;
/** Where the keyring was when this process last took one: it may grow, and nothing else. */
let seen: KeyringPosition | null = null;
let pipelines: ReadonlyMap<string, Pipeline> = new Map();
let isStopping = false;
const live = new LiveSender(picturePipe());

function send(message: FromIngest): void {
  // After the hub is gone there is nobody to tell, and `disconnect` ends this process.
  if (process.connected) process.send?.(message);
}

/** @param lastAtMs - When the newest picture arrived, by this machine's clock. */
function streamReport(status: CameraStatus, lastAtMs: number): StreamReport {
  switch (status.state) {
    case "idle":
    case "connecting":
      return { state: status.state, problem: null, codec: null, picture: null };
    case "streaming": {
      const { width, height, fps = null } = status;
      // A stream says what it likes: of such a size or rate nothing is told.
      const isLikely = Math.max(width, height) <= 16_384 && Math.min(width, height) >= 1;
      const rate = fps !== null && fps > 0 && fps <= 1_000 ? fps : null;
      return {
        state: status.state,
        problem: null,
        codec: sayable(status.codec, 40),
        picture: isLikely ? { lastAtMs, width, height, fps: rate } : null,
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

function demoSource(onSubFragment: (fragment: Fragment) => void): CameraSource {
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

type TakeFragment = (fragment: Fragment) => void;

/** A stream that is kept up, and the hub told of it: what changes, and that pictures still come. */
function openStream(
  camera: CameraId,
  role: "main" | "sub",
  source: CameraSource,
  onFragment: TakeFragment,
): AsyncDisposableStack {
  const stack = new AsyncDisposableStack();
  let lastAtMs = 0;
  let toldAtMs = 0;
  const take = (fragment: Fragment): void => {
    lastAtMs = systemClock.wallClockMs();
    onFragment(fragment);
  };
  const onStatus = (status: CameraStatus): void => {
    toldAtMs = lastAtMs;
    send({ type: "camera", camera, role, report: streamReport(status, lastAtMs) });
  };
  const stream = stack.use(
    CameraStream.start({ camera, role, source, clock: systemClock, onFragment: take, onStatus }),
  );
  const timer = setInterval(() => {
    if (stream.status.state === "streaming" && lastAtMs !== toldAtMs) onStatus(stream.status);
  }, REPORT_INTERVAL_MS);
  stack.defer(() => clearInterval(timer));
  return stack;
}

/** One camera: streams, ring, motion, recorder. */
function startCamera(settings: CameraSettings, own: Ingest): Pipeline {
  const stack = new AsyncDisposableStack();
  const camera = parseCameraId(settings.id);
  const ring = new FragmentRing({
    durationMs: PRE_ROLL_MS + DETECTION_DELAY_MAX_MS,
    sizeBytes: RING_BYTES_MAX,
  });
  const recorder = stack.use(
    ClipRecorder.create({
      camera,
      clipsDirectory: own.clipsDirectory,
      readers: () => readers,
      emit: (event) => send({ type: "recorder", event }),
      reportTrouble: ({ code, message }) =>
        send({ type: "trouble", camera, code, message: sayable(message) }),
    }),
  );
  const frames = stack.use(watchMotion(camera, own, ring, recorder));
  const analyse = (fragment: Fragment): void => {
    if (fragment.track === "video") frames.push(fragment);
  };
  const subRing = new FragmentRing(SUB_RING);
  const onSubFragment = (fragment: Fragment): void => {
    subRing.push(fragment);
    analyse(fragment);
  };
  stack.use(live.offer(camera, "main", ring));
  if (hasOwnSub(settings)) stack.use(live.offer(camera, "sub", subRing));
  const onMainFragment = (fragment: Fragment): void => {
    ring.push(fragment);
    recorder.push(fragment);
    if (!hasOwnSub(settings)) analyse(fragment);
  };
  const open = (role: "main" | "sub", source: CameraSource, onFragment: TakeFragment): void =>
    void stack.use(openStream(camera, role, source, onFragment));
  switch (settings.source) {
    case "demo":
      open("main", demoSource(onSubFragment), onMainFragment);
      break;
    case "ffmpeg":
      open("main", fileSource(settings.input), onMainFragment);
      break;
    case "rtsp":
      open("main", rtspSource(settings, settings.main, settings.audio), onMainFragment);
      if (settings.sub !== null)
        open("sub", rtspSource(settings, settings.sub, false), onSubFragment);
      break;
  }
  return { settings, recorder, stack };
}

function fileSource(file: string): CameraSource {
  return { kind: "ffmpeg", input: { kind: "file", path: file, loop: true }, audio: false };
}

function watchMotion(
  camera: CameraId,
  own: Ingest,
  ring: FragmentRing,
  recorder: ClipRecorder,
): GreyFrames {
  const detector = new MotionDetector();
  return GreyFrames.open({
    ffmpegPath: own.ffmpegPath,
    clock: systemClock,
    onFrame: (frame) => {
      // What is being recorded is being closed, and nothing new may begin behind it.
      if (isStopping) return;
      const event = detector.push(frame);
      if (event?.type === "start")
        recorder.startEvent(event.why, event.onsetAtMs, ring.since(event.onsetAtMs - PRE_ROLL_MS));
      else if (event?.type === "end") recorder.endEvent(event.atMs);
    },
    onProblem: (message) =>
      send({ type: "trouble", camera, code: "DECODER_RESTARTED", message: sayable(message, 400) }),
  });
}

/** Before a verified keyring there is nobody to seal to, so no camera is even connected to. */
function startPipelines(): void {
  if (!ingest || !readers || isStopping) return;
  const own = ingest;
  pipelines = new Map(
    own.cameras.map((camera) => [camera.id, pipelines.get(camera.id) ?? startCamera(camera, own)]),
  );
}

/** Ends the cameras that are gone or changed, each with its recording closed; others go on. */
async function endChanged(cameras: readonly CameraSettings[]): Promise<void> {
  const stays = ({ settings }: Pipeline): boolean =>
    cameras.some((camera) => hasSameStreams(camera, settings));
  const ending = [...pipelines].filter(([, pipeline]) => !stays(pipeline));
  await Promise.all(
    ending.map(async ([, { recorder, stack }]) => {
      await recorder[Symbol.asyncDispose]();
      await stack.disposeAsync();
    }),
  );
  pipelines = new Map([...pipelines].filter(([, pipeline]) => stays(pipeline)));
}

function takeKeyring(statements: readonly unknown[]): void {
  try {
    const keyring = verifyKeyringSince(statements, seen);
    seen = { epoch: keyring.epoch, head: keyring.head };
    readers = {
      recipients: [keyring.readers.originals, keyring.readers.recovery].map(parseRecipient),
      keyringHead: keyring.head,
      keyringEpoch: keyring.epoch,
    };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    // What was in force stays in force: a chain that does not hold adds and removes nobody.
    send({ type: "keyring-refused", message: sayable(error.message) });
    return;
  }
  startPipelines();
}

/**
 * Recordings are closed first: cameras that do not answer must not cost them the time they have.
 * Without a hub there is no time for goodbyes at all: the next one may be starting already, and
 * must not find files that are still being written.
 */
async function stop(): Promise<void> {
  isStopping = true;
  const all = [...pipelines.values()];
  await Promise.all(all.map(({ recorder }) => recorder[Symbol.asyncDispose]()));
  if (process.connected) await Promise.all(all.map(({ stack }) => stack.disposeAsync()));
  process.exit(0);
}

async function handle(message: Exclude<ToIngest, { type: "stop" }>): Promise<void> {
  switch (message.type) {
    case "configure": {
      const { clipsDirectory, cameras } = message;
      await endChanged(cameras);
      ingest = { clipsDirectory, cameras, ffmpegPath: await waitForFfmpeg(cameras) };
      send({ type: "ready", sandbox: await sandboxState() });
      startPipelines();
      return;
    }
    case "keyring":
      takeKeyring(message.statements);
      return;
    case "watch":
      live.watch(message.camera, message.stream, message.on);
  }
}

/** Without it no picture can be looked at; it may be installed while the hub runs. */
async function waitForFfmpeg(cameras: readonly CameraSettings[]): Promise<string> {
  for (;;) {
    try {
      return (await findFfmpeg()).path;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      const { code, message } = error;
      const report = {
        state: "waiting-to-retry",
        problem: { code, message: sayable(message) },
        codec: null,
        picture: null,
      } as const;
      for (const { id } of cameras) send({ type: "camera", camera: id, role: "main", report });
      await sleep(FFMPEG_RETRY_MS);
    }
  }
}

let messages = Promise.resolve();
process.on("message", (message: ToIngest) => {
  // One after the other: a keyring must not overtake the configuration. A stop waits for nothing.
  if (message.type === "stop") void stop();
  else messages = messages.then(() => handle(message));
});
process.on("disconnect", () => void stop());
process.on("SIGINT", () => {
  // A terminal sends it to the whole group; the hub says when to stop.
});
process.on("SIGTERM", () => void stop());
