import type { ChildProcess } from "node:child_process";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import type { BlurWorker, BlurWorkerEvents } from "../clips/blur-worker.ts";
import type { BlurReason } from "../protocol/blur-state.ts";
import type { CameraId } from "../protocol/ids.ts";
import { SupervisedProcess } from "../base/supervised-process.ts";
import { AwaitedAnswers } from "./answers.ts";
import type { BlurFootage, BlurRules } from "../vision/blur-footage.ts";
import {
  FOOTAGE_IN_PIPE,
  FOOTAGE_OUT_PIPE,
  readVisionMessage,
  type FromVision,
  type SeenObjects,
  type ToVision,
  type ToVisionMessage,
  type VisionMessage,
} from "./messages.ts";
import { encodeFootage, fromVisionReader } from "./pipe.ts";

const ENTRY = fileURLToPath(new URL("../vision-main.ts", import.meta.url));

/** Without work for this long, it is ended. */
const IDLE_MS = 2 * 60_000;
/** Without a sign of progress for this long while it has work, it is ended, ... */
const STALL_MS = 60_000;
/** ... and for so much longer for each picture that it has to answer for. */
const STALL_FRAME_MS = 500;
/** Of a look, which is of what is seen now, no more than this waits. */
const LOOK_WAITING_BYTES_MAX = 8 * 1024 * 1024;

export interface VisionProcessOptions {
  /** Replaced in tests by one that says what it likes. */
  readonly entry?: string;
  readonly idleMs?: number;
  readonly stallMs?: number;
  /** For people: why it was ended. */
  readonly onProblem: (message: string) => void;
  readonly onLoad?: (load: Extract<VisionMessage, { type: "load" }>) => void;
}

/** Pictures of one camera that are looked at as they come, and what is seen in them. */
export interface VisionLook extends Disposable {
  /** Left out where the process does not keep up, or is not there. */
  push(footage: Omit<BlurFootage, "segment">): void;
}

interface OpenLook {
  readonly camera: CameraId;
  readonly onObjects: (seen: SeenObjects) => void;
  /** Null until the process of now was told of it. */
  id: number | null;
}

/**
 * The vision process as the ingest process sees it: begun when there is work, ended when there is none,
 * and begun anew with back-off where it dies, hangs, or says what it was not asked for. It inherits no
 * environment but what finding ffmpeg takes, and no key; what it has in memory goes with it.
 */
export class VisionProcess implements BlurWorker, AsyncDisposable {
  readonly #options: VisionProcessOptions;
  readonly #events: BlurWorkerEvents;
  #supervised: SupervisedProcess<ToVisionMessage, VisionMessage> | null = null;
  /** The process of now, once it may be given work. */
  #child: ChildProcess | null = null;
  #in: Duplex | null = null;
  #answers = new AwaitedAnswers();
  #endedFor: BlurReason | null = null;
  /** What it said that could not be believed. */
  #disbelieved: string | null = null;
  #leaving: Promise<void> | null = null;
  readonly #looks = new Set<OpenLook>();
  #lookIds = 0;
  #idle: NodeJS.Timeout | null = null;
  #stall: NodeJS.Timeout | null = null;
  #frames = 0;
  #isClosed = false;

