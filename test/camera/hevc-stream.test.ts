import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CameraStream, type CameraStatus } from "../../src/camera/stream.ts";
import { joinSegments } from "../../src/cli/join-segments.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { GreyFrames } from "../../src/vision/frames.ts";
import { decodedHashes, hevcFullHd, hevcSlices } from "../support/hevc-media.ts";
import { missingCommands } from "../support/requirements.ts";
import { RTSP_SERVER_COMMANDS, startRtspServer } from "../support/rtsp-server.ts";

interface Recorded extends AsyncDisposable {
  readonly stream: CameraStream;
  readonly fragments: Fragment[];
  readonly statuses: CameraStatus[];
}

function record(url: string): Recorded {
  const fragments: Fragment[] = [];
  const statuses: CameraStatus[] = [];
  const stream = CameraStream.start({
    camera: parseCameraId("front"),
    role: "main",
    source: { kind: "rtsp", url, audio: false },
    clock: systemClock,
    onFragment: (fragment) => fragments.push(fragment),
    onStatus: (status) => statuses.push(status),
  });
  return {
    ...{ stream, fragments, statuses },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

async function waitFor(isDone: () => boolean): Promise<void> {
  const startedMs = performance.now();
  while (!isDone()) {
    if (performance.now() - startedMs > 20_000) throw new Error("It did not happen in time");
    await sleep(20);
  }
}

/** Segments as the recorder cuts them: each from a key frame on, `init` in front. */
function segments(fragments: readonly Fragment[]): Buffer[] {
  const starts = fragments.flatMap(({ keyFrame }, index) => (keyFrame ? [index] : []));
  return starts.map((start, index) => {
    const own = fragments.slice(start, starts[index + 1] ?? fragments.length);
    return Buffer.concat([own[0]?.init.bytes ?? Buffer.alloc(0), ...own.map(({ bytes }) => bytes)]);
  });
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-hevc-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Whether `part` stands in `whole` played over and over, in this order and without a gap. */
function isWithin(part: readonly string[], whole: readonly string[]): boolean {
  return whole.some((_, start) =>
    part.every((hash, index) => hash === whole[(start + index) % whole.length]),
  );
}

describe.skipIf(missingCommands(...RTSP_SERVER_COMMANDS))("a camera that sends H.265", () => {
  test.each([
    { what: "B-frames in open groups, 1080p", media: hevcFullHd, codec: "hvc1.1.6.L120.90" },
    { what: "three slices a picture", media: hevcSlices, codec: "hvc1.1.6.L60.90" },
  ])("$what: the recording decodes to the pictures that were sent", async ({ media, codec }) => {
    const file = media();
    await using server = await startRtspServer({ media: file });
    const recorded = record(server.mainUrl);
    await waitFor(() => recorded.fragments.filter(({ keyFrame }) => keyFrame).length > 3);
    await recorded[Symbol.asyncDispose]();
    const { fragments } = recorded;
    expect(recorded.statuses.find(({ state }) => state === "streaming")).toMatchObject({ codec });
    expect(fragments.map(({ sequence }) => sequence)).toEqual([...fragments.keys()]);
    const hashes = await inFolder(async (folder) => {
      const opened = segments(fragments).map((plaintext, segment) => ({
        file: { segment, track: "video" as const, rendition: "original" as const },
        plaintext,
      }));
      const written = await joinSegments(opened as never, path.join(folder, "joined.mp4"));
      expect(written).toHaveLength(1);
      return decodedHashes(written[0] ?? "");
    });
    expect(hashes).toHaveLength(fragments.length);
    expect(isWithin(hashes, decodedHashes(file))).toBe(true);
  });

  test("its key frames and all between them can be looked at for motion", async () => {
    await using server = await startRtspServer({ media: hevcFullHd() });
    const problems: string[] = [];
    const times: number[] = [];
    await using frames = GreyFrames.open({
      ffmpegPath: "/usr/bin/ffmpeg",
      clock: systemClock,
      onFrame: ({ atMs }) => times.push(atMs),
      onProblem: (problem) => problems.push(problem),
    });
    await using recorded = record(server.mainUrl);
    let fed = 0;
    await waitFor(() => {
      for (const fragment of recorded.fragments.slice(fed)) frames.push(fragment);
      fed = recorded.fragments.length;
      return times.length > 12;
    });
    expect(problems).toEqual([]);
    expect(times).toEqual(times.toSorted((left, right) => left - right));
  });
});
