import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { CameraError } from "./camera-error.ts";
import { createReadAllowance, ITEM_COST_BYTES } from "./read-allowance.ts";
import {
  authorization,
  parseChallenges,
  requireChallenge,
  type ChallengeInUse,
  type Credentials,
} from "./rtsp-digest.ts";
import { RtspReader, type RtspItem } from "./rtsp-reader.ts";
import type { RtspAddress } from "./rtsp-url.ts";

export type RtspResponse = Extract<RtspItem, { kind: "response" }>;

export interface RtspClientOptions {
  readonly address: RtspAddress;
  readonly credentials: Credentials | null;
  /** Called for every interleaved packet; the payload is valid only until it returns. */
  readonly onPacket: (channel: number, payload: Uint8Array) => void;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly signal: AbortSignal;
  /** From {@link RtspClient.openChallenge} of the connection before. */
  readonly challenge?: ChallengeInUse | null;
}

const READ_BUFFER_BYTES = 64 * 1024;
const WRITE_QUEUE_BYTES_MAX = 64 * 1024;
const AUTHENTICATION_ATTEMPTS_MAX = 3;
const TEARDOWN_WAIT_MS = 300;
/** After this much the other cameras have their turn: libuv reads 2 MiB of one socket at a time. */
const TURN_COST_BYTES = 1024 * 1024;
const USER_AGENT = "Doorward";
const DOLLAR = 0x24;
const INTERLEAVED_HEADER_BYTES = 4;

interface Waiting {
  readonly sequence: number;
  resolve(response: RtspResponse): void;
  reject(error: Error): void;
}

/**
 * One RTSP connection (RFC 2326) to the configured host and port, and never to another: there is
 * no code here that follows an address which came from the camera.
 */
export class RtspClient implements AsyncDisposable {
  /** Resolves with the reason when the connection is over, whoever ended it. Never rejects. */
  readonly ended: Promise<CameraError>;
  readonly #options: RtspClientOptions;
  readonly #socket: Socket;
  readonly #reader: RtspReader;
  readonly #allowance = createReadAllowance();
  readonly #end: (reason: CameraError) => void;
  #waiting: Waiting | null = null;
  #sequence = 0;
  #challenge: ChallengeInUse | null;
  #isChallengeAnswered = true;
  #pause: NodeJS.Timeout | null = null;
  #itemsRead = 0;
  #turnCost = 0;
  #isOver = false;

