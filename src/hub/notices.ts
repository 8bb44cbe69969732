import { readFileSync } from "node:fs";
import os from "node:os";
import type { HubDatabase } from "../base/database.ts";
import type { Connections } from "../http/connections.ts";
import type { NoticeDesk } from "../http/notice-desk.ts";
import type { SessionDevice } from "../http/sessions.ts";
import type { Household } from "../keys/household.ts";
import type { Carrier, CarrierName, HouseEvent } from "../notify/notice.ts";
import type { NoticeSeen } from "../notify/notices.ts";
import { Notices } from "../notify/notices.ts";
import { NoticeTests } from "../notify/notice-tests.ts";
import { Ntfy } from "../notify/ntfy.ts";
import { Outward } from "../notify/outward.ts";
import { mayKnow } from "../notify/rules.ts";
import { UnifiedPush } from "../notify/unified-push.ts";
import { Ways } from "../notify/ways.ts";
import type {
  NoticeAnswer,
  NoticesOverview,
  NotificationRules,
  NotificationsAnswer,
  NotificationTestAnswer,
  NotificationTestState,
  UnifiedPushBody,
} from "../protocol/api-notices.ts";
import type { Notice as Warning } from "../protocol/api.ts";
import type { RecorderEvent } from "../protocol/clip.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { parseCameraId, type CameraId, type DeviceId, type RequestId } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import { NOTIFY_DEFAULT, type NotifySecrets, type NotifySettings } from "../settings/notify.ts";
import { checkShape } from "../protocol/check.ts";
import {
  hoursNow,
  nextTimeOfDay,
  wrongWeekHours,
  WeekHoursListSchema,
  type WeekHours,
} from "../settings/week-hours.ts";

const LAST_NOTICES = 50;
const PROBLEM_CHARACTERS = 300;

export interface HubNoticesOptions {
  readonly database: HubDatabase;
  readonly settings: {
    readonly current: {
      readonly cameras: readonly CameraSettings[];
      readonly notify?: NotifySettings;
    };
  };
  readonly secrets: NotifySecrets;
  readonly household: Pick<Household, "keyring">;
  readonly connections: Connections;
  readonly nowMs: () => number;
  /** Of the machine, its sleep included; never set, never put back. */
  readonly upMs: () => number;
  readonly boot: string;
  /** Of the IANA list. */
  readonly timeZone: string;
  /** The one address of the house's page. */
  readonly origin: () => string;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** Notices of a running hub: who is told of what, through the carriers that the settings name. */
export class HubNotices implements NoticeDesk {
  readonly #options: HubNoticesOptions;
  readonly #notices: Notices;
  readonly #tests: NoticeTests;
  readonly #ntfy: Ntfy;
  readonly #ntfyWays: Ways;
  readonly #unifiedPush: UnifiedPush;
  readonly #unifiedWays: Ways;
  readonly #outwards: readonly Outward[];
  #keyring: Keyring | null;

