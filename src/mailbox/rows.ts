import type { HubDatabase } from "../base/database.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { sha256Hex, utf8Bytes } from "../protocol/bytes.ts";
import type { MailboxAnswer, MailboxPlace } from "../protocol/mailbox.ts";

export interface Inbox {
  readonly item: string;
  readonly key: Uint8Array;
}

export interface DeviceRow {
  readonly device: DeviceId;
  readonly stateItem: string;
  readonly sequence: number;
  readonly materialSha256: string | null;
  readonly size: number;
  readonly putAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly inbox: Inbox;
  readonly earlier: Inbox | null;
  readonly answers: readonly MailboxAnswer[];
}

export interface PartRow {
  readonly item: string;
  readonly clip: string;
  readonly name: string;
  readonly part: number;
  readonly key: Uint8Array;
  readonly fileBytes: number;
  readonly putAtMs: number;
  readonly expiresAtMs: number | null;
  /** The carrier has said that it has it. */
  readonly isThere: boolean;
}

/** Where all that the rows tell of lies. */
export interface KnownPlace {
  readonly kind: MailboxPlace["kind"];
  readonly url: string;
}

const SEEN_AT_HOME = 8;
const SEEN_AWAY = 40;
const UNWANTED_MAX = 10_000;

interface RawDevice {
  readonly device: DeviceId;
  readonly state_item: string;
  readonly sequence: number;
  readonly material_sha256: string | null;
  readonly size: number;
  readonly put_at_ms: number | null;
  readonly expires_at_ms: number | null;
  readonly inbox_item: string;
  readonly inbox_key: Buffer;
  readonly earlier_item: string | null;
  readonly earlier_key: Buffer | null;
  readonly answers: string;
}

/** What the hub remembers of its mailbox. */
export class MailboxRows {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  /** True where things lie in another place than this one, or in a place though there is to be none. */
  isElsewhere(place: KnownPlace | null): boolean {
    const known = this.#database
      .prepare<[], { hash: string }>("SELECT place_sha256 AS hash FROM mailbox_place")
      .get();
    return known !== undefined && (place === null || known.hash !== hashOf(place));
  }

  /** Null where there is none, or none whose address was written down. */
  knownPlace(): KnownPlace | null {
    return (
      this.#database
        .prepare<[], KnownPlace>("SELECT kind, url FROM mailbox_place WHERE url IS NOT NULL")
        .get() ?? null
    );
  }

