import { setTimeout } from "node:timers/promises";
import { systemClock } from "../src/base/clock.ts";
import { createMp4Reader } from "../src/camera/mp4-reader.ts";
import { fragmentBytes, videoInitFromRecord } from "../src/camera/fragments.ts";
import { findFfmpeg } from "../src/base/ffmpeg.ts";
import { CameraObjects } from "../src/ingest/objects.ts";
import type { EventReason } from "../src/protocol/clip.ts";
import type { Fragment, TrackInit } from "../src/protocol/fragment.ts";
import { parseCameraId, type EventKind } from "../src/protocol/ids.ts";
import { objectsIn } from "../src/vision/blurring/object-look.ts";
import { GreyFrames } from "../src/vision/frames.ts";
import {
  openObjectDetector,
  type ObjectDetector,
} from "../src/vision/inference/object-detector.ts";
import { MotionWatch } from "../src/vision/motion-watch.ts";
import type { SeenThing } from "../src/vision/objects.ts";
import { FOOTAGE_STARTS_AT_MS, fragmentsFromFfmpeg } from "../test/vision/footage.ts";
import {
  labelledFootage,
  LABEL_TOLERANCE_S,
  type LabelledFootage,
} from "../test/vision/labelled.ts";
import type { Figure } from "./figure.ts";

/**
 * What each clip shows, as its labels say it: `motion.json` names the subject and when it is there.
 * In the car park there are both, and a hand before the lens is neither.
 */
const SHOWN: Readonly<Record<string, readonly ("person" | "vehicle")[]>> = {
  "vtest.avi": ["person"],
  "tree.avi": [],
  "one-by-one-person-detection.mp4": ["person"],
  "car-detection.mp4": ["vehicle"],
  "walking.mp4": ["person"],
  "head-pose.mp4": ["person"],
  "person-bicycle-car.mp4": ["person", "vehicle"],
};
/** Vehicles stand there all the time: pictures of this clip say nothing about vehicles. */
const PARKED = "vtest.avi";
/** As in `src/vision/objects.ts`. */
const SURE: Readonly<Record<string, number>> = { person: 0.4, vehicle: 0.3, animal: 0.5 };
const STUCK_AFTER_MS = 20_000;

interface LookedAt {
  readonly atSeconds: number;
  readonly kinds: ReadonlySet<string>;
}

interface NamedEvent {
  readonly fromSeconds: number;
  toSeconds: number;
  kind: EventKind;
}

/** Persons and vehicles: in single pictures, and what events are named. */
export async function objectFigures(): Promise<readonly Figure[]> {
  const footage = labelledFootage()?.filter(({ name }) => SHOWN[name] !== undefined);
  if (!footage) {
    console.error("Cannot measure objects: the labelled footage is not on this machine");
    return [];
  }
  await using detector = await openObjectDetector();
  const found = [];
  for (const item of footage) found.push({ item, ...(await watch(item, detector)) });
  return [...pictureFigures(found), ...eventFigures(found)];
}

interface Found {
  readonly item: LabelledFootage;
  readonly looked: readonly LookedAt[];
  readonly events: readonly NamedEvent[];
}

/** Precision and recall in the pictures that were looked at; the labels' margins are left out. */
function pictureFigures(found: readonly Found[]): Figure[] {
  return (["person", "vehicle"] as const).flatMap((kind): Figure[] => {
    const of = { right: 0, wrong: 0, missed: 0 };
    const clips: string[] = [];
    for (const { item, looked } of found) {
      const shown = SHOWN[item.name]?.includes(kind) === true;
      if (kind === "vehicle" && item.name === PARKED) continue;
      const clip = { right: 0, wrong: 0, missed: 0 };
      for (const { atSeconds, kinds } of looked) {
        const there = presence(item, atSeconds);
        if (there === null) continue;
        const isThere = there && shown;
        if (isThere && kinds.has(kind)) clip.right += 1;
        else if (isThere) clip.missed += 1;
        else if (kinds.has(kind)) clip.wrong += 1;
      }
      clips.push(`${item.name} ${clip.right}/${clip.right + clip.missed}, wrong ${clip.wrong}`);
      for (const part of ["right", "wrong", "missed"] as const) of[part] += clip[part];
    }
    const context = `pictures with a ${kind} of score ${SURE[kind]} and more; ${clips.join("; ")}`;
    return [
      figure(`objects.${kind}.precision`, of.right / (of.right + of.wrong), context),
      figure(`objects.${kind}.recall`, of.right / (of.right + of.missed), context),
    ];
  });
}

/** Whether the labelled subject is in view; null near the ends of its time. */
function presence({ ranges }: LabelledFootage, atSeconds: number): boolean | null {
  const near = ranges.some(
    ([from, to]) =>
      Math.abs(atSeconds - from) < LABEL_TOLERANCE_S ||
      Math.abs(atSeconds - to) < LABEL_TOLERANCE_S,
  );
  if (near) return null;
  return ranges.some(([from, to]) => atSeconds > from && atSeconds < to);
}

