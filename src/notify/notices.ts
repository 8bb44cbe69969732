import type { HubDatabase } from "../base/database.ts";
import type { NotificationRules } from "../protocol/api-notices.ts";
import type { RecorderEvent } from "../protocol/clip.ts";
import type { CameraId, ClipId, DeviceId, EventKind, RequestId } from "../protocol/ids.ts";
import { roleHasRight, roleOfDevice, type Keyring, type Role } from "../protocol/keyring.ts";
import { countMotion, isDigestDue, type DigestCount } from "./digest.ts";
import type { HouseEvent, Notice } from "./notice.ts";
import { NOTICE_AGE_MAX_MS, NoticeStore, type NoticeContent } from "./notice-store.ts";
import { Outbox } from "./outbox.ts";
import { OutboxRows, type MachineClock, type Waiting } from "./outbox-rows.ts";
import {
  CoolDown,
  inQuietHours,
  mayKnow,
  RulesStore,
  wants,
  wantsMotion,
  type MotionSeen,
} from "./rules.ts";

export interface NoticesOptions extends MachineClock {
  readonly database: HubDatabase;
  readonly nowMs: () => number;
  /** Null before the claim. */
  readonly keyring: () => Keyring | null;
  /** Those that are configured now. */
  readonly cameras: () => readonly CameraId[];
  /** Whether it is within these hours of the week. */
  readonly isWithin: (hours: NotificationRules["quiet"]) => boolean;
  /** The next instant after one at which a clock on the wall shows a time of day. */
  readonly nextTimeOfDay: (time: string, afterMs: number) => number;
  readonly log: (level: "info" | "warn", message: string) => void;
  readonly onSettled: (waiting: Waiting, problem: string | null) => void;
}

/** What a device may know of a notice. */
export interface NoticeSeen {
  readonly notice: Notice;
  readonly clip: ClipId | null;
  readonly class: EventKind | null;
  readonly digest: readonly DigestCount[] | null;
}

interface Recipient {
  readonly device: DeviceId;
  readonly rules: NotificationRules;
}

interface Unwritten {
  readonly notice: Notice;
  /** That it was last found to be about: it ends with it, as the database would see to. */
  readonly clip: ClipId | null;
}

/** Of a bell: while it is handed over nothing waits for the disk. */
const WRITE_AFTER_MS = 250;
/** Longer is no correction of a clock: it was wrong, or is. */
const DIGEST_AHEAD_MAX_MS = 86_400_000;
/** Of those whose row the disk does not take; movement goes first. */
const UNWRITTEN_MAX = 200;

/** Decides who is told of what, keeps it for as long as it is about something, and hands it on. */
export class Notices implements AsyncDisposable {
  readonly rules: RulesStore;
  readonly outbox: Outbox;
  readonly store: NoticeStore;
  readonly #options: NoticesOptions;
  readonly #coolDown: CoolDown;
  readonly #listeners = new Set<(event: HouseEvent) => void>();
  /** Told already, and not on the disk yet. */
  readonly #unwritten = new Map<string, Unwritten>();

  constructor(options: NoticesOptions) {
    const { database, nowMs, upMs, boot, log, onSettled } = options;
    this.#options = options;
    this.rules = new RulesStore(database);
    this.store = new NoticeStore(database, nowMs);
    this.#coolDown = new CoolDown(upMs);
    this.outbox = new Outbox({
      ...{ nowMs, upMs, log, onSettled },
      rows: new OutboxRows(database, { nowMs, upMs, boot, log }),
      isStill: (waiting) => this.#isStill(waiting),
      isHeld: (waiting) => this.#quietOf(waiting) === "wait",
    });
  }