  /** Forgets all of it where the mailbox is another one than before. */
  settlePlace(place: KnownPlace): void {
    this.#database.transaction(() => {
      if (this.isElsewhere(place)) this.forgetPlace();
      this.#database
        .prepare(
          `INSERT INTO mailbox_place (one, place_sha256, kind, url) VALUES (1, ?, ?, ?)
           ON CONFLICT (one) DO UPDATE SET kind = excluded.kind, url = excluded.url`,
        )
        .run(hashOf(place), place.kind, place.url);
    })();
  }

  forgetPlace(): void {
    this.#database.transaction(() => {
      for (const table of ["place", "devices", "parts", "unwanted"])
        this.#database.prepare(`DELETE FROM mailbox_${table}`).run();
    })();
  }

  /** Everything that may lie on the carrier is to go. */
  unwantAll(nowMs: number): void {
    this.#database.transaction(() => {
      for (const row of this.devices()) this.removeDevice(row, nowMs);
      for (const { item } of this.parts()) this.removePart(item, nowMs);
    })();
  }

  devices(): DeviceRow[] {
    return this.#database
      .prepare<[], RawDevice>("SELECT * FROM mailbox_devices ORDER BY device")
      .all()
      .map(readDevice);
  }

  device(device: string): DeviceRow | null {
    const row = this.#database
      .prepare<[string], RawDevice>("SELECT * FROM mailbox_devices WHERE device = ?")
      .get(device);
    return row ? readDevice(row) : null;
  }

  addDevice(device: string, stateItem: string, inbox: Inbox): void {
    this.#database
      .prepare(
        `INSERT INTO mailbox_devices (device, state_item, sequence, inbox_item, inbox_key)
         VALUES (?, ?, 0, ?, ?)`,
      )
      .run(device, stateItem, inbox.item, inbox.key);
  }

  /**
   * What lies on the carrier for it is to go as well, and so are pieces whose names and keys it was
   * given: those of them that are still wanted are put under others.
   */
  removeDevice({ device, stateItem, inbox, earlier }: DeviceRow, nowMs: number): void {
    this.#database.transaction(() => {
      const given = this.#database
        .prepare<[string], { item: string }>(
          `SELECT item FROM mailbox_parts
           WHERE clip IN (SELECT clip FROM mailbox_given WHERE device = ?)`,
        )
        .all(device);
      for (const { item } of given) this.removePart(item, nowMs);
      for (const item of [stateItem, inbox.item, ...(earlier ? [earlier.item] : [])])
        this.unwanted(item, nowMs);
      for (const table of ["devices", "seen", "given"])
        this.#database.prepare(`DELETE FROM mailbox_${table} WHERE device = ?`).run(device);
    })();
  }

  /** Before it is put: a number that was used once is not used again, whatever happens then. */
  begin(device: string, materialSha256: string, size: number): void {
    this.#database
      .prepare(
        `UPDATE mailbox_devices SET sequence = sequence + 1, material_sha256 = ?, size = ?,
           put_at_ms = NULL WHERE device = ?`,
      )
      .run(materialSha256, size, device);
    this.seen(device, size, false);
  }

  put(device: string, atMs: number, expiresAtMs: number | null): void {
    this.#database
      .prepare("UPDATE mailbox_devices SET put_at_ms = ?, expires_at_ms = ? WHERE device = ?")
      .run(atMs, expiresAtMs, device);
  }

  /** What became of its replies, and another inbox for the next ones. */
  answered(row: DeviceRow, answers: readonly MailboxAnswer[], inbox: Inbox, nowMs: number): void {
    this.#database.transaction(() => {
      // Read; what a device writes there again, before it knows of the new one, is read as well.
      for (const inbox of [row.inbox, ...(row.earlier ? [row.earlier] : [])])
        this.unwanted(inbox.item, nowMs);
      this.#database
        .prepare(
          `UPDATE mailbox_devices SET answers = ?, earlier_item = inbox_item,
             earlier_key = inbox_key, inbox_item = ?, inbox_key = ? WHERE device = ?`,
        )
        .run(JSON.stringify(answers), inbox.item, inbox.key, row.device);
    })();
  }

  seen(device: string, size: number, isAtHome: boolean): void {
    this.#database
      .prepare(
        `INSERT INTO mailbox_seen (device, size, at_home) VALUES (?, ?, ?)
         ON CONFLICT (device, size) DO UPDATE SET at_home = max(at_home, excluded.at_home)`,
      )
      .run(device, size, isAtHome ? 1 : 0);
    this.#database
      .prepare(
        `DELETE FROM mailbox_seen WHERE device = ? AND at_home = ? AND size NOT IN
           (SELECT size FROM mailbox_seen WHERE device = ? AND at_home = ?
            ORDER BY size DESC LIMIT ?)`,
      )
      .run(
        ...[device, isAtHome ? 1 : 0, device, isAtHome ? 1 : 0],
        isAtHome ? SEEN_AT_HOME : SEEN_AWAY,
      );
  }

  /** Newest first. */
  seenBy(device: string): { size: number; isAtHome: boolean }[] {
    return this.#database
      .prepare<[string], { size: number; at_home: number }>(
        "SELECT size, at_home FROM mailbox_seen WHERE device = ? ORDER BY size DESC",
      )
      .all(device)
      .map(({ size, at_home }) => ({ size, isAtHome: at_home === 1 }));
  }

  parts(): PartRow[] {
    return this.#database
      .prepare<[], Omit<PartRow, "isThere"> & { is_there: number }>(
        `SELECT item, clip, name, part, key, file_bytes AS fileBytes, put_at_ms AS putAtMs,
           expires_at_ms AS expiresAtMs, is_there FROM mailbox_parts ORDER BY clip, name, part`,
      )
      .all()
      .map(({ is_there, ...row }) => ({ ...row, isThere: is_there === 1 }));
  }

  /** Before it is put: whatever becomes of that, its name is known. */
  beginPart(row: Omit<PartRow, "expiresAtMs" | "isThere">): void {
    this.#database
      .prepare(
        `INSERT INTO mailbox_parts (item, clip, name, part, key, file_bytes, put_at_ms, is_there)
         VALUES (?, ?, ?, ?, ?, ?, ?, 0)`,
      )
      .run(...[row.item, row.clip, row.name, row.part, row.key], ...[row.fileBytes, row.putAtMs]);
  }

  partIsThere(item: string, putAtMs: number, expiresAtMs: number | null): void {
    this.#database
      .prepare(
        "UPDATE mailbox_parts SET is_there = 1, put_at_ms = ?, expires_at_ms = ? WHERE item = ?",
      )
      .run(putAtMs, expiresAtMs, item);
  }

  removePart(item: string, nowMs: number): void {
    this.#database.transaction(() => {
      this.#database.prepare("DELETE FROM mailbox_parts WHERE item = ?").run(item);
      this.unwanted(item, nowMs);
    })();
  }

  unwanted(item: string, nowMs: number): void {
    this.#database
      .prepare(
        `INSERT OR IGNORE INTO mailbox_unwanted (item, since_ms)
         SELECT ?, ? WHERE (SELECT count(*) FROM mailbox_unwanted) < ${UNWANTED_MAX}`,
      )
      .run(item, nowMs);
  }

  unwantedItems(limit: number): string[] {
    return this.#database
      .prepare<[number], { item: string }>(
        "SELECT item FROM mailbox_unwanted ORDER BY since_ms LIMIT ?",
      )
      .all(limit)
      .map(({ item }) => item);
  }

  /** It could not be removed: after all the others, the next time. */
  putBack(item: string, nowMs: number): void {
    this.#database
      .prepare("UPDATE mailbox_unwanted SET since_ms = ? WHERE item = ?")
      .run(nowMs, item);
  }

  gone(item: string): void {
    this.#database.prepare("DELETE FROM mailbox_unwanted WHERE item = ?").run(item);
  }

  /** True the first time. */
  give(device: string, clip: string): boolean {
    const { changes } = this.#database
      .prepare("INSERT OR IGNORE INTO mailbox_given (device, clip) VALUES (?, ?)")
      .run(device, clip);
    return changes === 1;
  }

  nonce(request: string): { nonce: string; firstAtMs: number } | null {
    return (
      this.#database
        .prepare<[string], { nonce: string; firstAtMs: number }>(
          "SELECT nonce, first_at_ms AS firstAtMs FROM mailbox_nonces WHERE request = ?",
        )
        .get(request) ?? null
    );
  }

  /** A spent one is replaced; since when the request lies in the mailbox stays. */
  setNonce(request: string, nonce: string, nowMs: number): void {
    this.#database
      .prepare(
        `INSERT INTO mailbox_nonces (request, nonce, first_at_ms) VALUES (?, ?, ?)
         ON CONFLICT (request) DO UPDATE SET nonce = excluded.nonce`,
      )
      .run(request, nonce, nowMs);
  }

  /** Of requests that wait no more. */
  keepNoncesOf(requests: readonly string[]): void {
    this.#database
      .prepare("DELETE FROM mailbox_nonces WHERE request NOT IN (SELECT value FROM json_each(?))")
      .run(JSON.stringify(requests));
  }
}

function hashOf({ kind, url }: KnownPlace): string {
  return sha256Hex(utf8Bytes(`${kind} ${url}`));
}

function readDevice(row: RawDevice): DeviceRow {
  const { earlier_item, earlier_key } = row;
  return {
    device: row.device,
    stateItem: row.state_item,
    sequence: row.sequence,
    materialSha256: row.material_sha256,
    size: row.size,
    putAtMs: row.put_at_ms,
    expiresAtMs: row.expires_at_ms,
    inbox: { item: row.inbox_item, key: row.inbox_key },
    earlier: earlier_item && earlier_key ? { item: earlier_item, key: earlier_key } : null,
    answers: JSON.parse(row.answers) as MailboxAnswer[],
  };
}