/** What events are named: right where the clip shows it, and nothing where it shows neither. */
function eventFigures(found: readonly Found[]): Figure[] {
  const events = found.flatMap(({ item, events: named }) =>
    named.map(({ kind }) => ({ kind, shown: SHOWN[item.name] ?? [] })),
  );
  const named = events.filter(({ kind }) => kind !== "motion");
  const nameable = events.filter(({ shown }) => shown.length > 0);
  const isRight = ({ kind, shown }: (typeof events)[number]): boolean =>
    shown.some((each) => each === kind);
  const context = found
    .map(({ item, events: of }) => `${item.name} ${of.map(({ kind }) => kind).join(" ") || "none"}`)
    .join("; ");
  return [
    figure("objects.events.precision", named.filter(isRight).length / named.length, context),
    figure("objects.events.recall", nameable.filter(isRight).length / nameable.length, context),
  ];
}

function figure(name: string, value: number, context: string): Figure {
  return { name, value: Number(value.toFixed(3)), unit: "share", context };
}

/** A clip through the watch and the looks of a camera, with the detector in this process. */
async function watch(
  item: LabelledFootage,
  detector: ObjectDetector,
): Promise<Pick<Found, "looked" | "events">> {
  const { path: ffmpegPath } = await findFfmpeg();
  const looked: LookedAt[] = [];
  const events: NamedEvent[] = [];
  let looks: Promise<void> = Promise.resolve();
  const seconds = (atMs: number): number => (atMs - FOOTAGE_STARTS_AT_MS) / 1000;
  const vision: ConstructorParameters<typeof CameraObjects>[0]["vision"] = {
    look: (_camera, onObjects) => ({
      push: ({ init, fragments }) => {
        looks = looks.then(async () => {
          const footage = { segment: 0, init, fragments };
          const { signal } = new AbortController();
          for await (const seen of objectsIn({ ffmpegPath, footage, detector, signal })) {
            looked.push({ atSeconds: seconds(seen.atMs), kinds: sureKinds(seen.objects) });
            onObjects({ type: "objects", look: 0, atMs: seen.atMs, objects: [...seen.objects] });
          }
        });
      },
      [Symbol.dispose]: () => undefined,
    }),
  };
  const name = ({ kind }: EventReason): void => {
    const event = events.at(-1);
    if (event) event.kind = kind;
  };
  let seenMs = FOOTAGE_STARTS_AT_MS;
  await using motion = MotionWatch.open({
    pictures: (onFrame) =>
      GreyFrames.open({
        ...{ ffmpegPath, clock: systemClock },
        onFrame: (frame) => {
          seenMs = frame.atMs;
          onFrame(frame);
        },
      }),
    alwaysLook: true,
    onEvent: (event) => {
      const at = seconds(event.type === "start" ? event.onsetAtMs : event.atMs);
      if (event.type === "start")
        events.push({ fromSeconds: at, toSeconds: Infinity, kind: "motion" });
      else for (const open of events.slice(-1)) open.toSeconds = at;
      objects.take(event);
    },
  });
  using objects = new CameraObjects({
    ...{ camera: parseCameraId("front"), vision, name },
    zones: () => null,
    moving: () => motion.moving,
  });
  for (const fragment of asOurs(await fragmentsFromFfmpeg(["-i", item.file]))) {
    motion.push(fragment);
    objects.push(fragment);
    if (fragment.keyFrame) await caughtUp(fragment, () => seenMs);
    // In step, as it would be with a camera: answers come before what follows.
    await looks;
  }
  return { looked, events };
}

/** The same pictures in the form in which the hub itself writes fragments. */
function asOurs(fragments: readonly Fragment[]): Fragment[] {
  const inits: TrackInit[] = [];
  const samples: Uint8Array[] = [];
  const reader = createMp4Reader({
    onTracks: (tracks) => inits.push(...tracks.map(videoInitFromRecord)),
    onSample: (sample) => {
      const fragment = fragments[samples.length];
      const { keyFrame, durationTicks, decodeTicks, compositionTicks } = sample;
      samples.push(
        fragmentBytes("video", {
          ...{ keyFrame, durationTicks, decodeTicks, compositionTicks },
          sequence: fragment?.sequence ?? 0,
          bytes: Uint8Array.from(sample.bytes),
        }),
      );
    },
  });
  const [first] = fragments;
  if (first) reader.push(first.init.bytes);
  for (const { bytes } of fragments) reader.push(bytes);
  const [init] = inits;
  return fragments.flatMap((fragment, index) => {
    const bytes = samples[index];
    return init && bytes ? [{ ...fragment, init, bytes }] : [];
  });
}

function sureKinds(things: readonly SeenThing[]): ReadonlySet<string> {
  return new Set(
    things.filter(({ score, kind }) => score >= (SURE[kind] ?? 1)).map(({ kind }) => kind),
  );
}

async function caughtUp(fragment: Fragment, seenMs: () => number): Promise<void> {
  const givesUpAtMs = performance.now() + STUCK_AFTER_MS;
  while (seenMs() < fragment.wallClockMs - 280) {
    if (performance.now() > givesUpAtMs) throw new Error("The decoder does not keep up");
    await setTimeout(2);
  }
}
