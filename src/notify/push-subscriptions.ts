import type { HubDatabase } from "../base/database.ts";
import { inTransaction } from "../base/database.ts";
import { HubError } from "../protocol/errors.ts";
import { parseDeviceId, type DeviceId } from "../protocol/ids.ts";
import type { PushLanguage } from "./push-payload.ts";

/** A browser has one; a second is there while it changes from one to the next. */
const PER_DEVICE_MAX = 2;
const ALL_MAX = 400;

/** Where a browser of the household is reached. Its endpoint is a secret of sorts: never logged. */
export interface PushSubscriptionRow {
  readonly device: DeviceId;
  readonly endpoint: string;
  /** The page's own address. */
  readonly origin: string;
  readonly language: PushLanguage;
  /** Uncompressed point of P-256, 65 bytes; 16 bytes. */
  readonly p256dh: Buffer;
  readonly auth: Buffer;
  /** Of what its browser looks up notices with, as hex; null where it was given none yet. */
  readonly secretSha256: string | null;
  readonly createdAtMs: number;
  /** When its service last took one. */
  readonly takenAtMs: number | null;
  /** Why the last one was not taken, by code. */
  readonly problem: string | null;
}

type Row = Omit<PushSubscriptionRow, "device" | "language"> & { device: string; language: string };

const COLUMNS = `device, endpoint, origin, language, p256dh, auth,
  secret_sha256 AS secretSha256, created_at_ms AS createdAtMs, taken_at_ms AS takenAtMs, problem`;

/** The subscriptions of all devices, by device. */
export class PushSubscriptions {
  readonly #database: HubDatabase;
  readonly #nowMs: () => number;

  constructor(database: HubDatabase, nowMs: () => number) {
    this.#database = database;
    this.#nowMs = nowMs;
  }

  /** Newest first. */
  of(device: DeviceId): PushSubscriptionRow[] {
    return this.#database
      .prepare<[string], Row>(
        `SELECT ${COLUMNS} FROM push_subscriptions WHERE device = ?
         ORDER BY created_at_ms DESC, endpoint LIMIT ${PER_DEVICE_MAX}`,
      )
      .all(device)
      .map((row) => ({
        ...row,
        device: parseDeviceId(row.device),
        language: row.language === "fr" ? "fr" : "en",
      }));
  }

  /**
   * Keeps it, in place of `replaces` and of the device's oldest where there are too many. An endpoint
   * belongs to one browser: whose device that browser is now, has it.
   *
   * @throws HubError `TOO_MANY_SUBSCRIPTIONS`.
   */
  keep(
    row: Omit<PushSubscriptionRow, "createdAtMs" | "takenAtMs" | "problem">,
    replaces: string | null,
  ): void {
    inTransaction(this.#database, () => {
      if (replaces !== null && replaces !== row.endpoint) this.forget(row.device, replaces);
      const { device, endpoint, origin, language, p256dh, auth, secretSha256 } = row;
      this.#database
        .prepare(
          `INSERT INTO push_subscriptions
             (device, endpoint, origin, language, p256dh, auth, secret_sha256, created_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (endpoint) DO UPDATE SET device = excluded.device, origin = excluded.origin,
             language = excluded.language, p256dh = excluded.p256dh, auth = excluded.auth,
             secret_sha256 = excluded.secret_sha256`,
        )
        .run(device, endpoint, origin, language, p256dh, auth, secretSha256, this.#nowMs());
      this.#database
        .prepare(
          `DELETE FROM push_subscriptions WHERE device = ? AND endpoint <> ? AND endpoint NOT IN
             (SELECT endpoint FROM push_subscriptions WHERE device = ? AND endpoint <> ?
              ORDER BY created_at_ms DESC, endpoint LIMIT ${PER_DEVICE_MAX - 1})`,
        )
        .run(device, endpoint, device, endpoint);
      const all = this.#database
        .prepare<[], { count: number }>("SELECT count(*) AS count FROM push_subscriptions")
        .get();
      if ((all?.count ?? 0) > ALL_MAX)
        throw new HubError(
          "TOO_MANY_SUBSCRIPTIONS",
          "Cannot switch notifications on: too many devices have; remove one that is not used",
        );
    });
  }

  /** Whose browser was given the secret of this hash; null for nobody's. */
  deviceOfSecret(sha256: string): DeviceId | null {
    const row = this.#database
      .prepare<[string], { device: string }>(
        "SELECT device FROM push_subscriptions WHERE secret_sha256 = ?",
      )
      .get(sha256);
    return row ? parseDeviceId(row.device) : null;
  }

  /** Its service took one; or did not, and why, by code. */
  note(endpoint: string, problem: string | null): void {
    if (problem === null)
      this.#database
        .prepare("UPDATE push_subscriptions SET taken_at_ms = ?, problem = NULL WHERE endpoint = ?")
        .run(this.#nowMs(), endpoint);
    else
      this.#database
        .prepare("UPDATE push_subscriptions SET problem = ? WHERE endpoint = ?")
        .run(problem, endpoint);
  }

  forget(device: DeviceId, endpoint: string): void {
    this.#database
      .prepare("DELETE FROM push_subscriptions WHERE device = ? AND endpoint = ?")
      .run(device, endpoint);
  }

  /** @returns Whether there were any. */
  forgetDevice(device: DeviceId): boolean {
    return (
      this.#database.prepare("DELETE FROM push_subscriptions WHERE device = ?").run(device)
        .changes > 0
    );
  }

  /** Those that have one. */
  devices(): DeviceId[] {
    return this.#database
      .prepare<[], { device: string }>(
        `SELECT DISTINCT device FROM push_subscriptions ORDER BY device LIMIT ${ALL_MAX}`,
      )
      .all()
      .map(({ device }) => parseDeviceId(device));
  }
}
