import type { HubDatabase } from "../base/database.ts";
import { CONNECTIONS_MAX, ConnectionList } from "../protocol/api-connections.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

export interface ConnectionPlace {
  readonly what: string;
  /** Host and port. */
  readonly address: string;
}

interface ConnectionRow {
  readonly what: string;
  readonly address: string;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
}

/** While a connection lasts, its time is written this often. */
const WRITE_MS = 300_000;

/** What this hub connects to, kept so that an owner can look it up years later. */
export class Connections {
  readonly #database: HubDatabase;
  readonly #nowMs: () => number;
  readonly #warn: (message: string) => void;
  /** Keys of the open ones, and when each was last written. */
  readonly #open = new Map<string, number>();
  #isFailing = false;

  /** @param warn - Told once when a place could not be written down. */
  constructor(
    database: HubDatabase,
    nowMs: () => number,
    warn: (message: string) => void = () => undefined,
  ) {
    this.#database = database;
    this.#nowMs = nowMs;
    this.#warn = warn;
  }

  /** Remembers a place before anything connects to it. */
  mention(place: ConnectionPlace): void {
    this.#try(() => this.#insert(place));
  }

  /** It answers, or still does. */
  connected(place: ConnectionPlace): void {
    const nowMs = this.#nowMs();
    const writtenAtMs = this.#open.get(keyOf(place));
    if (writtenAtMs !== undefined && Math.abs(nowMs - writtenAtMs) < WRITE_MS) return;
    this.#open.set(keyOf(place), nowMs);
    this.#write(place);
  }

  disconnected(place: ConnectionPlace): void {
    if (this.#open.delete(keyOf(place))) this.#write(place);
  }

  /** An owner has tried a camera's address, which may carry a name and a password. */
  tried(url: string, hasAnswered: boolean): void {
    const { hostname, port } = new URL(url);
    const place = { what: "camera trial", address: `${hostname}:${port === "" ? "554" : port}` };
    if (hasAnswered) this.#write(place);
    else this.mention(place);
  }

  list(): ConnectionList {
    return this.#database
      .prepare<[], ConnectionRow>(
        `SELECT what, address, first_at_ms AS firstAtMs, last_at_ms AS lastAtMs FROM connections
         ORDER BY what, address LIMIT ${CONNECTIONS_MAX}`,
      )
      .all()
      .map((row) => {
        const open = this.#open.has(keyOf(row));
        return { ...row, lastAtMs: open ? this.#nowMs() : row.lastAtMs, open };
      });
  }

  #write(place: ConnectionPlace): void {
    const nowMs = this.#nowMs();
    this.#try(() => {
      this.#insert(place);
      this.#database
        .prepare(
          `UPDATE connections SET first_at_ms = coalesce(first_at_ms, ?), last_at_ms = ?
           WHERE what = ? AND address = ?`,
        )
        .run(nowMs, nowMs, place.what, place.address);
    });
  }

  #insert({ what, address }: ConnectionPlace): void {
    this.#database
      .prepare(
        `INSERT OR IGNORE INTO connections (what, address)
         SELECT ?, ? WHERE (SELECT count(*) FROM connections) < ${CONNECTIONS_MAX}`,
      )
      .run(what, address);
  }

  /**
   * Places are told of from wherever a connection comes or goes, where nobody would catch it. A disk
   * that is full must not end the hub, and every recording with it, for the sake of this list.
   */
  #try(write: () => void): void {
    try {
      write();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#warn(`connections not written down: ${String(error)}`);
      this.#isFailing = true;
    }
  }
}

/** To everything this hub was ever told to connect to: for an owner to see that it is no more. */
export function addConnectionRoutes(
  server: HubServer,
  { connections }: Pick<HubServices, "connections">,
): void {
  server.get(
    "/api/connections",
    { config: { access: "administer" }, schema: { response: { 200: ConnectionList } } },
    async () => connections.list(),
  );
}

function keyOf({ what, address }: ConnectionPlace): string {
  return `${what}\n${address}`;
}
