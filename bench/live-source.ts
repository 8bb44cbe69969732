import { LiveSender } from "../src/camera/live-sender.ts";
import { FragmentRing } from "../src/camera/ring.ts";
import type { ToIngest } from "../src/ingest/messages.ts";
import { picturePipe } from "../src/ingest/pipe.ts";
import type { TrackInit } from "../src/protocol/fragment.ts";
import { FRONT, VIDEO_INIT } from "../test/support/test-live.ts";

// Stands where the ingest process stands, with its ring, its sender and its pipe, and pushes
// pictures of a 1080p15 camera at 4 Mbit/s, each stamped with the moment when it is pushed.

const FRAMES_A_SECOND = 15;
const GROUP_FRAMES = 30;
const KEY_FRAME_BYTES = 150 * 1024;
const FRAME_BYTES = 29 * 1024;

const sender = new LiveSender(picturePipe());
const ring = new FragmentRing();
const init: TrackInit = { ...VIDEO_INIT, width: 1920, height: 1080 };
let sequence = 0;

process.on("message", (message: ToIngest) => {
  if (message.type === "watch") sender.watch(message.camera, message.stream, message.on);
});
process.on("disconnect", () => process.exit());
sender.offer(FRONT, "main", ring);
setInterval(() => {
  const keyFrame = sequence % GROUP_FRAMES === 0;
  ring.push({
    ...{ camera: FRONT, track: "video", sequence, keyFrame, init },
    ...{ decodeTimeMs: (sequence * 1000) / FRAMES_A_SECOND, durationMs: 1000 / FRAMES_A_SECOND },
    wallClockMs: performance.timeOrigin + performance.now(),
    bytes: new Uint8Array(keyFrame ? KEY_FRAME_BYTES : FRAME_BYTES).fill(sequence),
  });
  sequence += 1;
}, 1000 / FRAMES_A_SECOND);
