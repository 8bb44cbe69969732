import { setTimeout as sleep } from "node:timers/promises";
import { ClipRecorder } from "../../src/clips/recorder.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { parseSha256Hex } from "../../src/protocol/ids.ts";
import { CAMERA, FRAME_MS, testStream } from "../clips/test-stream.ts";

/**
 * `recorder-child.ts CLIPS_DIRECTORY PACE FRAME_BYTES SECONDS KEYRING_HEAD RECIPIENT...`: the real
 * recorder in a process of its own, a film of ten frames a second `PACE` times as fast as it is, a
 * clip each `SECONDS` of it, until it is ended. What it says goes out as JSON lines.
 */
const [clipsDirectory = "", pace = "", frameBytes = "", seconds = "", head = "", ...recipients] =
  process.argv.slice(2);
const say = (message: object): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};
process.stdout.on("error", () => process.exit(0));
const recorder = ClipRecorder.create({
  camera: CAMERA,
  clipsDirectory,
  readers: () => ({
    recipients: recipients.map(parseRecipient),
    keyringHead: parseSha256Hex(head),
    keyringEpoch: 0,
  }),
  emit: (event) => say({ event }),
  reportTrouble: (trouble) => say({ trouble: trouble.code }),
});
const stream = testStream({ frameBytes: Number(frameBytes), startAtMs: Date.now() });
const framesAClip = Number(seconds) * 10;
/** Later than this, what was missed is not made up for: the film goes on from there. */
const LATE_MS = 500;
let dueAtMs = performance.now();
for (let frame = 0; ; frame += 1) {
  const fragment = stream.next();
  if (frame % framesAClip === 0) {
    recorder.stop();
    const why = { kind: "motion", zone: "door", areaShare: 0.1, score: 1 } as const;
    recorder.startEvent(why, fragment.wallClockMs, []);
  }
  recorder.push(fragment);
  recorder.push(stream.sound());
  if (frame % 10 === 9) say({ pushedMs: Math.round(fragment.wallClockMs + FRAME_MS) });
  dueAtMs = Math.max(dueAtMs + FRAME_MS / Number(pace), performance.now() - LATE_MS);
  await sleep(Math.max(0, dueAtMs - performance.now()));
}
