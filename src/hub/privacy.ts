import type { HubDatabase } from "../base/database.ts";
import { inTransaction } from "../base/database.ts";
import type { PrivacyDesk } from "../http/privacy-desk.ts";
import type { SessionDevice } from "../http/sessions.ts";
import type { CameraOff, PrivacyAnswer, PrivacySwitchBody } from "../protocol/api-privacy.ts";
import { HubError } from "../protocol/errors.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import { hoursNow, nextTimeOfDay } from "../settings/week-hours.ts";

export interface CameraPrivacyOptions {
  readonly database: HubDatabase;
  readonly cameras: () => readonly CameraSettings[];
  /** Before the claim there is no ledger that anybody looks at, and no camera is connected to. */
  readonly isClaimed: () => boolean;
  readonly appendEntry: (entry: LedgerEntry) => number;
  /** The person that a device of the keyring belongs to; null for one that it does not know. */
  readonly personOf: (device: string) => string | null;
  readonly nowMs: () => number;
  /** Only ever runs forward: an hour for which a camera is off is an hour. */
  readonly upMs: () => number;
  /** Whether what the clock says is so, as far as the hub can tell. */
  readonly isClockBelieved: () => boolean;
  /** Of the IANA list. */
  readonly timeZone: string;
}

type State = "on" | "off";

interface Row {
  readonly camera: string;
  readonly hand: State | null;
  readonly hand_by: string | null;
  readonly hand_until_ms: number | null;
  readonly entered: State;
  readonly entered_by: string;
  readonly entered_at_ms: number;
  /** More than one person switched it off: no single one of them undoes it, unless an owner. */
  readonly hand_is_shared: 0 | 1;
}

/** What somebody sets by hand. */
interface Hand {
  readonly state: State;
  readonly untilMs: number | null;
  /** Of a device. */
  readonly by: string;
  readonly isShared: boolean;
}

/** When what was set by hand ends, by the clock that only runs forward, and by the other. */
interface End {
  readonly untilMs: number;
  readonly upMs: number;
  /** Reckoned by the clock that it was set by, or by one that was believed. */
  readonly isCertain: boolean;
}

/** What holds at an instant, and until when if nobody does anything. */
interface Wanted {
  readonly state: State;
  readonly untilMs: number | null;
  readonly isByHand: boolean;
  /** What was set by hand is over. */
  readonly handIsOver: boolean;
}

const MORNING = "07:00";
/** Against hours that never change, so that what was set once is not what holds for ever. */
const ON_AGAINST_HOURS_MAX_MS = 7 * 86_400_000;
const RETRY_MS = 10_000;

/**
 * The privacy switch. What somebody set by hand holds until its end; without it, the hours of the
 * settings hold. Every change is an entry of the ledger first, and in force only then.
 */
