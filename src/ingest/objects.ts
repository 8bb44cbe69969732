import type { MotionEvent } from "../vision/motion.ts";
import type { EventReason } from "../protocol/clip.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { MotionWatch } from "../vision/motion-watch.ts";
import { EventObjects } from "../vision/objects.ts";
import type { ZoneCells } from "../vision/zones.ts";
import type { SeenObjects } from "../vision-process/messages.ts";
import type { VisionProcess } from "../vision-process/process.ts";

export interface CameraObjectsOptions {
  readonly camera: CameraId;
  readonly vision: Pick<VisionProcess, "look">;
  /** Asked at the beginning of an event. */
  readonly zones: () => ZoneCells | null;
  readonly moving: () => MotionWatch["moving"];
  /** The reason of the motion, with what it was in place of its kind. */
  readonly name: (why: EventReason) => void;
}

/** A group of pictures from its key frame on, as the vision process decodes it. */
const GROUP_FRAGMENTS_MAX = 300;
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
/** At the beginning of an event whole groups are looked at, for so long; ... */
const CLOSELY_MS = 12_000;
/** ... then key frames alone, not more often than this. */
const EVERY_MS = 4_000;
/** What was asked for and is not answered by then tells nothing of where something moves now. */
const ANSWER_WITHIN_MS = 10_000;
const MOVING_REMEMBERED = 64;

interface MovingAt {
  readonly atMs: number;
  readonly box: NonNullable<MotionWatch["moving"]>;
}
type Look = ReturnType<VisionProcess["look"]>;
interface OpenEvent {
  readonly objects: EventObjects;
  readonly why: EventReason;
  readonly sinceMs: number;
  readonly look: Look;
}

/**
 * Has it told what moves at one camera: while an event goes on, some of the pictures that motion was
 * found in go to the vision process. Where that is missing or late, the event stays motion.
 */
export class CameraObjects implements Disposable {
  readonly #options: CameraObjectsOptions;
  #group: Fragment[] = [];
  #groupBytes = 0;
  #pushed = 0;
  #event: OpenEvent | null = null;
  #lookedAtMs = -Infinity;
  #answeredAtMs = -Infinity;
  /** Where it moved at which time. */
  #moving: MovingAt[] = [];

  constructor(options: CameraObjectsOptions) {
    this.#options = options;
  }

  /** The next fragment of the stream that motion is looked for in. */
  push(fragment: Fragment): void {
    if (fragment.keyFrame) this.#endGroup();
    const isWhole = this.#group.length < GROUP_FRAGMENTS_MAX && this.#groupBytes < GROUP_BYTES_MAX;
    if (isWhole && (fragment.keyFrame || this.#group.length > 0)) {
      this.#group.push(fragment);
      this.#groupBytes += fragment.bytes.length;
    }
    const event = this.#event;
    if (!event) return;
    this.#note(fragment.wallClockMs);
    const sinceMs = fragment.wallClockMs - event.sinceMs;
    const isClose = sinceMs < CLOSELY_MS && !event.objects.isSettled;
    if (!isClose && fragment.keyFrame && fragment.wallClockMs - this.#lookedAtMs >= EVERY_MS)
      this.#send(event.look, [fragment]);
  }

  /** What motion says, in its order; an end with what was left behind. */
  take(event: MotionEvent): void {
    if (event.type === "start") {
      this.#begin(event.why, event.onsetAtMs);
      return;
    }
    const { left } = event;
    const open = this.#event;
    this[Symbol.dispose]();
    if (open && left && open.objects.isPackage(left))
      this.#options.name({ ...open.why, ...left, kind: "package" });
  }

  [Symbol.dispose](): void {
    this.#event?.look[Symbol.dispose]();
    this.#event = null;
    this.#answeredAtMs = -Infinity;
    this.#moving = [];
  }

  #begin(why: EventReason, onsetAtMs: number): void {
    this[Symbol.dispose]();
    const { camera, vision, zones } = this.#options;
    const objects = new EventObjects(zones());
    const look = vision.look(camera, (seen) => this.#see(objects, seen));
    this.#event = { objects, why, look, sinceMs: onsetAtMs };
    const newest = this.#group.at(-1);
    if (newest) this.#note(newest.wallClockMs);
    // What has come of this group shows what began the event.
    this.#send(look, this.#group);
    this.#pushed = this.#group.length;
  }

  #endGroup(): void {
    const event = this.#event;
    const [first] = this.#group;
    const isClose =
      event && first && first.wallClockMs - event.sinceMs < CLOSELY_MS && !event.objects.isSettled;
    if (isClose && this.#group.length > this.#pushed + 1) this.#send(event.look, this.#group);
    this.#group = [];
    this.#groupBytes = 0;
    this.#pushed = 0;
  }

  #send(look: Look, fragments: readonly Fragment[]): void {
    const [first] = fragments;
    if (!first) return;
    this.#lookedAtMs = fragments.at(-1)?.wallClockMs ?? first.wallClockMs;
    const init: TrackInit = first.init;
    look.push({ init, fragments: fragments.filter((fragment) => fragment.init === init) });
  }

  #note(atMs: number): void {
    const box = this.#options.moving();
    if (box === null || this.#moving.at(-1)?.box === box) return;
    this.#moving.push({ atMs, box });
    if (this.#moving.length > MOVING_REMEMBERED) this.#moving.shift();
  }

  #see(objects: EventObjects, { atMs, objects: things }: SeenObjects): void {
    // A group that is looked at again, now that it is whole, shows nothing twice.
    const event = this.#event;
    if (event?.objects !== objects || atMs <= this.#answeredAtMs) return;
    this.#answeredAtMs = atMs;
    const nearest = this.#moving.reduce<MovingAt | null>(
      (best, each) =>
        best === null || Math.abs(each.atMs - atMs) < Math.abs(best.atMs - atMs) ? each : best,
      null,
    );
    if (nearest === null || Math.abs(nearest.atMs - atMs) > ANSWER_WITHIN_MS) return;
    const kind = objects.look(things, nearest.box);
    if (kind !== null) this.#options.name({ ...event.why, kind });
  }
}
