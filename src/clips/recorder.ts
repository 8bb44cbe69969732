import { randomBytes } from "node:crypto";
import path from "node:path";
import type { Recipient } from "../protocol/age-header.ts";
import {
  clipFolder,
  POST_ROLL_MS,
  type EventReason,
  type RecordedFaces,
  type RecorderEvent,
} from "../protocol/clip.ts";
import type { Fragment } from "../protocol/fragment.ts";
import {
  parseClipId,
  type CameraId,
  type ClipId,
  type EventKind,
  type Sha256Hex,
} from "../protocol/ids.ts";
import type { BlurRules } from "../vision/blur-footage.ts";
import type { BlurQueue } from "./blur-queue.ts";
import { ClipWriter } from "./clip-writer.ts";
import { CUTTING_START, cutVideo, type Cutting } from "./cutting.ts";
import { DiskQueue } from "./disk-queue.ts";
import { failureOf, type RecorderTrouble } from "./recorder-trouble.ts";
import { countedBytes } from "./segment-file.ts";

/** Who can open the originals of the next clip, and the keyring statement that says so. */
export interface OriginalsReaders {
  /** Originals reader and recovery. */
  readonly recipients: readonly Recipient[];
  readonly keyringHead: Sha256Hex;
  readonly keyringEpoch: number;
}

/** How faces are covered in what is recorded. */
export interface RecorderBlur {
  /** Asked at every picture: a change takes effect at once, and the clip of before is closed. */
  readonly faces: () => RecordedFaces;
  readonly rules: () => BlurRules;
  readonly copies: Pick<BlurQueue, "open">;
}

export interface ClipRecorderOptions {
  readonly camera: CameraId;
  /** `data/clips`. */
  readonly clipsDirectory: string;
  /** Asked at the start of each clip. Null before the claim: nothing is recorded. */
  readonly readers: () => OriginalsReaders | null;
  /** What of faces is recorded; left out: what is seen. */
  readonly blur?: RecorderBlur;
  readonly emit: (event: RecorderEvent) => void;
  readonly reportTrouble: (trouble: RecorderTrouble) => void;
  /** Without a fragment for this long, the clip is closed. */
  readonly dropOutMs?: number;
  /** Plaintext that may wait in memory for the disk. */
  readonly queueMaxBytes?: number;
}

const DROP_OUT_MS = 10_000;
const QUEUE_MAX_BYTES = 32 * 1024 * 1024;
const MERGED_EVENTS_MAX = 1_000;
/** A later kind says more than an earlier one, and one that says less never takes its place. */
const TELLING: readonly EventKind[] = ["motion", "animal", "vehicle", "person", "package", "bell"];
/** Nobody looked at a picture for it. */
const BELL: EventReason = { kind: "bell", zone: "", areaShare: 0, score: 1 };

/** Footage that is dropped after the disk refused, before the next segment is tried. */
const RETRY_PAUSE_MS = 5_000;
/**
 * Records the events of one camera as clips: cuts segments, seals each while it arrives, and says
 * what became of them. The calls return at once; the disk work follows in order.
 *
 * A clip begins with the pre-roll it is given, goes on for `POST_ROLL_MS` after the last of its
 * overlapping events, and continues without a gap in a further clip after `CLIP_MAX_MS`.
 */
export class ClipRecorder implements AsyncDisposable {
  readonly #options: ClipRecorderOptions;
  readonly #dropOutMs: number;
  readonly #queueMaxBytes: number;
  #activeEvents = 0;
  #reason: EventReason | null = null;
  #isRinging = false;
  /** What is recorded beside a bell: what goes on after it is a recording of this again. */
  #beside: EventReason | null = null;
  #eventAtMs = 0;
  #postRollLeftMs = 0;
  #lastWallClockMs: number | null = null;
  #clip: ClipWriter | null = null;
  #cutting: Cutting = CUTTING_START;
  #dropOut: NodeJS.Timeout | null = null;
  #preRollBytes = 0;
  #pauseLeftMs = 0;
  #isOverflowing = false;
  readonly #queue: DiskQueue;

  private constructor(options: ClipRecorderOptions) {
    this.#options = options;
    this.#queue = new DiskQueue((clip, error) => this.#reportFailure(clip, error));
    this.#dropOutMs = options.dropOutMs ?? DROP_OUT_MS;
    this.#queueMaxBytes = options.queueMaxBytes ?? QUEUE_MAX_BYTES;
  }

  static create(options: ClipRecorderOptions): ClipRecorder {
    return new ClipRecorder(options);
  }

  /** The clip that is being recorded, if any. */
  get clip(): ClipId | null {
    return this.#clip?.id ?? null;
  }

