import { execFileSync } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { findFfmpeg } from "../../src/base/ffmpeg.ts";
import { FragmentRing, RING_BYTES_MAX } from "../../src/camera/ring.ts";
import { ClipRecorder } from "../../src/clips/recorder.ts";
import { CameraMotion } from "../../src/ingest/motion.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import type { ClipDetail } from "../../src/protocol/api.ts";
import type { EventReason } from "../../src/protocol/clip.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { motionRulesOf } from "../../src/settings/motion.ts";
import { GreyFrames } from "../../src/vision/frames.ts";
import { MotionWatch } from "../../src/vision/motion-watch.ts";
import { VisionProcess } from "../../src/vision-process/process.ts";
import { cameraFragments, FILMED_AT_MS } from "../support/camera-fragments.ts";
import { missingCommands, sharedPath } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub } from "../support/test-hub.ts";
import { applySaid } from "../clips/apply-said.ts";

// From pictures of a person to the word in the ledger, with everything real in between.

const footage = sharedPath("media/clips/one-by-one-person-detection.mp4");
const isMissing = footage === null || missingCommands("ffmpeg", "bwrap");
const camera = parseCameraId("front");
const SETTINGS: CameraSettings = {
  ...{ id: "front", name: "Front", source: "rtsp", main: "rtsp://192.0.2.1/", sub: null },
  ...{ audio: false, faces: "keep", allowBasic: false, username: null, password: null },
};
/** What the decoder may still have of what it was given. */
const BEHIND_MS = 280;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

test.skipIf(isMissing)(
  "a person in the pictures is a person in the row, at the hub and in the ledger",
  { timeout: 60_000 },
  async () => {
    await using folder = temporaryFolder();
    const file = path.join(folder.path, "visit.mp4");
    // Somebody comes in after 6 s of it.
    execFileSync("ffmpeg", [
      ...["-v", "error", "-ss", "3", "-t", "8", "-i", footage ?? "", "-an", "-r", "15"],
      ...["-vf", "scale=640:360,setsar=1", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0"],
      ...["-g", "30", "-sc_threshold", "0", "-pix_fmt", "yuv420p", file],
    ]);
    const fragments = cameraFragments(file);
    await using hub = await startTestHub({ nowMs: FILMED_AT_MS });
    const { clips, ledger, household } = hub.hub.services;
    const problems: string[] = [];
    let taken: Promise<void> = Promise.resolve();
    await using vision = new VisionProcess(
      { onProblem: (message) => problems.push(message) },
      {
        ...{ onReady: () => undefined, onGone: () => undefined },
        ...{ onSegment: () => undefined, onPoster: () => undefined },
      },
    );
    const names: EventReason[] = [];
    {
      await using recorder = ClipRecorder.create({
        ...{ camera, clipsDirectory: path.join(hub.dataDirectory, "clips") },
        readers: () =>
          household.keyring && {
            recipients: [
              household.keyring.readers.originals,
              household.keyring.readers.recovery,
            ].map(parseRecipient),
            keyringHead: household.keyring.head,
            keyringEpoch: household.keyring.epoch,
          },
        emit: (event) => {
          if (event.type === "clip-named") names.push(event.why);
          taken = taken.then(() => applySaid(clips, JSON.parse(JSON.stringify(event))));
        },
        reportTrouble: ({ message }) => problems.push(message),
      });
      const ring = new FragmentRing({ durationMs: 12_000, sizeBytes: RING_BYTES_MAX });
      const { path: ffmpegPath } = await findFfmpeg();
      let seenMs = 0;
      await using motion = CameraMotion.open({
        ...{ camera, settings: SETTINGS, ring, recorder, vision, isStopping: () => false },
        watch: (settings, onEvent) =>
          MotionWatch.open({
            pictures: (onFrame) =>
              GreyFrames.open({
                ...{ ffmpegPath, clock: systemClock, onProblem: (text) => problems.push(text) },
                onFrame: (frame) => {
                  seenMs = frame.atMs;
                  onFrame(frame);
                },
              }),
            ...{ rules: motionRulesOf(settings), alwaysLook: true, onEvent },
          }),
      });
      // As for a camera whose event before this one was a moment ago.
      await until(() => vision.wake());
      for (const fragment of fragments) {
        ring.push(fragment);
        recorder.push(fragment);
        motion.push(fragment);
        if (fragment.keyFrame) await until(() => seenMs >= fragment.wallClockMs - BEHIND_MS);
      }
      await until(() => names.length > 0);
    }
    await taken;
    expect(problems).toEqual([]);
    const { clips: listed } = clips.list();
    expect(listed).toHaveLength(1);
    const [clip] = listed;
    expect(clip).toMatchObject({ camera: "front", kind: "person", state: "closed" });
    const answer = await hub.call("GET", `/api/clips/${clip?.id}`, { as: hub.owner });
    expect(answer.json<ClipDetail>()).toMatchObject({ kind: "person", why: names[0] });
    const entry = ledger.entries().find((each) => each.entry.kind === "clip")?.entry;
    expect(entry).toMatchObject({ clip: clip?.id, event: "person" });
    // Four words and numbers of the motion, and nothing of where a person was seen.
    expect(Object.keys(names[0] ?? {}).toSorted()).toEqual(["areaShare", "kind", "score", "zone"]);
    expect(names[0]?.zone).toBe("whole picture");
  },
);
