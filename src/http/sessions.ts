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
}

interface SessionRow {
  readonly id: string;
  readonly device: string;
  readonly created_at_ms: number;
  readonly expires_at_ms: number;
}

export interface SessionsOptions {
  readonly database: HubDatabase;
  readonly keyring: () => Keyring | null;
  readonly nowMs: () => number;
}

/**
 * A device proves itself by signing a challenge; there is no password anywhere. A session's device
 * is looked up in the keyring at every request, so that a removed one is out within one request.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  /** Challenge to device and expiry. In memory only: a restart asks again. */
  readonly #challenges = new Map<string, { device: DeviceId; expiresAtMs: number }>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Answers for any device id, so that nobody learns which ones exist. */
  challenge(device: DeviceId): { challenge: string; expiresAtMs: number } {
    const nowMs = this.#options.nowMs();
    for (const [challenge, { expiresAtMs }] of this.#challenges) {
      // Oldest first, so the rest is younger; but never more than the limit.
      if (expiresAtMs > nowMs && this.#challenges.size < CHALLENGES_MAX) break;
      this.#challenges.delete(challenge);
    }
    const challenge = randomBytes(32).toString("hex");
    const expiresAtMs = nowMs + CHALLENGE_LIFETIME_MS;
    this.#challenges.set(challenge, { device, expiresAtMs });
    return { challenge, expiresAtMs };
  }

  /** @throws HubError LOGIN_REFUSED without saying which check failed. */
  logIn(login: unknown): { session: string; token: string; expiresAtMs: number; role: Role } {
    const device = this.#verifiedDevice(login);
    const { database, nowMs } = this.#options;
    const createdAtMs = nowMs();
    const session = randomBytes(16).toString("hex");
    const token = randomBytes(32).toString("hex");
    const expiresAtMs = createdAtMs + SESSION_LIFETIME_MS;
    database.transaction(() => {
      database.prepare("DELETE FROM sessions WHERE expires_at_ms <= ?").run(createdAtMs);
      const open = database
        .prepare<[], { count: number }>("SELECT count(*) AS count FROM sessions")
        .get();
      if ((open?.count ?? 0) >= SESSIONS_MAX)
        throw new HubError("TOO_MANY_SESSIONS", "Cannot log in: too many sessions are open");
      database
        .prepare(
          "INSERT INTO sessions (id, token_sha256, device, created_at_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?)",
        )
        .run(session, sha256Text(token), device.id, createdAtMs, expiresAtMs);
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
    if (!asked || asked.expiresAtMs < this.#options.nowMs() || asked.device !== id) throw refused();
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
        .prepare<[string, number], SessionRow>(
          "SELECT id, device, created_at_ms, expires_at_ms FROM sessions WHERE token_sha256 = ? AND expires_at_ms > ?",
        )
        .get(sha256Text(token), this.#options.nowMs()),
    );
  }

  /** As {@link deviceOf}, by the session's id: for what goes on after a request was let in. */
  deviceOfSession(session: string): SessionDevice | null {
    return this.#deviceOfRow(
      this.#options.database
        .prepare<[string, number], SessionRow>(
          "SELECT id, device, created_at_ms, expires_at_ms FROM sessions WHERE id = ? AND expires_at_ms > ?",
        )
        .get(session, this.#options.nowMs()),
    );
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
    };
  }

  /** Whether it is in its second half, and may go on behind its end. */
  isToRenew({ createdAtMs, expiresAtMs }: SessionDevice): boolean {
    const isHalfOver = expiresAtMs - this.#options.nowMs() < SESSION_LIFETIME_MS / 2;
    return isHalfOver && expiresAtMs < createdAtMs + SESSION_AGE_MAX_MS;
  }

  /** @returns When it ends now: a whole lifetime from here, or seven days from its log-in. */
  renew({ session, createdAtMs }: SessionDevice): number {
    const expiresAtMs = Math.min(
      this.#options.nowMs() + SESSION_LIFETIME_MS,
      createdAtMs + SESSION_AGE_MAX_MS,
    );
    this.#options.database
      .prepare("UPDATE sessions SET expires_at_ms = ? WHERE id = ?")
      .run(expiresAtMs, session);
    return expiresAtMs;
  }

  list(): { session: string; device: string; createdAtMs: number; expiresAtMs: number }[] {
    return this.#options.database
      .prepare<
        [number],
        { session: string; device: string; createdAtMs: number; expiresAtMs: number }
      >(
        `SELECT id AS session, device, created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs
         FROM sessions WHERE expires_at_ms > ? ORDER BY created_at_ms LIMIT ${SESSIONS_MAX}`,
      )
      .all(this.#options.nowMs());
  }

  end(session: string): void {
    this.#options.database.prepare("DELETE FROM sessions WHERE id = ?").run(session);
  }
}

function sha256Text(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
