import { BELL_HEARD_MAX, BELL_TEACH_MS, type BellTeaching } from "../protocol/api-bells.ts";
import type { CameraId } from "../protocol/ids.ts";

interface Lesson {
  readonly endsAtMs: number;
  timer: NodeJS.Timeout | null;
  said: Pick<BellTeaching, "heard" | "leftOut" | "ways">;
}

const NOTHING = { heard: [], leftOut: 0, ways: [] } as const;

/** Cameras whose bell is just being taught, and what was heard of them last. */
export class Teaching {
  readonly #nowMs: () => number;
  readonly #lessons = new Map<CameraId, Lesson>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get isAnyOpen(): boolean {
    return [...this.#lessons.values()].some(({ timer }) => timer !== null);
  }

  isOpen(camera: CameraId): boolean {
    return (this.#lessons.get(camera)?.timer ?? null) !== null;
  }

  begin(camera: CameraId, onEnd: () => void): void {
    this.end(camera);
    const timer = setTimeout(onEnd, BELL_TEACH_MS);
    timer.unref();
    this.#lessons.set(camera, {
      endsAtMs: this.#nowMs() + BELL_TEACH_MS,
      timer,
      said: { ...NOTHING, heard: [], ways: [] },
    });
  }

  end(camera: CameraId): void {
    const lesson = this.#lessons.get(camera);
    if (!lesson?.timer) return;
    clearTimeout(lesson.timer);
    lesson.timer = null;
  }

  endAll(): void {
    for (const camera of this.#lessons.keys()) this.end(camera);
  }

  /** @returns whether anybody waits for it. */
  hear(camera: CameraId, said: Lesson["said"]): boolean {
    const lesson = this.#lessons.get(camera);
    if (!lesson?.timer) return false;
    const { heard, leftOut, ways } = said;
    // What came over HTTP is not the process's to tell.
    const own = lesson.said.heard.filter(({ via }) => via === "webhook");
    lesson.said = { heard: [...own, ...heard].slice(0, BELL_HEARD_MAX), leftOut, ways };
    return true;
  }

  /** A press over HTTP while it is being taught. */
  hearWebhook(camera: CameraId): void {
    const lesson = this.#lessons.get(camera);
    if (!lesson?.timer) return;
    const atMs = this.#nowMs();
    const before = lesson.said.heard.find(({ via }) => via === "webhook");
    const heard = lesson.said.heard.filter(({ via }) => via !== "webhook");
    const entry = {
      ...({ via: "webhook", topic: "", item: null, value: null, isLikely: true } as const),
      count: (before?.count ?? 0) + 1,
      firstAtMs: before?.firstAtMs ?? atMs,
      lastAtMs: atMs,
    };
    lesson.said = { ...lesson.said, heard: [entry, ...heard].slice(0, BELL_HEARD_MAX) };
  }

  of(camera: CameraId): BellTeaching {
    const lesson = this.#lessons.get(camera);
    return {
      camera,
      endsAtMs: lesson?.endsAtMs ?? null,
      isListening: this.isOpen(camera),
      heard: [...(lesson?.said.heard ?? [])],
      leftOut: lesson?.said.leftOut ?? 0,
      ways: [...(lesson?.said.ways ?? [])],
    };
  }
}
