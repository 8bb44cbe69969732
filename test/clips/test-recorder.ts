import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect } from "vitest";
import { ClipRecorder, type ClipRecorderOptions } from "../../src/clips/recorder.ts";
import type { RecorderTrouble } from "../../src/clips/recorder-trouble.ts";
import {
  clipFolder,
  sealedFileName,
  type EventReason,
  type RecorderEvent,
  type SealedFile,
} from "../../src/protocol/clip.ts";
import { parseSha256Hex, type ClipId } from "../../src/protocol/ids.ts";
import { makeReader, openAge } from "./age-oracle.ts";
import { CAMERA, framesIn } from "./test-stream.ts";

export const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-recorder-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export const motion: EventReason = { kind: "motion", zone: "door", areaShare: 0.2, score: 0.9 };
export const reader = await makeReader("x25519");
const recovery = await makeReader("x25519");
export const keyringHead = parseSha256Hex("ab".repeat(32));
let folders = 0;

interface RecordedClip {
  readonly started: RecorderEvent & { readonly type: "clip-started" };
  readonly files: SealedFile[];
  endedAtMs: number | null;
}

export function startRecorder(options: Partial<ClipRecorderOptions> = {}) {
  const clipsDirectory = path.join(folder, String(folders++));
  mkdirSync(clipsDirectory, { mode: 0o700 });
  const clips = new Map<ClipId, RecordedClip>();
  const order: string[] = [];
  const named: string[] = [];
  const trouble: RecorderTrouble[] = [];
  const known = (clip: ClipId): RecordedClip => {
    const recorded = clips.get(clip);
    if (recorded === undefined || recorded.endedAtMs !== null) throw new Error("out of order");
    return recorded;
  };
  const recorder = ClipRecorder.create({
    camera: CAMERA,
    clipsDirectory,
    readers: () => ({
      recipients: [reader.recipient, recovery.recipient],
      keyringHead,
      keyringEpoch: 3,
    }),
    emit: (event) => {
      order.push(event.type);
      switch (event.type) {
        case "clip-started":
          clips.set(event.clip, { started: event, files: [], endedAtMs: null });
          return;
        case "file-closed":
          known(event.clip).files.push(event.file);
          return;
        case "clip-closed":
          known(event.clip).endedAtMs = event.endedAtMs;
          return;
        case "clip-named":
          known(event.clip);
          named.push(event.why.kind);
          return;
        case "clip-rang":
          known(event.clip);
          return;
        case "copy-file":
        case "blur-closed":
          throw new Error("no copy was asked for");
      }
    },
    reportTrouble: (each) => trouble.push(each),
    ...options,
  });
  const pathOf = (clip: RecordedClip, file: SealedFile): string =>
    path.join(
      clipsDirectory,
      clipFolder(clip.started.clip, clip.started.startedAtMs),
      sealedFileName(file),
    );
  return {
    recorder,
    clips: () => [...clips.values()],
    order,
    named,
    trouble,
    clipsDirectory,
    pathOf,
  };
}

type Recording = ReturnType<typeof startRecorder>;

/** Frame numbers of each file of a clip, opened with the reader's key. */
export async function framesOf(recording: Recording, clip: RecordedClip, word = "frame") {
  const track = word === "frame" ? "video" : "audio";
  const frames: number[][] = [];
  for (const file of clip.files.filter((each) => each.track === track)) {
    const opened = await openAge(readFileSync(recording.pathOf(clip, file)), reader.identity);
    expect(Buffer.from(opened.subarray(0, 5)).toString()).toBe("init-");
    frames.push(framesIn(opened, word));
  }
  return frames;
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);