  constructor(options: HubNoticesOptions) {
    this.#options = options;
    const { database, settings, household, nowMs, upMs, boot, timeZone, log } = options;
    this.#tests = new NoticeTests(upMs);
    this.#notices = new Notices({
      ...{ database, nowMs, upMs, boot, log },
      keyring: () => household.keyring,
      cameras: () => settings.current.cameras.map(({ id }) => parseCameraId(id)),
      isWithin: (hours) => hoursNow(hours as readonly WeekHours[], nowMs(), timeZone).isWithin,
      nextTimeOfDay: (time, afterMs) => nextTimeOfDay(time, afterMs, timeZone),
      onSettled: (waiting, problem) => this.#tests.settled(waiting, problem),
    });
    const [toNtfy, toUnifiedPush] = [
      new Outward("ntfy", options.connections),
      new Outward("unified push", options.connections),
    ];
    this.#outwards = [toNtfy, toUnifiedPush];
    this.#ntfyWays = new Ways(database, "ntfy");
    this.#unifiedWays = new Ways(database, "unified-push");
    this.#ntfy = new Ntfy({
      ways: this.#ntfyWays,
      outward: toNtfy,
      origin: options.origin,
      server: () => {
        const { ntfy } = this.#settings;
        return ntfy && { url: ntfy.url, token: options.secrets.ntfyToken };
      },
    });
    this.#unifiedPush = new UnifiedPush({
      ways: this.#unifiedWays,
      outward: toUnifiedPush,
      hosts: () => this.#hosts(),
    });
    this.#notices.outbox.addCarrier(this.#ntfy);
    this.#notices.outbox.addCarrier(this.#unifiedPush);
    this.#keyring = household.keyring;
    this.configure();
  }

  addCarrier(carrier: Carrier): void {
    this.#notices.outbox.addCarrier(carrier);
    this.#notices.outbox.pump();
  }

  forgetWay(carrier: CarrierName, device: DeviceId): void {
    this.#notices.outbox.forgetWay(carrier, device);
  }

  onEvent(listener: (event: HouseEvent) => void): () => void {
    return this.#notices.onEvent(listener);
  }

  rang(ring: { readonly camera: CameraId; readonly atMs: number }): void {
    this.#notices.rang(ring);
  }

  recorded(event: RecorderEvent): void {
    this.#guard(() => this.#notices.recorded(event));
  }

  requestReceived(request: RequestId): void {
    this.#guard(() => this.#notices.requestReceived(request));
  }

  trouble(code: string, camera: CameraId | null): void {
    this.#guard(() => this.#notices.tell({ kind: "trouble", code, camera }));
  }

  /** After each change of the settings, and at the start. */
  configure(): void {
    const { ntfy } = this.#settings;
    // Entered before anything connects to it; at a bell there is no time for that.
    if (ntfy) this.#outwards[0]?.mention(new URL(ntfy.url));
    this.#guard(() => this.#notices.keepCameras());
  }

  /** After each change of the keyring: what owners should know of it, and who is gone. */
  keyringChanged(): void {
    const before = this.#keyring;
    const keyring = this.#options.household.keyring;
    this.#keyring = keyring;
    const devices = [...(keyring?.devices.values() ?? [])].flatMap(({ id, removed }) =>
      removed ? [] : [id],
    );
    this.#tests.keepOnly(devices);
    this.#guard(() => {
      this.#ntfyWays.keepOnly(devices);
      this.#unifiedWays.keepOnly(devices);
      this.#notices.keepDevices();
    });
    if (!before || !keyring) return;
    for (const code of houseMatters(before, keyring))
      this.#guard(() => this.#notices.tell({ kind: "house", code }));
  }

  /** What time alone does. */
  tick(): void {
    this.#notices.tick();
  }

  look(id: string, device: DeviceId): NoticeAnswer {
    return this.#answerOf(this.#require(id, device));
  }

  seen(id: string, device: DeviceId): number {
    const { notice } = this.#require(id, device);
    const tested = this.#tests.seen(id, device);
    return tested ?? Math.max(0, this.#options.nowMs() - notice.atMs);
  }

  answer({ device, role }: SessionDevice): NotificationsAnswer {
    const { timeZone, nowMs } = this.#options;
    const { outbox } = this.#notices;
    const rules = this.#notices.rules.of(device);
    const reaching = outbox.carriersOf(device);
    const { ntfy, services } = this.#settings;
    const endpoint = this.#unifiedPush.serverOf(device);
    return {
      rules,
      may: {
        bell: mayKnow(role, "bell"),
        motion: mayKnow(role, "motion"),
        requests: mayKnow(role, "request"),
        house: mayKnow(role, "house"),
      },
      isQuietNow: hoursNow(rules.quiet as readonly WeekHours[], nowMs(), timeZone).isWithin,
      timeZone,
      carriers: outbox.carriers.map((carrier) => {
        const state = outbox.stateOf(carrier, device);
        return {
          carrier,
          isOn: reaching.includes(carrier),
          lastTakenAtMs: state?.lastTakenAtMs ?? null,
          problem: state?.problem?.slice(0, PROBLEM_CHARACTERS) ?? null,
          waiting: state?.waiting ?? 0,
          dropped: state?.dropped ?? 0,
        };
      }),
      ntfy: ntfy && this.#ntfyAnswer(ntfy.url, device),
      services: [...services],
      unifiedPush: endpoint === null ? null : { server: endpoint },
    };
  }

  setRules(session: SessionDevice, rules: NotificationRules): NotificationsAnswer {
    checkShape(WeekHoursListSchema, rules.quiet, "quiet");
    const wrong = wrongWeekHours(rules.quiet as WeekHours[]);
    if (wrong) throw new MalformedInput("quiet", `Cannot keep quiet hours: ${wrong.why}`);
    this.#notices.setRules(session.device, rules);
    return this.answer(session);
  }

  test({ device }: SessionDevice): NotificationTestAnswer {
    const carriers = this.#notices.outbox.carriersOf(device);
    const { id, atMs } = this.#notices.tellOnly(device, { kind: "test" }, (notice) =>
      this.#tests.begin(notice, device, carriers),
    );
    return { id, atMs, carriers };
  }

  testState(id: string, { device }: SessionDevice): NotificationTestState {
    const state = this.#tests.state(id, device);
    if (!state) throw notFound();
    return state;
  }

  startNtfy(session: SessionDevice): NotificationsAnswer {
    if (!this.#settings.ntfy)
      throw new HubError(
        "NO_NTFY",
        "Cannot make a topic: the settings name no ntfy server; an owner sets notify.ntfy.url",
      );
    this.#ntfy.start(session.device);
    return this.answer(session);
  }

  stopNtfy(session: SessionDevice): NotificationsAnswer {
    this.#ntfyWays.remove(session.device);
    this.#notices.outbox.forgetWay("ntfy", session.device);
    return this.answer(session);
  }

  setUnifiedPush(session: SessionDevice, body: UnifiedPushBody): NotificationsAnswer {
    this.#unifiedPush.set(session.device, body);
    return this.answer(session);
  }

  stopUnifiedPush(session: SessionDevice): NotificationsAnswer {
    this.#unifiedWays.remove(session.device);
    this.#notices.outbox.forgetWay("unified-push", session.device);
    return this.answer(session);
  }

  overview(): NoticesOverview {
    const { outbox, store } = this.#notices;
    return {
      notices: store.newest(LAST_NOTICES).map(({ id, kind, atMs }) => ({ id, kind, atMs })),
      carriers: outbox.carriers.map((carrier) => {
        const { problem, ...counts } = outbox.sumOf(carrier);
        return { carrier, ...counts, problem: problem?.slice(0, PROBLEM_CHARACTERS) ?? null };
      }),
    };
  }

  warnings(): Warning[] {
    return this.#notices.outbox.carriers.flatMap((carrier) => {
      const { problem, devices } = this.#notices.outbox.sumOf(carrier);
      const text = `Notices do not get out through ${WORDS[carrier]}: ${problem}. Bells still sound in the house and on open pages.`;
      return problem === null || devices === 0
        ? []
        : [{ code: "NOTICES_NOT_SENT", message: text.slice(0, 500) }];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#notices[Symbol.asyncDispose]();
    for (const outward of this.#outwards) outward[Symbol.dispose]();
  }

  /** What is told of has happened: that it cannot be told, as on a full disk, must not undo it. */
  #guard(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#options.log("warn", `notice not made: ${error instanceof Error ? error.message : "?"}`);
    }
  }

  get #settings(): NotifySettings {
    return this.#options.settings.current.notify ?? NOTIFY_DEFAULT;
  }

  /** Hosts of endpoints; with `http://` before one that may be asked in the clear. */
  #hosts(): string[] {
    const { ntfy, services } = this.#settings;
    if (!ntfy) return [...services];
    const { protocol, host } = new URL(ntfy.url);
    return [...services, protocol === "http:" ? `http://${host}` : host];
  }

  #ntfyAnswer(server: string, device: DeviceId): NonNullable<NotificationsAnswer["ntfy"]> {
    const subscribe = this.#ntfy.topicUrl(device);
    const { protocol, host } = new URL(server);
    const link = subscribe?.replace(/^https?:/, "ntfy:") ?? null;
    const isClear = protocol === "http:";
    return {
      server: host,
      subscribe,
      link: link !== null && isClear ? `${link}?secure=false` : link,
    };
  }

  #require(id: string, device: DeviceId): NoticeSeen {
    const found = this.#notices.look(id, device);
    if (!found) throw notFound();
    return found;
  }

  #answerOf({ notice, clip, class: kind, digest }: NoticeSeen): NoticeAnswer {
    const { id, atMs, camera, zone, request, code, sinceMs } = notice;
    const known = this.#options.settings.current.cameras.find((each) => each.id === camera);
    return {
      ...{ id, kind: notice.kind, atMs, camera, zone, clip, request, code },
      class: kind,
      cameraName: known?.name ?? null,
      digest: digest && { sinceMs: sinceMs ?? atMs, places: [...digest] },
    };
  }
}

