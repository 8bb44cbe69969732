import { createHash, randomBytes } from "node:crypto";
import type { HubDatabase } from "../base/database.ts";
import { LoginStatement } from "../protocol/api.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { checkShape } from "../protocol/check.ts";
import { openEnvelope, PAYLOAD_TYPES, verifyEnvelopeSignature } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseDeviceId, type DeviceId, type PersonId } from "../protocol/ids.ts";
import {
  findDevice,
  roleHasRight,
  roleOfDevice,
  type Keyring,
  type Right,
  type Role,
} from "../protocol/keyring.ts";

const CHALLENGE_LIFETIME_MS = 60_000;
const CHALLENGES_MAX = 1_000;
const SESSION_LIFETIME_MS = 12 * 3_600_000;
/** However much it is used: then the device must show its key again, which a thief may not have. */
const SESSION_AGE_MAX_MS = 7 * 24 * 3_600_000;
const SESSIONS_MAX = 1_000;
const RIGHTS: readonly Right[] = ["view_originals", "view_blurred", "live", "sign", "administer"];

export interface SessionDevice {
  readonly device: DeviceId;
  readonly person: PersonId;
  readonly role: Role;
  readonly rights: readonly Right[];
  readonly session: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Where the hub's own count of time stands when it ends, whatever the clock says then. */
  readonly expiresCountedMs: number;
  readonly ageCountedMs: number;
}

interface SessionRow {
  readonly id: string;
  readonly device: string;
  readonly created_at_ms: number;
  readonly expires_at_ms: number;
  readonly expires_counted_ms: number;
  readonly age_counted_ms: number;
}

export interface SessionsOptions {
  readonly database: HubDatabase;
  readonly keyring: () => Keyring | null;
  readonly nowMs: () => number;
  /** How long the hub has run: a clock that is set back makes no session longer. */
  readonly countedMs: () => number;
}

const OPEN_SESSION = "expires_at_ms > ? AND expires_counted_ms > ?";
const SESSION_COLUMNS =
  "id, device, created_at_ms, expires_at_ms, expires_counted_ms, age_counted_ms";

