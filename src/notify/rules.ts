import type { HubDatabase } from "../base/database.ts";
import { DEFAULT_RULES, NotificationRules } from "../protocol/api-notices.ts";
import { checkShape } from "../protocol/check.ts";
import type { CameraId, ClipId, DeviceId, EventKind } from "../protocol/ids.ts";
import { roleHasRight, type Role } from "../protocol/keyring.ts";
import type { NoticeKind } from "./notice.ts";

/** Motion as the rules of a device judge it. */
export interface MotionSeen {
  readonly camera: CameraId;
  readonly zone: string | null;
  readonly class: EventKind;
  readonly clip: ClipId;
}

/** Told whatever a device has said: who holds it unlocked could otherwise silence them. */
const ALWAYS_TOLD: ReadonlySet<string> = new Set([
  ...["RECOVERY_PENDING", "DEVICE_ADMITTED", "DEVICE_REMOVED"],
]);
const COOLING_MAX = 10_000;

/** Whether somebody of this role may know of such a notice at all. */
export function mayKnow(role: Role, kind: NoticeKind): boolean {
  switch (kind) {
    case "bell":
      return roleHasRight(role, "live") || roleHasRight(role, "view_blurred");
    case "motion":
    case "digest":
      return roleHasRight(role, "view_blurred");
    case "request":
      return roleHasRight(role, "sign");
    case "house":
    case "trouble":
      return roleHasRight(role, "administer");
    case "test":
      return true;
  }
}

/** Whether a device wants it at all; for motion {@link wantsMotion} says it. */
export function wants(rules: NotificationRules, kind: NoticeKind, code: string | null): boolean {
  if (code !== null && ALWAYS_TOLD.has(code)) return true;
  switch (kind) {
    case "bell":
    case "test":
      return true;
    case "motion":
      return rules.motion === "each";
    case "digest":
      return rules.motion === "digest";
    case "request":
      return rules.requests;
    case "house":
    case "trouble":
      return rules.house;
  }
}

export function wantsMotion(
  { cameras, classes }: NotificationRules,
  seen: Pick<MotionSeen, "camera" | "class">,
): boolean {
  return (
    (cameras.length === 0 || cameras.includes(seen.camera)) &&
    (classes.length === 0 || classes.includes(seen.class))
  );
}

/** What quiet hours do to a notice: nothing, drop it, or keep it until they are over. */
export function inQuietHours(
  rules: NotificationRules,
  kind: NoticeKind,
  code: string | null,
): "tell" | "drop" | "wait" {
  if (code !== null && ALWAYS_TOLD.has(code)) return "tell";
  switch (kind) {
    case "test":
      return "tell";
    case "bell":
      return rules.bellInQuiet ? "tell" : "drop";
    case "motion":
      return "drop";
    case "digest":
    case "request":
    case "house":
    case "trouble":
      return "wait";
  }
}

/** Never two of the same camera and zone within a time that each device sets. In memory only. */
export class CoolDown {
  readonly #upMs: () => number;
  /** By device, camera and zone. */
  readonly #toldAtUpMs = new Map<string, number>();
  /** By device: the clips it was told of last. */
  readonly #clips = new Map<DeviceId, ClipId[]>();

  /** @param upMs - A clock that only runs forward. */
  constructor(upMs: () => number) {
    this.#upMs = upMs;
  }

  /** Whether it may be told now; then it counts as told. */
  take(device: DeviceId, seen: MotionSeen, coolDownMinutes: number): boolean {
    const key = `${device} ${seen.camera} ${seen.zone ?? ""}`;
    const upMs = this.#upMs();
    const before = this.#toldAtUpMs.get(key);
    const told = this.#clips.get(device) ?? [];
    const isCooling = before !== undefined && upMs - before < coolDownMinutes * 60_000;
    if (isCooling || told.includes(seen.clip)) return false;
    // The newest stand last.
    this.#toldAtUpMs.delete(key);
    this.#toldAtUpMs.set(key, upMs);
    const [oldest] = this.#toldAtUpMs.keys();
    if (this.#toldAtUpMs.size > COOLING_MAX && oldest !== undefined)
      this.#toldAtUpMs.delete(oldest);
    this.#clips.set(device, [...told.slice(-15), seen.clip]);
    return true;
  }

  forget(device: DeviceId): void {
    this.#clips.delete(device);
    for (const key of this.#toldAtUpMs.keys())
      if (key.startsWith(`${device} `)) this.#toldAtUpMs.delete(key);
  }
}

interface RulesRow {
  readonly rules: string;
  readonly digestUntilMs: number;
}

/** What each device has said, and up to where its digests go. */
export class RulesStore {
  readonly #database: HubDatabase;
  /** A bell must not wait for a disk. */
  readonly #known = new Map<DeviceId, NotificationRules>();

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  of(device: DeviceId): NotificationRules {
    const known = this.#known.get(device);
    if (known) return known;
    const rules = this.#read(device);
    this.#known.set(device, rules);
    return rules;
  }

  #read(device: DeviceId): NotificationRules {
    const row = this.#row(device);
    if (!row) return DEFAULT_RULES;
    try {
      return checkShape(NotificationRules, JSON.parse(row.rules), "rules");
    } catch {
      // What an older version wrote, or somebody's hand: the defaults are the safe ones.
      return DEFAULT_RULES;
    }
  }

  /** @param nowMs - Motion of before is in no digest that begins with these rules. */
  set(device: DeviceId, rules: NotificationRules, nowMs: number): void {
    this.#database
      .prepare(
        `INSERT INTO notice_rules (device, rules, digest_until_ms) VALUES (?, ?, ?)
         ON CONFLICT (device) DO UPDATE SET rules = excluded.rules`,
      )
      .run(device, JSON.stringify(rules), nowMs);
    if (this.of(device).motion !== "digest" && rules.motion === "digest")
      this.setDigestUntil(device, nowMs);
    this.#known.set(device, rules);
  }

  /** Null where the device has said nothing, and gets no digest. */
  digestUntilMs(device: DeviceId): number | null {
    return this.#row(device)?.digestUntilMs ?? null;
  }

  setDigestUntil(device: DeviceId, atMs: number): void {
    this.#database
      .prepare("UPDATE notice_rules SET digest_until_ms = ? WHERE device = ?")
      .run(atMs, device);
  }

  keepOnly(devices: readonly DeviceId[]): void {
    for (const device of this.#known.keys())
      if (!devices.includes(device)) this.#known.delete(device);
    this.#database
      .prepare("DELETE FROM notice_rules WHERE device NOT IN (SELECT value FROM json_each(?))")
      .run(JSON.stringify(devices));
  }

  #row(device: DeviceId): RulesRow | undefined {
    return this.#database
      .prepare<[string], RulesRow>(
        "SELECT rules, digest_until_ms AS digestUntilMs FROM notice_rules WHERE device = ?",
      )
      .get(device);
  }
}
