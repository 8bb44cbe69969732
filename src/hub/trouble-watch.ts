import type { HealthAnswer } from "../protocol/api.ts";
import { parseCameraId, type CameraId } from "../protocol/ids.ts";
import type { ToldTroubles } from "./told-troubles.ts";
import type { HealthSettings } from "../settings/health.ts";

export interface Trouble {
  readonly code: string;
  readonly camera: CameraId | null;
}

/** What owners are told of now. */
export interface TroubleNews extends Trouble {
  readonly isOver: boolean;
}

export interface TroubleWatchOptions {
  /** A clock that only runs forward. */
  readonly upMs: () => number;
  readonly nowMs: () => number;
  readonly settings: () => Pick<HealthSettings, "cameraAwayMs">;
  readonly rows: Pick<ToldTroubles, "all" | "put" | "drop">;
}

const MINUTE_MS = 60_000;
/** What comes and goes is told once in this time, and again after it where it is so then. */
const AGAIN_AFTER_MS = 360 * MINUTE_MS;
/** Of a camera: whoever was told that it is back relies on it. */
const CAMERA_AGAIN_AFTER_MS = 60 * MINUTE_MS;
/** So long it has to be well again before that is told. */
const CALM_MS = 2 * MINUTE_MS;
/** Codes with other times than these: how long it lasts before it is told, and is well before that is. */
const TIMES: Readonly<Record<string, { readonly waitMs: number; readonly calmMs: number }>> = {
  // A machine whose clock is set a while after its start thinks that years have passed.
  CERTIFICATE_ENDS: { waitMs: 10 * MINUTE_MS, calmMs: CALM_MS },
  NOT_WITNESSED: { waitMs: 10 * MINUTE_MS, calmMs: 0 },
  COPY_BEHIND: { waitMs: 10 * MINUTE_MS, calmMs: 0 },
  TOO_HOT: { waitMs: 5 * MINUTE_MS, calmMs: 15 * MINUTE_MS },
  POWER_LOW: { waitMs: 0, calmMs: 60 * MINUTE_MS },
};

interface Watched {
  readonly trouble: Trouble;
  readonly sinceUpMs: number;
  readonly sinceMs: number;
  isTold: boolean;
  /** Since when it is well again; null while it is not. */
  overUpMs: number | null;
}

/**
 * Tells owners of what is wrong once when it has lasted, and once when it is over, over restarts of
 * the hub, too.
 */
export class TroubleWatch {
  readonly #options: TroubleWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #toldAtUpMs = new Map<string, number>();
  /** Not on the disk yet, which may be full: what it is about. */
  readonly #unwritten = new Map<string, () => void>();

