import { setTimeout as sleep } from "node:timers/promises";
import { ClipRecorder } from "../../src/clips/recorder.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { parseSha256Hex } from "../../src/protocol/ids.ts";
import { CAMERA, START_AT_MS, testStream } from "./test-stream.ts";

/**
 * A recorder in a process of its own that records without end, for tests that kill it:
 * `recorder-child.ts CLIPS_DIRECTORY RECIPIENT`. What it has to say goes out as JSON lines.
 */

const [clipsDirectory = "", recipient = ""] = process.argv.slice(2);
const recorder = ClipRecorder.create({
  camera: CAMERA,
  clipsDirectory,
  readers: () => ({
    recipients: [parseRecipient(recipient)],
    keyringHead: parseSha256Hex("cd".repeat(32)),
    keyringEpoch: 0,
  }),
  emit: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  reportTrouble: ({ message }) => process.stderr.write(`${message}\n`),
});
const stream = testStream({ frameBytes: 30_000 });
recorder.startEvent(
  { kind: "bell", zone: "", areaShare: 0, score: 1 },
  START_AT_MS,
  stream.take(100),
);
for (;;) {
  recorder.push(stream.next());
  await sleep(5);
}
