import { randomBytes } from "node:crypto";
import { inTransaction, type HubDatabase } from "../base/database.ts";
import {
  REPLIES_MAX,
  REPLY_BYTES_MAX,
  REPLY_BYTES_MIN,
  REPLY_NAME_CHARACTERS,
  type Reply,
} from "../protocol/api-talk.ts";
import { toHex } from "../protocol/bytes.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { G711_SAMPLE_RATE } from "../protocol/g711.ts";

interface ReplyRow {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
}

/** Short replies that somebody has recorded. In the clear: the hub has to say them by itself. */
export class Replies {
  readonly #database: HubDatabase;
  readonly #nowMs: () => number;

  constructor(database: HubDatabase, nowMs: () => number) {
    this.#database = database;
    this.#nowMs = nowMs;
  }

  /** In the order in which they were made. */
  list(): Reply[] {
    return this.#database
      .prepare<[], ReplyRow>(
        `SELECT id, name, length(sound) AS bytes FROM replies ORDER BY made_at_ms, id
         LIMIT ${REPLIES_MAX}`,
      )
      .all()
      .map(({ id, name, bytes }) => ({
        ...{ id, name },
        durationMs: Math.round((bytes / G711_SAMPLE_RATE) * 1_000),
      }));
  }

  /** @throws HubError NOT_FOUND. */
  sound(id: string): Uint8Array {
    const row = this.#database
      .prepare<[string], { sound: Buffer }>("SELECT sound FROM replies WHERE id = ?")
      .get(id);
    if (!row) throw new HubError("NOT_FOUND", "There is no such reply (any more)");
    return row.sound;
  }

  /** @throws MalformedInput, or HubError TOO_MANY_REPLIES or REPLY_KNOWN. */
  add(name: string, sound: Uint8Array): void {
    const plain = name.trim();
    if (plain === "" || plain.length > REPLY_NAME_CHARACTERS || /\p{C}/u.test(plain))
      throw new MalformedInput(
        "name",
        `Cannot keep reply: its name must be one line of 1 to ${REPLY_NAME_CHARACTERS} characters`,
      );
    if (sound.length < REPLY_BYTES_MIN || sound.length > REPLY_BYTES_MAX)
      throw new MalformedInput(
        "sound",
        `Cannot keep reply: it lasts ${(sound.length / G711_SAMPLE_RATE).toFixed(1)} s; it may last 0.2 to ${REPLY_BYTES_MAX / G711_SAMPLE_RATE} s`,
      );
    inTransaction(this.#database, () => {
      const known = this.list();
      if (known.length >= REPLIES_MAX)
        throw new HubError(
          "TOO_MANY_REPLIES",
          `Cannot keep reply: there are ${REPLIES_MAX} already; delete one first`,
        );
      if (known.some((reply) => reply.name === plain))
        throw new HubError("REPLY_KNOWN", `Cannot keep reply: there is one named ${plain} already`);
      this.#database
        .prepare("INSERT INTO replies (id, name, sound, made_at_ms) VALUES (?, ?, ?, ?)")
        .run(toHex(randomBytes(16)), plain, Buffer.from(sound), this.#nowMs());
    });
  }

  /** @throws HubError NOT_FOUND. */
  remove(id: string): void {
    const { changes } = this.#database.prepare("DELETE FROM replies WHERE id = ?").run(id);
    if (changes === 0) throw new HubError("NOT_FOUND", "There is no such reply (any more)");
  }
}
