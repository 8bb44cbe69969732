import type { BlurWorker, BlurWorkerEvents } from "../../src/clips/blur-worker.ts";
import type { BlurReason } from "../../src/protocol/blur-state.ts";
import type { BlurFootage, BlurredSegment, BlurRules } from "../../src/vision/blur-footage.ts";

/** Who blurs, as a test wants it: it says nothing before it is told to. */
export class TestBlurWorker implements BlurWorker {
  readonly events: BlurWorkerEvents;
  isReady = true;
  readonly begun: { job: number; camera: string; rules: BlurRules }[] = [];
  readonly pushed: { job: number; footage: BlurFootage }[] = [];
  readonly ended: number[] = [];
  readonly dropped: number[] = [];
  readonly killed: BlurReason[] = [];

  constructor(events: BlurWorkerEvents) {
    this.events = events;
  }

  wake(): boolean {
    return this.isReady;
  }

  begin(job: number, camera: string, rules: BlurRules): void {
    this.begun.push({ job, camera, rules });
  }

  push(job: number, footage: BlurFootage): void {
    this.pushed.push({ job, footage: { ...footage, fragments: [...footage.fragments] } });
  }

  end(job: number): void {
    this.ended.push(job);
  }

  drop(job: number): void {
    this.dropped.push(job);
  }

  kill(reason: BlurReason): void {
    this.killed.push(reason);
    this.isReady = false;
  }

  /** It has died, and comes back. */
  die(reason: BlurReason = "vision-ended"): void {
    this.isReady = false;
    this.pushed.length = 0;
    this.events.onGone(reason);
    this.isReady = true;
    this.events.onReady();
  }

  /** Answers what it was given first, with pictures that say "covered". */
  answer(outcome: BlurredSegment["outcome"] = "blurred", reason: BlurReason | null = null): number {
    const next = this.pushed.shift();
    if (next === undefined) throw new Error("nothing to answer");
    const { job, footage } = next;
    const frames = footage.fragments.length;
    this.events.onSegment(job, {
      ...{ segment: footage.segment, outcome, reason, frames, framesLooked: frames },
      init: outcome === "absent" ? null : { ...footage.init, bytes: Buffer.from("init-covered:") },
      fragments:
        outcome === "absent"
          ? []
          : footage.fragments.map((fragment, index) => ({
              ...fragment,
              bytes: Buffer.from(`covered-${index};`),
            })),
    });
    return footage.segment;
  }
}
