import { lookup as resolveName } from "node:dns";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isInsideAddress, type PushPlace } from "./push-endpoint.ts";

const TIMEOUT_MS = 10_000;
/** Nothing in an answer's body is needed; a longer one is cut off. */
const ANSWER_BYTES_MAX = 8_192;

export interface PushRequest {
  readonly place: PushPlace;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

export interface PushReply {
  readonly status: number;
  /** As the service gave it: seconds, or a date (RFC 9110). */
  readonly retryAfter: string | null;
}

/** A name's addresses, where none is in the house: somebody may have pointed it there meanwhile. */
export const outsideOnly: LookupFunction = (host, options, callback) => {
  resolveName(host, { ...options, all: true }, (error, found) => {
    const [first] = found ?? [];
    if (error) callback(error, "", 0);
    else if (!first || found.some(({ address }) => isInsideAddress(address)))
      callback(new InsideAddress(), "", 0);
    else if (options.all === true) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

/** The name of a service on the Internet led into the house, or nowhere. */
export class InsideAddress extends Error {
  override readonly name = "InsideAddress";
}

/** Connections that stay open a while: the next bell then costs no greeting. */
export class PushConnections implements Disposable {
  readonly #outside = new https.Agent({ ...AGENT, lookup: outsideOnly });
  readonly #named = new https.Agent(AGENT);
  readonly #timeoutMs: number;

  constructor({ timeoutMs = TIMEOUT_MS }: { timeoutMs?: number } = {}) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends one push. Never follows a redirect.
   *
   * @throws Error where nothing was answered in time, or the place is none that may be reached.
   */
  send({ place, headers, body, signal }: PushRequest): Promise<PushReply> {
    if (!place.isNamed && isIP(place.host) !== 0 && isInsideAddress(place.host))
      return Promise.reject(new InsideAddress());
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          ...{ host: place.host, port: place.port, path: place.path, method: "POST" },
          headers: { ...headers, "content-length": body.byteLength },
          agent: place.isNamed ? this.#named : this.#outside,
          signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
        },
        (response) => {
          let left = ANSWER_BYTES_MAX;
          const answered = (): void =>
            resolve({
              status: response.statusCode ?? 0,
              retryAfter: response.headers["retry-after"] ?? null,
            });
          response.on("data", (chunk: Buffer) => {
            left -= chunk.byteLength;
            if (left >= 0) return;
            answered();
            request.destroy();
          });
          response.on("end", answered);
          response.on("error", reject);
        },
      );
      request.on("error", reject);
      request.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#outside.destroy();
    this.#named.destroy();
  }
}

const AGENT: https.AgentOptions = {
  keepAlive: true,
  keepAliveMsecs: 30_000,
  maxSockets: 4,
  maxFreeSockets: 2,
  maxTotalSockets: 16,
  timeout: 120_000,
};
