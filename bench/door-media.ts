import { cachedMedia } from "../test/support/rtsp-server.ts";

/** A patterned figure crosses a faintly noisy wall at these seconds. */
const VISITS = [14, 32];
const LENGTH_S = 180;

function door(width: number, height: number): string[] {
  const figure = { width: Math.round(width * 0.09), height: Math.round(height * 0.42) };
  const speed = width * 0.36;
  const walks = VISITS.map((at) => `between(t,${at},${at + 3})*(t-${at})*${speed}`).join("+");
  const size = `s=${width}x${height}:r=15:d=${LENGTH_S}`;
  const graph = [
    `color=gray:${size},noise=alls=3:allf=t[wall]`,
    `testsrc2=s=${figure.width}x${figure.height}:r=15:d=${LENGTH_S}[figure]`,
    `[wall][figure]overlay=x='-${figure.width}+${walks}':y=${Math.round(height * 0.4)}`,
  ].join(";");
  return ["-f", "lavfi", "-i", graph];
}

const QUALITY = [
  ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-crf", "27"],
  ...["-bf", "0", "-g", "30", "-sc_threshold", "0", "-pix_fmt", "yuv420p"],
];

/** 640x360, 15 a second, three minutes: two visits in the first 35 s, then nobody. */
export function quietDoor(): string {
  return cachedMedia("quiet-door", [...door(640, 360), ...QUALITY]);
}

/** The same as a main stream. */
export function quietDoorFullHd(): string {
  return cachedMedia("quiet-door-1080p", [...door(1920, 1080), ...QUALITY]);
}

/** 640x360, 15 a second: a test pattern that never rests. */
export function busyDoor(): string {
  return cachedMedia("busy-door", [
    ...["-f", "lavfi", "-i", `testsrc2=s=640x360:r=15:d=60,noise=alls=8:allf=t`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-bf", "0"],
    ...["-b:v", "500k", "-maxrate", "500k", "-bufsize", "500k", "-g", "30"],
    ...["-pix_fmt", "yuv420p"],
  ]);
}

/** A source that is not H.264 and has to be encoded: MPEG-4 part 2, noisy, 1080p15 at 8 Mbit/s. */
export function olderCodec(): string {
  return cachedMedia("older-codec", [
    ...["-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=15:duration=20"],
    ...["-vf", "noise=alls=10:allf=t", "-c:v", "mpeg4", "-b:v", "8M", "-g", "30"],
  ]);
}
