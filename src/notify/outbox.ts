import type { DeviceId } from "../protocol/ids.ts";
import {
  CarrierFailure,
  isForNow,
  type Carrier,
  type CarrierName,
  type Delivery,
  type Notice,
  type NoticeKind,
  type Urgency,
} from "./notice.ts";
import { LATE_AFTER_MS, type OutboxRows, type Waiting } from "./outbox-rows.ts";

export interface OutboxOptions {
  readonly rows: OutboxRows;
  readonly nowMs: () => number;
  readonly upMs: () => number;
  /** Whether its device may still be told, and it was not taken back. Asked before every try. */
  readonly isStill: (waiting: Waiting) => boolean;
  /** Quiet hours, for what waits until they are over. */
  readonly isHeld: (waiting: Waiting) => boolean;
  /** Somebody who carries it has taken it, or nobody will; null for what was taken. */
  readonly onSettled: (waiting: Waiting, problem: string | null) => void;
  readonly log: (level: "info" | "warn", message: string) => void;
  /** 0 to 1; replaced in tests. */
  readonly random?: () => number;
}

/** How a carrier does for one device, since the hub began. */
export interface WayState {
  readonly lastTakenAtMs: number | null;
  readonly problem: string | null;
  readonly waiting: number;
  readonly taken: number;
  readonly dropped: number;
}

/** Of one carrier; the oldest that is no bell goes where there are more. */
export const WAITING_MAX = 500;
const WAITING_PER_DEVICE_MAX = 50;
/** At a time with one carrier; bells have room of their own. */
const FLIGHTS_MAX = 4;
const BELL_FLIGHTS_MAX = 64;
const TRY_MAX_MS: Readonly<Record<"bell" | "other", number>> = { bell: 10_000, other: 20_000 };
const BACK_OFF_MS = {
  bell: { first: 500, most: 8_000 },
  other: { first: 2_000, most: 15 * 60_000 },
} as const;
const RETRY_AFTER_MAX_MS = { bell: 30_000, other: 3_600_000 } as const;
const HELD_LOOK_MS = 60_000;
const WAKE_MAX_MS = 60_000;
/** After something got through, what else waits is tried again within this. */
const RECOVERED_WITHIN_MS = 3_000;
const PROBLEM_CHARACTERS = 300;

const URGENCIES: Readonly<Record<NoticeKind, Urgency>> = {
  bell: "high",
  test: "high",
  house: "normal",
  request: "normal",
  trouble: "normal",
  motion: "normal",
  digest: "low",
};

interface Entry {
  readonly waiting: Waiting;
  tries: number;
  nextAtUpMs: number;
  /** Set while it is being sent. */
  sending: AbortController | null;
  /** Whether a row of it lies on the disk. */
  isKept: boolean;
}

interface Lane {
  readonly carrier: Carrier;
  readonly entries: Set<Entry>;
  readonly ways: Map<DeviceId, WayState>;
  /** Devices whose service asked to wait: no other waits with them, and bells are tried all the same. */
  readonly heldUntilUpMs: Map<DeviceId, number>;
}

const UNUSED: WayState = {
  ...{ lastTakenAtMs: null, problem: null },
  ...{ waiting: 0, taken: 0, dropped: 0 },
};

/**
 * What is to be handed to carriers: kept over restarts, tried again until it is too late, then
 * dropped and counted. Each carrier has a queue of its own, and bells wait for nothing in it.
 */
