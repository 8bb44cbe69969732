import { sayable } from "../base/sayable.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import type { BlurFootage } from "../vision/blur-footage.ts";
import { BlurJob } from "../vision/blurring/blur-job.ts";
import type { Detectors } from "../vision/blurring/look-pass.ts";
import { objectsIn } from "../vision/blurring/object-look.ts";
import { fragmentContainer } from "./container.ts";
import { blurredBytesMax, type FromVision, type ToVision, type VisionMessage } from "./messages.ts";

export interface VisionGround {
  readonly ffmpegPath: string;
  readonly detectors: {
    for(mode: Extract<ToVision, { type: "begin" }>["rules"]["mode"]): Promise<Detectors>;
    objects(): Promise<Detectors["objects"]>;
  };
  readonly give: (message: FromVision) => void;
  readonly say: (message: VisionMessage) => void;
}

/** More at once is no hub's. */
const JOBS_MAX = 256;
const LOOKS_MAX = 64;
/** Footage of a look that waits behind what is looked at; the newest is what counts. */
const LOOK_WAITING_MAX = 1;
const TROUBLE_LENGTH_MAX = 500;
/** The same trouble is not told with every segment. */
const TROUBLE_EVERY_MS = 60_000;

interface Task {
  readonly job: number;
  /** Null for the end of the job. */
  readonly footage: BlurFootage | null;
  readonly takenAtMs: number;
}

interface Look {
  readonly ended: AbortController;
  readonly waiting: Omit<BlurFootage, "segment">[];
  isBusy: boolean;
}

/**
 * All that the vision process has to do: recordings are blurred one segment after the other, in the
 * order in which they come; looks for objects are at the same time, and wait for one picture at most.
 */
export class VisionWork {
  readonly #ground: VisionGround;
  readonly #jobs = new Map<number, BlurJob>();
  readonly #looks = new Map<number, Look>();
  #tasks: Task[] = [];
  #isBusy = false;
  readonly #toldAtMs = new Map<string, number>();
  #measured = { detectMs: 0, detected: 0, workMs: 0, worked: 0 };
  #frames = 0;

  constructor(ground: VisionGround) {
    this.#ground = ground;
  }

  get isBusy(): boolean {
    return this.#isBusy || [...this.#looks.values()].some(({ isBusy }) => isBusy);
  }

  /** @throws MalformedInput for what contradicts what was said before. */
  take(message: ToVision): void {
    switch (message.type) {
      case "begin":
        if (this.#jobs.size >= JOBS_MAX || this.#jobs.has(message.job)) throw outOfOrder("begin");
        this.#jobs.set(message.job, this.#begin(message));
        return;
      case "segment":
        if (!this.#jobs.has(message.job)) throw outOfOrder("segment");
        this.#do(message.job, message);
        return;
      case "end":
        if (!this.#jobs.has(message.job)) throw outOfOrder("end");
        this.#do(message.job, null);
        return;
      case "drop":
        this.#drop(message.job);
        return;
      case "look":
        if (this.#looks.size >= LOOKS_MAX || this.#looks.has(message.look))
          throw outOfOrder("look");
        this.#looks.set(message.look, {
          ...{ ended: new AbortController(), waiting: [], isBusy: false },
        });
        return;
      case "look-footage":
        this.#lookAt(message.look, message);
        return;
      case "look-end":
        this.#endLook(message.look);
    }
  }

  /** How long it took since this was last asked for. */
  load(): Extract<VisionMessage, { type: "load" }> {
    const { detectMs, detected, workMs, worked } = this.#measured;
    this.#measured = { detectMs: 0, detected: 0, workMs: 0, worked: 0 };
    const rounded = (sum: number, count: number): number =>
      count === 0 ? 0 : Math.round((sum / count) * 10) / 10;
    return {
      type: "load",
      detectMs: rounded(detectMs, detected),
      frameMs: rounded(workMs, worked),
      frames: this.#frames,
    };
  }

  #begin({ job, rules }: Extract<ToVision, { type: "begin" }>): BlurJob {
    const { ffmpegPath, detectors, give } = this.#ground;
    return new BlurJob({
      ...{ ffmpegPath, rules, container: fragmentContainer, bytesMax: blurredBytesMax },
      detectors: (mode) => detectors.for(mode),
      onDetected: (tookMs) => {
        this.#measured.detectMs += tookMs;
        this.#measured.detected += 1;
        this.#frames += 1;
      },
      onTrouble: (error) => this.#tell(error),
      onSegment: (segment) => give({ type: "segment", job, ...segment }),
      onPoster: (poster) => give({ type: "poster", job, ...poster }),
    });
  }

  #do(job: number, footage: BlurFootage | null): void {
    this.#tasks.push({ job, footage, takenAtMs: performance.now() });
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    for (;;) {
      const task = this.#tasks.shift();
      if (!task) break;
      const job = this.#jobs.get(task.job);
      if (!job) continue;
      const startedAtMs = performance.now();
      if (task.footage === null) {
        await job.end();
        this.#jobs.delete(task.job);
      } else {
        const ageMs = (task.footage.ageMs ?? 0) + startedAtMs - task.takenAtMs;
        await job.push({ ...task.footage, ageMs });
        this.#measured.worked += task.footage.fragments.length;
      }
      this.#measured.workMs += performance.now() - startedAtMs;
    }
    this.#isBusy = false;
  }

