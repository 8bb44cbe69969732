import { isDeepStrictEqual } from "node:util";
import { BlurQueue, type BlurQueueOptions } from "../clips/blur-queue.ts";
import type { CopyReaders } from "../clips/copy-sealer.ts";
import type { RecorderBlur } from "../clips/recorder.ts";
import { sayable } from "../base/sayable.ts";
import type { FromIngest } from "./messages.ts";
import type { BlurBacklog } from "../protocol/blur-backlog.ts";
import type { BlurReason } from "../protocol/blur-state.ts";
import { parseCameraId } from "../protocol/ids.ts";
import { blurOf } from "../settings/blur.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import type { VisionMessage } from "../vision-process/messages.ts";
import { VisionProcess } from "../vision-process/process.ts";

/** How often the hub is told how far behind the blurring is, where that changes. */
const REPORT_MS = 2_000;

/** Blurring, as the ingest process has it: what waits for it, and who does it. */
export class IngestBlur implements AsyncDisposable {
  readonly vision: VisionProcess;
  readonly queue: BlurQueue;
  readonly #send: (message: FromIngest) => void;
  #cameras: readonly CameraSettings[] = [];
  #bytesMax: number | undefined;
  #load: Pick<Extract<VisionMessage, { type: "load" }>, "detectMs" | "frameMs"> | null = null;
  #problem: string | null = null;
  #told: BlurBacklog | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(options: {
    readonly readers: () => CopyReaders | null;
    readonly send: (message: FromIngest) => void;
  }) {
    const { readers, send } = options;
    this.#send = send;
    const open = (events: Parameters<BlurQueueOptions["worker"]>[0]): VisionProcess =>
      new VisionProcess(
        {
          onProblem: (message) => (this.#problem = sayable(message)),
          onLoad: (load) => (this.#load = load),
        },
        events,
      );
    let vision: VisionProcess | null = null;
    this.queue = new BlurQueue({
      worker: (events) => (vision = open(events)),
      readers,
      emit: (event) => send({ type: "recorder", event }),
      reportTrouble: ({ camera, code, message }) =>
        send({ type: "trouble", camera, code, message: sayable(message) }),
      bytesMax: () => this.#bytesMax,
    });
    if (vision === null) throw new Error("a queue without a worker");
    this.vision = vision;
    this.#timer = setInterval(() => this.report(), REPORT_MS).unref();
  }

  /** What holds from now on; clips that have begun keep the rules with which they began. */
  configure(cameras: readonly CameraSettings[], bytesMax: number | undefined): void {
    this.#cameras = cameras;
    this.#bytesMax = bytesMax;
  }

  /** @param begun - The camera as it was begun: what holds once it is gone from the settings. */
  of(begun: CameraSettings): RecorderBlur {
    const now = (): CameraSettings => this.#cameras.find(({ id }) => id === begun.id) ?? begun;
    return { faces: () => now().faces, rules: () => blurOf(now()), copies: this.queue };
  }

  drop(camera: string, reason: BlurReason): void {
    this.queue.drop(parseCameraId(camera), reason);
  }

  report(): void {
    const backlog: BlurBacklog = {
      ...this.queue.backlog(),
      detectMs: this.#load?.detectMs ?? null,
      frameMs: this.#load?.frameMs ?? null,
      problem: this.#problem,
    };
    if (isDeepStrictEqual(backlog, this.#told)) return;
    this.#told = backlog;
    this.#send({ type: "blur", backlog });
  }

  /** Everything that waits is let go; what was just being sealed is finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.queue[Symbol.asyncDispose]();
    await this.vision[Symbol.asyncDispose]();
  }
}
