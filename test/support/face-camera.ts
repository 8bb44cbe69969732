import { cachedMedia } from "./rtsp-server.ts";
import { sharedPath } from "./requirements.ts";

/**
 * Two people who turn their heads without pause, labelled footage at four pictures a second so that it
 * is blurred fast enough for a test; null where it is not there.
 */
export function turningHeads(): string | null {
  const labelled = sharedPath("media/clips/head-pose.mp4");
  if (labelled === null) return null;
  return cachedMedia("turning-heads", [
    ...["-i", labelled, "-vf", "fps=4", "-an", "-c:v", "libx264", "-preset", "veryfast"],
    ...["-bf", "0", "-g", "4", "-crf", "20", "-pix_fmt", "yuv420p"],
  ]);
}
