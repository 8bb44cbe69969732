import type BetterSqlite3 from "better-sqlite3";
import type { HealthAnswer, Notice } from "../protocol/api.ts";
import { GapCount } from "./health-gaps.ts";
import { NOTHING_READ, readMachine, type MachineState } from "./health-machine.ts";
import { troublesOf, TroubleWatch, type TroubleNews } from "./trouble-watch.ts";
import { ToldTroubles } from "./told-troubles.ts";
import type { HubServices } from "../http/services.ts";
import { HEALTH_DEFAULT, type HealthSettings } from "../settings/health.ts";

export interface HealthKeeperOptions {
  readonly database: BetterSqlite3.Database;
  readonly nowMs: () => number;
  /** Only ever runs forward. */
  readonly upMs: () => number;
  readonly settings: () => HealthSettings | undefined;
  readonly log: (level: "info" | "warn", message: string) => void;
  /** By default this machine's own; replaced in tests. */
  readonly readMachine?: () => Promise<MachineState>;
}

/** Whether a camera shows something now. */
interface Streams {
  readonly isStreaming: (camera: string) => boolean;
}

type ClockJump = HealthAnswer["clockJump"];
type Care = Pick<
  HealthAnswer,
  | "troubles"
  | "machine"
  | "certificateEndsAtMs"
  | "witness"
  | "clockJump"
  | "connections"
  | "warnings"
>;

/** How long a jump of the clock is shown. */
const JUMP_SHOWN_MS = 7 * 24 * 3_600_000;
export const CLOCK_JUMPED = "CLOCK_JUMPED";
/** Not told by itself: since when a copy is asked for that was never whole. */
const COPY_AWAITED = "COPY_AWAITED";
const CLOCK_AGAIN_AFTER_MS = 6 * 3_600_000;

/** What of the hub's health has to be watched over time: gaps, the machine, and who is told of what. */
export class HealthKeeper {
  readonly gaps: GapCount;
  readonly #options: HealthKeeperOptions;
  readonly #watch: TroubleWatch;
  readonly #rows: ToldTroubles;
  /** Cameras that should show something. */
  readonly #on = new Set<string>();
  #machine: MachineState = NOTHING_READ;
  #lastLowAtMs: number | null = null;
  #isReading = false;
  /** When the jump was entered that owners were told of last. */
  #toldJumpAtMs: number | null;
  #toldJumpUpMs = Number.NEGATIVE_INFINITY;
  #copyAwaitedSinceMs: number | null;