  constructor(options: VisionProcessOptions, events: BlurWorkerEvents) {
    this.#options = options;
    this.#events = events;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  wake(): boolean {
    if (this.#isClosed || this.#leaving !== null) return false;
    this.#rest();
    this.#supervised ??= this.#start();
    return this.#in !== null;
  }

  begin(job: number, camera: CameraId, rules: BlurRules): void {
    this.#answers.begin(job);
    this.#write({ type: "begin", job, camera, rules });
  }

  push(job: number, footage: BlurFootage): void {
    this.#answers.expect(job, footage);
    this.#write({ type: "segment", job, ...footage });
    if (this.#stall === null) this.#watch();
  }

  end(job: number): void {
    this.#answers.end(job);
    this.#write({ type: "end", job });
    this.#rest();
  }

  drop(job: number): void {
    this.#answers.drop(job);
    this.#write({ type: "drop", job });
    this.#rest();
  }

  kill(reason: BlurReason): void {
    this.#endedFor ??= reason;
    // Whatever it says from now on is said by one that is as good as gone.
    this.#in = null;
    this.#child?.kill("SIGKILL");
  }

  look(camera: CameraId, onObjects: (seen: SeenObjects) => void): VisionLook {
    const look: OpenLook = { camera, onObjects, id: null };
    this.#looks.add(look);
    return {
      push: (footage) => this.#pushLook(look, footage),
      [Symbol.dispose]: () => {
        this.#looks.delete(look);
        if (look.id !== null) this.#write({ type: "look-end", look: look.id });
        this.#rest();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const timer of [this.#idle, this.#stall]) if (timer !== null) clearTimeout(timer);
    // It holds nothing that could be finished: what it has is let go as fast as can be.
    this.kill("stopped");
    await this.#leave();
  }

  #pushLook(look: OpenLook, footage: Omit<BlurFootage, "segment">): void {
    if (!this.wake() || this.#in === null) return;
    if (this.#in.writableLength > LOOK_WAITING_BYTES_MAX) return;
    if (look.id === null) {
      look.id = ++this.#lookIds;
      this.#write({ type: "look", look: look.id, camera: look.camera });
    }
    this.#write({ type: "look-footage", look: look.id, ...footage });
  }

  #start(): SupervisedProcess<ToVisionMessage, VisionMessage> {
    const { PATH, DOORWARD_FFMPEG, DOORWARD_DECODER, NODE_ENV } = process.env;
    return SupervisedProcess.start<ToVisionMessage, VisionMessage>({
      entry: this.#options.entry ?? ENTRY,
      environment: { PATH, DOORWARD_FFMPEG, DOORWARD_DECODER, NODE_ENV },
      pipes: 2,
      greet: () => [],
      stop: { type: "stop" },
      read: readVisionMessage,
      onSpawn: (child) => this.#spawned(child),
      onMessage: (message) => this.#onMessage(message),
      onMalformed: (reason) => {
        this.#disbelieved = reason;
        this.#in = null;
      },
      onExit: async (reason) => this.#gone(reason),
    });
  }

  #spawned(child: ChildProcess): void {
    const pipes: readonly unknown[] = child.stdio;
    const input = pipes[FOOTAGE_IN_PIPE];
    const output = pipes[FOOTAGE_OUT_PIPE];
    if (!(input instanceof Duplex) || !(output instanceof Duplex))
      throw new Error("the vision process has no pipes for footage");
    this.#child = child;
    this.#in = input;
    this.#endedFor = null;
    this.#answers = new AwaitedAnswers();
    this.#frames = 0;
    // A process that takes nothing more is as good as gone, where it is not gone anyway.
    input.on("error", () => child.kill("SIGKILL"));
    const reader = fromVisionReader(
      (head, bodyBytes) => this.#answers.accept(head, bodyBytes),
      (message) => this.#onFootage(message),
    );
    output.on("data", (chunk: Buffer) => {
      // What is left in the pipe of one that was ended is nobody's answer.
      if (this.#child !== child || this.#in === null) return;
      if (this.#supervised?.believe(child, () => reader.push(chunk)) === null) output.destroy();
    });
    output.on("error", () => output.destroy());
    output.on("close", () => child.kill("SIGKILL"));
    // Once it has been noted who runs: the first work may be waiting.
    queueMicrotask(() => this.#events.onReady());
  }

  #onFootage(message: FromVision): void {
    if (!this.#answers.take(message)) return;
    this.#watch();
    if (message.type === "segment") this.#events.onSegment(message.job, message);
    else this.#events.onPoster(message.job, message);
    this.#rest();
  }

  #onMessage(message: VisionMessage): void {
    if (this.#in === null) return;
    switch (message.type) {
      case "objects":
        for (const look of this.#looks) if (look.id === message.look) look.onObjects(message);
        return;
      case "trouble":
        this.#options.onProblem(`${message.code}: ${message.message}`);
        return;
      case "load":
        this.#options.onLoad?.(message);
        // That it says so is no progress: pictures are.
        if (message.frames > this.#frames) this.#watch();
        this.#frames = message.frames;
    }
  }

  #gone(reason: string): void {
    const why = this.#endedFor ?? "vision-ended";
    this.#endedFor = null;
    this.#child = null;
    this.#in = null;
    this.#answers = new AwaitedAnswers();
    for (const look of this.#looks) look.id = null;
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
    const found = this.#disbelieved === null ? "" : `: ${this.#disbelieved}`;
    this.#disbelieved = null;
    this.#options.onProblem(`the vision process ended (${why}, ${reason})${found}`);
    this.#events.onGone(why);
    this.#rest();
  }

  #write(message: ToVision): void {
    const pipe = this.#in;
    if (pipe === null || !pipe.writable) return;
    pipe.cork();
    for (const part of encodeFootage(message)) pipe.write(part);
    pipe.uncork();
  }

  /** Begins to wait for a sign of progress, or begins anew; nothing is waited for without work. */
  #watch(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
    if (!this.#answers.isAwaiting) return;
    const stallMs =
      (this.#options.stallMs ?? STALL_MS) + STALL_FRAME_MS * this.#answers.awaitedFrames;
    this.#stall = setTimeout(() => {
      this.#stall = null;
      if (this.#answers.isOverdue) this.kill("timed-out");
      else this.#watch();
    }, stallMs).unref();
  }

  /** Ends it where it has had nothing to do for a while. */
  #rest(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    if (this.#supervised === null || this.#isClosed) return;
    this.#idle = setTimeout(() => {
      this.#idle = null;
      // A look that is not pushed to is none; a job that has begun is followed by more.
      if (this.#answers.hasJobs) this.#rest();
      else void this.#leave();
    }, this.#options.idleMs ?? IDLE_MS).unref();
  }

  async #leave(): Promise<void> {
    const supervised = this.#supervised;
    if (supervised === null) return;
    this.#in = null;
    for (const look of this.#looks) look.id = null;
    this.#leaving = supervised[Symbol.asyncDispose]().then(() => {
      this.#supervised = null;
      this.#child = null;
      this.#leaving = null;
    });
    await this.#leaving;
    // Work may have come while it was leaving.
    if (!this.#isClosed) this.#events.onReady();
  }
}
