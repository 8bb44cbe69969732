import type { Recipient } from "../protocol/age-header.ts";
import type { FileKey, RecordedFaces, RecorderEvent, SealedFile } from "../protocol/clip.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import type { ClipId } from "../protocol/ids.ts";
import type { ClipCopy } from "./blur-queue.ts";
import type { DiskQueue } from "./disk-queue.ts";
import { countedBytes, SegmentFile } from "./segment-file.ts";

interface Segment {
  readonly number: number;
  /** Null where no original is recorded. */
  readonly video: SegmentFile | null;
  readonly audio: SegmentFile;
  audioInit: TrackInit | null;
  /** Set where the disk refused: what comes is dropped until the next segment. */
  hasFailed: boolean;
}

export interface ClipWriterOptions {
  readonly id: ClipId;
  readonly folder: string;
  readonly recipients: readonly Recipient[];
  readonly faces: RecordedFaces;
  /** Takes the pictures too; null where faces are kept and no copy is made. */
  readonly copy: ClipCopy | null;
  readonly startedAtMs: number;
  readonly queue: DiskQueue;
  readonly emit: (event: RecorderEvent) => void;
}

/** One clip while it is recorded: its segments to files, and what became of them. */
export class ClipWriter {
  readonly #options: ClipWriterOptions;
  #segment: Segment | null = null;
  #nextSegment = 0;
  #endedAtMs: number;

  constructor(options: ClipWriterOptions) {
    this.#options = options;
    this.#endedAtMs = options.startedAtMs;
  }

  get id(): ClipId {
    return this.#options.id;
  }

  get faces(): RecordedFaces {
    return this.#options.faces;
  }

  /** Wall clock of the end of the last picture. */
  get endedAtMs(): number {
    return this.#endedAtMs;
  }

  /** True where the disk has refused the segment of now. */
  get hasFailed(): boolean {
    return this.#segment?.hasFailed ?? false;
  }

  /** Closes the segment before, if any. */
  beginSegment(): void {
    this.closeSegment();
    const { folder, recipients, faces } = this.#options;
    const segment = this.#nextSegment++;
    const file = (track: FileKey["track"]): SegmentFile =>
      SegmentFile.create({ key: { segment, track, rendition: "original" }, folder, recipients });
    this.#segment = {
      number: segment,
      video: faces === "blur-only" ? null : file("video"),
      audio: file("audio"),
      audioInit: null,
      hasFailed: false,
    };
  }

  appendVideo(fragment: Fragment): void {
    if (this.#segment === null) return;
    this.#endedAtMs = Math.round(fragment.wallClockMs + fragment.durationMs);
    this.#options.copy?.add(fragment);
    if (this.#segment.video) this.#append(this.#segment, this.#segment.video, fragment);
  }

  appendAudio(fragment: Fragment): void {
    const segment = this.#segment;
    if (segment === null || segment.hasFailed) return;
    segment.audioInit ??= fragment.init;
    // A file has one initialisation; sound under new parameters goes on with the next segment.
    if (segment.audioInit === fragment.init) this.#append(segment, segment.audio, fragment);
  }

  closeSegment(): void {
    const segment = this.#segment;
    this.#segment = null;
    if (segment === null) return;
    this.#closeVideo(segment);
    this.#closeFile(segment, segment.audio, () => undefined);
  }

  #closeVideo(segment: Segment): void {
    const { id, queue, copy } = this.#options;
    const held = copy?.cut(segment.number) ?? null;
    if (segment.video === null) queue.add(0, id, async () => copy?.push(held, null));
    else
      this.#closeFile(segment, segment.video, (sealed) => {
        if (sealed === null) copy?.lose(held);
        else copy?.push(held, sealed);
      });
  }

  /** @param then - Called when it is on the disk, with null where it is not. */
  #closeFile(segment: Segment, file: SegmentFile, then: (sealed: SealedFile | null) => void): void {
    const { id, queue, emit } = this.#options;
    queue.add(0, id, async () => {
      let sealed: SealedFile | null = null;
      try {
        await using closing = file;
        if (!segment.hasFailed) sealed = await closing.commit();
        if (sealed !== null) emit({ type: "file-closed", clip: id, file: sealed });
      } finally {
        then(sealed);
      }
    });
  }

  /** Nothing follows. */
  close(): void {
    this.closeSegment();
    const { id, queue, emit, copy, faces } = this.#options;
    const endedAtMs = this.#endedAtMs;
    queue.add(0, id, async () => {
      // Where the copy is all there is, the clip is closed when that is whole.
      if (faces !== "blur-only") emit({ type: "clip-closed", clip: id, endedAtMs });
      copy?.close(endedAtMs);
    });
  }

  #append(segment: Segment, file: SegmentFile, fragment: Fragment): void {
    const { id, queue } = this.#options;
    queue.add(countedBytes(fragment.bytes), id, async () => {
      if (segment.hasFailed) return;
      try {
        await file.append(fragment);
      } catch (error) {
        segment.hasFailed = true;
        throw error;
      }
    });
  }
}