  #drop(job: number): void {
    void this.#jobs.get(job)?.drop();
    this.#jobs.delete(job);
    for (const { footage } of this.#tasks.filter((task) => task.job === job))
      if (footage !== null) wipe(footage);
    this.#tasks = this.#tasks.filter((task) => task.job !== job);
  }

  #lookAt(number: number, footage: Omit<BlurFootage, "segment">): void {
    const look = this.#looks.get(number);
    // It may have ended while its pictures were on their way.
    if (!look) {
      wipe(footage);
      return;
    }
    look.waiting.push(footage);
    if (look.waiting.length > LOOK_WAITING_MAX)
      for (const old of look.waiting.splice(0, 1)) wipe(old);
    if (look.isBusy) return;
    look.isBusy = true;
    void this.#look(number, look);
  }

  async #look(number: number, look: Look): Promise<void> {
    const { signal } = look.ended;
    for (;;) {
      const footage = look.waiting.shift();
      if (!footage || signal.aborted) break;
      try {
        const { ffmpegPath, detectors, say } = this.#ground;
        const detector = await detectors.objects();
        const options = { ffmpegPath, detector, signal, footage: { ...footage, segment: 0 } };
        for await (const { atMs, objects } of objectsIn(options))
          if (!signal.aborted) say({ type: "objects", look: number, atMs, objects: [...objects] });
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof HubError)) throw error;
        this.#tell(error);
      } finally {
        wipe(footage);
      }
    }
    look.isBusy = false;
  }

  #endLook(number: number): void {
    const look = this.#looks.get(number);
    this.#looks.delete(number);
    look?.ended.abort();
    for (const footage of look?.waiting.splice(0) ?? []) wipe(footage);
  }

  #tell({ code, message }: HubError): void {
    const nowMs = performance.now();
    if (nowMs - (this.#toldAtMs.get(code) ?? -Infinity) < TROUBLE_EVERY_MS) return;
    this.#toldAtMs.set(code, nowMs);
    this.#ground.say({ type: "trouble", code, message: sayable(message, TROUBLE_LENGTH_MAX) });
  }
}

/** Pictures of people: not left for whoever reads this process's memory later. */
function wipe({ fragments }: Pick<BlurFootage, "fragments">): void {
  for (const { bytes } of fragments) bytes.fill(0);
}

function outOfOrder(type: string): MalformedInput {
  return new MalformedInput("type", `Cannot do what ingest says: ${type} out of its order`);
}
