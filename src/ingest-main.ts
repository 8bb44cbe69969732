import { setTimeout as sleep } from "node:timers/promises";
import { findFfmpeg } from "./base/ffmpeg.ts";
import { sandboxState } from "./base/sandbox.ts";
import { LiveSender } from "./camera/live-sender.ts";
import { measureTranscode, TranscodeBudget } from "./camera/transcode-cost.ts";
import type { CopyReaders } from "./clips/copy-sealer.ts";
import type { OriginalsReaders } from "./clips/recorder.ts";
import { IngestBlur } from "./ingest/blur.ts";
import { sayable } from "./base/sayable.ts";
import type { FromIngest, ToIngest } from "./ingest/messages.ts";
import { endCamera, startCamera, type Pipeline, type PipelineGround } from "./ingest/pipeline.ts";
import { picturePipe } from "./ingest/pipe.ts";
import { parseRecipient } from "./protocol/age-header.ts";
import { HubError } from "./protocol/errors.ts";
import { verifyKeyringSince, type KeyringPosition } from "./protocol/keyring.ts";
import { recipientsOf } from "./protocol/rewrap.ts";
import { hasSameStreams, type CameraSettings } from "./settings/cameras.ts";

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

const FFMPEG_RETRY_MS = 5_000;

let ingest: Ingest | null = null;
let readers: OriginalsReaders | null = null;
/** Where the keyring was when this process last took one: it may grow, and nothing else. */
let seen: KeyringPosition | null = null;
let pipelines: ReadonlyMap<string, Pipeline> = new Map();
/** Switched off: nothing of them is connected to, whatever else is said. */
const off = new Set<string>();
/** Those that were just switched off, until their connections are closed. */
const leaving = new Map<string, { readonly pipeline: Pipeline; readonly left: Promise<void> }>();
let isStopping = false;
let copyReaders: CopyReaders | null = null;
const blur = new IngestBlur({ readers: () => copyReaders, send });
const live = new LiveSender(picturePipe());
const budget = new TranscodeBudget({
  measure: async (load) => measureTranscode((await findFfmpeg()).path, load),
});

function send(message: FromIngest): void {
  // After the hub is gone there is nobody to tell, and `disconnect` ends this process.
  if (process.connected) process.send?.(message);
}

/** Before a verified keyring there is nobody to seal to, so no camera is even connected to. */
function startPipelines(): void {
  if (!ingest || !readers || isStopping) return;
  const { clipsDirectory, ffmpegPath, cameras } = ingest;
  const ground: PipelineGround = {
    ...{ clipsDirectory, ffmpegPath, live, blur, send, budget },
    readers: () => readers,
    isStopping: () => isStopping,
  };
  pipelines = new Map(
    cameras
      .filter(({ id }) => !off.has(id))
      .map((camera) => [camera.id, pipelines.get(camera.id) ?? startPipeline(camera, ground)]),
  );
}

function startPipeline(camera: CameraSettings, ground: PipelineGround): Pipeline {
  return startCamera(camera, { ...ground, isStopping: () => isStopping || off.has(camera.id) });
}

/** At once, whatever else is being waited for. */
function switchCamera(camera: string, isOff: boolean): void {
  if (!isOff) {
    off.delete(camera);
    return;
  }
  off.add(camera);
  const pipeline = pipelines.get(camera);
  if (!pipeline) return;
  pipelines = new Map([...pipelines].filter(([id]) => id !== camera));
  blur.drop(camera, "switched-off");
  const left = endCamera(pipeline).finally(() => {
    if (leaving.get(camera)?.pipeline === pipeline) leaving.delete(camera);
  });
  leaving.set(camera, { pipeline, left });
}

/** Ends the cameras that are gone or changed, each with its recording closed; others go on. */
async function endChanged(cameras: readonly CameraSettings[]): Promise<void> {
  const stays = ({ settings }: Pipeline): boolean =>
    cameras.some((camera) => hasSameStreams(camera, settings));
  const ending = [...pipelines].filter(([, pipeline]) => !stays(pipeline));
  for (const [id] of ending) blur.drop(id, "camera-ended");
  await Promise.all(ending.map(([, pipeline]) => endCamera(pipeline)));
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
    copyReaders = {
      blurred: recipientsOf(keyring.readers, "blurred").map(parseRecipient),
      originals: readers.recipients,
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
  const all = [...pipelines.values(), ...[...leaving.values()].map(({ pipeline }) => pipeline)];
  const blurEnded = blur[Symbol.asyncDispose]();
  await Promise.all(all.map(({ recorder }) => recorder[Symbol.asyncDispose]()));
  await blurEnded;
  await blur.queue.settled();
  if (process.connected) await Promise.all(all.map(({ stack }) => stack.disposeAsync()));
  process.exit(0);
}

async function handle(message: Exclude<ToIngest, { type: "stop" }>): Promise<void> {
  switch (message.type) {
    case "configure": {
      const { clipsDirectory, cameras, blurBytesMax } = message;
      blur.configure(cameras, blurBytesMax);
      await endChanged(cameras);
      for (const camera of cameras) pipelines.get(camera.id)?.motion.configure(camera);
      ingest = { clipsDirectory, cameras, ffmpegPath: await waitForFfmpeg(cameras) };
      send({ type: "ready", sandbox: await sandboxState() });
      startPipelines();
      return;
    }
    case "keyring":
      takeKeyring(message.statements);
      return;
    case "ring": {
      const { camera, ring, agoMs } = message;
      const outcome = isStopping ? undefined : pipelines.get(camera)?.rings.press(agoMs);
      send({ type: "rang", camera, ring, outcome: outcome ?? "no-camera" });
      return;
    }
    case "privacy":
      // A camera often takes one connection only: the old one goes first.
      await leaving.get(message.camera)?.left;
      startPipelines();
      return;
    case "watch":
      live.watch(message.camera, message.stream, message.on, message.sound);
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
  if (message.type === "privacy") switchCamera(message.camera, message.isOff);
  if (message.type === "stop") void stop();
  else messages = messages.then(() => handle(message));
});
process.on("disconnect", () => void stop());
process.on("SIGINT", () => {
  // A terminal sends it to the whole group; the hub says when to stop.
});
process.on("SIGTERM", () => void stop());
