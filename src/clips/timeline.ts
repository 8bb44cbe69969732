import type BetterSqlite3 from "better-sqlite3";
import type { CameraId, EventKind } from "../protocol/ids.ts";
import { clipOf, SELECT_CLIP, type ClipRow, type StoredClip } from "./clip-rows.ts";

export const WINDOW_CLIPS_MAX = 500;

export interface WindowQuery {
  /** UTC; clips that began in it, `toMs` not included. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly camera?: CameraId;
  readonly kind?: EventKind;
  /** By default newest first. */
  readonly oldestFirst?: boolean;
  readonly offset?: number;
  /** 1 to 500. */
  readonly limit: number;
}

export interface TimelinePage {
  /** Newest first: hour since 1970, index in `cameras`, index in `kinds`, number of clips. */
  readonly hours: [number, number, number, number][];
  readonly cameras: string[];
  readonly kinds: string[];
  /** `before` of the next page. */
  readonly next: number | null;
  readonly newestAtMs: number | null;
}

type HourRow = [hour: number, camera: string, kind: string, count: number];

/** When something was recorded, over years and a million clips, without looking at each of them. */
export class ClipTimeline {
  readonly #database: BetterSqlite3.Database;

  constructor(database: BetterSqlite3.Database) {
    this.#database = database;
  }

  /** Clips in the order in which they began; two of the same millisecond in that of their arrival. */
  window(query: WindowQuery): StoredClip[] {
    const { camera, kind, limit, offset = 0, oldestFirst = false } = query;
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > WINDOW_CLIPS_MAX)
      throw new RangeError(`Cannot list clips: a limit of ${limit}`);
    const direction = oldestFirst ? "ASC" : "DESC";
    const order = `ORDER BY started_at_ms ${direction}, sequence ${direction}`;
    const wanted = {
      ...{ limit, offset, fromMs: query.fromMs ?? 0, toMs: query.toMs ?? Number.MAX_SAFE_INTEGER },
      ...(camera === undefined ? {} : { camera }),
      ...(kind === undefined ? {} : { kind }),
    };
    // The rows that are passed over are passed over in the index alone.
    const sql = `${SELECT_CLIP} WHERE sequence IN (
        SELECT sequence FROM clips INDEXED BY ${indexFor(query)}
        WHERE started_at_ms >= @fromMs AND started_at_ms < @toMs
        ${camera === undefined ? "" : "AND camera = @camera"}
        ${kind === undefined ? "" : "AND kind = @kind"}
        ${order} LIMIT @limit OFFSET @offset)
      ${order}`;
    return this.#database.prepare<[typeof wanted], ClipRow>(sql).all(wanted).map(clipOf);
  }

  /**
   * @param before - Hours since 1970; this one and later ones are left out.
   * @param limit - Rows at most; an hour is never cut in two.
   */
  hours(before: number, limit: number): TimelinePage {
    const rows = this.#database
      .prepare<[number, number], HourRow>(
        `SELECT hour, camera, kind, count FROM clip_hours WHERE hour < ?
         ORDER BY hour DESC, camera, kind LIMIT ?`,
      )
      .raw()
      .all(before, limit + 1);
    const cut = rows.length > limit ? rows.at(-1)?.[0] : undefined;
    const whole = cut === undefined ? rows : rows.filter(([hour]) => hour !== cut);
    const cameras = new Map<string, number>();
    const kinds = new Map<string, number>();
    const hours = whole.map(([hour, camera, kind, count]): TimelinePage["hours"][number] => [
      hour,
      placeOf(cameras, camera),
      placeOf(kinds, kind),
      count,
    ]);
    return {
      ...{ hours, cameras: [...cameras.keys()], kinds: [...kinds.keys()] },
      next: cut === undefined ? null : cut + 1,
      newestAtMs: this.#newestAtMs(),
    };
  }

  #newestAtMs(): number | null {
    const newest = this.#database
      .prepare<[], number | null>("SELECT max(started_at_ms) FROM clips")
      .pluck()
      .get();
    return newest ?? null;
  }
}

/** Left to itself, SQLite may walk all of a kind to find one camera's. */
function indexFor({ camera, kind }: WindowQuery): string {
  if (camera !== undefined) return kind === undefined ? "clips_by_camera" : "clips_by_camera_kind";
  return kind === undefined ? "clips_by_time" : "clips_by_kind";
}

function placeOf(places: Map<string, number>, name: string): number {
  const known = places.get(name);
  if (known !== undefined) return known;
  places.set(name, places.size);
  return places.size - 1;
}
