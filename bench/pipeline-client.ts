import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { findFfmpeg } from "../src/base/ffmpeg.ts";
import { measureTranscode, TranscodeBudget } from "../src/camera/transcode-cost.ts";
import { LiveSender } from "../src/camera/live-sender.ts";
import { startCamera } from "../src/ingest/pipeline.ts";
import { parseRecipient } from "../src/protocol/age-header.ts";
import { sha256Hex } from "../src/protocol/bytes.ts";
import type { CameraSettings } from "../src/settings/cameras.ts";
import { usageOf, type TreeUsage } from "./process-usage.ts";

/** How a client process is told what to do, as JSON in its first argument. */
export interface PipelineTask {
  readonly cameras: readonly CameraSettings[];
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What it prints as its last line. */
export interface PipelineResult {
  readonly before: TreeUsage;
  readonly after: TreeUsage;
  readonly clipsStarted: number;
  readonly troubles: readonly string[];
}

/** The cameras' whole pipelines as the ingest process runs them: nothing here is made for the test. */
async function measure(task: PipelineTask): Promise<PipelineResult> {
  const clipsDirectory = await mkdtemp(path.join(os.tmpdir(), "doorward-bench-"));
  const recipients = await Promise.all(
    [1, 2].map(async () =>
      parseRecipient(await identityToRecipient(await generateHybridIdentity())),
    ),
  );
  const readers = { recipients, keyringHead: sha256Hex(new Uint8Array()), keyringEpoch: 0 };
  const troubles: string[] = [];
  let clipsStarted = 0;
  const { path: ffmpegPath } = await findFfmpeg();
  const ground = {
    ...{ clipsDirectory, ffmpegPath },
    budget: new TranscodeBudget({ measure: (load) => measureTranscode(ffmpegPath, load) }),
    live: new LiveSender(new PassThrough()),
    readers: () => readers,
    isStopping: () => false,
    send: (message: Parameters<Parameters<typeof startCamera>[1]["send"]>[0]): void => {
      if (message.type === "trouble") troubles.push(`${message.code}: ${message.message}`);
      if (message.type === "recorder" && message.event.type === "clip-started") clipsStarted += 1;
    },
  };
  const pipelines = task.cameras.map((camera) => startCamera(camera, ground));
  await setTimeout(task.warmUpMs);
  clipsStarted = 0;
  const before = await usageOf(process.pid);
  await setTimeout(task.measureMs);
  const after = await usageOf(process.pid);
  for (const { recorder, stack } of pipelines) {
    await recorder[Symbol.asyncDispose]();
    await stack.disposeAsync();
  }
  await rm(clipsDirectory, { recursive: true, force: true });
  return { before, after, clipsStarted, troubles };
}

if (import.meta.main) {
  console.log(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? "") as PipelineTask)));
  process.exit(0);
}
