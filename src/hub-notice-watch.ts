import type { HealthAnswer } from "./protocol/api.ts";
import { parseCameraId, type CameraId } from "./protocol/ids.ts";

export interface Trouble {
  readonly code: string;
  readonly camera: CameraId | null;
}

/** A camera that is begun anew is no news. */
export const AWAY_AFTER_MS = 15 * 60_000;
/** What comes and goes is told once in this time. */
const AGAIN_AFTER_MS = 6 * 3_600_000;
/** Warnings of the hub that are worth a notice, and those of a camera after it was away as long. */
const HUB_CODES = new Set(["DISK_FULL", "DISK_STUCK"]);
const CAMERA_CODES = new Set(["BELL_LOST", "NOTHING_RECORDED"]);

interface Watched {
  readonly trouble: Trouble;
  readonly sinceUpMs: number;
  isTold: boolean;
}

/** Sees from what the hub says of its health what owners are told of, once each time. */
export class TroubleWatch {
  readonly #upMs: () => number;
  readonly #watched = new Map<string, Watched>();
  readonly #toldAtUpMs = new Map<string, number>();

  /** @param upMs - A clock that only runs forward. */
  constructor(upMs: () => number) {
    this.#upMs = upMs;
  }

  /** @returns what is to be told now. */
  look(health: Pick<HealthAnswer, "cameras" | "warnings">): Trouble[] {
    const upMs = this.#upMs();
    const now = new Map(troublesOf(health).map((trouble) => [keyOf(trouble), trouble]));
    for (const key of this.#watched.keys()) if (!now.has(key)) this.#watched.delete(key);
    for (const [key, trouble] of now)
      if (!this.#watched.has(key))
        this.#watched.set(key, { trouble, sinceUpMs: upMs, isTold: false });
    for (const [key, toldAtUpMs] of this.#toldAtUpMs)
      if (upMs - toldAtUpMs >= AGAIN_AFTER_MS) this.#toldAtUpMs.delete(key);
    return [...this.#watched].flatMap(([key, watched]) => {
      const waitMs = watched.trouble.camera === null ? 0 : AWAY_AFTER_MS;
      if (watched.isTold || upMs - watched.sinceUpMs < waitMs) return [];
      watched.isTold = true;
      if (this.#toldAtUpMs.has(key)) return [];
      this.#toldAtUpMs.set(key, upMs);
      return [watched.trouble];
    });
  }
}

function troublesOf({ cameras, warnings }: Pick<HealthAnswer, "cameras" | "warnings">): Trouble[] {
  const ofHub = warnings.flatMap(({ code }): Trouble[] =>
    HUB_CODES.has(code) ? [{ code, camera: null }] : [],
  );
  const ofCameras = cameras.flatMap(({ id, main, notes }): Trouble[] => {
    const camera = parseCameraId(id);
    const away = main === "streaming" || main === "off" ? [] : [{ code: "CAMERA_AWAY", camera }];
    const noted = notes.flatMap(({ code }) => (CAMERA_CODES.has(code) ? [{ code, camera }] : []));
    return [...away, ...noted];
  });
  return [...ofHub, ...ofCameras];
}

function keyOf({ code, camera }: Trouble): string {
  return `${code} ${camera ?? ""}`;
}
