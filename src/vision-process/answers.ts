import { MalformedInput } from "../protocol/errors.ts";
import type { BlurFootage, FootageFragment } from "../vision/blur-footage.ts";
import { pictureProblem } from "../vision/encoded-picture.ts";
import { blurredBytesMax, type FromVision, type FromVisionHead } from "./messages.ts";

interface AwaitedSegment {
  readonly frames: number;
  readonly bytes: number;
}

interface Job {
  readonly segments: Map<number, AwaitedSegment>;
  readonly posters: Set<string>;
  hasEnded: boolean;
}

/** What was dropped may still be answered; more than this is remembered of no process. */
const DROPPED_MAX = 10_000;

/**
 * What the vision process may say, and nothing else: one answer for each segment that it was given, as
 * many pictures as that had, and not much larger.
 */
export class AwaitedAnswers {
  readonly #jobs = new Map<number, Job>();
  readonly #dropped = new Set<number>();

  /** Whether a job goes on, or an answer is to come. */
  get hasJobs(): boolean {
    return this.#jobs.size > 0;
  }

  /** Whether an answer is to come. */
  get isAwaiting(): boolean {
    return [...this.#jobs.values()].some(({ segments }) => segments.size > 0);
  }

  /** The same, without the last of each job that goes on: its answer may wait for what follows. */
  get isOverdue(): boolean {
    return [...this.#jobs.values()].some(
      ({ segments, hasEnded }) => segments.size > (hasEnded ? 0 : 1),
    );
  }

  /** Pictures that an answer is to come for. */
  get awaitedFrames(): number {
    return [...this.#jobs.values()]
      .flatMap(({ segments }) => [...segments.values()])
      .reduce((sum, { frames }) => sum + frames, 0);
  }

  begin(job: number): void {
    this.#jobs.set(job, { segments: new Map(), posters: new Set(), hasEnded: false });
  }

  expect(job: number, { segment, init, fragments }: BlurFootage): void {
    const bytes = fragments.reduce((sum, each) => sum + each.bytes.length, init.bytes.length);
    this.#jobs.get(job)?.segments.set(segment, { frames: fragments.length, bytes });
  }

  end(job: number): void {
    const ended = this.#jobs.get(job);
    if (ended) ended.hasEnded = true;
    this.#forget(job);
  }

  drop(job: number): void {
    if (!this.#jobs.delete(job)) return;
    if (this.#dropped.size >= DROPPED_MAX) this.#dropped.clear();
    this.#dropped.add(job);
  }

  /**
   * Called with the head of a message, before its footage is taken in.
   *
   * @throws MalformedInput for what nobody waits for.
   */
  accept(head: FromVisionHead, bodyBytes: number): void {
    const job = this.#jobs.get(head.job);
    if (!job) {
      if (this.#dropped.has(head.job)) return;
      throw unasked("job", `${head.job} is not one that was begun`);
    }
    if (head.type === "poster") {
      if (job.posters.has(head.rendition)) throw unasked("rendition", "came before");
      return;
    }
    const awaited = job.segments.get(head.segment);
    if (!awaited) throw unasked("segment", `${head.segment} is not awaited`);
    if (head.frames !== awaited.frames)
      throw unasked("frames", `are ${head.frames} of ${awaited.frames}`);
    if (!("fragments" in head)) return;
    if (head.fragments.length !== awaited.frames)
      throw unasked("fragments", `are ${head.fragments.length} of ${awaited.frames}`);
    const most = blurredBytesMax(awaited.bytes);
    if (bodyBytes > most) throw unasked("body", `has ${bodyBytes} bytes, of ${most} at most`);
  }

  /**
   * Called with a whole message that {@link accept} let pass.
   *
   * @returns false where nobody waits for it any more.
   * @throws MalformedInput for footage that is no footage.
   */
  take(message: FromVision): boolean {
    const job = this.#jobs.get(message.job);
    if (!job) return false;
    if (message.type === "poster") {
      requireJpeg(message.jpeg);
      job.posters.add(message.rendition);
      return true;
    }
    job.segments.delete(message.segment);
    if (message.init !== null) {
      requireBoxes(message.init.bytes, ["ftyp", "moov"]);
      for (const fragment of message.fragments) requirePicture(fragment);
      if (message.fragments[0]?.keyFrame !== true) throw unasked("footage", "has no beginning");
    }
    this.#forget(message.job);
    return true;
  }

  #forget(job: number): void {
    const found = this.#jobs.get(job);
    if (found?.hasEnded === true && found.segments.size === 0) this.#jobs.delete(job);
  }
}

const BOX_HEAD_BYTES = 8;

/** What a player would show, or fall over: one picture in its boxes, of the kind that it is said to be. */
function requirePicture({ keyFrame, bytes }: FootageFragment): void {
  requireBoxes(bytes, ["moof", "mdat"]);
  const moofBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const problem = pictureProblem(bytes.subarray(moofBytes + BOX_HEAD_BYTES), keyFrame);
  if (problem !== null) throw unasked("footage", `has a picture that ${problem}`);
}

/** Exactly these boxes of ISO/IEC 14496-12, one after the other: nothing before, between or behind. */
function requireBoxes(bytes: Uint8Array, names: readonly string[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (const name of names) {
    if (at + BOX_HEAD_BYTES > bytes.length) throw unasked("footage", `ends before its ${name}`);
    const size = view.getUint32(at);
    const found = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (found !== name || size < BOX_HEAD_BYTES)
      throw unasked("footage", `has no ${name} at its place`);
    at += size;
  }
  if (at !== bytes.length) throw unasked("footage", "has another length than its boxes");
}

function requireJpeg(bytes: Uint8Array): void {
  const isJpeg =
    bytes[0] === 0xff && bytes[1] === 0xd8 && bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9;
  if (!isJpeg) throw unasked("poster", "is no JPEG");
}

function unasked(field: string, found: string): MalformedInput {
  return new MalformedInput(
    field,
    `Cannot take in what the vision process says: ${field} ${found}`,
  );
}
