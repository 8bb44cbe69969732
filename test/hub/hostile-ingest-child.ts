import { writeSync } from "node:fs";
import { concatBytes } from "../../src/protocol/bytes.ts";
import { encodePicture } from "../../src/camera/live-pipe.ts";
import { PICTURE_PIPE } from "../../src/ingest/messages.ts";
import { initOf, pictureOf } from "../support/test-live.ts";

// An ingest process that a camera has taken over: it says what its first message asks for.

const first = concatBytes(
  ...encodePicture(initOf()),
  ...encodePicture(pictureOf({ sequence: 1, keyFrame: true })),
);
const WORDS: Readonly<Record<string, readonly Uint8Array[]>> = {
  garbage: [new Uint8Array(1000).fill(0xff)],
  torn: [first.subarray(0, 50), first],
  huge: [Uint8Array.of(0, 0, 0, 0x70)],
};

process.on("message", (message: { readonly clipsDirectory?: string }) => {
  writeSync(PICTURE_PIPE, first);
  for (const bytes of WORDS[message.clipsDirectory ?? ""] ?? []) writeSync(PICTURE_PIPE, bytes);
});
process.on("disconnect", () => process.exit());
