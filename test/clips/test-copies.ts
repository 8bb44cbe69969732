import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { BlurQueue, type BlurQueueOptions } from "../../src/clips/blur-queue.ts";
import type { CopyReaders } from "../../src/clips/copy-sealer.ts";
import { ClipRecorder, type ClipRecorderOptions } from "../../src/clips/recorder.ts";
import type { RecorderTrouble } from "../../src/clips/recorder-trouble.ts";
import {
  clipFolder,
  sealedFileName,
  type FileKey,
  type RecordedFaces,
  type RecorderEvent,
} from "../../src/protocol/clip.ts";
import {
  parseCameraId,
  parseSha256Hex,
  type CameraId,
  type ClipId,
} from "../../src/protocol/ids.ts";
import { makeReader, openAge } from "./age-oracle.ts";
import { TestBlurWorker } from "./test-blur-worker.ts";
import { motion } from "./test-recorder.ts";
import { START_AT_MS, testStream, type TestStream } from "./test-stream.ts";

/** Recorders whose clips are blurred by whoever a test wants. */

const root = mkdtempSync(path.join(os.tmpdir(), "doorward-copies-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

export const originals = await makeReader("x25519");
export const blurred = await makeReader("x25519");
export const recovery = await makeReader("x25519");
export const keyringHead = parseSha256Hex("ab".repeat(32));
let folders = 0;

export type Said<Type extends RecorderEvent["type"]> = Extract<RecorderEvent, { type: Type }>;

export function copyGround(options: Partial<BlurQueueOptions> = {}) {
  const clipsDirectory = path.join(root, String(folders++));
  mkdirSync(clipsDirectory, { mode: 0o700 });
  const events: RecorderEvent[] = [];
  const troubles: RecorderTrouble[] = [];
  const emit = (event: RecorderEvent): number => events.push(event);
  const reportTrouble = (trouble: RecorderTrouble): number => troubles.push(trouble);
  const now = { faces: "blur-copy" as RecordedFaces, epoch: 3, ms: 0 };
  let worker: TestBlurWorker | null = null;
  const queue = new BlurQueue({
    worker: (said) => (worker = new TestBlurWorker(said)),
    readers: (): CopyReaders => ({
      blurred: [originals, blurred, recovery].map(({ recipient }) => recipient),
      originals: [originals, recovery].map(({ recipient }) => recipient),
      keyringEpoch: now.epoch,
    }),
    ...{ emit, reportTrouble, nowMs: () => now.ms, ...options },
  });
  if (worker === null) throw new Error("no worker");
  const recorders: ClipRecorder[] = [];
  const recorder = (camera: string, more: Partial<ClipRecorderOptions> = {}): ClipRecorder => {
    const made = ClipRecorder.create({
      ...{ camera: parseCameraId(camera), clipsDirectory, emit, reportTrouble },
      readers: () => ({
        recipients: [originals.recipient, recovery.recipient],
        ...{ keyringHead, keyringEpoch: now.epoch },
      }),
      blur: {
        faces: () => now.faces,
        rules: () => ({ cover: "faces", plates: false, mode: "standard" }),
        copies: queue,
      },
      ...more,
    });
    recorders.push(made);
    return made;
  };
  const said = <Type extends RecorderEvent["type"]>(type: Type): Said<Type>[] =>
    events.filter((event): event is Said<Type> => event.type === type);
  const pathOf = (clip: ClipId, file: FileKey): string => {
    const started = said("clip-started").find((event) => event.clip === clip);
    if (!started) throw new Error("no such clip");
    return path.join(clipsDirectory, clipFolder(clip, started.startedAtMs), sealedFileName(file));
  };
  return {
    ...{ queue, worker: worker as TestBlurWorker, events, troubles, now, clipsDirectory },
    ...{ recorder, said, pathOf },
    /** Until the disk has all that was asked for. */
    settled: async () => {
      for (const each of recorders) await each.settled();
      await queue.settled();
      for (const each of recorders) await each.settled();
      await queue.settled();
    },
    open: async (clip: ClipId, file: FileKey, identity: string) =>
      Buffer.from(await openAge(readFileSync(pathOf(clip, file)), identity)).toString("latin1"),
    [Symbol.asyncDispose]: async () => {
      for (const each of recorders) each.stop();
      await queue[Symbol.asyncDispose]();
      for (const each of recorders) await each[Symbol.asyncDispose]();
    },
  };
}

export type CopyGround = ReturnType<typeof copyGround>;

export const camera = (id: string): CameraId => parseCameraId(id);

export const video = (segment: number, rendition: "original" | "blurred") =>
  ({ segment, track: "video", rendition }) as const;

/** So many seconds, cut every four. */
export function record(recorder: ClipRecorder, stream: TestStream, seconds: number): void {
  for (const fragment of stream.take(seconds * 10)) recorder.push(fragment);
}

export function begin(ground: CopyGround, name: string, seconds: number, frameBytes = 200) {
  const recorder = ground.recorder(name);
  const stream = testStream({ frameBytes });
  recorder.startEvent(motion, START_AT_MS, []);
  record(recorder, stream, seconds);
  return { recorder, stream };
}

export async function answerAll(ground: CopyGround): Promise<void> {
  for (;;) {
    await ground.settled();
    if (ground.worker.pushed.length === 0) return;
    ground.worker.answer();
  }
}

export function clipOf(ground: CopyGround): ClipId {
  const [started] = ground.said("clip-started");
  if (!started) throw new Error("nothing was recorded");
  return started.clip;
}
