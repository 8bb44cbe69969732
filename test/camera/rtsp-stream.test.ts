import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CameraStream, type CameraStatus } from "../../src/camera/stream.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  jpegPicture,
  noisyFullHd,
  pictureAndTone,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
} from "../support/rtsp-server.ts";

const run = promisify(execFile);
const USER = { username: "viewer", password: 'colon:quote"back\\slash' };

interface Recorded extends AsyncDisposable {
  readonly stream: CameraStream;
  readonly fragments: Fragment[];
  readonly statuses: CameraStatus[];
  video(): Fragment[];
  sound(): Fragment[];
}

function record(url: string, options: { audio?: boolean; password?: string } = {}): Recorded {
  const fragments: Fragment[] = [];
  const statuses: CameraStatus[] = [];
  const { audio = false, password = USER.password } = options;
  const stream = CameraStream.start({
    camera: parseCameraId("front"),
    role: "main",
    source: { kind: "rtsp", url, username: USER.username, password, audio },
    clock: systemClock,
    onFragment: (fragment) => fragments.push(fragment),
    onStatus: (status) => statuses.push(status),
    timing: { silenceMs: 1_500, retryFirstMs: 200, retryMaxMs: 400 },
  });
  return {
    stream,
    fragments,
    statuses,
    video: () => fragments.filter(({ track }) => track === "video"),
    sound: () => fragments.filter(({ track }) => track === "audio"),
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

async function waitFor(isDone: () => boolean, limitMs = 15_000): Promise<void> {
  const startedMs = performance.now();
  while (!isDone()) {
    if (performance.now() - startedMs > limitMs) throw new Error("It did not happen in time");
    await sleep(20);
  }
}

interface Probed {
  readonly frames: number;
  /** From the first decode time to the end of the last. */
  readonly durationMs: number;
  readonly complaints: string;
}

/** Decodes an init segment and the fragments behind it, from first frame to last. */
async function probe(fragments: readonly Fragment[]): Promise<Probed> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-probe-"));
  try {
    const file = path.join(folder, "joined.mp4");
    const init = fragments[0]?.init.bytes ?? new Uint8Array();
    await writeFile(file, Buffer.concat([init, ...fragments.map(({ bytes }) => bytes)]));
    const probed = await run("ffprobe", [
      ...["-v", "error", "-count_frames", "-of", "json", file],
      ...["-show_entries", "stream=nb_read_frames:packet=dts_time,duration_time"],
    ]);
    const decoded = await run("ffmpeg", ["-v", "error", "-xerror", "-i", file, "-f", "null", "-"]);
    const { streams, packets } = JSON.parse(probed.stdout) as {
      streams: { nb_read_frames: string }[];
      packets: { dts_time: string; duration_time: string }[];
    };
    const end = Number(packets.at(-1)?.dts_time) + Number(packets.at(-1)?.duration_time);
    return {
      frames: Number(streams[0]?.nb_read_frames),
      durationMs: (end - Number(packets[0]?.dts_time)) * 1000,
      complaints: probed.stderr + decoded.stderr,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function spanMs(fragments: readonly Fragment[]): number {
  const first = fragments[0];
  const last = fragments.at(-1);
  if (first === undefined || last === undefined) return 0;
  return last.decodeTimeMs + last.durationMs - first.decodeTimeMs;
}

describe.skipIf(missingCommands(...RTSP_SERVER_COMMANDS))("a real RTSP server", () => {
  test("pictures with B-frames, joined from any key frame, decode whole and last as long as they took", async () => {
    await using server = await startRtspServer(USER);
    const recorded = record(server.mainUrl);
    await waitFor(() => recorded.video().length > 45);
    await recorded[Symbol.asyncDispose]();
    const video = recorded.video();
    const keys = video.flatMap((fragment, index) => (fragment.keyFrame ? [index] : []));
    expect(keys.length).toBeGreaterThan(2);
    for (const key of keys) {
      const joined = video.slice(key);
      const probed = await probe(joined);
      expect(probed.complaints).toBe("");
      expect(probed.frames).toBe(joined.length);
      expect(probed.durationMs).toBeCloseTo(spanMs(joined), -2);
    }
    expect(video.map((fragment) => fragment.sequence)).toEqual([...video.keys()]);
    expect(recorded.sound()).toEqual([]);
  });

  test("wall-clock times are those of this machine, whose clock the server shares", async () => {
    await using server = await startRtspServer({ ...USER, media: pictureAndTone() });
    await using recorded = record(server.mainUrl);
    const lateMs: number[] = [];
    let seen = 0;
    await waitFor(() => {
      for (const { wallClockMs } of recorded.video().slice(seen)) {
        lateMs.push(Date.now() - wallClockMs);
        seen += 1;
      }
      return seen > 60;
    });
    // The picture is looked at every 20 ms here.
    expect(Math.min(...lateMs)).toBeGreaterThan(-60);
    expect(Math.max(...lateMs)).toBeLessThan(200);
    const status = recorded.stream.status;
    expect(status).toMatchObject({ state: "streaming" });
    const times = recorded.video().map(({ wallClockMs }) => wallClockMs);
    expect(times).toEqual(times.toSorted((left, right) => left - right));
  });

  test("sound is a track of its own on the same time line", async () => {
    await using server = await startRtspServer({ ...USER, media: pictureAndTone() });
    const recorded = record(server.mainUrl, { audio: true });
    await waitFor(() => recorded.sound().length > 100);
    await recorded[Symbol.asyncDispose]();
    const [video, sound] = [recorded.video(), recorded.sound()];
    for (const track of [video, sound]) {
      const probed = await probe(track);
      expect(probed.complaints).toBe("");
      expect(probed.frames).toBe(track.length);
      expect(probed.durationMs).toBeCloseTo(spanMs(track), -2);
    }
    expect(sound[0]?.init).toMatchObject({ codec: "mp4a.40.2", timescale: 48_000 });
    // What was captured at the same instant stands at the same place.
    const shift = (fragment: Fragment | undefined): number =>
      (fragment?.wallClockMs ?? 0) - (fragment?.decodeTimeMs ?? 0);
    expect(Math.abs(shift(video.at(-1)) - shift(sound.at(-1)))).toBeLessThan(20);
    expect(
      Math.abs((video.at(-1)?.decodeTimeMs ?? 0) - (sound.at(-1)?.decodeTimeMs ?? 0)),
    ).toBeLessThan(400);
  });

  test("a stream that is cut and restored goes on on the same time line, with the gap that was", async () => {
    await using server = await startRtspServer({ ...USER, media: pictureAndTone() });
    const recorded = record(server.mainUrl);
    await waitFor(() => recorded.video().length > 20);
    await server.cut();
    const cutAtMs = Date.now();
    const before = recorded.video().length;
    await waitFor(() => recorded.statuses.some(({ state }) => state === "waiting-to-retry"));
    await server.restore();
    const restoredAtMs = Date.now();
    await waitFor(() => recorded.video().length > before + 20);
    await recorded[Symbol.asyncDispose]();
    const video = recorded.video();
    const last = video[before - 1];
    const next = video[before];
    expect(next?.keyFrame).toBe(true);
    expect(next?.sequence).toBe((last?.sequence ?? 0) + 2);
    const gapMs = (next?.decodeTimeMs ?? 0) - (last?.decodeTimeMs ?? 0);
    const wallGapMs = (next?.wallClockMs ?? 0) - (last?.wallClockMs ?? 0);
    expect(gapMs).toBeGreaterThan(restoredAtMs - cutAtMs - 100);
    expect(Math.abs(gapMs - wallGapMs)).toBeLessThan(250);
    const probed = await probe(video);
    expect(probed.complaints).toBe("");
    expect(probed.frames).toBe(video.length);
    expect(probed.durationMs).toBeCloseTo(spanMs(video), -2);
  });

  test("a camera that hangs is left, and taken up again when it works", async () => {
    await using server = await startRtspServer({ ...USER, media: pictureAndTone() });
    await using recorded = record(server.subUrl);
    await waitFor(() => recorded.video().length > 5);
    server.freeze();
    await waitFor(() =>
      recorded.statuses.some(
        (status) => status.state === "waiting-to-retry" && status.code === "SILENT",
      ),
    );
    server.thaw();
    const before = recorded.video().length;
    await waitFor(() => recorded.video().length > before + 5);
    expect(recorded.video()[before]?.keyFrame).toBe(true);
  });

  test("a wrong password, an unknown path and another codec are said by name", async () => {
    await using server = await startRtspServer({ ...USER, mounts: { jpeg: jpegPicture() } });
    const failure = async (mount: string, password?: string): Promise<CameraStatus> => {
      await using recorded = record(server.url(mount), password === undefined ? {} : { password });
      await waitFor(() => recorded.stream.status.state === "waiting-to-retry");
      return recorded.stream.status;
    };
    expect(await failure("main", "wrong")).toMatchObject({ code: "WRONG_PASSWORD" });
    expect(await failure("nowhere")).toMatchObject({ code: "NO_SUCH_STREAM" });
    expect(await failure("jpeg")).toMatchObject({
      code: "UNSUPPORTED_CODEC",
      message: "Cannot use video: the codec is JPEG",
    });
  });

  test("a second client of a running camera joins at its next key frame", async () => {
    await using server = await startRtspServer({ ...USER, media: noisyFullHd(), shared: true });
    await using first = record(server.mainUrl);
    await waitFor(() => first.video().length > 10);
    const second = record(server.mainUrl);
    await waitFor(() => second.video().length > 20);
    await second[Symbol.asyncDispose]();
    expect(second.video()[0]?.keyFrame).toBe(true);
    expect((await probe(second.video())).complaints).toBe("");
    expect(second.video().every(({ sequence }, index) => sequence === index)).toBe(true);
  });
});