export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions;
  readonly #lanes = new Map<CarrierName, Lane>();
  readonly #flights = new Set<Promise<void>>();
  /** What the last run left for carriers that are not there yet. */
  #left: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { waiting, tooLate } = options.rows.left(WAITING_MAX * 3);
    this.#left = waiting;
    if (tooLate > 0) options.log("info", `${tooLate} notices were too late to be sent`);
  }

  addCarrier(carrier: Carrier): void {
    const held = { entries: new Set<Entry>(), heldUntilUpMs: new Map<DeviceId, number>() };
    const lane: Lane = { carrier, ways: new Map(), ...held };
    this.#lanes.set(carrier.name, lane);
    for (const waiting of this.#left)
      if (waiting.carrier === carrier.name)
        lane.entries.add({ ...fresh(waiting, this.#options.upMs()), isKept: true });
    this.#left = this.#left.filter((waiting) => waiting.carrier !== carrier.name);
    this.#wake();
  }

  /** Carriers that reach a device. */
  carriersOf(device: DeviceId): CarrierName[] {
    return [...this.#lanes.values()]
      .filter(({ carrier }) => carrier.reaches(device))
      .map(({ carrier }) => carrier.name);
  }

  /** Takes a notice for devices, without sending or keeping anything yet. */
  queue({ id, kind }: Notice, devices: readonly DeviceId[]): void {
    const { nowMs, upMs } = this.#options;
    const lateAtMs = nowMs() + LATE_AFTER_MS[kind];
    const lateAtUpMs = upMs() + LATE_AFTER_MS[kind];
    for (const lane of this.#lanes.values())
      for (const device of devices) {
        if (!lane.carrier.reaches(device)) continue;
        const carrier = lane.carrier.name;
        const waiting = { notice: id, kind, device, carrier, lateAtMs, lateAtUpMs };
        this.#makeRoom(lane, device);
        lane.entries.add(fresh(waiting, upMs()));
      }
  }

  /** Writes down what of a notice still waits; its own row has to be there. */
  keep(notice: string): void {
    const entries = this.#all().filter(
      ({ waiting, isKept }) => waiting.notice === notice && !isKept,
    );
    if (entries.length === 0) return;
    this.#options.rows.keep(entries.map(({ waiting }) => waiting));
    for (const entry of entries) entry.isKept = true;
  }

  /** Begins to send whatever is due, as far as there is room. */
  pump(): void {
    if (this.#isOver) return;
    for (const lane of this.#lanes.values()) this.#pumpLane(lane);
    this.#wake();
  }

  /** Nothing of it is sent any more, where it is not under way already. */
  forget(isGone: (waiting: Waiting) => boolean): void {
    for (const lane of this.#lanes.values())
      for (const entry of lane.entries) if (isGone(entry.waiting)) this.#remove(lane, entry);
    for (const waiting of this.#left) if (isGone(waiting)) this.#options.rows.strike(waiting);
    this.#left = this.#left.filter((waiting) => !isGone(waiting));
  }

  forgetWay(carrier: CarrierName, device: DeviceId): void {
    this.forget((waiting) => waiting.carrier === carrier && waiting.device === device);
    this.#lanes.get(carrier)?.ways.delete(device);
    this.#lanes.get(carrier)?.heldUntilUpMs.delete(device);
  }

  /** Null where there is no such carrier. */
  stateOf(carrier: CarrierName, device: DeviceId): WayState | null {
    const lane = this.#lanes.get(carrier);
    if (!lane) return null;
    const waiting = [...lane.entries].filter((entry) => entry.waiting.device === device).length;
    return { ...(lane.ways.get(device) ?? UNUSED), waiting };
  }

  /** Over all devices. */
  sumOf(carrier: CarrierName): Omit<WayState, "lastTakenAtMs"> & { readonly devices: number } {
    const lane = this.#lanes.get(carrier);
    const ways = [...(lane?.ways.values() ?? [])];
    const sum = (count: (way: WayState) => number): number =>
      ways.reduce((total, way) => total + count(way), 0);
    return {
      devices: ways.length,
      problem: ways.find(({ problem }) => problem !== null)?.problem ?? null,
      waiting: lane?.entries.size ?? 0,
      taken: sum(({ taken }) => taken),
      dropped: sum(({ dropped }) => dropped),
    };
  }

  get carriers(): CarrierName[] {
    return [...this.#lanes.keys()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const { sending } of this.#all()) sending?.abort();
    await Promise.all(this.#flights);
    this.#options.rows.flush();
  }

  #all(): Entry[] {
    return [...this.#lanes.values()].flatMap(({ entries }) => [...entries]);
  }

  #makeRoom(lane: Lane, device: DeviceId): void {
    const ofDevice = [...lane.entries].filter((entry) => entry.waiting.device === device);
    const full =
      ofDevice.length >= WAITING_PER_DEVICE_MAX
        ? ofDevice
        : lane.entries.size >= WAITING_MAX
          ? [...lane.entries]
          : [];
    const idle = full.filter(({ sending }) => sending === null);
    const least = idle.find(({ waiting }) => waiting.kind !== "bell") ?? idle[0];
    if (least) this.#drop(lane, least, "there were too many to be sent");
  }

  #pumpLane(lane: Lane): void {
    const upMs = this.#options.upMs();
    const flying = [...lane.entries].filter(({ sending }) => sending !== null);
    let bells = flying.filter(isBell).length;
    const others = new Set(
      flying.filter((entry) => !isBell(entry)).map(({ waiting }) => waiting.device),
    );
    for (const entry of lane.entries) {
      if (entry.sending !== null) continue;
      if (this.#settleIdle(lane, entry, upMs) || entry.nextAtUpMs > upMs) continue;
      const { device } = entry.waiting;
      if (isBell(entry)) {
        if (bells >= BELL_FLIGHTS_MAX) continue;
        bells += 1;
      } else {
        const isFull = others.size >= FLIGHTS_MAX || others.has(device);
        if (isFull || heldUntil(lane, device) > upMs) continue;
        others.add(device);
      }
      this.#begin(lane, entry);
    }
  }

  /** Whether there is nothing to send now: it is over, or has to wait for the end of quiet hours. */
  #settleIdle(lane: Lane, entry: Entry, upMs: number): boolean {
    const { isStill, isHeld } = this.#options;
    if (entry.waiting.lateAtUpMs <= upMs) {
      this.#drop(lane, entry, "it could not be sent in time");
      return true;
    }
    if (entry.nextAtUpMs > upMs) return false;
    if (!isStill(entry.waiting)) {
      this.#remove(lane, entry);
      return true;
    }
    if (isHeld(entry.waiting)) entry.nextAtUpMs = upMs + HELD_LOOK_MS;
    return false;
  }

  #begin(lane: Lane, entry: Entry): void {
    const sending = new AbortController();
    entry.sending = sending;
    entry.tries += 1;
    const leftMs = entry.waiting.lateAtUpMs - this.#options.upMs();
    const limitMs = Math.min(leftMs, TRY_MAX_MS[isBell(entry) ? "bell" : "other"]);
    const timer = setTimeout(() => sending.abort(), limitMs);
    // Called at once and not a turn later: a bell is under way when this returns.
    const flight = this.#send(lane, entry, sending.signal).finally(() => {
      clearTimeout(timer);
      entry.sending = null;
      this.#flights.delete(flight);
      this.pump();
    });
    this.#flights.add(flight);
  }

  async #send(lane: Lane, entry: Entry, signal: AbortSignal): Promise<void> {
    const { notice, kind, device, lateAtUpMs } = entry.waiting;
    const leftMs = lateAtUpMs - this.#options.upMs();
    const delivery: Delivery = {
      ...{ device, kind, id: notice, urgency: URGENCIES[kind] },
      ttlSeconds: Math.max(1, Math.floor(leftMs / 1_000)),
      isReplacing: kind === "digest",
    };
    const given = Promise.withResolvers<never>();
    const giveUp = (): void => given.reject(new CarrierFailure("later", "no answer came in time"));
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      // A carrier that does not heed its signal must not keep its place.
      await Promise.race([lane.carrier.send(delivery, signal), given.promise]);
      this.#taken(lane, entry);
    } catch (error) {
      if (!this.#isOver) this.#failed(lane, entry, error);
    }
  }

  #taken(lane: Lane, entry: Entry): void {
    const { device } = entry.waiting;
    const way = lane.ways.get(device) ?? UNUSED;
    const lastTakenAtMs = this.#options.nowMs();
    lane.ways.set(device, { ...way, lastTakenAtMs, taken: way.taken + 1, problem: null });
    this.#remove(lane, entry);
    this.#options.onSettled(entry.waiting, null);
    if (way.problem === null) return;
    // The network is back: what waits need not wait for its turn.
    const upMs = this.#options.upMs();
    lane.heldUntilUpMs.delete(device);
    for (const other of lane.entries)
      if (other.sending === null && other.tries > 0)
        other.nextAtUpMs = Math.min(other.nextAtUpMs, upMs + this.#random() * RECOVERED_WITHIN_MS);
  }

  #failed(lane: Lane, entry: Entry, error: unknown): void {
    // Taken back meanwhile.
    if (!lane.entries.has(entry)) return;
    const failure = error instanceof CarrierFailure ? error : null;
    const { device } = entry.waiting;
    const problem = (error instanceof Error ? error.message : "unknown").slice(
      ...[0, PROBLEM_CHARACTERS],
    );
    if (failure?.kind === "gone") {
      this.#options.onSettled(entry.waiting, problem);
      this.forgetWay(lane.carrier.name, device);
      return;
    }
    lane.ways.set(device, { ...(lane.ways.get(device) ?? UNUSED), problem });
    if (failure?.kind === "refused") {
      this.#drop(lane, entry, problem);
      return;
    }
    const upMs = this.#options.upMs();
    const asked = Math.min(failure?.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS.other);
    if (asked > 0) lane.heldUntilUpMs.set(device, Math.max(heldUntil(lane, device), upMs + asked));
    const heeded = isBell(entry) ? Math.min(asked, RETRY_AFTER_MAX_MS.bell) : asked;
    entry.nextAtUpMs = upMs + Math.max(heeded, this.#backOffMs(entry));
    // The last try of a bell should fall into its time.
    const { lateAtUpMs } = entry.waiting;
    if (entry.nextAtUpMs >= lateAtUpMs) this.#drop(lane, entry, problem);
  }

  #backOffMs(entry: Entry): number {
    const { first, most } = BACK_OFF_MS[isBell(entry) ? "bell" : "other"];
    const steadyMs = Math.min(most, first * 2 ** Math.min(entry.tries - 1, 20));
    return steadyMs * (0.5 + this.#random() / 2);
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }

  #drop(lane: Lane, entry: Entry, problem: string): void {
    const { device } = entry.waiting;
    const way = lane.ways.get(device) ?? UNUSED;
    lane.ways.set(device, { ...way, dropped: way.dropped + 1, problem: way.problem ?? problem });
    this.#remove(lane, entry);
    this.#options.onSettled(entry.waiting, problem);
  }

  #remove(lane: Lane, entry: Entry): void {
    lane.entries.delete(entry);
    if (!this.#isOver) entry.sending?.abort();
    if (entry.isKept) this.#options.rows.strike(entry.waiting);
    entry.isKept = false;
  }

  /** Wakes when the next one is due. */
  #wake(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const idle = this.#all().filter(({ sending }) => sending === null);
    if (this.#isOver || idle.length === 0) return;
    const upMs = this.#options.upMs();
    const dueInMs = Math.min(
      ...idle.map(({ nextAtUpMs, waiting }) => Math.min(nextAtUpMs, waiting.lateAtUpMs) - upMs),
    );
    // What is due and was not begun waits for a place: the end of a flight wakes it.
    const waitMs = Math.min(WAKE_MAX_MS, Math.max(dueInMs, 250));
    this.#timer = setTimeout(() => this.pump(), waitMs);
    this.#timer.unref();
  }
}

function fresh(waiting: Waiting, upMs: number): Entry {
  return { waiting, tries: 0, nextAtUpMs: upMs, sending: null, isKept: false };
}

function isBell({ waiting: { kind } }: Entry): boolean {
  return isForNow(kind);
}

function heldUntil({ heldUntilUpMs }: Lane, device: DeviceId): number {
  return heldUntilUpMs.get(device) ?? 0;
}