  onEvent(listener: (event: HouseEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Somebody rings: under way to carriers when this returns, and on the disk a moment later. */
  rang({ camera, atMs }: { readonly camera: CameraId; readonly atMs: number }): void {
    const notice = this.store.make({ kind: "bell", camera, atMs });
    this.#unwritten.set(notice.id, { notice, clip: null });
    this.outbox.queue(
      notice,
      this.#recipients(notice).map(({ device }) => device),
    );
    this.outbox.pump();
    setTimeout(() => this.#write(notice.id), WRITE_AFTER_MS).unref();
    this.#emit({
      ...{ kind: "bell", class: "bell", camera, atMs },
      ...{ zone: null, clip: null, isNamed: false },
    });
    this.#lookAfter(notice.id);
  }

  /** What the recorder says, after the store has taken it. */
  recorded(event: RecorderEvent): void {
    if (event.type === "clip-started") {
      if (event.kind === "bell") return;
      const { camera, clip, why, eventAtMs } = event;
      this.#moved({ camera, clip, class: event.kind, zone: why.zone || null }, eventAtMs, false);
    } else if (event.type === "clip-named") {
      const { clip, why } = event;
      const camera = this.store.cameraOfClip(clip);
      const seen = { clip, class: why.kind, zone: why.zone || null };
      if (camera !== null) this.#moved({ ...seen, camera }, this.#options.nowMs(), true);
    }
  }

  /** @returns null where nobody is there to be told. */
  tell(content: NoticeContent): Notice | null {
    const notice = this.store.make(content);
    const recipients = this.#recipients(notice);
    return recipients.length === 0 ? null : this.#tell(notice, recipients);
  }

  /**
   * To one device, whatever it wants to be told of.
   *
   * @param before - Called with it before it is sent.
   */
  tellOnly(
    device: DeviceId,
    content: NoticeContent,
    before: (notice: Notice) => void = () => undefined,
  ): Notice {
    const notice = this.store.make({ ...content, device });
    before(notice);
    return this.#tell(notice, [{ device, rules: this.rules.of(device) }]);
  }

  /** Null for all that this device may not know of, is over, or never was. */
  look(id: string, device: DeviceId): NoticeSeen | null {
    const notice = this.#lookAfter(id) ?? this.store.get(id);
    const role = this.#roleOf(device);
    if (!notice || notice.expiresAtMs <= this.#options.nowMs()) return null;
    if (!role || !mayKnow(role, notice.kind)) return null;
    if (notice.device !== null && notice.device !== device) return null;
    if (notice.camera !== null && !this.#options.cameras().includes(notice.camera)) return null;
    const bells = notice.kind === "bell" ? this.store.clipOfBell(notice) : null;
    const clip = roleHasRight(role, "view_blurred") ? (notice.clip ?? bells) : null;
    const found = clip === null ? null : this.store.kindOfClip(clip);
    if (notice.clip !== null && found === null) return null;
    const digest = notice.kind === "digest" ? this.#placesOf(notice, device) : null;
    return { notice, clip, class: notice.kind === "bell" ? "bell" : found, digest };
  }

  setRules(device: DeviceId, rules: NotificationRules): void {
    this.rules.set(device, rules, this.#options.nowMs());
    this.outbox.pump();
  }

  requestReceived(request: RequestId): void {
    this.tell({ kind: "request", request });
  }

  /** Nothing stays of devices that are not in force any more. */
  keepDevices(): void {
    const devices = this.#devices().map(([device]) => device);
    this.rules.keepOnly(devices);
    this.outbox.forget(({ device }) => !devices.includes(device));
  }

  /** Nothing stays of cameras that are not configured any more. */
  keepCameras(): void {
    this.store.forgetOtherCameras(this.#options.cameras());
    this.outbox.forget((waiting) => !this.#isStill(waiting));
  }

  /** What time alone does: digests, and what waits for the end of quiet hours. */
  tick(): void {
    for (const id of this.#unwritten.keys()) this.#write(id);
    this.outbox.pump();
    for (const recipient of this.#recipients({ kind: "digest", code: null }))
      this.#tellDigest(recipient);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#unwritten.keys()) this.#write(id);
    await this.outbox[Symbol.asyncDispose]();
  }

  #tell(notice: Notice, recipients: readonly Recipient[]): Notice {
    this.#unwritten.set(notice.id, { notice, clip: null });
    this.outbox.queue(
      notice,
      recipients.map(({ device }) => device),
    );
    // A full disk, which may be what it says, keeps nothing from being told.
    this.#write(notice.id);
    this.outbox.pump();
    return notice;
  }

  #moved(seen: MotionSeen, atMs: number, isNamed: boolean): void {
    const { camera, zone, clip } = seen;
    this.#emit({ kind: "motion", ...seen, atMs, isNamed });
    const recipients = this.#recipients({ kind: "motion", code: null }).filter(
      ({ device, rules }) =>
        wantsMotion(rules, seen) && this.#coolDown.take(device, seen, rules.coolDownMinutes),
    );
    if (recipients.length === 0) return;
    this.#tell(this.store.make({ kind: "motion", camera, zone, clip }), recipients);
  }

  #tellDigest({ device, rules }: Recipient): void {
    const { nowMs, nextTimeOfDay } = this.#options;
    const untilMs = this.rules.digestUntilMs(device);
    if (untilMs === null || this.#options.isWithin(rules.quiet)) return;
    // A clock that was put back has to pass where it was before; from years ahead it begins anew.
    if (untilMs > nowMs() + DIGEST_AHEAD_MAX_MS) {
      this.rules.setDigestUntil(device, nowMs());
      return;
    }
    const sinceMs = Math.max(untilMs, nowMs() - NOTICE_AGE_MAX_MS);
    if (!isDigestDue(rules.digestTimes, { sinceMs, nowMs: nowMs() }, nextTimeOfDay)) return;
    this.rules.setDigestUntil(device, nowMs());
    const span = { fromMs: sinceMs, toMs: nowMs() };
    if (countMotion(this.#options.database, span, rules).length === 0) return;
    this.tellOnly(device, { kind: "digest", atMs: span.toMs, sinceMs });
  }

  #placesOf({ sinceMs, atMs }: Notice, device: DeviceId): DigestCount[] {
    const known = this.#options.cameras();
    return countMotion(
      this.#options.database,
      { fromMs: sinceMs ?? atMs, toMs: atMs },
      this.rules.of(device),
    ).filter(({ camera }) => known.includes(camera));
  }

  /** Who may know of it, wants it, and is not in quiet hours that drop it. */
  #recipients({ kind, code }: Pick<Notice, "kind" | "code">): Recipient[] {
    return this.#devices().flatMap(([device, role]): Recipient[] => {
      if (!mayKnow(role, kind)) return [];
      const rules = this.rules.of(device);
      if (!wants(rules, kind, code)) return [];
      const isDropped =
        inQuietHours(rules, kind, code) === "drop" && this.#options.isWithin(rules.quiet);
      return isDropped ? [] : [{ device, rules }];
    });
  }

  #devices(): [DeviceId, Role][] {
    const keyring = this.#options.keyring();
    return [...(keyring?.devices.keys() ?? [])].flatMap((device): [DeviceId, Role][] => {
      const role = keyring ? roleOfDevice(keyring, device) : null;
      return role ? [[device, role]] : [];
    });
  }

  #roleOf(device: DeviceId): Role | null {
    const keyring = this.#options.keyring();
    return keyring?.devices.has(device) === true ? roleOfDevice(keyring, device) : null;
  }

  #isStill({ notice, kind, device }: Waiting): boolean {
    const role = this.#roleOf(device);
    if (!role || !mayKnow(role, kind)) return false;
    return this.#unwritten.has(notice) || this.store.get(notice) !== null;
  }