const WORDS: Readonly<Record<CarrierName, string>> = {
  push: "the browsers' push services",
  ntfy: "ntfy",
  "unified-push": "UnifiedPush",
};

/** The same for what never was, is over, or is nothing to this device. */
function notFound(): HubError {
  return new HubError("NOT_FOUND", "There is no notice of this id (any more)");
}

/** What owners are told of a change of the keyring, whoever has signed it. */
function houseMatters(before: Keyring, now: Keyring): string[] {
  const codes: string[] = [];
  if (now.pending && now.pending.notice !== before.pending?.notice) codes.push("RECOVERY_PENDING");
  const inForce = ({ devices }: Keyring): Set<DeviceId> =>
    new Set([...devices.values()].flatMap(({ id, removed }) => (removed ? [] : [id])));
  const [was, is] = [inForce(before), inForce(now)];
  if ([...is].some((device) => !was.has(device))) codes.push("DEVICE_ADMITTED");
  if ([...was].some((device) => !is.has(device))) codes.push("DEVICE_REMOVED");
  return codes;
}

/** Of this machine. One run of it is told from the next by what Linux draws at each start. */
export function machineClock(): { readonly upMs: () => number; readonly boot: string } {
  return { upMs: () => os.uptime() * 1_000, boot: bootName() };
}

function bootName(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().slice(0, 64);
  } catch {
    // Not Linux: when it was started, to the minute.
    return `at ${Math.round((Date.now() / 1_000 - os.uptime()) / 60)}`;
  }
}
