import { Socket } from "node:net";
import { setPriority } from "node:os";
import { findFfmpeg } from "./base/ffmpeg.ts";
import { OpenDetectors } from "./vision/blurring/open-detectors.ts";
import {
  FOOTAGE_IN_PIPE,
  FOOTAGE_OUT_PIPE,
  readToVisionMessage,
  type VisionMessage,
} from "./vision-process/messages.ts";
import { encodeFootage, toVisionReader } from "./vision-process/pipe.ts";
import { VisionWork } from "./vision-process/work.ts";

/**
 * The vision process: looks at pictures and covers faces in them. It has no key, no socket and no
 * file but the networks; pictures are in its memory only, and it ends when the ingest process does.
 * What goes wrong with a recording is answered; whatever else goes wrong ends it.
 */
const LOAD_EVERY_MS = 5_000;
/** What is recorded and shown live comes first. */
const NICENESS = 5;

function say(message: VisionMessage): void {
  if (process.connected) process.send?.(message);
}

// Before anything is awaited: whoever started this may be gone in the meantime.
process.on("disconnect", () => process.exit(0));
process.on("message", (value: unknown) => {
  // The only message: nothing is kept, so there is nothing to close.
  readToVisionMessage(value);
  process.exit(0);
});
try {
  setPriority(NICENESS);
} catch {
  // A filter of system calls may refuse it: then it works as fast as what records, no less.
}

const output = new Socket({ fd: FOOTAGE_OUT_PIPE, readable: false, writable: true });
const input = new Socket({ fd: FOOTAGE_IN_PIPE, readable: true, writable: false });
// The ingest process is gone, or has given this one up.
for (const pipe of [output, input]) pipe.on("error", () => process.exit(1));
input.on("close", () => process.exit(1));

const work = new VisionWork({
  ffmpegPath: (await findFfmpeg()).path,
  // What is not answered then is tried once more, in a process that has all its threads.
  detectors: new OpenDetectors({ onStuck: () => process.exit(1) }),
  give: (message) => {
    // Nobody here needs it any more: a still may be a clear one.
    for (const part of encodeFootage(message)) output.write(part, () => part.fill(0));
  },
  say,
});
const reader = toVisionReader((message) => work.take(message));
input.on("data", (chunk: Uint8Array) => {
  reader.push(chunk);
  // The reader has its own copy, which is wiped when its recording is done with.
  chunk.fill(0);
});
setInterval(() => {
  if (work.isBusy) say(work.load());
}, LOAD_EVERY_MS);
