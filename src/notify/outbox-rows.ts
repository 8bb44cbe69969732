import { inTransaction, type HubDatabase } from "../base/database.ts";
import { parseDeviceId, type DeviceId } from "../protocol/ids.ts";
import { isForNow, type CarrierName, type NoticeKind } from "./notice.ts";

/** How long somebody carries a notice, and the hub tries to hand it over. */
export const LATE_AFTER_MS: Readonly<Record<NoticeKind, number>> = {
  bell: 60_000,
  test: 60_000,
  motion: 3_600_000,
  digest: 12 * 3_600_000,
  trouble: 86_400_000,
  request: 7 * 86_400_000,
  house: 7 * 86_400_000,
};

export interface Waiting {
  readonly notice: string;
  readonly kind: NoticeKind;
  readonly device: DeviceId;
  readonly carrier: CarrierName;
  /** UTC from which it is too late. */
  readonly lateAtMs: number;
  /** The same on a clock of the machine that only runs forward, whatever happens to the other one. */
  readonly lateAtUpMs: number;
}

interface WaitingRow {
  readonly notice: string;
  readonly kind: NoticeKind;
  readonly device: string;
  readonly carrier: CarrierName;
  readonly lateAtMs: number;
  readonly boot: string;
  readonly lateAtUpMs: number;
}

export interface MachineClock {
  /** Since the machine was started, its sleep included; never set, never put back. */
  readonly upMs: () => number;
  /** Names one run of the machine. */
  readonly boot: string;
}

export interface OutboxRowsOptions extends MachineClock {
  readonly nowMs: () => number;
  readonly log: (level: "warn", message: string) => void;
}

const STRIKE_AFTER_MS = 250;

/** What waits to be handed over, as it lies on the disk. */
export class OutboxRows {
  readonly #database: HubDatabase;
  readonly #options: OutboxRowsOptions;
  readonly #struckOff: Waiting[] = [];
  #striking: NodeJS.Timeout | null = null;

  constructor(database: HubDatabase, options: OutboxRowsOptions) {
    this.#database = database;
    this.#options = options;
  }

  keep(list: readonly Waiting[]): void {
    const insert = this.#database.prepare(
      `INSERT OR IGNORE INTO notice_outbox (notice, device, carrier, late_at_ms, boot, late_at_up_ms)
       VALUES (?, ?, ?, ?, ?, ?)`,
    );
    const { boot } = this.#options;
    inTransaction(this.#database, () => {
      for (const { notice, device, carrier, lateAtMs, lateAtUpMs } of list)
        insert.run(notice, device, carrier, lateAtMs, boot, Math.round(lateAtUpMs));
    });
  }

  /** It is over. Written together with what else is, soon: each write waits for the disk. */
  strike(waiting: Waiting): void {
    this.#struckOff.push(waiting);
    this.#striking ??= setTimeout(() => this.flush(), STRIKE_AFTER_MS);
    this.#striking.unref();
  }

  flush(): void {
    if (this.#striking) clearTimeout(this.#striking);
    this.#striking = null;
    const list = this.#struckOff.splice(0);
    try {
      if (list.length > 0) this.#remove(list);
    } catch (error) {
      // The disk is full: after a restart they may be sent once more.
      this.#options.log("warn", `notices not struck off: ${String(error)}`);
    }
  }

  #remove(list: readonly Pick<Waiting, "notice" | "device" | "carrier">[]): void {
    const statement = this.#database.prepare(
      "DELETE FROM notice_outbox WHERE notice = ? AND device = ? AND carrier = ?",
    );
    inTransaction(this.#database, () => {
      for (const { notice, device, carrier } of list) statement.run(notice, device, carrier);
    });
  }

  /**
   * What the last run of the hub left. After a start of the machine only its wall clock says how old
   * something is, so what would be wrong if that were is left out: bells, and what it says is made
   * later than now.
   */
  left(limit: number): { readonly waiting: Waiting[]; readonly tooLate: number } {
    const { boot, upMs, nowMs } = this.#options;
    const rows = this.#database
      .prepare<[number], WaitingRow>(
        `SELECT notice, notices.kind AS kind, notice_outbox.device AS device, carrier,
         late_at_ms AS lateAtMs, boot, late_at_up_ms AS lateAtUpMs
         FROM notice_outbox JOIN notices ON notices.id = notice ORDER BY late_at_ms DESC LIMIT ?`,
      )
      .all(limit);
    const waiting = rows.flatMap((row): Waiting[] => {
      const leftMs = row.boot === boot ? row.lateAtUpMs - upMs() : leftByWallMs(row, nowMs());
      const isPossible = leftMs > 0 && leftMs <= LATE_AFTER_MS[row.kind];
      if (!isPossible) return [];
      const device = parseDeviceId(row.device);
      return [{ ...row, device, lateAtUpMs: upMs() + leftMs }];
    });
    const kept = new Set(waiting.map(keyOf));
    this.#remove(
      rows
        .filter((row) => !kept.has(keyOf(row)))
        .map((row) => ({ ...row, device: parseDeviceId(row.device) })),
    );
    return { waiting, tooLate: rows.length - waiting.length };
  }
}

function leftByWallMs({ kind, lateAtMs }: WaitingRow, nowMs: number): number {
  return isForNow(kind) ? 0 : lateAtMs - nowMs;
}

function keyOf({ notice, device, carrier }: { notice: string; device: string; carrier: string }) {
  return `${notice} ${device} ${carrier}`;
}