  #quietOf({ notice, kind, device }: Waiting): "tell" | "drop" | "wait" {
    const rules = this.rules.of(device);
    if (!this.#options.isWithin(rules.quiet)) return "tell";
    const known = this.#unwritten.get(notice)?.notice ?? this.store.get(notice);
    return inQuietHours(rules, kind, known?.code ?? null);
  }

  /** Null for one that is written already, or that has ended with what it is about. */
  #lookAfter(id: string): Notice | null {
    const { notice = null, clip = null } = this.#unwritten.get(id) ?? {};
    if (!notice) return null;
    const { camera } = notice;
    const isOfOther = camera !== null && !this.#options.cameras().includes(camera);
    if (isOfOther || (clip !== null && this.store.kindOfClip(clip) === null)) {
      this.#unwritten.delete(id);
      return null;
    }
    const about = notice.kind === "bell" ? this.store.clipOfBell(notice) : notice.clip;
    const isThere = about !== null && this.store.kindOfClip(about) !== null;
    this.#unwritten.set(id, { notice, clip: isThere ? about : null });
    return notice;
  }

  #write(id: string): void {
    try {
      const notice = this.#lookAfter(id);
      if (!notice) return;
      this.store.keep(notice);
      this.#unwritten.delete(id);
      this.outbox.keep(id);
    } catch (error) {
      // It is sent all the same, and stays in memory for whoever asks what it was.
      this.#options.log("warn", `notice not written down: ${String(error)}`);
      const all = [...this.#unwritten.values()].map(({ notice }) => notice);
      const least = all.find(({ kind }) => kind === "motion" || kind === "digest") ?? all[0];
      if (all.length > UNWRITTEN_MAX && least) this.#unwritten.delete(least.id);
    }
  }

  #emit(event: HouseEvent): void {
    for (const listener of this.#listeners)
      try {
        listener(event);
      } catch (error) {
        this.#options.log("warn", `event not passed on: ${String(error)}`);
      }
  }
}