export class CameraPrivacy implements PrivacyDesk {
  readonly #options: CameraPrivacyOptions;
  readonly #rows: Map<string, Row>;
  readonly #listeners: ((camera: string, isOff: boolean) => void)[] = [];
  /** In force, by camera, with the time since when. A camera that is not in it is new. */
  readonly #inForce = new Map<string, State>();
  readonly #ends = new Map<string, End>();
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: CameraPrivacyOptions) {
    this.#options = options;
    const rows = options.database.prepare<[], Row>("SELECT * FROM camera_privacy").all();
    this.#rows = new Map(rows.map((row) => [row.camera, row]));
    this.#meetCameras();
  }

  isOff(camera: string): boolean {
    return this.#inForce.get(camera) === "off";
  }

  offOf(camera: string): CameraOff | null {
    if (!this.isOff(camera)) return null;
    const { untilMs } = this.#wanted(camera);
    const row = this.#rows.get(camera);
    return row?.entered === "off"
      ? { sinceMs: row.entered_at_ms, by: row.entered_by, untilMs }
      : { sinceMs: this.#options.nowMs(), by: "schedule", untilMs };
  }

  allOff(): string[] {
    return this.#options.cameras().flatMap(({ id }) => (this.isOff(id) ? [id] : []));
  }

  answer(device: SessionDevice): PrivacyAnswer {
    const { cameras, nowMs, timeZone } = this.#options;
    return {
      nowMs: nowMs(),
      timeZone,
      cameras: cameras().map(({ id, name, privacy = [] }) => {
        const { state, isByHand, untilMs } = this.#wanted(id);
        const isOnByHand = state === "on" && isByHand && untilMs !== null;
        return {
          ...{ id, name, off: this.offOf(id) },
          ...(isOnByHand ? { onUntilMs: untilMs } : {}),
          mayTurnOn: this.isOff(id) && this.#mayTurnOn(id, device),
          hours: privacy.map(({ days, from, to }) => ({ days, from, to })),
          hoursChangeAtMs: hoursNow(privacy, nowMs(), timeZone).changesAtMs,
        };
      }),
    };
  }

  set(camera: string, wish: PrivacySwitchBody, device: SessionDevice): void {
    if (!this.#options.cameras().some(({ id }) => id === camera))
      throw new HubError("NOT_FOUND", "There is no camera of this id");
    this.settle();
    const hand =
      wish.state === "off" ? this.#handOff(camera, wish, device) : this.#handOn(camera, device);
    this.#bring(camera, hand, device.device);
  }

  setByBroker(camera: string, isOff: boolean): void {
    if (!this.#options.cameras().some(({ id }) => id === camera)) return;
    this.settle();
    if (this.isOff(camera) === isOff) return;
    const row = this.#rows.get(camera);
    const isOwn = row?.hand === "off" && row.hand_by === BROKER && row.hand_is_shared === 0;
    // What people or the house's hours switched off, it does not switch on.
    if (!isOff && (!isOwn || this.#hoursSayOff(camera))) return;
    const hand = { state: "off", untilMs: null, by: BROKER, isShared: false } as const;
    this.#bring(camera, isOff ? hand : null, BROKER);
  }

  onChange(listener: (camera: string, isOff: boolean) => void): void {
    this.#listeners.push(listener);
  }

  isDue(): boolean {
    if (performance.now() - this.#failedAtMs < RETRY_MS) return false;
    return this.#options.cameras().some(({ id }) => this.#isToSettle(id));
  }

  settle(): void {
    this.#meetCameras();
    try {
      for (const { id } of this.#options.cameras())
        if (this.#isToSettle(id)) this.#bring(id, undefined, null);
    } catch (error) {
      this.#failedAtMs = performance.now();
      throw error;
    }
  }

  /** A camera that is seen for the first time is on only where nothing says that it is off. */
  #meetCameras(): void {
    for (const { id } of this.#options.cameras()) {
      if (this.#inForce.has(id)) continue;
      const isOff = this.#rows.get(id)?.entered === "off" || this.#wanted(id).state === "off";
      this.#inForce.set(id, isOff ? "off" : "on");
    }
  }

  #isToSettle(camera: string): boolean {
    const { state, handIsOver } = this.#wanted(camera);
    const isEntered =
      !this.#options.isClaimed() || (this.#rows.get(camera)?.entered ?? "on") === state;
    return handIsOver || !isEntered || this.#inForce.get(camera) !== state;
  }

  #wanted(camera: string): Wanted {
    const nowMs = this.#options.nowMs();
    const row = this.#rows.get(camera);
    const hand = row?.hand ?? null;
    const untilMs = row?.hand_until_ms ?? null;
    const handIsOver = hand !== null && untilMs !== null && this.#isOver(camera, untilMs);
    const hours = this.#hours(camera, nowMs);
    if (hand === null || handIsOver)
      return {
        ...{ state: hours.isWithin ? "off" : "on", isByHand: false, handIsOver },
        untilMs: hours.changesAtMs,
      };
    const after = untilMs === null ? null : this.#hours(camera, untilMs);
    // What was set by hand ends in hours that go on where it left off.
    const goesOn = hand === "off" && after?.isWithin === true;
    return {
      ...{ state: hand, isByHand: true, handIsOver: false },
      untilMs: goesOn ? after.changesAtMs : untilMs,
    };
  }

  /**
   * What was set for an hour lasts an hour, however the clock is set meanwhile. From one start of the
   * hub to the next there is only the clock to go by: where it is not believed, what was set lasts
   * until it is, and never longer than it was set for.
   */
  #isOver(camera: string, untilMs: number): boolean {
    const { nowMs, upMs, isClockBelieved } = this.#options;
    const known = this.#ends.get(camera);
    const before = known?.untilMs === untilMs ? known : null;
    if (before?.isCertain) return upMs() >= before.upMs;
    const end = isClockBelieved()
      ? { untilMs, upMs: upMs() + untilMs - nowMs(), isCertain: true }
      : (before ?? { untilMs, upMs: upMs() + this.#longestMs(camera, untilMs), isCertain: false });
    this.#ends.set(camera, end);
    return upMs() >= end.upMs;
  }

  /** For how long what ends at `untilMs` can have been set. */
  #longestMs(camera: string, untilMs: number): number {
    const sinceMs = this.#rows.get(camera)?.entered_at_ms ?? untilMs;
    return Math.min(Math.max(untilMs - sinceMs, 0), ON_AGAINST_HOURS_MAX_MS);
  }

  /** What is set now lasts as long as it says, also by a clock that is wrong. */
  #beginEnd(camera: string, untilMs: number | null): void {
    const { nowMs, upMs } = this.#options;
    if (untilMs === null) this.#ends.delete(camera);
    else if (this.#ends.get(camera)?.untilMs !== untilMs)
      this.#ends.set(camera, { untilMs, upMs: upMs() + untilMs - nowMs(), isCertain: true });
  }

  #hours(camera: string, atMs: number): ReturnType<typeof hoursNow> {
    const found = this.#options.cameras().find(({ id }) => id === camera);
    return hoursNow(found?.privacy ?? NEVER, atMs, this.#options.timeZone);
  }

  #handOff(
    camera: string,
    wish: Extract<PrivacySwitchBody, { state: "off" }>,
    device: SessionDevice,
  ): Hand {
    const { nowMs, timeZone } = this.#options;
    const untilMs =
      "until" in wish
        ? nextTimeOfDay(MORNING, nowMs(), timeZone)
        : wish.forMs === undefined
          ? null
          : nowMs() + wish.forMs;
    const row = this.#rows.get(camera);
    const own: Hand = { state: "off", untilMs, by: device.device, isShared: false };
    if (row?.hand !== "off" || this.#mayUndo(row, device)) return own;
    // An off that ends sooner is an on.
    if (endOf(untilMs) < endOf(row.hand_until_ms)) throw notAllowed("it is off for longer already");
    // Else whoever adds his own off could undo the other's with it.
    return { ...own, isShared: true };
  }

  /** @returns Null where nothing by hand is needed for the camera to be on. */
  #handOn(camera: string, device: SessionDevice): Hand | null {
    if (!this.isOff(camera)) return this.#stays(camera, device);
    if (!this.#mayTurnOn(camera, device))
      throw notAllowed("somebody else or the house's hours switched it off");
    const nowMs = this.#options.nowMs();
    const hours = this.#hours(camera, nowMs);
    if (!hours.isWithin) return null;
    const latestMs = nowMs + ON_AGAINST_HOURS_MAX_MS;
    const untilMs = Math.min(hours.changesAtMs ?? latestMs, latestMs);
    return { state: "on", untilMs, by: device.device, isShared: false };
  }

  #stays(camera: string, device: SessionDevice): Hand | null {
    const row = this.#rows.get(camera);
    if (row?.hand !== "on") return null;
    return { state: "on", untilMs: row.hand_until_ms, by: device.device, isShared: false };
  }

  #mayTurnOn(camera: string, device: SessionDevice): boolean {
    if (device.rights.includes("administer")) return true;
    const row = this.#rows.get(camera);
    return row?.hand === "off" && this.#mayUndo(row, device) && !this.#hoursSayOff(camera);
  }

  #hoursSayOff(camera: string): boolean {
    return this.#hours(camera, this.#options.nowMs()).isWithin;
  }

  /** Owners, and whoever did it alone. */
  #mayUndo(row: Row, device: SessionDevice): boolean {
    if (device.rights.includes("administer")) return true;
    if (row.hand_is_shared === 1) return false;
    // A program of the house did it: every person who may switch stands above that.
    if (row.hand_by === BROKER) return true;
    return row.hand_by !== null && this.#options.personOf(row.hand_by) === device.person;
  }

  /**
   * Enters what holds now and puts it in force.
   *
   * @param hand - Undefined leaves what was set by hand, unless it is over.
   */
  #bring(camera: string, hand: Hand | null | undefined, device: string | null): void {
    const { database, appendEntry, isClaimed, nowMs } = this.#options;
    const before = this.#rows.get(camera);
    const { handIsOver } = this.#wanted(camera);
    const by = device ?? (handIsOver ? "timer" : "schedule");
    const kept: Row = before ?? { ...NEVER_OFF, camera, entered_at_ms: nowMs() };
    const isChanged = hand !== undefined || handIsOver;
    const row = isChanged ? { ...kept, ...handColumns(hand ?? null) } : kept;
    if (isChanged) this.#rows.set(camera, row);
    if (isChanged) this.#beginEnd(camera, row.hand_until_ms);
    const { state } = this.#wanted(camera);
    try {
      if (isClaimed()) {
        const isNews = row.entered !== state;
        const entered = { entered: state, entered_by: by, entered_at_ms: nowMs() };
        const next = isNews ? { ...row, ...entered } : row;
        inTransaction(database, () => {
          if (isNews) appendEntry({ v: 1, kind: "camera", atMs: nowMs(), camera, state, by });
          this.#write(next);
        });
        this.#rows.set(camera, next);
      }
    } catch (error) {
      if (before) this.#rows.set(camera, before);
      else this.#rows.delete(camera);
      throw error;
    }
    if (this.#inForce.get(camera) === state) return;
    this.#inForce.set(camera, state);
    for (const listener of this.#listeners) listener(camera, state === "off");
  }

  #write(row: Row): void {
    this.#options.database
      .prepare(
        `INSERT OR REPLACE INTO camera_privacy
         (camera, hand, hand_by, hand_until_ms, entered, entered_by, entered_at_ms, hand_is_shared)
         VALUES (@camera, @hand, @hand_by, @hand_until_ms, @entered, @entered_by, @entered_at_ms,
                 @hand_is_shared)`,
      )
      .run(row);
  }
}

/** In place of a device: whoever may speak on the broker. */
const BROKER = "broker";
const NEVER: readonly never[] = [];
const NOT_BY_HAND = { hand: null, hand_by: null, hand_until_ms: null, hand_is_shared: 0 } as const;
const NEVER_OFF: Omit<Row, "camera" | "entered_at_ms"> = {
  ...NOT_BY_HAND,
  ...{ entered: "on", entered_by: "schedule" },
};

function handColumns(
  hand: Hand | null,
): Pick<Row, "hand" | "hand_by" | "hand_until_ms" | "hand_is_shared"> {
  if (hand === null) return NOT_BY_HAND;
  const { state, by, untilMs, isShared } = hand;
  return { hand: state, hand_by: by, hand_until_ms: untilMs, hand_is_shared: isShared ? 1 : 0 };
}

function endOf(untilMs: number | null): number {
  return untilMs ?? Number.POSITIVE_INFINITY;
}

function notAllowed(why: string): HubError {
  return new HubError(
    "NOT_ALLOWED",
    `Cannot switch camera: ${why}; an owner can do it, with doorward cameras on or on the Cameras screen`,
  );
}
