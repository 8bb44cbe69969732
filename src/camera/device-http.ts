import http from "node:http";
import https from "node:https";
import type { IncomingMessage } from "node:http";
import { CameraError } from "./camera-error.ts";
import {
  authorization,
  parseChallenges,
  requireChallenge,
  type ChallengeInUse,
  type Credentials,
} from "./rtsp-digest.ts";

/**
 * The one HTTP client to cameras. It is made for one host and connects to no other: no redirect is
 * followed, and an address that came from the camera is asked only where it names that host.
 * Everything that comes back has a limit in bytes and in time.
 */
export interface DeviceHttpOptions {
  /** As somebody typed it: a name or an address, an IPv6 one without brackets. */
  readonly host: string;
  readonly credentials: Credentials | null;
  /** Called before each connection, for what the hub remembers of them. */
  readonly onConnect?: (place: { readonly host: string; readonly port: number }) => void;
  /** For what a request does not set itself. */
  readonly patience?: DevicePatience;
}

/** How long a device is waited for, in milliseconds. */
export interface DevicePatience {
  readonly connectTimeoutMs?: number;
  /** From the request to the head of the answer. Longer where the camera holds an answer back. */
  readonly answerTimeoutMs?: number;
  /** Between two pieces of the body. */
  readonly idleTimeoutMs?: number;
  /** For the whole exchange, however steadily it trickles; a stream has none. */
  readonly totalTimeoutMs?: number;
}

export interface DeviceRequest extends Omit<DevicePatience, "totalTimeoutMs"> {
  /** `http:` or `https:`; its host must be the client's. */
  readonly url: string;
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * `answer` answers a challenge of the camera (RFC 7616); `report` hands a 401 back as it is, for a
   * caller that shows the password in another way.
   */
  readonly challenge?: "answer" | "report";
  readonly signal?: AbortSignal;
}

export interface DeviceBodyLimits extends Pick<DevicePatience, "totalTimeoutMs"> {
  readonly bodyBytesMax?: number;
}