  constructor(options: TroubleWatchOptions) {
    this.#options = options;
    const { rows, upMs, nowMs } = options;
    for (const { code, camera, toldAtMs, overAtMs } of rows.all()) {
      const trouble = { code, camera: camera === "" ? null : parseCameraId(camera) };
      const passedMs = nowMs() - toldAtMs;
      // Of a clock that was set meanwhile nothing is believed: it counts as told just now.
      const isSane = passedMs >= 0 && passedMs <= AGAIN_AFTER_MS;
      this.#toldAtUpMs.set(keyOf(trouble), upMs() - (isSane ? passedMs : 0));
      if (overAtMs !== null) continue;
      const [sinceUpMs, sinceMs] = [upMs(), toldAtMs];
      this.#watched.set(keyOf(trouble), {
        ...{ trouble, sinceUpMs, sinceMs, isTold: true, overUpMs: null },
      });
    }
  }

  /**
   * @param found - What is wrong now.
   * @param quiet - Cameras that are off or gone: nothing of them is told, not even that it is over.
   * @returns what is to be told now.
   */
  look(found: readonly Trouble[], quiet: (camera: CameraId) => boolean): TroubleNews[] {
    const upMs = this.#options.upMs();
    const now = new Map(found.map((trouble) => [keyOf(trouble), trouble]));
    for (const [key, trouble] of now) this.#isSo(key, trouble, upMs);
    const over = [...this.#watched].flatMap(([key, watched]) =>
      now.has(key) ? [] : this.#isWell(key, watched, quiet),
    );
    const begun = [...this.#watched].flatMap(([key, watched]) =>
      now.has(key) ? this.#isToBeTold(key, watched, upMs) : [],
    );
    this.#forgetOld(upMs);
    this.#write();
    return [...over, ...begun];
  }

  /** Told and not over, the oldest first. */
  ongoing(): {
    readonly code: string;
    readonly camera: CameraId | null;
    readonly sinceMs: number;
  }[] {
    return [...this.#watched.values()]
      .filter(({ isTold }) => isTold)
      .map(({ trouble, sinceMs }) => ({ ...trouble, sinceMs: Math.max(0, sinceMs) }))
      .toSorted((left, right) => left.sinceMs - right.sinceMs);
  }

  #isSo(key: string, trouble: Trouble, upMs: number): void {
    const watched = this.#watched.get(key);
    if (watched) watched.overUpMs = null;
    else
      this.#watched.set(key, {
        ...{ trouble, sinceUpMs: upMs, sinceMs: this.#options.nowMs() },
        ...{ isTold: false, overUpMs: null },
      });
  }

  #isToBeTold(key: string, watched: Watched, upMs: number): TroubleNews[] {
    const { trouble, sinceUpMs, isTold } = watched;
    if (isTold || upMs - sinceUpMs < this.#timesOf(trouble).waitMs) return [];
    const toldAtUpMs = this.#toldAtUpMs.get(key);
    if (toldAtUpMs !== undefined && upMs - toldAtUpMs < againAfterMs(trouble)) return [];
    watched.isTold = true;
    this.#toldAtUpMs.set(key, upMs);
    this.#keep(key, trouble, null);
    return [{ ...trouble, isOver: false }];
  }

  #isWell(key: string, watched: Watched, quiet: (camera: CameraId) => boolean): TroubleNews[] {
    const { trouble, isTold } = watched;
    const isQuiet = trouble.camera !== null && quiet(trouble.camera);
    const upMs = this.#options.upMs();
    watched.overUpMs ??= upMs;
    const isCalm = upMs - watched.overUpMs >= this.#timesOf(trouble).calmMs;
    if (isTold && !isQuiet && !isCalm) return [];
    this.#watched.delete(key);
    if (!isTold) return [];
    this.#keep(key, trouble, this.#options.nowMs());
    return isQuiet ? [] : [{ ...trouble, isOver: true }];
  }

  #timesOf({ code, camera }: Trouble): { readonly waitMs: number; readonly calmMs: number } {
    if (camera !== null) return { waitMs: this.#options.settings().cameraAwayMs, calmMs: CALM_MS };
    return TIMES[code] ?? { waitMs: 0, calmMs: CALM_MS };
  }

  /** After this it may be told at once when it begins again. */
  #forgetOld(upMs: number): void {
    for (const [key, toldAtUpMs] of this.#toldAtUpMs) {
      const [code = "", camera = ""] = key.split(" ");
      const isRecent = upMs - toldAtUpMs < againAfterMs({ camera });
      if (isRecent || this.#watched.get(key)?.isTold === true) continue;
      this.#toldAtUpMs.delete(key);
      this.#unwritten.set(key, () => this.#options.rows.drop(code, camera));
    }
  }

  #keep(key: string, { code, camera }: Trouble, overAtMs: number | null): void {
    const { upMs, nowMs } = this.#options;
    const agoMs = upMs() - (this.#toldAtUpMs.get(key) ?? upMs());
    const toldAtMs = Math.max(0, Math.round(nowMs() - agoMs));
    this.#unwritten.set(key, () =>
      this.#options.rows.put({ code, camera: camera ?? "", toldAtMs, overAtMs }),
    );
  }

  /** What a full disk does not take is tried again at the next look. */
  #write(): void {
    for (const [key, write] of this.#unwritten)
      try {
        write();
        this.#unwritten.delete(key);
      } catch {
        return;
      }
  }
}

/** Warnings of the hub that are worth a notice, and those of a camera after it was away as long. */
const HUB_CODES = new Set([
  ...["DISK_FULL", "DISK_STUCK", "CERTIFICATE_ENDS", "NOT_WITNESSED", "TOO_HOT", "POWER_LOW"],
  ...["COPY_BEHIND", "CLOCK_WRONG"],
]);
const CAMERA_CODES = new Set(["BELL_LOST", "NOTHING_RECORDED"]);
/** What owners are told of where it lasts: each needs words in `web/service-worker/notice-words.*.ts`. */
export const TROUBLE_CODES: readonly string[] = ["CAMERA_AWAY", ...HUB_CODES, ...CAMERA_CODES];

/** What of the hub's health owners are told of where it lasts. */
export function troublesOf({
  cameras,
  warnings,
}: Pick<HealthAnswer, "cameras" | "warnings">): Trouble[] {
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

function againAfterMs({ camera }: { readonly camera: string | null }): number {
  return camera === null || camera === "" ? AGAIN_AFTER_MS : CAMERA_AGAIN_AFTER_MS;
}

function keyOf({ code, camera }: Trouble): string {
  return `${code} ${camera ?? ""}`;
}
