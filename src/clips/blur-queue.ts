import type { BlurReason } from "../protocol/blur-state.ts";
import type { BlurBacklog } from "../protocol/blur-backlog.ts";
import type { SealedFile } from "../protocol/clip.ts";
import type { Fragment } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { BlurredPoster, BlurredSegment } from "../vision/blur-footage.ts";
import { nextSegment, whoGivesWay } from "./blur-room.ts";
import type { BlurWorker, BlurWorkerEvents } from "./blur-worker.ts";
import {
  footageMsOf,
  heldBytes,
  heldOf,
  newCopy,
  newSegment,
  spanOf,
  type CopiedClip,
  type CopyState,
  type HeldSegment,
} from "./clip-copy.ts";
import { sealCopyFile, type CopySealer } from "./copy-sealer.ts";

export interface BlurQueueOptions extends CopySealer {
  readonly worker: (events: BlurWorkerEvents) => BlurWorker;
  /** Of all cameras. */
  readonly bytesMax?: () => number | undefined;
  readonly ageMaxMs?: number;
  /** Only ever runs forward. */
  readonly nowMs?: () => number;
}

/** What the recorder hands over of one clip. The calls return at once. */
export interface ClipCopy {
  /** A picture of the segment that is being recorded. */
  add(fragment: Fragment): void;
  /** That segment is closed, and its original is being written. */
  cut(segment: number): HeldSegment | null;
  /** @param original - Null where none is recorded. */
  push(held: HeldSegment | null, original: SealedFile | null): void;
  /** The original of a segment that was cut is not whole. */
  lose(held: HeldSegment | null): void;
  /** Nothing follows. */
  close(endedAtMs: number): void;
}

export const BLUR_QUEUE_BYTES_MAX = 128 * 1024 * 1024;
/** Ten minutes, less what the pre-roll was in memory before and what a look at the time may take. */
const AGE_MAX_MS = 10 * 60_000 - 15_000;
const LOOK_MS = 1_000;
/** With the worker, of one copy: the answer to a segment may wait for the next. */
const FLYING_PER_COPY = 2;
/** With the worker of all copies, beside what one of them waits for. */
const FLYING_BYTES_MAX = 48 * 1024 * 1024;
/** So long the ring, who looks live and who looks for motion may still have a picture. */
const OTHERS_MS = 75_000;
/** Times that the worker may end with a segment. */
const TRIES_MAX = 2;

/**
 * Footage that is to be blurred, of all cameras, in memory only: bounded in bytes and in age. What
 * does not fit, or waits for too long, is not blurred, and is let go. What comes back is sealed.
 */
export class BlurQueue implements AsyncDisposable {
  readonly #options: BlurQueueOptions;
  readonly #worker: BlurWorker;
  readonly #nowMs: () => number;
  readonly #ageMaxMs: number;
  /** In the order in which their clips began. */
  #copies: CopyState[] = [];
  readonly #servedAt = new Map<CameraId, number>();
  #turns = 0;
  #jobs = 0;
  #bytes = 0;
  readonly #counts = { done: 0, whole: 0, leftOut: 0 };
  #look: NodeJS.Timeout | null = null;
  readonly #sealing = new Set<Promise<void>>();
  /** Segments that hold a picture: two, where a clip begins with what another ended with. */
  readonly #holders = new WeakMap<Uint8Array, number>();

