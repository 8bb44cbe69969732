import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { once } from "node:events";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { projectRoot, sharedPath } from "./requirements.ts";

/** Programs and bindings that {@link startRtspServer} needs. */
export const RTSP_SERVER_COMMANDS = ["ffmpeg", "/usr/bin/python3"] as const;

export interface RtspServerOptions {
  /** File for the main stream, sent without being encoded again; by default labelled footage. */
  readonly media?: string;
  /** Further mounts by name; `main` and `sub` are always there. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Digest authentication; without it the server is open. */
  readonly username?: string;
  readonly password?: string;
  readonly basic?: boolean;
  /** Where it listens, and the command within which it runs, as of another network namespace. */
  readonly address?: string;
  readonly within?: readonly string[];
  /** All clients of a mount share one stream, as with a real camera, and join it in the middle. */
  readonly shared?: boolean;
  /** Length of each packet of telephone sound; 20 by default. */
  readonly packetMs?: number;
}

/** A third-party RTSP server (GStreamer's), playing files in a loop on 127.0.0.1. */
export interface RtspServer extends AsyncDisposable {
  /** Without user name and password. */
  readonly mainUrl: string;
  readonly subUrl: string;
  readonly port: number;
  readonly pid: number;
  url(mount: string): string;
  /** Ends the server: every stream breaks off and nobody answers. */
  cut(): Promise<void>;
  /** Starts it again on the same port. */
  restore(): Promise<void>;
  /** Stops and continues sending without closing a connection: a camera that hangs. */
  freeze(): void;
  thaw(): void;
}

const SCRIPT = path.join(projectRoot, "test/peers/gst-rtsp-server.py");

export async function startRtspServer(options: RtspServerOptions = {}): Promise<RtspServer> {
  const media = options.media ?? defaultMedia();
  const mounts = { main: media, sub: scaledCopy(media), ...options.mounts };
  let running = await launch(options, mounts, 0);
  const { port } = running;
  const { address = "127.0.0.1" } = options;
  const url = (mount: string): string => `rtsp://${address}:${port}/${mount}`;
  const cut = async (): Promise<void> => {
    if (running.child.exitCode !== null || running.child.signalCode !== null) return;
    const exited = once(running.child, "exit");
    running.child.kill("SIGKILL");
    await exited;
  };
  return {
    mainUrl: url("main"),
    subUrl: url("sub"),
    port,
    get pid() {
      return running.child.pid ?? 0;
    },
    url,
    cut,
    async restore() {
      await cut();
      running = await launch(options, mounts, port);
    },
    freeze: () => void running.child.kill("SIGSTOP"),
    thaw: () => void running.child.kill("SIGCONT"),
    [Symbol.asyncDispose]: cut,
  };
}

/** A noisy picture, so that codecs have to work: 1920 x 1080, 15 a second, 4 Mbit/s, 20 s. */
export function noisyFullHd(): string {
  return cachedMedia("noisy-1080p15", [
    ...["-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=15:duration=20"],
    ...["-vf", "noise=alls=24:allf=t", "-c:v", "libx264", "-preset", "ultrafast"],
    ...["-tune", "zerolatency", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "2M"],
    ...["-g", "30", "-pix_fmt", "yuv420p"],
  ]);
}