  /** Whether an event goes on, or its post-roll. */
  get isRecording(): boolean {
    return this.#reason !== null;
  }

  /**
   * Somebody rings: what is recorded from here on is the recording of a bell, and so is the clip
   * that is being recorded already.
   *
   * @param isNew - Whether an event begins that {@link endRing} ends; else one goes on.
   */
  ring(eventAtMs: number, preRoll: readonly Fragment[], isNew: boolean): void {
    this.#isRinging = true;
    if (this.#reason !== null && this.#reason.kind !== "bell") {
      this.#reason = BELL;
      this.#eventAtMs = eventAtMs;
      const clip = this.clip;
      const atMs = Math.round(eventAtMs);
      if (clip !== null)
        this.#queue.add(0, clip, async () =>
          this.#options.emit({ type: "clip-rang", clip, why: BELL, eventAtMs: atMs }),
        );
    }
    if (isNew || this.#reason === null) this.startEvent(BELL, eventAtMs, preRoll);
  }

  /**
   * An event begins. While a clip is being recorded it joins that clip, and `preRoll` is ignored.
   *
   * @param preRoll - What the ring holds, oldest first; fragments pushed later must follow it.
   */
  startEvent(reason: EventReason, eventAtMs: number, preRoll: readonly Fragment[]): void {
    if (this.#activeEvents < MERGED_EVENTS_MAX) this.#activeEvents++;
    if (reason.kind !== "bell") this.#beside ??= reason;
    const isRecording = this.#reason !== null;
    this.#watchForDropOut();
    if (isRecording) return;
    this.#reason = reason;
    this.#eventAtMs = eventAtMs;
    this.#cutting = CUTTING_START;
    // The ring holds these in memory anyway, so they do not count as waiting for the disk.
    this.#preRollBytes = 0;
    for (const { bytes } of preRoll) this.#preRollBytes += countedBytes(bytes);
    for (const fragment of preRoll) this.#take(fragment);
  }

  /**
   * The event of a bell ends, and no other.
   *
   * @param atMs - Null where no pictures come: of this press nothing more is recorded then.
   */
  endRing(atMs: number | null): void {
    this.#isRinging = false;
    this.endEvent(atMs ?? 0);
    if (atMs === null && this.#activeEvents === 0) this.#finish();
  }

  /**
   * It was seen what moves. The recording of a bell stays one, and what is closed already stays what
   * it is: its entry says so.
   */
  name(why: EventReason): void {
    if (this.#reason === null) return;
    const says = (reason: EventReason | null): number =>
      reason === null ? -1 : TELLING.indexOf(reason.kind);
    if (says(why) > says(this.#beside)) this.#beside = why;
    if (says(why) <= says(this.#reason)) return;
    this.#reason = why;
    const clip = this.clip;
    if (clip !== null)
      this.#queue.add(0, clip, async () => this.#options.emit({ type: "clip-named", clip, why }));
  }

  /** An event ends; once none is left, the clip goes on for the post-roll. */
  endEvent(atMs: number): void {
    if (this.#activeEvents === 0) return;
    this.#activeEvents--;
    // Detection lags behind the picture: what was recorded since counts.
    const sinceMs = this.#lastWallClockMs === null ? 0 : this.#lastWallClockMs - atMs;
    this.#postRollLeftMs = Math.min(Math.max(POST_ROLL_MS - sinceMs, 0), 2 * POST_ROLL_MS);
  }

  /** The next fragment of the camera, recorded or not. */
  push(fragment: Fragment): void {
    if (this.#reason === null) return;
    this.#watchForDropOut();
    this.#take(fragment);
    if (this.#activeEvents > 0 || fragment.track === "audio") return;
    this.#postRollLeftMs -= fragment.durationMs;
    if (this.#postRollLeftMs <= 0) this.#finish();
  }

  /** Ends the clip now, for instance because the camera was removed. */
  stop(): void {
    this.#activeEvents = 0;
    this.#finish();
  }

  /** Resolves when all that was asked for so far is on disk or was reported as trouble. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  /** Closes what is being recorded and waits for the disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#queue.settled();
  }

  #watchForDropOut(): void {
    if (this.#dropOut === null) {
      this.#dropOut = setTimeout(() => this.#onDropOut(), this.#dropOutMs);
      this.#dropOut.unref();
    } else this.#dropOut.refresh();
  }

  #onDropOut(): void {
    if (this.#clip === null && this.#reason !== null)
      this.#report("RECORDER_NO_FOOTAGE", null, "the camera sent nothing during the event");
    this.#closeClip();
    // An event that still goes on continues in a new clip when the camera is back.
    if (this.#activeEvents === 0) this.#finish();
  }

  #finish(): void {
    this.#closeClip();
    this.#reason = null;
    this.#isRinging = false;
    this.#beside = null;
    if (this.#dropOut !== null) clearTimeout(this.#dropOut);
    this.#dropOut = null;
  }

  get #faces(): RecordedFaces {
    return this.#options.blur?.faces() ?? "keep";
  }

  #take(fragment: Fragment): void {
    if (fragment.track === "audio") {
      if (!this.#isOverflowing) this.#clip?.appendAudio(fragment);
      return;
    }
    this.#lastWallClockMs = fragment.wallClockMs;
    if (this.#clip !== null && this.#clip.faces !== this.#faces) this.#closeClip();
    if (this.#mustDrop(fragment)) return;
    const { step, cutting } = cutVideo(this.#cutting, fragment);
    if (step === "begin-clip") this.#closeClip();
    this.#cutting = cutting;
    switch (step) {
      case "drop":
        return;
      case "break-off":
        this.#clip?.closeSegment();
        return;
      case "begin-clip":
      case "begin-segment":
        this.#clip ??= this.#beginClip(fragment);
        this.#clip?.beginSegment();
        break;
      case "append":
        break;
    }
    this.#clip?.appendVideo(fragment);
  }

  /** True while the disk cannot keep up, and for a pause after it refused. */
  #mustDrop(fragment: Fragment): boolean {
    const room = this.#queueMaxBytes + this.#preRollBytes;
    if (!this.#isOverflowing && this.#queue.bytes + countedBytes(fragment.bytes) > room) {
      this.#isOverflowing = true;
      this.#breakOff();
      const found = `${this.#queue.bytes} bytes wait for the disk; footage is dropped`;
      this.#report("RECORDER_DISK_SLOW", this.clip, found);
    }
    if (this.#clip?.hasFailed === true) {
      this.#breakOff();
      this.#pauseLeftMs = RETRY_PAUSE_MS;
    }
    this.#isOverflowing &&= this.#queue.bytes > this.#queueMaxBytes / 2;
    this.#pauseLeftMs = Math.max(0, this.#pauseLeftMs - fragment.durationMs);
    return this.#isOverflowing || this.#pauseLeftMs > 0;
  }

  #breakOff(): void {
    this.#clip?.closeSegment();
    const { clipMs, segments } = this.#cutting;
    this.#cutting = { phase: "waiting", clipMs, segments };
  }

  #beginClip(fragment: Fragment): ClipWriter | null {
    const readers = this.#options.readers();
    if (readers === null || this.#reason === null) {
      // Nobody to seal it to: what comes is not even cut.
      this.#cutting = CUTTING_START;
      return null;
    }
    const id = parseClipId(randomBytes(16).toString("hex"));
    const startedAtMs = Math.round(fragment.wallClockMs);
    const faces = this.#faces;
    const folder = path.join(this.#options.clipsDirectory, clipFolder(id, startedAtMs));
    const event: RecorderEvent = {
      type: "clip-started",
      clip: id,
      camera: this.#options.camera,
      faces,
      kind: this.#reason.kind,
      why: this.#reason,
      eventAtMs: Math.round(this.#eventAtMs),
      startedAtMs,
      keyringHead: readers.keyringHead,
      keyringEpoch: readers.keyringEpoch,
    };
    // Said before anything is on disk, so that every file there has a clip that accounts for it.
    this.#queue.add(0, id, async () => this.#options.emit(event));
    const { emit, camera, blur } = this.#options;
    const isOnly = faces === "blur-only";
    const copy =
      blur === undefined || faces === "keep"
        ? null
        : blur.copies.open({ id, camera, folder, rules: blur.rules(), isOnly });
    return new ClipWriter({
      ...{ id, folder, startedAtMs, emit, faces, copy },
      recipients: readers.recipients,
      queue: this.#queue,
    });
  }

  #closeClip(): void {
    const clip = this.#clip;
    this.#clip = null;
    this.#cutting = CUTTING_START;
    if (clip === null) return;
    clip.close();
    // What goes on from here is an event of its own in the list.
    this.#eventAtMs = clip.endedAtMs;
    if (!this.#isRinging && this.#activeEvents > 0) this.#reason = this.#beside ?? this.#reason;
  }

  #reportFailure(clip: ClipId | null, error: unknown): void {
    const { code, found } = failureOf(error);
    this.#report(code, clip, found);
  }

  #report(code: RecorderTrouble["code"], clip: ClipId | null, found: string): void {
    const { camera } = this.#options;
    this.#options.reportTrouble({
      camera,
      clip,
      code,
      message: `Cannot record ${camera}: ${found}`,
    });
  }
}
