import { randomBytes } from "node:crypto";
import { inTransaction, type HubDatabase } from "../base/database.ts";
import { toHex } from "../protocol/bytes.ts";
import {
  parseCameraId,
  parseClipId,
  parseDeviceId,
  parseRequestId,
  type CameraId,
  type ClipId,
  type EventKind,
} from "../protocol/ids.ts";
import type { Notice, NoticeKind } from "./notice.ts";

/** What is older resolves to nothing, whatever it was about. */
export const NOTICE_AGE_MAX_MS = 8 * 86_400_000;
export const NOTICES_MAX = 2_000;
/** Clocks of the recorder and of this process are the same; a press takes a moment between them. */
const BELL_SLACK_MS = 2_000;

interface NoticeRow {
  readonly id: string;
  readonly kind: NoticeKind;
  readonly at_ms: number;
  readonly expires_at_ms: number;
  readonly camera: string | null;
  readonly zone: string | null;
  readonly clip: string | null;
  readonly request: string | null;
  readonly code: string | null;
  readonly since_ms: number | null;
  readonly device: string | null;
}

/** What a new notice says; the rest follows. */
export type NoticeContent = Pick<Notice, "kind"> & Partial<Omit<Notice, "id" | "expiresAtMs">>;

/**
 * Notices, at most {@link NOTICES_MAX} of them. Each ends with what it is about: with the clip by the
 * database's own trigger.
 */
export class NoticeStore {
  readonly #database: HubDatabase;
  readonly #nowMs: () => number;

  constructor(database: HubDatabase, nowMs: () => number) {
    this.#database = database;
    this.#nowMs = nowMs;
  }

  /** Makes one, which is not kept yet. */
  make(content: NoticeContent): Notice {
    const atMs = content.atMs ?? this.#nowMs();
    const unsaid = {
      ...{ camera: null, zone: null, clip: null, request: null },
      ...{ code: null, sinceMs: null, device: null },
    };
    const expiresAtMs = atMs + NOTICE_AGE_MAX_MS;
    return { ...unsaid, ...content, id: toHex(randomBytes(16)), atMs, expiresAtMs };
  }

  /** The oldest goes where there are too many. */
  keep(notice: Notice): void {
    const { id, kind, atMs, expiresAtMs, camera, zone, clip, request } = notice;
    const { code, sinceMs, device } = notice;
    inTransaction(this.#database, () => {
      this.#database
        .prepare("DELETE FROM notices WHERE expires_at_ms <= ? OR at_ms > ?")
        .run(this.#nowMs(), this.#nowMs() + NOTICE_AGE_MAX_MS);
      this.#database
        .prepare(
          `DELETE FROM notices WHERE id IN (SELECT id FROM notices ORDER BY at_ms DESC, id
           LIMIT -1 OFFSET ${NOTICES_MAX - 1})`,
        )
        .run();
      this.#database
        .prepare(
          `INSERT INTO notices (id, kind, at_ms, expires_at_ms, camera, zone, clip, request, code,
           since_ms, device) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[id, kind, atMs, expiresAtMs, camera, zone, clip, request, code],
          ...[sinceMs, device],
        );
    });
  }

  /** Null where there is none, or it is over. */
  get(id: string): Notice | null {
    const row = this.#database
      .prepare<[string, number], NoticeRow>(
        "SELECT * FROM notices WHERE id = ? AND expires_at_ms > ?",
      )
      .get(id, this.#nowMs());
    return row ? noticeOf(row) : null;
  }

  /** Newest first. */
  newest(limit: number): Notice[] {
    return this.#database
      .prepare<[number, number], NoticeRow>(
        "SELECT * FROM notices WHERE expires_at_ms > ? ORDER BY at_ms DESC, id LIMIT ?",
      )
      .all(this.#nowMs(), limit)
      .map(noticeOf);
  }

  /** A recording that a bell is about: the one of its camera while somebody rang; null for none. */
  clipOfBell({ camera, atMs }: Notice): ClipId | null {
    if (camera === null) return null;
    const from = { camera, fromMs: atMs + BELL_SLACK_MS, toMs: atMs - BELL_SLACK_MS };
    const found = this.#database
      .prepare<[typeof from], string>(
        `SELECT id FROM clips INDEXED BY clips_by_camera
         WHERE camera = @camera AND started_at_ms <= @fromMs
         AND coalesce(ended_at_ms, ${Number.MAX_SAFE_INTEGER}) >= @toMs
         ORDER BY started_at_ms DESC LIMIT 1`,
      )
      .pluck()
      .get(from);
    return found === undefined ? null : parseClipId(found);
  }

  kindOfClip(clip: ClipId): EventKind | null {
    const kind = this.#database
      .prepare<[string], EventKind>("SELECT kind FROM clips WHERE id = ?")
      .pluck()
      .get(clip);
    return kind ?? null;
  }

  cameraOfClip(clip: ClipId): CameraId | null {
    const camera = this.#database
      .prepare<[string], string>("SELECT camera FROM clips WHERE id = ?")
      .pluck()
      .get(clip);
    return camera === undefined ? null : parseCameraId(camera);
  }

  /** Those of cameras that are not there any more. */
  forgetOtherCameras(cameras: readonly CameraId[]): void {
    this.#database
      .prepare(
        `DELETE FROM notices WHERE camera IS NOT NULL
         AND camera NOT IN (SELECT value FROM json_each(?))`,
      )
      .run(JSON.stringify(cameras));
  }
}

function noticeOf(row: NoticeRow): Notice {
  return {
    ...{ id: row.id, kind: row.kind, atMs: row.at_ms, expiresAtMs: row.expires_at_ms },
    ...{ zone: row.zone, code: row.code, sinceMs: row.since_ms },
    camera: row.camera === null ? null : parseCameraId(row.camera),
    clip: row.clip === null ? null : parseClipId(row.clip),
    request: row.request === null ? null : parseRequestId(row.request),
    device: row.device === null ? null : parseDeviceId(row.device),
  };
}