/**
 * A device proves itself by signing a challenge; there is no password anywhere. A session's device
 * is looked up in the keyring at every request, so that a removed one is out within one request.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  /** Challenge to device and expiry. In memory only: a restart asks again. */
  readonly #challenges = new Map<string, { device: DeviceId; expiresCountedMs: number }>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Answers for any device id, so that nobody learns which ones exist. */
  challenge(device: DeviceId): { challenge: string; expiresAtMs: number } {
    const countedMs = this.#options.countedMs();
    for (const [challenge, { expiresCountedMs }] of this.#challenges) {
      // Oldest first, so the rest is younger; but never more than the limit.
      if (expiresCountedMs > countedMs && this.#challenges.size < CHALLENGES_MAX) break;
      this.#challenges.delete(challenge);
    }
    const challenge = randomBytes(32).toString("hex");
    const expiresCountedMs = countedMs + CHALLENGE_LIFETIME_MS;
    this.#challenges.set(challenge, { device, expiresCountedMs });
    return { challenge, expiresAtMs: this.#options.nowMs() + CHALLENGE_LIFETIME_MS };
  }

  /** @throws HubError LOGIN_REFUSED without saying which check failed. */
  logIn(login: unknown): { session: string; token: string; expiresAtMs: number; role: Role } {
    const device = this.#verifiedDevice(login);
    const { database, nowMs } = this.#options;
    const createdAtMs = nowMs();
    const countedMs = this.#options.countedMs();
    const session = randomBytes(16).toString("hex");
    const token = randomBytes(32).toString("hex");
    const expiresAtMs = createdAtMs + SESSION_LIFETIME_MS;
    database.transaction(() => {
      database
        .prepare(`DELETE FROM sessions WHERE NOT (${OPEN_SESSION})`)
        .run(createdAtMs, countedMs);
      const open = database
        .prepare<[], { count: number }>("SELECT count(*) AS count FROM sessions")
        .get();
      if ((open?.count ?? 0) >= SESSIONS_MAX)
        throw new HubError("TOO_MANY_SESSIONS", "Cannot log in: too many sessions are open");
      database
        .prepare(
          `INSERT INTO sessions (id, token_sha256, device, created_at_ms, expires_at_ms,
             expires_counted_ms, age_counted_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[session, sha256Text(token), device.id, createdAtMs, expiresAtMs],
          ...[countedMs + SESSION_LIFETIME_MS, countedMs + SESSION_AGE_MAX_MS],
        );
    })();
    return { session, token, expiresAtMs, role: device.role };
  }

  #verifiedDevice(login: unknown): { id: DeviceId; role: Role } {
    const keyring = this.#options.keyring();
    const refused = (): HubError => new HubError("LOGIN_REFUSED", "Cannot log in: not accepted");
    if (!keyring) throw refused();
    const { envelope, payload, content } = openEnvelope(login, PAYLOAD_TYPES.login, "login");
    const statement = checkShape(LoginStatement, content, "login");
    const asked = this.#challenges.get(statement.challenge);
    this.#challenges.delete(statement.challenge);
    const id = parseDeviceId(statement.device);
    const device = findDevice(keyring, id);
    const role = roleOfDevice(keyring, id);
    const [signature, extra] = envelope.signatures;
    const isInTime = asked !== undefined && asked.expiresCountedMs >= this.#options.countedMs();
    if (!isInTime || asked.device !== id) throw refused();
    if (!device || !role || !signature || extra || signature.keyid !== id) throw refused();
    if (statement.origin !== keyring.origin) throw refused();
    const signingKey = fromBase64(device.record.signingKey, "signingKey");
    if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey)) throw refused();
    return { id, role };
  }

  /** The device of a token, or null when the session or the device is gone. */
  deviceOf(token: string): SessionDevice | null {
    return this.#deviceOfRow(
      this.#options.database
        .prepare<[string, number, number], SessionRow>(
          `SELECT ${SESSION_COLUMNS} FROM sessions WHERE token_sha256 = ? AND ${OPEN_SESSION}`,
        )
        .get(sha256Text(token), ...this.#now()),
    );
  }

  /** As {@link deviceOf}, by the session's id: for what goes on after a request was let in. */
  deviceOfSession(session: string): SessionDevice | null {
    return this.#deviceOfRow(
      this.#options.database
        .prepare<[string, number, number], SessionRow>(
          `SELECT ${SESSION_COLUMNS} FROM sessions WHERE id = ? AND ${OPEN_SESSION}`,
        )
        .get(session, ...this.#now()),
    );
  }

  #now(): [wallMs: number, countedMs: number] {
    return [this.#options.nowMs(), this.#options.countedMs()];
  }

  #deviceOfRow(row: SessionRow | undefined): SessionDevice | null {
    const keyring = this.#options.keyring();
    if (!row || !keyring) return null;
    const device = parseDeviceId(row.device);
    const role = roleOfDevice(keyring, device);
    const person = findDevice(keyring, device)?.person;
    if (!role || person === undefined) return null;
    return {
      device,
      person,
      role,
      rights: RIGHTS.filter((right) => roleHasRight(role, right)),
      session: row.id,
      createdAtMs: row.created_at_ms,
      expiresAtMs: row.expires_at_ms,
      expiresCountedMs: row.expires_counted_ms,
      ageCountedMs: row.age_counted_ms,
    };
  }

  /** Whether it is in its second half, and may go on behind its end. */
  isToRenew({ createdAtMs, expiresAtMs, ...counted }: SessionDevice): boolean {
    const [nowMs, countedMs] = this.#now();
    const leftMs = Math.min(expiresAtMs - nowMs, counted.expiresCountedMs - countedMs);
    const mayGoOn =
      expiresAtMs < createdAtMs + SESSION_AGE_MAX_MS &&
      counted.expiresCountedMs < counted.ageCountedMs;
    return leftMs < SESSION_LIFETIME_MS / 2 && mayGoOn;
  }

  /** @returns When it ends now: a whole lifetime from here, or seven days from its log-in. */
  renew({ session, createdAtMs, ageCountedMs }: SessionDevice): number {
    const [nowMs, countedMs] = this.#now();
    const expiresAtMs = Math.min(nowMs + SESSION_LIFETIME_MS, createdAtMs + SESSION_AGE_MAX_MS);
    this.#options.database
      .prepare("UPDATE sessions SET expires_at_ms = ?, expires_counted_ms = ? WHERE id = ?")
      .run(expiresAtMs, Math.min(countedMs + SESSION_LIFETIME_MS, ageCountedMs), session);
    return expiresAtMs;
  }

  list(): { session: string; device: string; createdAtMs: number; expiresAtMs: number }[] {
    return this.#options.database
      .prepare<
        [number, number],
        { session: string; device: string; createdAtMs: number; expiresAtMs: number }
      >(
        `SELECT id AS session, device, created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs
         FROM sessions WHERE ${OPEN_SESSION} ORDER BY created_at_ms LIMIT ${SESSIONS_MAX}`,
      )
      .all(...this.#now());
  }

  end(session: string): void {
    this.#options.database.prepare("DELETE FROM sessions WHERE id = ?").run(session);
  }
}

function sha256Text(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
