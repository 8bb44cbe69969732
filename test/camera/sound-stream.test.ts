import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CameraStream, type CameraStatus } from "../../src/camera/stream.ts";
import { joinSegments } from "../../src/cli/join-segments.ts";
import type { OpenedSegment } from "../../src/owner/movie.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { openAge } from "../clips/age-oracle.ts";
import { folder, motion, reader, startRecorder } from "../clips/test-recorder.ts";
import { flashesAndTones } from "../support/flash-and-tone.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  flashAndTone,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";

const SOUND_MS = 7_000;

interface Watched extends AsyncDisposable {
  readonly fragments: Fragment[];
  readonly status: () => CameraStatus;
}

function watch(url: string, audio: boolean, onFragment?: (fragment: Fragment) => void): Watched {
  const fragments: Fragment[] = [];
  const stream = CameraStream.start({
    ...{ camera: parseCameraId("front"), role: "main", clock: systemClock },
    source: { kind: "rtsp", url, audio },
    onFragment: (fragment) => {
      fragments.push(fragment);
      onFragment?.(fragment);
    },
    onStatus: () => undefined,
  });
  return {
    fragments,
    status: () => stream.status,
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

async function waitFor(isDone: () => boolean, limitMs = 25_000): Promise<void> {
  const startedMs = performance.now();
  while (!isDone()) {
    if (performance.now() - startedMs > limitMs) throw new Error("It did not happen in time");
    await sleep(20);
  }
}

/** Records a stream as the hub does, and writes what an owner's `open` would write. */
async function recordAndOpen(url: string, name: string) {
  const recording = startRecorder();
  recording.recorder.startEvent(motion, Date.now(), []);
  const watched = watch(url, true, (fragment) => recording.recorder.push(fragment));
  const soundMs = (): number =>
    watched.fragments
      .filter(({ track }) => track === "audio")
      .reduce((sum, { durationMs }) => sum + durationMs, 0);
  await waitFor(() => soundMs() > SOUND_MS);
  const status = watched.status();
  await watched[Symbol.asyncDispose]();
  await recording.recorder[Symbol.asyncDispose]();
  expect(recording.trouble).toEqual([]);
  const [clip] = recording.clips();
  if (!clip) throw new Error("nothing was recorded");
  const opened: OpenedSegment[] = [];
  for (const file of clip.files)
    opened.push({
      file,
      plaintext: await openAge(readFileSync(recording.pathOf(clip, file)), reader.identity),
    });
  const out = path.join(folder, `${name}.mp4`);
  expect(await joinSegments(opened, out)).toEqual([out]);
  return { out, files: clip.files, status };
}

describe.skipIf(missingCommands(...RTSP_SERVER_COMMANDS, "ffprobe"))(
  "sound of a real RTSP server, from the camera to the file that an owner opens",
  () => {
    let server: RtspServer;
    beforeAll(async () => {
      server = await startRtspServer({
        media: flashAndTone("pcm_mulaw"),
        mounts: { aac: flashAndTone("aac"), pcma: flashAndTone("pcm_alaw") },
      });
    });
    afterAll(() => server?.[Symbol.asyncDispose]());

    test.concurrent.for([
      ["PCMU", "main"],
      ["PCMA", "pcma"],
      ["AAC", "aac"],
    ] as const)("%s is heard when its picture is seen", async ([name, mount], { expect }) => {
      const { out, files, status } = await recordAndOpen(server.url(mount), name);
      expect(status).toMatchObject({ sound: { state: "on", codec: "mp4a.40.2" } });
      const sounds = files.filter(({ track }) => track === "audio");
      expect(sounds.length).toBeGreaterThanOrEqual(1);
      expect(sounds.every(({ rendition }) => rendition === "original")).toBe(true);
      const probed = execFileSync(
        "ffprobe",
        ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", out],
        { encoding: "utf8" },
      );
      expect(probed.trim().split("\n")).toEqual(["h264", "aac"]);
      const { flashes, tones } = flashesAndTones(out);
      expect(tones.length).toBeGreaterThanOrEqual(2);
      const offsets = tones.map((tone) =>
        flashes
          .map((flash) => (tone - flash) * 1_000)
          .reduce((best, each) => (Math.abs(each) < Math.abs(best) ? each : best), Infinity),
      );
      console.info(
        `${name}: sound after picture ${offsets.map((ms) => ms.toFixed(1)).join(", ")} ms`,
      );
      // The tone that sound began with may have begun before it.
      for (const offset of offsets.slice(1)) expect(Math.abs(offset)).toBeLessThanOrEqual(40);
    });

    test.concurrent("where it is off, it is not even asked for", async ({ expect }) => {
      await using watched = watch(server.mainUrl, false);
      await waitFor(() => watched.fragments.length > 60);
      expect(watched.fragments.filter(({ track }) => track === "audio")).toEqual([]);
      await waitFor(() => watched.status().state === "streaming");
      expect(watched.status()).toMatchObject({ sound: { state: "off" } });
    });
  },
);
