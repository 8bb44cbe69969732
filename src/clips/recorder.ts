import { randomBytes } from "node:crypto";
import path from "node:path";
import type { Recipient } from "../protocol/age-header.ts";
import {
  clipFolder,
  POST_ROLL_MS,
  type EventReason,
  type FileKey,
  type RecorderEvent,
} from "../protocol/clip.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import { parseClipId, type CameraId, type ClipId, type Sha256Hex } from "../protocol/ids.ts";
import { CUTTING_START, cutVideo, type Cutting } from "./cutting.ts";
import { failureOf, type RecorderTrouble } from "./recorder-trouble.ts";
import { countedBytes, SegmentFile } from "./segment-file.ts";

/** Who can open the originals of the next clip, and the keyring statement that says so. */
export interface OriginalsReaders {
  /** Originals reader and recovery. */
  readonly recipients: readonly Recipient[];
  readonly keyringHead: Sha256Hex;
  readonly keyringEpoch: number;
}

export interface ClipRecorderOptions {
  readonly camera: CameraId;
  /** `data/clips`. */
  readonly clipsDirectory: string;
  /** Asked at the start of each clip. Null before the claim: nothing is recorded. */
  readonly readers: () => OriginalsReaders | null;
  readonly emit: (event: RecorderEvent) => void;
  readonly reportTrouble: (trouble: RecorderTrouble) => void;
  /** Without a fragment for this long, the clip is closed. */
  readonly dropOutMs?: number;
  /** Plaintext that may wait in memory for the disk. */
  readonly queueMaxBytes?: number;
}

interface Segment {
  readonly video: SegmentFile;
  readonly audio: SegmentFile;
  audioInit: TrackInit | null;
  /** Set where the disk refused: what comes is dropped until the next segment. */
  hasFailed: boolean;
}

interface OpenClip {
  readonly id: ClipId;
  readonly folder: string;
  readonly readers: OriginalsReaders;
  endedAtMs: number;
  nextSegment: number;
}

