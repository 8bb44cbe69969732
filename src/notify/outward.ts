import http from "node:http";
import https from "node:https";
import { CarrierFailure } from "./notice.ts";

/** Where a connection outward goes to, for the list that an owner sees. */
export interface OutwardPlace {
  readonly what: string;
  /** Host and port. */
  readonly address: string;
}

/** As the list of connections has it. */
export interface OutwardLog {
  mention(place: OutwardPlace): void;
  connected(place: OutwardPlace): void;
  disconnected(place: OutwardPlace): void;
}

export interface OutwardRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface OutwardAnswer {
  readonly status: number;
  /** As `Retry-After` says; null where it says nothing that can be read. */
  readonly retryAfterMs: number | null;
}

const ANSWER_BYTES_MAX = 16 * 1024;
const SOCKETS_MAX = 16;
/** Without a byte. Kept open between messages: a bell has no time for a handshake. */
const IDLE_MS = 55_000;
const MENTIONED_MAX = 1_000;
const RETRY_AFTER_MAX_S = 86_400;

/**
 * POST to hosts that an owner has set or allowed, and to no other: who calls it has checked that. No
 * redirect is followed, no answer read but its status, and every place is entered before it is
 * connected to.
 */
export class Outward implements Disposable {
  readonly #what: string;
  readonly #log: OutwardLog;
  readonly #mentioned = new Set<string>();
  readonly #http = new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, timeout: IDLE_MS });
  readonly #https = new https.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, timeout: IDLE_MS });

  /** @param what - Names the connections in the list, as `ntfy`. */
  constructor(what: string, log: OutwardLog) {
    this.#what = what;
    this.#log = log;
  }

  /** Enters a place that will be connected to: beforehand, since a bell waits for no disk. */
  mention(url: URL): void {
    const address = addressOf(url);
    if (this.#mentioned.has(address)) return;
    this.#log.mention({ what: this.#what, address });
    if (this.#mentioned.size < MENTIONED_MAX) this.#mentioned.add(address);
  }

  /** Begins before it returns. @throws CarrierFailure `later` where no answer came. */
  async post(request: OutwardRequest, signal: AbortSignal): Promise<OutwardAnswer> {
    const { url, headers, body } = request;
    const isSecure = url.protocol === "https:";
    const place = { what: this.#what, address: addressOf(url) };
    this.mention(url);
    const { promise, resolve, reject } = Promise.withResolvers<OutwardAnswer>();
    const failed = (cause: unknown): void =>
      reject(new CarrierFailure("later", `${place.address}: ${wordsOf(cause)}`, { cause }));
    const sent = (isSecure ? https : http).request(
      url,
      {
        method: "POST",
        agent: isSecure ? this.#https : this.#http,
        signal,
        headers: { ...headers, "content-length": String(body.length) },
      },
      (answer) => {
        const retryAfterMs = readRetryAfter(answer.headers["retry-after"]);
        let bytes = 0;
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > ANSWER_BYTES_MAX) answer.destroy();
        });
        answer.on("error", () => undefined);
        answer.on("close", () => this.#log.disconnected(place));
        resolve({ status: answer.statusCode ?? 0, retryAfterMs });
        this.#log.connected(place);
      },
    );
    sent.on("error", failed);
    sent.end(body);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

/** @throws CarrierFailure for every status that is not one of success (RFC 8030 sections 5 and 8). */
export function requireTaken({ status, retryAfterMs }: OutwardAnswer, goneAt: readonly number[]) {
  if (status >= 200 && status < 300) return;
  const said = `it answered ${status}`;
  if (goneAt.includes(status)) throw new CarrierFailure("gone", said);
  if (status === 429 || status >= 500 || status === 408 || status === 401 || status === 403)
    throw new CarrierFailure("later", said, { retryAfterMs });
  throw new CarrierFailure("refused", said);
}

/** Host and port. */
export function addressOf(url: URL): string {
  const usual = url.protocol === "https:" ? "443" : "80";
  return `${url.hostname}:${url.port === "" ? usual : url.port}`;
}

function readRetryAfter(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,6}$/.test(text)) return null;
  return Math.min(Number(text), RETRY_AFTER_MAX_S) * 1_000;
}

function wordsOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const known: Readonly<Record<string, string>> = {
    ABORT_ERR: "no answer came in time",
    ENOTFOUND: "there is no host of this name",
    EAI_AGAIN: "its name cannot be looked up now",
    ECONNREFUSED: "nothing answers there",
    ECONNRESET: "the connection was cut",
    ENETUNREACH: "the network cannot be reached",
    EHOSTUNREACH: "the host cannot be reached",
  };
  return known[code] ?? (code === "" ? "it cannot be reached" : `it cannot be reached (${code})`);
}
