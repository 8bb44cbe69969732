import { spawnSync } from "node:child_process";
import { cachedMedia } from "./rtsp-server.ts";

const QUIET = "log-level=none";

/** H.265 as a good camera sends it: 1920 x 1080, B-frames, open groups (CRA with leading pictures). */
export function hevcFullHd(): string {
  return cachedMedia("hevc-1080p15", [
    ...["-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=15:duration=6"],
    ...["-vf", "noise=alls=8:allf=t", "-c:v", "libx265", "-preset", "ultrafast"],
    ...["-x265-params", `${QUIET}:keyint=30:min-keyint=30:bframes=3:b-adapt=0:open-gop=1`],
    ...["-b:v", "3M", "-tag:v", "hvc1", "-pix_fmt", "yuv420p"],
  ]);
}

/** Several slices a picture, closed groups, an odd size that needs the conformance window. */
export function hevcSlices(): string {
  return cachedMedia("hevc-slices", [
    ...["-f", "lavfi", "-i", "testsrc2=size=426x240:rate=10:duration=4"],
    ...["-vf", "noise=alls=8:allf=t", "-c:v", "libx265", "-preset", "ultrafast"],
    ...["-x265-params", `${QUIET}:keyint=10:min-keyint=10:slices=3:ctu=16:bframes=0:open-gop=0`],
    ...["-tag:v", "hvc1", "-pix_fmt", "yuv420p"],
  ]);
}

/** A hash of every decoded picture, in the order in which they are shown. */
export function decodedHashes(file: string): string[] {
  const decoded = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-xerror", "-i", file, "-map", "0:v", "-fps_mode", "passthrough"],
      ...["-f", "framemd5", "-"],
    ],
    { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (decoded.status !== 0 || decoded.stderr !== "")
    throw new Error(`Cannot decode ${file}: ${decoded.stderr}`);
  return decoded.stdout
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").at(-1)?.trim() ?? "");
}