const DROP_OUT_MS = 10_000;
const QUEUE_MAX_BYTES = 32 * 1024 * 1024;
const MERGED_EVENTS_MAX = 1_000;
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
  #clip: OpenClip | null = null;
  #segment: Segment | null = null;
  #cutting: Cutting = CUTTING_START;
  #dropOut: NodeJS.Timeout | null = null;
  #queuedBytes = 0;
  #preRollBytes = 0;
  #pauseLeftMs = 0;
  #isOverflowing = false;
  #tail: Promise<void> = Promise.resolve();

  private constructor(options: ClipRecorderOptions) {
    this.#options = options;
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
        this.#enqueue(0, clip, async () =>
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
    await this.#tail;
  }

  /** Closes what is being recorded and waits for the disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#tail;
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

  #take(fragment: Fragment): void {
    if (fragment.track === "audio") {
      this.#takeAudio(fragment);
      return;
    }
    this.#lastWallClockMs = fragment.wallClockMs;
    if (this.#mustDrop(fragment)) return;
    const { step, cutting } = cutVideo(this.#cutting, fragment);
    if (step === "begin-clip") this.#closeClip();
    this.#cutting = cutting;
    switch (step) {
      case "drop":
        return;
      case "break-off":
        this.#closeSegment();
        return;
      case "begin-clip":
      case "begin-segment":
        this.#beginSegment(fragment);
        break;
      case "append":
        break;
    }
    if (this.#segment === null || this.#clip === null) return;
    this.#clip.endedAtMs = Math.round(fragment.wallClockMs + fragment.durationMs);
    this.#append(this.#segment, this.#segment.video, fragment);
  }

  #takeAudio(fragment: Fragment): void {
    const segment = this.#segment;
    if (segment === null || segment.hasFailed || this.#isOverflowing) return;
    segment.audioInit ??= fragment.init;
    // A file has one initialisation; sound under new parameters goes on with the next segment.
    if (segment.audioInit === fragment.init) this.#append(segment, segment.audio, fragment);
  }

  /** True while the disk cannot keep up, and for a pause after it refused. */
  #mustDrop(fragment: Fragment): boolean {
    const room = this.#queueMaxBytes + this.#preRollBytes;
    if (!this.#isOverflowing && this.#queuedBytes + countedBytes(fragment.bytes) > room) {
      this.#isOverflowing = true;
      this.#breakOff();
      const found = `${this.#queuedBytes} bytes wait for the disk; footage is dropped`;
      this.#report("RECORDER_DISK_SLOW", this.clip, found);
    }
    if (this.#segment?.hasFailed === true) {
      this.#breakOff();
      this.#pauseLeftMs = RETRY_PAUSE_MS;
    }
    this.#isOverflowing &&= this.#queuedBytes > this.#queueMaxBytes / 2;
    this.#pauseLeftMs = Math.max(0, this.#pauseLeftMs - fragment.durationMs);
    return this.#isOverflowing || this.#pauseLeftMs > 0;
  }

  #breakOff(): void {
    this.#closeSegment();
    const { clipMs, segments } = this.#cutting;
    this.#cutting = { phase: "waiting", clipMs, segments };
  }

  #beginSegment(fragment: Fragment): void {
    this.#closeSegment();
    this.#clip ??= this.#beginClip(fragment);
    const clip = this.#clip;
    if (clip === null) return;
    const segment = clip.nextSegment++;
    const file = (track: FileKey["track"]): SegmentFile =>
      SegmentFile.create({
        key: { segment, track, rendition: "original" },
        folder: clip.folder,
        recipients: clip.readers.recipients,
      });
    this.#segment = {
      video: file("video"),
      audio: file("audio"),
      audioInit: null,
      hasFailed: false,
    };
  }

  #beginClip(fragment: Fragment): OpenClip | null {
    const readers = this.#options.readers();
    if (readers === null || this.#reason === null) {
      // Nobody to seal it to: what comes is not even cut.
      this.#cutting = CUTTING_START;
      return null;
    }
    const id = parseClipId(randomBytes(16).toString("hex"));
    const startedAtMs = Math.round(fragment.wallClockMs);
    const folder = path.join(this.#options.clipsDirectory, clipFolder(id, startedAtMs));
    const event: RecorderEvent = {
      type: "clip-started",
      clip: id,
      camera: this.#options.camera,
      kind: this.#reason.kind,
      why: this.#reason,
      eventAtMs: Math.round(this.#eventAtMs),
      startedAtMs,
      keyringHead: readers.keyringHead,
      keyringEpoch: readers.keyringEpoch,
    };
    // Said before anything is on disk, so that every file there has a clip that accounts for it.
    this.#enqueue(0, id, async () => this.#options.emit(event));
    return { id, folder, readers, endedAtMs: startedAtMs, nextSegment: 0 };
  }

  #append(segment: Segment, file: SegmentFile, fragment: Fragment): void {
    this.#enqueue(countedBytes(fragment.bytes), this.clip, async () => {
      if (segment.hasFailed) return;
      try {
        await file.append(fragment);
      } catch (error) {
        segment.hasFailed = true;
        throw error;
      }
    });
  }

  #closeSegment(): void {
    const segment = this.#segment;
    const clip = this.#clip;
    this.#segment = null;
    if (segment === null || clip === null) return;
    for (const file of [segment.video, segment.audio])
      this.#enqueue(0, clip.id, async () => {
        await using closing = file;
        if (segment.hasFailed) return;
        const sealed = await closing.commit();
        if (sealed !== null)
          this.#options.emit({ type: "file-closed", clip: clip.id, file: sealed });
      });
  }

  #closeClip(): void {
    const clip = this.#clip;
    this.#closeSegment();
    this.#clip = null;
    this.#cutting = CUTTING_START;
    if (clip === null) return;
    const { id, endedAtMs } = clip;
    // What goes on from here is an event of its own in the list.
    this.#eventAtMs = endedAtMs;
    if (!this.#isRinging && this.#activeEvents > 0) this.#reason = this.#beside ?? this.#reason;
    this.#enqueue(0, id, async () =>
      this.#options.emit({ type: "clip-closed", clip: id, endedAtMs }),
    );
  }

  #enqueue(sizeBytes: number, clip: ClipId | null, work: () => Promise<void>): void {
    this.#queuedBytes += sizeBytes;
    this.#tail = this.#tail.then(async () => {
      try {
        await work();
      } catch (error) {
        this.#reportFailure(clip, error);
      } finally {
        this.#queuedBytes -= sizeBytes;
      }
    });
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