  constructor(options: BlurQueueOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#ageMaxMs = options.ageMaxMs ?? AGE_MAX_MS;
    this.#worker = options.worker({
      onReady: () => this.#pump(),
      onSegment: (job, segment) => this.#onSegment(job, segment),
      onPoster: (job, poster) => this.#onPoster(job, poster),
      onGone: (reason) => this.#onGone(reason),
    });
  }

  get #bytesMax(): number {
    return this.#options.bytesMax?.() ?? BLUR_QUEUE_BYTES_MAX;
  }

  /** A clip begins that is to be blurred. */
  open(clip: CopiedClip): ClipCopy {
    const copy = newCopy(clip);
    this.#copies.push(copy);
    this.#look ??= setInterval(() => this.look(), LOOK_MS).unref();
    return {
      add: (fragment) => this.#add(copy, fragment),
      cut: (segment) => this.#cut(copy, segment),
      push: (held, original) => this.#push(copy, held, original),
      lose: (held) => {
        if (held === null) return;
        copy.closing.delete(held);
        this.#lose(copy, held, "original-torn");
        this.#settle(copy);
      },
      close: (endedAtMs) => {
        copy.endedAtMs = endedAtMs;
        this.#settle(copy);
      },
    };
  }

  backlog(): Omit<BlurBacklog, "detectMs" | "frameMs" | "problem"> {
    const held = this.#copies.flatMap(heldOf).filter(({ isLost }) => !isLost);
    const nowMs = this.#nowMs();
    return {
      footageMs: Math.round(held.reduce((sum, each) => sum + footageMsOf(each), 0)),
      bytes: this.#bytes,
      bytesMax: this.#bytesMax,
      ageMaxMs: this.#ageMaxMs,
      oldestMs: Math.round(Math.max(0, ...held.map(({ arrivedMs }) => nowMs - arrivedMs))),
      ...this.#counts,
    };
  }

  /** Lets go of everything of a camera, or of all of them; what is recorded from now on is taken. */
  drop(camera: CameraId | null, reason: BlurReason): void {
    for (const copy of [...this.#copies]) {
      if (camera !== null && copy.camera !== camera) continue;
      copy.droppedFor ??= reason;
      if (copy.job !== null) this.#worker.drop(copy.job);
      copy.job = null;
      for (const held of heldOf(copy)) if (!held.isAnswered) this.#lose(copy, held, reason);
      this.#settle(copy);
    }
  }

  /** Gives up what is too old. Called every second. */
  look(): void {
    const isOld = ({ arrivedMs, isLost }: HeldSegment): boolean =>
      !isLost && this.#nowMs() - arrivedMs > this.#ageMaxMs;
    const flying = this.#copies.flatMap((copy) => [...copy.flying.values()]);
    // Nothing but its end shows that the worker has let go of it.
    if (flying.some((held) => !held.isAnswered && isOld(held))) this.#worker.kill("too-old");
    for (const copy of [...this.#copies]) {
      const old = heldOf(copy).filter((held) => !held.isAnswered && isOld(held));
      for (const held of old) this.#lose(copy, held, "too-old");
      if (old.length > 0) this.#settle(copy);
    }
    this.#pump();
  }

  /** Resolves when what came back so far is on the disk, or was reported as trouble. */
  async settled(): Promise<void> {
    await Promise.all(this.#sealing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop(null, "stopped");
    if (this.#look !== null) clearInterval(this.#look);
    await this.settled();
  }

  #add(copy: CopyState, fragment: Fragment): void {
    copy.open ??= newSegment(this.#nowMs());
    const held = copy.open;
    if (held.isLost) return;
    if (copy.droppedFor !== null) {
      this.#lose(copy, held, copy.droppedFor);
      return;
    }
    const bytes = heldBytes(fragment, held.fragments.length === 0);
    while (this.#bytes + bytes > this.#bytesMax) {
      const other = whoGivesWay(this.#copies, copy.camera);
      this.#lose(other?.copy ?? copy, other?.held ?? held, "queue-full");
      if (other === null) return;
      this.#settle(other.copy);
    }
    held.fragments.push(fragment);
    this.#holders.set(fragment.bytes, (this.#holders.get(fragment.bytes) ?? 0) + 1);
    held.bytes += bytes;
    this.#bytes += bytes;
  }

  #cut(copy: CopyState, segment: number): HeldSegment | null {
    const held = copy.open;
    copy.open = null;
    if (held === null || held.isLost) return null;
    held.segment = segment;
    copy.closing.add(held);
    return held;
  }

  #push(copy: CopyState, held: HeldSegment | null, original: SealedFile | null): void {
    if (held === null) return;
    copy.closing.delete(held);
    if (held.isLost) {
      this.#settle(copy);
      return;
    }
    held.original = original;
    held.isWritten = true;
    copy.waiting.push(held);
    this.#pump();
  }

  /** Lets go of a segment, and says that it is missing. */
  #lose(copy: CopyState, held: HeldSegment, reason: BlurReason): void {
    if (held.isLost) return;
    this.#release(copy, held);
    copy.missing ??= reason;
    this.#counts.leftOut += 1;
    // Whoever switches a camera off asks for it; nobody who changes one, or updates the hub, does.
    if (!copy.isOnly || reason === "switched-off") return;
    this.#options.reportTrouble({
      camera: copy.camera,
      clip: copy.id,
      code: "RECORDER_BLUR_LOST",
      message: `Cannot record ${copy.camera}: footage that may only be kept blurred was not blurred (${reason}), and is gone`,
    });
  }

  #release(copy: CopyState, held: HeldSegment): void {
    held.isLost = true;
    this.#letGo(held);
    this.#bytes -= held.bytes;
    held.bytes = 0;
    copy.flying.delete(held.segment);
    const at = copy.waiting.indexOf(held);
    if (at >= 0) copy.waiting.splice(at, 1);
  }

  /** Pictures that nobody else can still need are overwritten, whatever memory does with them. */
  #letGo(held: HeldSegment): void {
    const { fragments, isWritten, arrivedMs } = held;
    const isAlone = isWritten && this.#nowMs() - arrivedMs > OTHERS_MS;
    for (const { bytes } of fragments) {
      const holders = (this.#holders.get(bytes) ?? 1) - 1;
      this.#holders.set(bytes, holders);
      if (isAlone && holders === 0) bytes.fill(0);
    }
    fragments.length = 0;
  }

  #pump(): void {
    for (;;) {
      const copy = nextSegment(
        this.#copies,
        this.#servedAt,
        (bytes) => this.#flyingBytes() + bytes <= FLYING_BYTES_MAX,
        FLYING_PER_COPY,
      );
      const held = copy?.waiting[0];
      if (!copy || !held || !this.#worker.wake()) return;
      copy.waiting.shift();
      copy.flying.set(held.segment, held);
      this.#servedAt.set(copy.camera, ++this.#turns);
      // One that was tried again had a job of its own.
      if (copy.job === null || copy.hasEnded) {
        copy.job = ++this.#jobs;
        copy.hasEnded = false;
        this.#worker.begin(copy.job, copy.camera, copy.rules);
      }
      const { segment, fragments } = held;
      const [first] = fragments;
      const ageMs = Math.max(0, Math.round(this.#nowMs() - held.arrivedMs));
      copy.pushed.push({ span: spanOf(held), original: held.original });
      if (first) this.#worker.push(copy.job, { segment, init: first.init, fragments, ageMs });
      // What follows would be with it: it is answered by itself.
      if (held.tries > 0) this.#endJob(copy);
      this.#settle(copy);
    }
  }

  #flyingBytes(): number {
    return this.#copies
      .flatMap((copy) => [...copy.flying.values()])
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Tells the worker when nothing follows, and the hub when nothing is left. */
  #settle(copy: CopyState): void {
    const { endedAtMs } = copy;
    if (endedAtMs === null || copy.isFinished) return;
    if (copy.closing.size > 0 || copy.waiting.length > 0 || copy.open?.isLost === false) return;
    this.#endJob(copy);
    if (copy.flying.size > 0) return;
    copy.isFinished = true;
    this.#copies = this.#copies.filter((other) => other !== copy);
    this.#inTurn(copy, async () => {
      const clip = copy.id;
      const reason = copy.missing ?? copy.whole;
      this.#options.emit({ type: "blur-closed", clip, reason });
      if (copy.isOnly) this.#options.emit({ type: "clip-closed", clip, endedAtMs });
    });
    if (this.#copies.length > 0 || this.#look === null) return;
    clearInterval(this.#look);
    this.#look = null;
  }

  #endJob(copy: CopyState): void {
    if (copy.job === null || copy.hasEnded) return;
    copy.hasEnded = true;
    this.#worker.end(copy.job);
  }

  #onSegment(job: number, answer: BlurredSegment): void {
    const copy = this.#copies.find((each) => each.job === job);
    const held = copy?.flying.get(answer.segment);
    if (!copy || !held || held.isAnswered) return;
    if (answer.outcome === "absent" || answer.init === null) {
      this.#lose(copy, held, answer.reason ?? "vision-ended");
      this.#settle(copy);
      this.#pump();
      return;
    }
    held.isAnswered = true;
    // The original's pictures go now; what is sealed counts as much.
    const span = spanOf(held);
    const { original } = held;
    this.#letGo(held);
    const parts = [answer.init.bytes, ...answer.fragments.map(({ bytes }) => bytes)];
    const pixelated = answer.outcome === "whole" ? "whole" : "faces";
    this.#inTurn(copy, async () => {
      const key = { segment: answer.segment, track: "video", rendition: "blurred" } as const;
      const isSealed = await sealCopyFile(this.#options, copy, {
        key,
        parts,
        span,
        original,
        pixelated,
      });
      if (isSealed) {
        this.#counts.done += 1;
        if (pixelated === "whole") this.#counts.whole += 1;
        if (pixelated === "whole") copy.whole ??= answer.reason;
        this.#release(copy, held);
      } else this.#lose(copy, held, "disk-failed");
      this.#settle(copy);
      this.#pump();
    });
  }

  #onPoster(job: number, { rendition, atMs, pixelated, jpeg }: BlurredPoster): void {
    const copy = this.#copies.find((each) => each.job === job);
    if (!copy || copy.posters.has(rendition)) return;
    // Nothing clear is ever recorded where the copy is all there is.
    if (copy.isOnly && rendition === "original") return;
    const at = Math.round(atMs);
    const of = copy.pushed.find(({ span }) => at >= span.fromMs && at <= span.toMs);
    if (of === undefined) return;
    copy.posters.add(rendition);
    const { original } = of;
    const key = { segment: null, track: "poster", rendition } as const;
    const span = { fromMs: at, toMs: at };
    this.#inTurn(copy, async () => {
      await sealCopyFile(this.#options, copy, { key, parts: [jpeg], span, original, pixelated });
    });
  }

  #inTurn(copy: CopyState, work: () => Promise<void>): void {
    copy.tail = copy.tail.then(work);
    const turn = copy.tail;
    this.#sealing.add(turn);
    void turn.finally(() => this.#sealing.delete(turn));
  }

  /** What it had is tried once more, each clip's alone; a job is begun anew for the rest. */
  #onGone(reason: BlurReason): void {
    for (const copy of [...this.#copies]) {
      copy.job = null;
      const had = [...copy.flying.values()].filter(({ isAnswered }) => !isAnswered);
      for (const held of had.toReversed()) {
        // It was ended for what was too old, which is given up already.
        if (reason !== "too-old") held.tries += 1;
        if (held.tries >= TRIES_MAX) this.#lose(copy, held, reason);
        else {
          copy.flying.delete(held.segment);
          copy.waiting.unshift(held);
        }
      }
      if (had.length > 0) this.#settle(copy);
    }
  }
}