export interface DeviceResponse {
  readonly status: number;
  /** Values in order of arrival, by lower-case name. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
}

/** An answer without an end, as cameras tell events. Whoever opens it closes it. */
export interface DeviceStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Ends with the answer; throws CameraError `SILENT` or `UNREACHABLE`. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export const CONNECT_TIMEOUT_MS = 5_000;
export const ANSWER_TIMEOUT_MS = 8_000;
export const IDLE_TIMEOUT_MS = 8_000;
export const TOTAL_TIMEOUT_MS = 20_000;
export const HEAD_BYTES_MAX = 16 * 1024;
export const BODY_BYTES_MAX = 1024 * 1024;
const URL_LENGTH_MAX = 2_048;
/** One for the challenge, one more for a nonce that is out of date. */
const ATTEMPTS_MAX = 3;

/** Host of an address as sockets take it, in lower case and without brackets or a final dot. */
export function hostOfUrl(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

export class DeviceHttp {
  readonly #options: DeviceHttpOptions;
  readonly #host: string;
  /** By origin: another port is another server, with nonces of its own. */
  readonly #challenges = new Map<string, ChallengeInUse>();

  constructor(options: DeviceHttpOptions) {
    this.#options = options;
    const bracketed = options.host.includes(":") ? `[${options.host}]` : options.host;
    const url = URL.parse(`http://${bracketed}/`);
    if (url === null || url.hostname === "")
      throw new CameraError("PROTOCOL_ERROR", "Cannot reach camera: its address names no host");
    this.#host = hostOfUrl(url);
  }

  /** Whether an address is on this client's host, whatever its port. */
  isOwn(address: string): boolean {
    const url = URL.parse(address);
    return url !== null && hostOfUrl(url) === this.#host;
  }

  /**
   * Asks, and reads the whole answer. A status is the caller's to judge, but for 401 and redirects.
   *
   * @throws CameraError `OTHER_HOST`, `REDIRECT_REFUSED`, `UNREACHABLE`, `SILENT`, `WRONG_PASSWORD`,
   * `BASIC_REFUSED` or `PROTOCOL_ERROR`.
   */
  async request(request: DeviceRequest & DeviceBodyLimits): Promise<DeviceResponse> {
    const total = AbortSignal.timeout(
      request.totalTimeoutMs ?? this.#options.patience?.totalTimeoutMs ?? TOTAL_TIMEOUT_MS,
    );
    const signal = request.signal ? AbortSignal.any([request.signal, total]) : total;
    try {
      await using stream = await this.open({ ...request, signal });
      const { status, headers } = stream;
      return { status, headers, body: await readAll(stream, request.bodyBytesMax) };
    } catch (cause) {
      if (total.aborted && request.signal?.aborted !== true)
        throw new CameraError("SILENT", "Cannot read from camera: its answer takes too long", {
          cause,
        });
      throw cause;
    }
  }

  /**
   * Asks, and hands the answer on as it comes. It has no limit in size or time as a whole, only
   * between two pieces.
   *
   * @throws CameraError as {@link request} does.
   */
  async open(asked: DeviceRequest): Promise<DeviceStream> {
    const request = { ...this.#options.patience, ...asked };
    const url = this.#requireOwn(request.url);
    const { credentials } = this.#options;
    const before = this.#challenges.get(url.origin);
    for (let attempt = 1; ; attempt += 1) {
      const known = this.#challenges.get(url.origin);
      const isAnswered =
        request.challenge !== "report" && credentials !== null && known !== undefined;
      const shown = isAnswered
        ? authorization(known, credentials, {
            method: request.method ?? "GET",
            uri: url.pathname + url.search,
          })
        : null;
      const message = await this.#send(url, request, shown);
      refuseRedirect(message);
      if (message.statusCode !== 401 || request.challenge === "report")
        return streamOf(message, request);
      message.destroy();
      // A nonce of an earlier exchange may be out of date without the camera's saying so.
      const isRefused = isAnswered && known !== before;
      this.#takeChallenge(url, message, { isRefused, isLast: attempt === ATTEMPTS_MAX });
    }
  }

  /** @throws CameraError where there is nothing that could be shown, or it was shown already. */
  #takeChallenge(
    url: URL,
    message: IncomingMessage,
    { isRefused, isLast }: { readonly isRefused: boolean; readonly isLast: boolean },
  ): void {
    const { credentials } = this.#options;
    if (credentials === null)
      throw new CameraError(
        "WRONG_PASSWORD",
        "Cannot log in to camera: it wants a user name and a password, and none is given",
      );
    const found = parseChallenges(headersOf(message).get("www-authenticate") ?? []);
    const challenge = requireChallenge(found, credentials.allowBasic);
    this.#challenges.set(url.origin, { challenge, nonceCount: 0 });
    const isStale = challenge.scheme === "digest" && challenge.stale;
    // Not once more than it takes: cameras lock an account after a few wrong passwords.
    if (isLast || (isRefused && !isStale)) throw wrongPassword();
  }

  #requireOwn(address: string): URL {
    const url = address.length <= URL_LENGTH_MAX ? URL.parse(address) : null;
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
      throw new CameraError("PROTOCOL_ERROR", "Cannot ask camera: the address is no http address");
    if (url.username !== "" || url.password !== "")
      throw new CameraError("PROTOCOL_ERROR", "Cannot ask camera: the address carries a password");
    if (hostOfUrl(url) !== this.#host)
      throw new CameraError(
        "OTHER_HOST",
        "Cannot ask camera: it names another host than the one that was given, and nothing is sent there",
      );
    return url;
  }

  async #send(url: URL, request: DeviceRequest, shown: string | null): Promise<IncomingMessage> {
    const { signal, body } = request;
    if (signal?.aborted) throw stopped(signal);
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
    this.#options.onConnect?.({ host: this.#host, port });
    const options = {
      host: this.#host,
      port,
      path: url.pathname + url.search,
      method: request.method ?? "GET",
      // One connection an exchange: what an earlier one left unread can never be taken for an answer.
      agent: false,
      maxHeaderSize: HEAD_BYTES_MAX,
      headers: {
        host: url.host,
        "user-agent": "Doorward",
        // What is compressed could be any size.
        "accept-encoding": "identity",
        connection: "close",
        ...request.headers,
        ...(shown === null ? {} : { authorization: shown }),
        ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
      },
      // No certificate authority knows a camera; what is shown of the password is a digest either way.
      rejectUnauthorized: false,
    } as const;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = url.protocol === "https:" ? https.request(options) : http.request(options);
    const give = (error: CameraError): void => {
      reject(error);
      outgoing.destroy();
    };
    const abort = (): void => give(stopped(signal));
    signal?.addEventListener("abort", abort, { once: true });
    let timer = setTimeout(
      () => give(new CameraError("UNREACHABLE", "Cannot reach camera: it does not answer")),
      request.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    );
    outgoing.once("socket", (socket) =>
      socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        timer = setTimeout(
          () => give(new CameraError("SILENT", "Cannot read from camera: it does not answer")),
          request.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
        );
      }),
    );
    outgoing.once("response", resolve);
    outgoing.once("upgrade", (_message, socket) => {
      socket.destroy();
      give(new CameraError("PROTOCOL_ERROR", "Cannot read from camera: it switches protocols"));
    });
    // Stays after the answer: an error that nobody listens to would end the process.
    outgoing.on("error", (cause: NodeJS.ErrnoException) => reject(failureOf(cause)));
    outgoing.end(body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}

/** Reads a stream to its end; what is over the limit is an error, not a cut. */
async function readAll(stream: DeviceStream, limit = BODY_BYTES_MAX): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const announced = Number(stream.headers.get("content-length")?.[0] ?? 0);
  const tooLong = (): CameraError =>
    new CameraError(
      "PROTOCOL_ERROR",
      `Cannot read from camera: its answer is longer than ${Math.floor(limit / 1024)} KiB`,
    );
  if (announced > limit) throw tooLong();
  for await (const chunk of stream.chunks) {
    size += chunk.length;
    if (size > limit) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function streamOf(message: IncomingMessage, request: DeviceRequest): DeviceStream {
  const headers = headersOf(message);
  const coding = headers.get("content-encoding")?.join(",").trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity") {
    message.destroy();
    throw new CameraError(
      "PROTOCOL_ERROR",
      "Cannot read from camera: its answer is compressed, which was not asked for",
    );
  }
  message.on("error", () => undefined);
  return {
    status: message.statusCode ?? 0,
    headers,
    chunks: chunksOf(message, request),
    async [Symbol.asyncDispose]() {
      message.destroy();
    },
  };
}

async function* chunksOf(
  message: IncomingMessage,
  { idleTimeoutMs = IDLE_TIMEOUT_MS, signal }: DeviceRequest,
): AsyncGenerator<Uint8Array> {
  let why: CameraError | null = null;
  const end = (reason: CameraError): void => {
    why ??= reason;
    message.destroy(reason);
  };
  const abort = (): void => end(stopped(signal));
  const idle = (): void =>
    end(new CameraError("SILENT", "Cannot read from camera: its answer stops in the middle"));
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  message.setTimeout(idleTimeoutMs, idle);
  try {
    for await (const chunk of message) yield chunk as Uint8Array;
  } catch (cause) {
    throw why ?? failureOf(cause as NodeJS.ErrnoException);
  } finally {
    signal?.removeEventListener("abort", abort);
    message.destroy();
  }
}

function refuseRedirect(message: IncomingMessage): void {
  const status = message.statusCode ?? 0;
  if (status < 300 || status > 399) return;
  message.destroy();
  throw new CameraError(
    "REDIRECT_REFUSED",
    "Cannot ask camera: it wants the hub to go to another place, which the hub never does",
  );
}

/** From the raw ones: Node keeps the others in objects, whose keys the camera would choose. */
function headersOf({ rawHeaders }: IncomingMessage): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else values.push(value);
  }
  return headers;
}

export function wrongPassword(): CameraError {
  return new CameraError(
    "WRONG_PASSWORD",
    "Cannot log in to camera: it refuses the user name or the password",
  );
}

function stopped(signal: AbortSignal | undefined): CameraError {
  return new CameraError("UNREACHABLE", "Cannot ask camera: it was stopped", {
    cause: signal?.reason,
  });
}

function failureOf(cause: NodeJS.ErrnoException): CameraError {
  if (cause instanceof CameraError) return cause;
  const code = cause.code ?? "";
  if (code === "HPE_HEADER_OVERFLOW")
    return new CameraError(
      "PROTOCOL_ERROR",
      "Cannot read from camera: the head of its answer is longer than 16 KiB",
      { cause },
    );
  if (code.startsWith("HPE_"))
    return new CameraError("PROTOCOL_ERROR", "Cannot read from camera: it does not speak HTTP", {
      cause,
    });
  const found = /^E[A-Z_]{2,30}$/.test(code) ? code : "the connection failed";
  return new CameraError("UNREACHABLE", `Cannot reach camera: ${found}`, { cause });
}
