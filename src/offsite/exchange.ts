import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { HubError } from "../protocol/errors.ts";
import { systemErrorCode } from "../base/files.ts";
import { placeError, type PlaceContent } from "./place.ts";

export interface PlaceRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE" | "MKCOL" | "MOVE" | "PROPFIND";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: PlaceContent;
}

export interface PlaceAnswer {
  readonly status: number;
  /** One value of each, by its name in lower case. */
  readonly header: (name: string) => string | null;
  readonly bytes: Uint8Array;
}

/** Nothing came or went for so long. */
const SILENCE_MS = 60_000;
/** Slower than this no place is waited for, whatever trickles. */
const BYTES_PER_SECOND_MIN = 4_000;
const PATIENCE_MS = 600_000;
const HEADERS_MAX_BYTES = 32 * 1024;

export interface LineOptions {
  /** Told after each exchange whether somebody answered. */
  readonly onAnswer?: (hasAnswered: boolean) => void;
  /** For tests. */
  readonly silenceMs?: number;
}

/**
 * The hub's side of the line to a place. It follows no redirect, so that a login stays with the server
 * that it is for, sends a body as it is read, and reads no more than it was told to.
 */
export class Line implements Disposable {
  readonly #options: LineOptions;
  readonly #agents = {
    "http:": new http.Agent({ keepAlive: true, maxSockets: 2 }),
    "https:": new https.Agent({ keepAlive: true, maxSockets: 2 }),
  };

  constructor(options: LineOptions = {}) {
    this.#options = options;
  }

  [Symbol.dispose](): void {
    this.#agents["http:"].destroy();
    this.#agents["https:"].destroy();
  }

  /**
   * One request and its whole answer.
   *
   * @param maxBytes - Of the answer.
   * @throws HubError PLACE_UNREACHABLE, PLACE_SLOW, PLACE_REDIRECTS, PLACE_LIES (too much).
   */
  async exchange(
    request: PlaceRequest,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<PlaceAnswer> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    const answer = await this.open(request, signal);
    for await (const part of answer.body) {
      sizeBytes += part.length;
      if (sizeBytes > maxBytes)
        throw placeError("PLACE_LIES", `Cannot use ${request.url.host}: an answer is too large`);
      parts.push(part);
    }
    return { ...answer, bytes: new Uint8Array(Buffer.concat(parts)) };
  }

  /** The same, with a body that is read as it comes; it is to be read to its end or returned. */
  async open(
    request: PlaceRequest,
    signal: AbortSignal,
  ): Promise<Omit<PlaceAnswer, "bytes"> & { readonly body: AsyncIterable<Uint8Array> }> {
    signal.throwIfAborted();
    const patienceMs =
      PATIENCE_MS + ((request.body?.sizeBytes ?? 0) / BYTES_PER_SECOND_MIN) * 1_000;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(patienceMs))]);
    try {
      const response = await this.#sent(request, limit);
      this.#options.onAnswer?.(true);
      const status = response.statusCode ?? 0;
      if (status >= 300 && status < 400) {
        response.destroy();
        throw placeError(
          "PLACE_REDIRECTS",
          `Cannot use ${request.url.host}: it sends on to another address; set the one that it is at`,
        );
      }
      return {
        status,
        header: (name) => {
          const value = response.headers[name];
          return typeof value === "string" ? value : null;
        },
        body: this.#bodyOf(response, request.url.host, signal),
      };
    } catch (cause) {
      throw this.#failure(cause, request.url.host, signal);
    }
  }

  async *#bodyOf(
    response: http.IncomingMessage,
    host: string,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const part of response as AsyncIterable<Buffer>) yield new Uint8Array(part);
    } catch (cause) {
      throw this.#failure(cause, host, signal);
    } finally {
      response.destroy();
    }
  }

  async #sent(request: PlaceRequest, signal: AbortSignal): Promise<http.IncomingMessage> {
    for (let isSecond = false; ; isSecond = true) {
      const out = this.#begin(request, signal);
      try {
        return await sendBody(out, request.body);
      } catch (error) {
        out.destroy();
        // The server had closed a kept connection just then.
        const isStale = out.reusedSocket && systemErrorCode(error) === "ECONNRESET";
        if (isSecond || !isStale) throw error;
      }
    }
  }

  #begin({ method, url, headers, body }: PlaceRequest, signal: AbortSignal): http.ClientRequest {
    const isEncrypted = url.protocol === "https:";
    const out = (isEncrypted ? https : http).request(url, {
      ...{ method, signal, maxHeaderSize: HEADERS_MAX_BYTES },
      agent: this.#agents[isEncrypted ? "https:" : "http:"],
      headers: {
        ...headers,
        ...(body || method === "PUT" ? { "content-length": String(body?.sizeBytes ?? 0) } : {}),
        "accept-encoding": "identity",
        "user-agent": "doorward",
      },
    });
    out.setTimeout(this.#options.silenceMs ?? SILENCE_MS, () =>
      out.destroy(
        placeError("PLACE_SLOW", `Cannot use ${url.host}: it has said nothing for a minute`),
      ),
    );
    return out;
  }

  #failure(cause: unknown, host: string, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (cause instanceof HubError) {
      this.#options.onAnswer?.(cause.code !== "PLACE_SLOW");
      return cause;
    }
    this.#options.onAnswer?.(false);
    if (cause instanceof Error && cause.name === "AbortError")
      return placeError("PLACE_SLOW", `Cannot use ${host}: it takes too long`, { cause });
    const code = systemErrorCode(cause);
    if (code === null) return cause;
    return placeError("PLACE_UNREACHABLE", `Cannot reach ${host}: ${code}`, { cause });
  }
}

async function sendBody(
  out: http.ClientRequest,
  body: PlaceContent | undefined,
): Promise<http.IncomingMessage> {
  const response = new Promise<http.IncomingMessage>((resolve, reject) => {
    out.once("response", resolve);
    out.on("error", reject);
  });
  let isAnswered = false;
  const settled = response.then(
    () => void (isAnswered = true),
    () => void (isAnswered = true),
  );
  let isWhole = true;
  if (body) {
    let sentBytes = 0;
    for await (const part of body.open()) {
      // It may say that there is no room before everything has been sent.
      if (isAnswered) break;
      sentBytes += part.length;
      if (sentBytes > body.sizeBytes) break;
      if (!out.write(part)) await Promise.race([drained(out), settled]);
    }
    isWhole = sentBytes === body.sizeBytes;
    if (!isAnswered && !isWhole) {
      out.destroy();
      throw new HubError("FILE_CHANGED", "Cannot put: a file changed while it was being read");
    }
  }
  // Also where the answer has come: a server that counts does not wait for the end to be said, and
  // without it the connection is held until it is taken for dead.
  if (isWhole) out.end();
  return await response;
}

async function drained(out: http.ClientRequest): Promise<void> {
  try {
    await once(out, "drain");
  } catch {
    // Said by the response.
  }
}