  private constructor(options: RtspClientOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#challenge = options.challenge ?? null;
    this.#reader = new RtspReader((item) => this.#take(item));
    const { promise, resolve } = Promise.withResolvers<CameraError>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** @throws CameraError `UNREACHABLE` when there is no connection in time. */
  static async connect(options: RtspClientOptions): Promise<RtspClient> {
    const { host, port } = options.address;
    const received = { take: (_chunk: Uint8Array): boolean => true };
    // One buffer for the whole connection: what is read is used up before the next read.
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const onread = {
      buffer,
      callback: (size: number): boolean => received.take(buffer.subarray(0, size)),
    };
    const socket = connect({ host, port, noDelay: true, onread });
    const opened = new RtspClient(options, socket);
    received.take = (chunk) => opened.#read(chunk);
    socket.on("error", (cause: NodeJS.ErrnoException) =>
      opened.fail(
        new CameraError(
          "UNREACHABLE",
          `Cannot reach camera: ${cause.code ?? "connection failed"}`,
          { cause },
        ),
      ),
    );
    socket.on("close", () =>
      opened.fail(new CameraError("UNREACHABLE", "Cannot reach camera: it closed the connection")),
    );
    const deadline = AbortSignal.timeout(options.connectTimeoutMs);
    try {
      const signal = AbortSignal.any([options.signal, deadline]);
      await Promise.race([once(socket, "connect", { signal }), opened.#rejectAtEnd()]);
    } catch (cause) {
      socket.destroy();
      if (cause instanceof CameraError) throw cause;
      throw new CameraError("UNREACHABLE", "Cannot reach camera: no connection in time", { cause });
    }
    return opened;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * A challenge that came and was not answered any more: some cameras close the connection with it
   * and want the password on the next one. Null where there is none.
   */
  get openChallenge(): ChallengeInUse | null {
    return this.#isChallengeAnswered ? null : this.#challenge;
  }

  /** Bytes that had to be skipped because they were neither message nor packet. */
  garbageBytes(): number {
    return this.#reader.garbageBytes;
  }

  /**
   * Sends a request, with the password where the camera asks for it, and waits for the answer,
   * whatever its status. One request at a time.
   *
   * @throws CameraError `SILENT` without an answer in time, `WRONG_PASSWORD`, `BASIC_REFUSED`,
   * `REDIRECT_REFUSED`, or what ended the connection.
   */
  async request(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RtspResponse> {
    for (let attempt = 0; attempt < AUTHENTICATION_ATTEMPTS_MAX; attempt += 1) {
      const before = this.#challenge;
      const response = await this.#exchange(method, uri, headers);
      if (response.status >= 300 && response.status < 400)
        throw new CameraError(
          "REDIRECT_REFUSED",
          `Cannot open stream: the camera answered ${response.status} and names another place`,
        );
      if (response.status === 403)
        throw wrongPassword("the camera does not let this user see the stream");
      if (response.status !== 401) return response;
      this.#challenge = this.#nextChallenge(before, response, attempt);
      this.#isChallengeAnswered = false;
    }
    throw wrongPassword("the camera asks for it again and again");
  }

  /**
   * Sends one packet inside the connection (RFC 2326 section 10.12).
   *
   * @returns false where the camera does not read and too much waits already: it was left out.
   */
  send(channel: number, packet: Uint8Array): boolean {
    if (this.#isOver || this.#socket.writableLength > WRITE_QUEUE_BYTES_MAX) return false;
    const frame = Buffer.alloc(INTERLEAVED_HEADER_BYTES + packet.length);
    frame[0] = DOLLAR;
    frame[1] = channel;
    frame.writeUInt16BE(packet.length, 2);
    frame.set(packet, INTERLEAVED_HEADER_BYTES);
    this.#socket.write(frame);
    return true;
  }

  /** Ends the connection with this reason, if it is not over yet. */
  fail(reason: CameraError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end(reason);
    this.#waiting?.reject(reason);
    this.#waiting = null;
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#socket.destroy();
  }

  /** Says good-bye without waiting for an answer, and closes. */
  async teardown(uri: string, session: string): Promise<void> {
    if (this.#isOver) return;
    this.#write("TEARDOWN", uri, { Session: session });
    const deadline = AbortSignal.timeout(TEARDOWN_WAIT_MS);
    const closed = once(this.#socket, "close", { signal: deadline }).catch(() => undefined);
    this.#socket.end();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#socket.closed ? null : once(this.#socket, "close");
    this.fail(new CameraError("UNREACHABLE", "Cannot reach camera: the hub closed the connection"));
    this.#socket.destroy();
    await closed;
  }

  async #rejectAtEnd(): Promise<never> {
    throw await this.ended;
  }

  #nextChallenge(
    before: ChallengeInUse | null,
    response: RtspResponse,
    attempt: number,
  ): ChallengeInUse {
    const { credentials } = this.#options;
    if (credentials === null) throw wrongPassword("the camera wants one and none is configured");
    const challenges = parseChallenges(response.headers.get("www-authenticate") ?? []);
    const challenge = requireChallenge(challenges, credentials.allowBasic);
    if (before !== null) {
      const isRefreshed =
        challenge.scheme === "digest" &&
        before.challenge.scheme === "digest" &&
        (challenge.stale || (attempt === 0 && challenge.nonce !== before.challenge.nonce));
      if (!isRefreshed) throw wrongPassword("the camera refuses user name or password");
    }
    return { challenge, nonceCount: 0 };
  }

  async #exchange(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<RtspResponse> {
    if (this.#isOver) throw await this.ended;
    if (this.#waiting !== null) throw new Error("Cannot send request: another one is under way");
    const { promise, resolve, reject } = Promise.withResolvers<RtspResponse>();
    const sequence = this.#write(method, uri, headers);
    this.#waiting = { sequence, resolve, reject };
    const timer = setTimeout(() => {
      this.#waiting = null;
      reject(new CameraError("SILENT", `Cannot open stream: no answer to ${method} in time`));
    }, this.#options.answerTimeoutMs);
    const abort = (): void =>
      this.fail(new CameraError("UNREACHABLE", "Cannot reach camera: the hub is closing"));
    this.#options.signal.addEventListener("abort", abort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#options.signal.removeEventListener("abort", abort);
    }
  }

  #write(method: string, uri: string, headers: Readonly<Record<string, string>>): number {
    this.#sequence += 1;
    const lines = [`${method} ${uri} RTSP/1.0`, `CSeq: ${this.#sequence}`];
    lines.push(`User-Agent: ${USER_AGENT}`);
    const { credentials } = this.#options;
    if (this.#challenge !== null && credentials !== null)
      lines.push(`Authorization: ${authorization(this.#challenge, credentials, { method, uri })}`);
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    return this.#sequence;
  }

  /** False where nothing more is to be read for a while. */
  #read(chunk: Uint8Array): boolean {
    if (this.#isOver) return true;
    try {
      this.#reader.push(chunk);
    } catch (cause) {
      // Whatever one camera brings about must end with its own connection: others share the process.
      const what = "Cannot read from camera: it sent what cannot be taken";
      this.fail(
        cause instanceof CameraError ? cause : new CameraError("PROTOCOL_ERROR", what, { cause }),
      );
    }
    const cost = chunk.length + this.#itemsRead * ITEM_COST_BYTES;
    this.#itemsRead = 0;
    const pauseMs = this.#allowance.take(cost, performance.now());
    this.#turnCost += cost;
    if (this.#isOver || (pauseMs === 0 && this.#turnCost < TURN_COST_BYTES)) return true;
    this.#turnCost = 0;
    const goOn = (): void => void (this.#isOver || this.#socket.resume());
    if (pauseMs === 0) setImmediate(goOn);
    else this.#pause = setTimeout(goOn, pauseMs);
    return false;
  }

  #take(item: RtspItem): void {
    if (this.#isOver) return;
    this.#itemsRead += 1;
    switch (item.kind) {
      case "packet":
        return this.#options.onPacket(item.channel, item.payload);
      case "request":
        return this.#answer(item.method, item.headers.get("cseq")?.[0]);
      case "response": {
        const sequence = item.headers.get("cseq")?.[0];
        const waiting = this.#waiting;
        // "Continue" and its like: the answer itself is still to come.
        if (item.status < 200) return;
        // A late answer to a request that was given up has another number; some cameras send none.
        if (waiting === null || (sequence !== undefined && Number(sequence) !== waiting.sequence))
          return;
        this.#waiting = null;
        this.#isChallengeAnswered = true;
        return waiting.resolve(item);
      }
    }
  }

  /** Cameras may ask too: whether we are alive, or to go elsewhere (RFC 2326 sections 10.10, 11). */
  #answer(method: string, sequence: string | undefined): void {
    if (method === "REDIRECT")
      return this.fail(
        new CameraError("REDIRECT_REFUSED", "Cannot keep stream: the camera names another place"),
      );
    if (method === "TEARDOWN")
      return this.fail(new CameraError("UNREACHABLE", "Cannot keep stream: the camera ended it"));
    if (this.#socket.writableLength > WRITE_QUEUE_BYTES_MAX)
      return this.fail(
        new CameraError("PROTOCOL_ERROR", "Cannot keep stream: the camera asks and does not read"),
      );
    const isKnown = ["OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE"].includes(method);
    const number = /^\d{1,10}$/.test(sequence ?? "") ? sequence : "0";
    const status = isKnown ? "200 OK" : "501 Not Implemented";
    this.#socket.write(`RTSP/1.0 ${status}\r\nCSeq: ${number}\r\n\r\n`);
  }
}

function wrongPassword(what: string): CameraError {
  return new CameraError("WRONG_PASSWORD", `Cannot log in to camera: ${what}`);
}