/** A moving picture with a tone: 640 x 360, 15 a second, H.264 and AAC, 20 s. */
export function pictureAndTone(): string {
  return cachedMedia("picture-and-tone", [
    ...["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=15:duration=20"],
    ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=20"],
    ...["-vf", "noise=alls=10:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-g", "15"],
    ...["-b:v", "1M", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-shortest"],
  ]);
}

/**
 * A flash and a tone of 100 ms at the same time, every 2 s from second 1 on, where it is else black
 * and silent: 320 x 180, 25 a second, 20 s.
 */
export function flashAndTone(sound: "aac" | "pcm_mulaw" | "pcm_alaw"): string {
  const isOn = "lt(mod(t+1\\,2)\\,0.1)";
  const encoder = sound === "aac" ? ["-c:a", "aac", "-ar", "48000"] : ["-c:a", sound, "-f", "mov"];
  return cachedMedia(`flash-and-${sound}`, [
    ...["-f", "lavfi", "-i", "color=black:size=320x180:rate=25:duration=20"],
    ...["-f", "lavfi", "-i", `aevalsrc=0.6*sin(2*PI*1000*t)*${isOn}:s=8000:d=20`],
    ...["-vf", `drawbox=t=fill:c=white:enable=${isOn}`, "-c:v", "libx264", "-preset", "ultrafast"],
    ...["-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p", ...encoder],
  ]);
}

/** The same picture as H.265. */
export function hevcPicture(): string {
  return cachedMedia("hevc", [
    ...["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=4"],
    ...["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"],
    ...["-tag:v", "hvc1", "-pix_fmt", "yuv420p"],
  ]);
}

/** A moving picture as JPEG pictures, which the hub does not take over RTSP. */
export function jpegPicture(): string {
  return cachedMedia("jpeg", [
    ...["-f", "lavfi", "-i", "testsrc2=size=320x176:rate=10:duration=2"],
    ...["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"],
  ]);
}

function defaultMedia(): string {
  return sharedPath("media/clips/one-by-one-person-detection.mp4") ?? pictureAndTone();
}

/** The sub stream of a file: 640 x 360, a key frame every 2 s at the file's own rate, no sound. */
export function scaledCopy(media: string): string {
  const name = `sub-${createHash("sha256").update(media).digest("hex").slice(0, 12)}`;
  return cachedMedia(name, [
    ...["-i", media, "-an", "-vf", "scale=640:360", "-c:v", "libx264", "-preset", "ultrafast"],
    ...["-tune", "zerolatency", "-force_key_frames", "expr:gte(t,n_forced*2)"],
    ...["-crf", "28", "-pix_fmt", "yuv420p"],
  ]);
}

/** Made once for each machine: encoding is the slow part of these tests. */
export function cachedMedia(
  name: string,
  encoderArguments: readonly string[],
  ending = "mp4",
): string {
  const recipe = createHash("sha256").update(encoderArguments.join("\0")).digest("hex").slice(0, 8);
  const folder = path.join(os.tmpdir(), "doorward-test-media");
  const file = path.join(folder, `${name}-${recipe}.${ending}`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  // Two test processes may make it at the same time; the rename decides.
  const partial = `${file}.${process.pid}.${ending}`;
  const faststart = ending === "mp4" ? ["-movflags", "+faststart"] : [];
  const result = spawnSync(
    "ffmpeg",
    ["-v", "error", "-nostdin", "-y", ...encoderArguments, ...faststart, partial],
    { encoding: "utf8" },
  );
  if (result.status !== 0) throw new Error(`Cannot make test media ${name}: ${result.stderr}`);
  renameSync(partial, file);
  return file;
}

async function launch(
  options: RtspServerOptions,
  mounts: Readonly<Record<string, string>>,
  port: number,
): Promise<{ child: ChildProcess; port: number }> {
  const { username, password = "", basic = false, shared = false } = options;
  const { address = "127.0.0.1", within = [] } = options;
  const flags = [
    ...Object.entries(mounts).flatMap(([name, file]) => ["--mount", `${name}=${file}`]),
    ...["--port", String(port), "--address", address],
    ...(username === undefined ? [] : ["--user", username]),
    ...(basic ? ["--basic"] : []),
    ...(shared ? ["--shared"] : []),
    ...(options.packetMs === undefined ? [] : ["--packet-ms", String(options.packetMs)]),
  ];
  // The server ends when its input closes, so it cannot outlive this process either.
  const [program = "", ...args] = [...within, "/usr/bin/python3", SCRIPT, ...flags];
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, RTSP_PASSWORD: password, GST_DEBUG: "0" },
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const ready = JSON.parse(line) as { port: number };
    return { child, port: ready.port };
  }
  throw new Error("Cannot start the RTSP server: it ended before it was ready");
}
