import { readFileSync } from "node:fs";
import { BlurQueue } from "../../src/clips/blur-queue.ts";
import { ClipRecorder } from "../../src/clips/recorder.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { parseSha256Hex } from "../../src/protocol/ids.ts";
import { TestBlurWorker } from "./test-blur-worker.ts";
import { CAMERA, START_AT_MS, testStream } from "./test-stream.ts";

/**
 * A process of its own that holds footage for blurring, for a test that looks into its memory.
 *
 *     blur-memory-child.ts FOLDER PICTURE RECIPIENT     every picture is the bytes of the file PICTURE;
 *                                                       says "held"; when told, ages them and says so
 */
const [folder = "", picture = "", recipient = ""] = process.argv.slice(2);
const readers = [parseRecipient(recipient)];
const now = { ms: 0 };
const queue = new BlurQueue({
  worker: (events) => {
    const worker = new TestBlurWorker(events);
    // Nobody comes to blur it.
    worker.isReady = false;
    return worker;
  },
  readers: () => ({ blurred: readers, originals: readers, keyringEpoch: 1 }),
  emit: () => undefined,
  reportTrouble: () => undefined,
  nowMs: () => now.ms,
});
const recorder = ClipRecorder.create({
  camera: CAMERA,
  clipsDirectory: folder,
  readers: () => ({
    ...{ recipients: readers, keyringEpoch: 1 },
    keyringHead: parseSha256Hex("ab".repeat(32)),
  }),
  blur: {
    faces: () => "blur-copy",
    rules: () => ({ cover: "faces", plates: false, mode: "standard" }),
    copies: queue,
  },
  emit: () => undefined,
  reportTrouble: () => undefined,
});
recorder.startEvent({ kind: "motion", zone: "", areaShare: 0, score: 1 }, START_AT_MS, []);
for (const fragment of testStream({ frameBytes: 1 }).take(45))
  recorder.push({ ...fragment, bytes: readFileSync(picture) });
recorder.stop();
await recorder.settled();
process.on("message", () => {
  now.ms = 10 * 60_000;
  queue.look();
  process.send?.({ aged: queue.backlog().bytes });
});
process.send?.({ held: queue.backlog().bytes });
