import { spawnSync } from "node:child_process";
import { concatBytes } from "../../src/protocol/bytes.ts";
import type { LiveFragment } from "../../src/protocol/live-frame.ts";

/** How many frames ffmpeg makes of a track's fragments. @throws Error for any complaint it has. */
export function decodeLive(
  init: Uint8Array,
  fragments: readonly LiveFragment[],
  track: "video" | "audio",
): number {
  const input = concatBytes(init, ...fragments.map(({ bytes }) => bytes));
  const entries = ["-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"];
  const result = spawnSync(
    "ffprobe",
    ["-v", "error", "-f", "mp4", "-select_streams", track.charAt(0), ...entries, "pipe:0"],
    { input, encoding: "utf8", maxBuffer: 1024 * 1024 },
  );
  if (result.stderr !== "") throw new Error(`ffprobe: ${result.stderr.slice(0, 1_000)}`);
  return Number(result.stdout.trim());
}
