import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";

const execFileAsync = promisify(execFile);

/** Wall clock that made-up footage starts at. */
export const FOOTAGE_STARTS_AT_MS = Date.UTC(2026, 0, 1, 12);

interface Box {
  readonly type: string;
  readonly bytes: Uint8Array;
}

function boxes(bytes: Buffer): Box[] {
  const found: Box[] = [];
  for (let offset = 0; offset + 8 <= bytes.length;) {
    const sizeBytes = bytes.readUInt32BE(offset);
    const type = bytes.toString("latin1", offset + 4, offset + 8);
    found.push({ type, bytes: bytes.subarray(offset, offset + sizeBytes) });
    offset += sizeBytes;
  }
  return found;
}

/**
 * Runs ffmpeg with `input` arguments and cuts what comes out into one fragment per access unit, as
 * a camera's would be: 640x360 H.264 at `framesPerSecond`, a key frame every two seconds.
 */
export async function fragmentsFromFfmpeg(
  input: readonly string[],
  { framesPerSecond = 15, size = "640x360" }: { framesPerSecond?: number; size?: string } = {},
): Promise<Fragment[]> {
  const filter = `fps=${framesPerSecond},scale=${size.replace("x", ":")},setsar=1,format=yuv420p`;
  const { stdout } = await execFileAsync(
    "ffmpeg",
    [
      ...["-hide_banner", "-nostdin", "-loglevel", "error", ...input, "-an", "-vf", filter],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", "28"],
      ...["-g", String(framesPerSecond * 2), "-bf", "0", "-video_track_timescale", "90000"],
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
    ],
    { encoding: "buffer", maxBuffer: 512 * 1024 * 1024 },
  );
  const all = boxes(stdout);
  const initBytes = Buffer.concat(
    all.filter(({ type }) => type === "ftyp" || type === "moov").map(({ bytes }) => bytes),
  );
  const [width = 0, height = 0] = size.split("x").map(Number);
  const init: TrackInit = {
    track: "video",
    codec: "avc1.42c01e",
    timescale: 90_000,
    width,
    height,
    bytes: initBytes,
  };
  const durationMs = 1000 / framesPerSecond;
  const fragments: Fragment[] = [];
  let head: Uint8Array | undefined;
  for (const { type, bytes } of all) {
    if (type === "moof") head = bytes;
    if (type !== "mdat" || !head) continue;
    const sequence = fragments.length;
    const decodeTimeMs = sequence * durationMs;
    fragments.push({
      camera: parseCameraId("front"),
      track: "video",
      sequence,
      decodeTimeMs,
      durationMs,
      keyFrame: sequence % (framesPerSecond * 2) === 0,
      wallClockMs: FOOTAGE_STARTS_AT_MS + decodeTimeMs,
      bytes: Buffer.concat([head, bytes]),
      init,
    });
  }
  return fragments;
}