  constructor(options: HealthKeeperOptions) {
    const { database, nowMs, upMs } = options;
    this.#options = options;
    this.gaps = new GapCount({ database, nowMs, upMs });
    const rows = new ToldTroubles(database);
    this.#rows = rows;
    const own = [CLOCK_JUMPED, COPY_AWAITED].map((name) =>
      rows.all().find(({ code }) => code === name),
    );
    this.#toldJumpAtMs = own[0]?.overAtMs ?? null;
    this.#copyAwaitedSinceMs = own[1]?.toldAtMs ?? null;
    this.#watch = new TroubleWatch({
      ...{ nowMs, upMs },
      settings: () => this.#settings,
      rows: {
        all: () => rows.all().filter(({ code }) => code !== CLOCK_JUMPED && code !== COPY_AWAITED),
        put: (row) => rows.put(row),
        drop: (code, camera) => rows.drop(code, camera),
      },
    });
    this.#read();
  }

  /** Its stream has changed, or goes on: what has passed is counted as it was before. */
  streams(camera: string, { isStreaming }: Streams): void {
    const isOn = this.#on.has(camera);
    this.gaps.note(camera, isOn ? (isStreaming(camera) ? "pictures" : "gap") : "off");
  }

  /** To be called every few seconds. */
  stands(camera: string, isOff: boolean, streams: Streams): void {
    if (this.#on.has(camera) === isOff) this.streams(camera, streams);
    if (isOff) this.#on.delete(camera);
    else this.#on.add(camera);
    this.streams(camera, streams);
  }

  /** What the hub's answer about its health says of all this. */
  care(services: HubServices): Care {
    const { lan, connections } = services;
    const places = connections.list();
    const parts = {
      machine: this.#machineAnswer(),
      certificateEndsAtMs: endOf(lan.state().expiresAtMs),
      witness: this.#witness(services),
      clockJump: newestJump(services),
    };
    return {
      ...parts,
      troubles: this.#watch.ongoing(),
      connections: { known: places.length, open: places.filter(({ open }) => open).length },
      warnings: this.#warnings(services, parts),
    };
  }

  /** To be called every few seconds. @returns what owners are to be told. */
  look(health: Pick<HealthAnswer, "cameras" | "warnings" | "clockJump">): TroubleNews[] {
    this.#read();
    this.gaps.tick();
    const isQuiet = (camera: string): boolean =>
      !health.cameras.some(({ id, main }) => id === camera && main !== "off");
    return [...this.#watch.look(troublesOf(health), isQuiet), ...this.#jumped(health.clockJump)];
  }

  get #settings(): HealthSettings {
    return this.#options.settings() ?? HEALTH_DEFAULT;
  }

  /** Reading may take its time: what is said meanwhile is what was read before. */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const read = this.#options.readMachine ?? readMachine;
    read()
      .then((machine) => {
        this.#machine = machine;
        if (machine.isPowerLow === true) this.#lastLowAtMs = this.#options.nowMs();
      })
      .catch((error: unknown) => {
        const found = error instanceof Error ? error.message : "?";
        this.#options.log("warn", `machine not looked at: ${found}`);
      })
      .finally(() => {
        this.#isReading = false;
      });
  }

  #machineAnswer(): HealthAnswer["machine"] {
    const { temperatureC, isPowerLow, coreDumps, isClockSet } = this.#machine;
    return {
      ...{ temperatureC, coreDumps, isClockSet },
      power: isPowerLow === null ? null : { isLow: isPowerLow, lastLowAtMs: this.#lastLowAtMs },
    };
  }

  #witness({ ledger }: HubServices): HealthAnswer["witness"] {
    const last = ledger.lastWitnessed();
    const size = ledger.size();
    if (!last) return { lastAtMs: null, entriesSince: size };
    // The device says when: one whose clock is ahead has seen nothing that is still to come.
    const lastAtMs = Math.max(0, Math.min(last.atMs, this.#options.nowMs()));
    return { lastAtMs, entriesSince: Math.max(0, size - last.size) };
  }

  #warnings(
    services: HubServices,
    { machine, certificateEndsAtMs, witness }: Omit<Care, "troubles" | "warnings" | "connections">,
  ): Notice[] {
    const { ledger, household } = services;
    const nowMs = this.#options.nowMs();
    const { certificateMs, witnessMs, temperatureC } = this.#settings;
    const found: Notice[] = [];
    if (certificateEndsAtMs !== null && certificateEndsAtMs - nowMs < certificateMs)
      found.push(CERTIFICATE_ENDS);
    const seenAtMs = witness.lastAtMs ?? ledger.entry(0)?.entry.atMs ?? nowMs;
    if (household.keyring && nowMs - seenAtMs > witnessMs) found.push(NOT_WITNESSED);
    if (machine.temperatureC !== null && machine.temperatureC >= temperatureC) found.push(TOO_HOT);
    if (machine.power?.isLow === true) found.push(POWER_LOW);
    if (machine.coreDumps === "on") found.push(CORE_DUMPS_ON);
    if (this.#isCopyBehind(services)) found.push(COPY_BEHIND);
    return found;
  }

  /** One that was never whole is behind since it was first asked for, also over restarts. */
  #isCopyBehind({ copy, household, clockTrust }: HubServices): boolean {
    const nowMs = this.#options.nowMs();
    const { place, finishedAtMs } = copy.standing();
    const isAsked = place !== null && household.keyring !== null;
    if (!isAsked || finishedAtMs !== null) this.#awaitCopySince(null);
    else if (clockTrust.trouble() === null && (this.#copyAwaitedSinceMs ?? nowMs) >= nowMs)
      this.#awaitCopySince(nowMs);
    const sinceMs = finishedAtMs ?? this.#copyAwaitedSinceMs;
    return isAsked && sinceMs !== null && nowMs - sinceMs > this.#settings.copyBehindMs;
  }

  #awaitCopySince(sinceMs: number | null): void {
    if (sinceMs === this.#copyAwaitedSinceMs) return;
    this.#copyAwaitedSinceMs = sinceMs;
    try {
      if (sinceMs === null) this.#rows.drop(COPY_AWAITED, "");
      else this.#rows.put({ code: COPY_AWAITED, camera: "", toldAtMs: sinceMs, overAtMs: sinceMs });
    } catch {
      // On a full disk: counted anew after a restart.
    }
  }

  /** A jump happens and is over: it is told once, and not again after a restart. */
  #jumped(jump: ClockJump): TroubleNews[] {
    const { upMs } = this.#options;
    if (!jump || Math.abs(jump.jumpMs) < this.#settings.clockJumpMs) return [];
    if (jump.atMs === this.#toldJumpAtMs) return [];
    this.#toldJumpAtMs = jump.atMs;
    try {
      const { atMs } = jump;
      this.#rows.put({ code: CLOCK_JUMPED, camera: "", toldAtMs: atMs, overAtMs: atMs });
    } catch {
      // On a full disk: told once more after a restart.
    }
    if (upMs() - this.#toldJumpUpMs < CLOCK_AGAIN_AFTER_MS) return [];
    this.#toldJumpUpMs = upMs();
    return [{ code: CLOCK_JUMPED, camera: null, isOver: false }];
  }
}

/** A hub that does not listen yet shows one that never ends. */
function endOf(expiresAtMs: number | null): number | null {
  return expiresAtMs !== null && Number.isSafeInteger(expiresAtMs) && expiresAtMs >= 0
    ? expiresAtMs
    : null;
}

function newestJump({ ledger, nowMs }: HubServices): ClockJump {
  const [newest] = ledger.entries({ before: ledger.size(), kind: "clock", limit: 1 });
  if (newest?.entry.kind !== "clock") return null;
  const { atMs, jumpMs } = newest.entry;
  return Math.abs(nowMs() - atMs) <= JUMP_SHOWN_MS ? { atMs, jumpMs } : null;
}

const CERTIFICATE_ENDS: Notice = {
  code: "CERTIFICATE_ENDS",
  message:
    "The certificate for this house's name ends soon: after that no phone reaches the hub. Renew it where it comes from; the household's own renews itself, and its log says what keeps it.",
};

const NOT_WITNESSED: Notice = {
  code: "NOT_WITNESSED",
  message:
    "No device has checked the ledger for a long time, so nobody would notice if it were rewritten. Open the page on a phone, or run doorward owner witness.",
};

const COPY_BEHIND: Notice = {
  code: "COPY_BEHIND",
  message:
    "The copy elsewhere has not been whole for days: look at what keeps it, and whether its place has room.",
};

const TOO_HOT: Notice = {
  code: "TOO_HOT",
  message: "The processor is too hot, and slows itself down: give the machine air, or a heat sink.",
};

const POWER_LOW: Notice = {
  code: "POWER_LOW",
  message:
    "The power supply is too weak for this machine: it may stop at any time, and damage its disk. Use the supply that its maker names.",
};

const CORE_DUMPS_ON: Notice = {
  code: "CORE_DUMPS_ON",
  message:
    "Should the hub crash, this machine would write its memory to the disk, with the pictures of the last seconds in it: start it with ulimit -c 0, or LimitCORE=0 in its unit.",
};
