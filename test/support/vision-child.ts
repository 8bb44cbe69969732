import { closeSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import {
  FOOTAGE_IN_PIPE,
  FOOTAGE_OUT_PIPE,
  type FromVision,
} from "../../src/vision-process/messages.ts";
import { encodeFootage, toVisionReader } from "../../src/vision-process/pipe.ts";

// A vision process that does not blur, but answers: of each picture, the head of its slice is left and
// zeros. The camera of a job says how it misbehaves.

/** Its length, its kind, and where in the picture it begins. */
const SLICE_HEAD_BYTES = 6;

type Segment = Extract<FromVision, { type: "segment" }>;

let camera = "";
const held: Segment[] = [];

function say(message: FromVision): void {
  for (const part of encodeFootage(message)) writeSync(FOOTAGE_OUT_PIPE, part);
}

function blank(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  const moofBytes = new DataView(out.buffer).getUint32(0);
  out.fill(0, moofBytes + 8 + SLICE_HEAD_BYTES);
  return out;
}

/** What each kind of camera makes of an honest answer. */
const MISDEEDS: Readonly<Record<string, (answer: Segment) => void>> = {
  die: () => process.kill(process.pid, "SIGKILL"),
  hang: () => undefined,
  "hang-saying-it-works": () => {
    setInterval(() => process.send?.({ type: "load", detectMs: 1, frameMs: 1, frames: 0 }), 20);
  },
  twice: (answer) => {
    say(answer);
    say(answer);
  },
  garbage: () => void writeSync(FOOTAGE_OUT_PIPE, new Uint8Array(64).fill(0xff)),
  "strange-message": () => void process.send?.({ type: "embedding", values: [1, 2, 3] }),
  "closes-its-pipe": () => closeSync(FOOTAGE_OUT_PIPE),
};

const reader = toVisionReader((message) => {
  switch (message.type) {
    case "begin":
      camera = message.camera;
      return;
    case "segment": {
      const { job, segment, init, fragments } = message;
      const frames = fragments.length;
      const answer: Segment = {
        ...{ type: "segment", job, segment, outcome: "blurred", reason: null },
        ...{ frames, framesLooked: frames, init },
        fragments: fragments.map((each) => ({ ...each, bytes: blank(each.bytes) })),
      };
      const misdeed = MISDEEDS[camera];
      if (misdeed) misdeed(answer);
      else held.push(answer);
      // As the real one: the answer to one waits for the next.
      if (held.length > 1) held.splice(0, held.length - 1).forEach(say);
      return;
    }
    case "end":
      held.splice(0).forEach(say);
      return;
    case "look-footage":
      process.send?.({
        ...{ type: "objects", look: message.look, atMs: message.fragments[0]?.wallClockMs ?? 0 },
        objects: [{ kind: "person", x: 0.1, y: 0.2, width: 0.3, height: 0.4, score: 0.9 }],
      });
      return;
    case "drop":
      held.splice(0);
      return;
    case "look":
    case "look-end":
  }
});
const input = new Socket({ fd: FOOTAGE_IN_PIPE, readable: true, writable: false });
input.on("data", (chunk) => reader.push(chunk));
process.on("message", () => process.exit(0));
process.on("disconnect", () => process.exit(0));
