import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { readAmf, writeAmf, type AmfValue } from "./amf.ts";
import { asCameraError, CameraError } from "./camera-error.ts";
import { createReadAllowance } from "./read-allowance.ts";
import { RtmpChunkReader, writeRtmpMessage, type RtmpMessage } from "./rtmp-chunks.ts";

export interface RtmpAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** First part of the path: the server's application. */
  readonly application: string;
  /** The rest with its query, where cameras want their password. Never in a message of ours. */
  readonly stream: string;
}

export interface RtmpOptions {
  readonly address: RtmpAddress;
  /** For the connection and for each answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A piece of an FLV file: first its head, then a tag for each picture. */
  readonly onFlv: (bytes: Uint8Array) => void;
}

const HANDSHAKE_VERSION = 3;
const HANDSHAKE_BYTES = 1_536;
const ACKNOWLEDGEMENT = 3;
const USER_CONTROL = 4;
const WINDOW_SIZE = 5;
const VIDEO = 9;
const COMMAND = 20;
const PING = 6;
const PONG = 7;
const CONTROL_STREAM = 2;
const COMMAND_STREAM = 3;
const PLAY_STREAM = 8;
const CONNECT_ID = 1;
const CREATE_STREAM_ID = 2;
const WINDOW_BYTES_MIN = 16 * 1024;
const WRITE_QUEUE_BYTES_MAX = 64 * 1024;

/** `FLV`, version 1, with video only, and the length of the tag before the first. */
const FLV_HEAD = Buffer.from([0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0]);

/** `rtmp://host[:1935]/application/stream[?query]`, or null for anything else. */
export function parseRtmpUrl(text: string): RtmpAddress | null {
  const url = URL.parse(text);
  if (url?.protocol !== "rtmp:" || url.hostname === "") return null;
  const [, application = "", stream = ""] = /^\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
  if (application === "" || url.username !== "" || url.password !== "") return null;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 1935 : Number(url.port),
    application,
    stream: stream + url.search,
  };
}

/**
 * Plays one stream of an RTMP server. Connects to the address that was given and to no other,
 * whatever the server says, and hands its video on as FLV. Sound and everything else is dropped.
 */
export class RtmpClient implements AsyncDisposable {
  /** Resolves with the reason when it is over. Never rejects. */
  readonly ended: Promise<CameraError>;
  readonly #options: RtmpOptions;
  readonly #socket: Socket;
  readonly #end: (reason: CameraError) => void;
  readonly #reader = new RtmpChunkReader((message) => this.#take(message));
  readonly #playing = Promise.withResolvers<void>();
  #handshake: Buffer | null = Buffer.alloc(0);
  #windowBytes = Number.POSITIVE_INFINITY;
  #receivedBytes = 0;
  #acknowledgedBytes = 0;
  readonly #allowance = createReadAllowance();
  #pause: NodeJS.Timeout | null = null;
  /** Number of the command whose answer is to come; each is taken once. */
  #asked: number | null = CONNECT_ID;

  private constructor(options: RtmpOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<CameraError>();
    this.ended = promise;
    this.#end = resolve;
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("error", () => this.#fail("UNREACHABLE", "the connection broke off"));
    socket.on("close", () => {
      if (this.#pause !== null) clearTimeout(this.#pause);
      this.#fail("UNREACHABLE", "the camera hung up");
    });
  }

  /** @throws CameraError naming what is wrong. */
  static async open(options: RtmpOptions): Promise<RtmpClient> {
    const { address, timeoutMs, signal } = options;
    const late = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    try {
      await once(socket, "connect", { signal: late });
    } catch (cause) {
      socket.destroy();
      throw new CameraError("UNREACHABLE", "Cannot reach camera: nothing answers there", { cause });
    }
    const client = new RtmpClient(options, socket);
    try {
      await client.#play();
    } catch (cause) {
      await client[Symbol.asyncDispose]();
      throw cause;
    }
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    this.#fail("UNREACHABLE", "the hub is closing");
    await this.ended;
  }

  async #play(): Promise<void> {
    const random = randomBytes(HANDSHAKE_BYTES);
    random.fill(0, 0, 8);
    this.#socket.write(Buffer.concat([Buffer.from([HANDSHAKE_VERSION]), random]));
    const { timeoutMs, signal } = this.#options;
    const late = setTimeout(() => this.#fail("SILENT", "no answer"), 2 * timeoutMs);
    const abort = (): void => this.#fail("UNREACHABLE", "the hub is closing");
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    // The signal lives on: it would keep every connection that ever was.
    void this.ended.then(() => signal.removeEventListener("abort", abort));
    try {
      const failed = this.ended.then((reason) => Promise.reject(reason));
      await Promise.race([this.#playing.promise, failed]);
    } finally {
      clearTimeout(late);
    }
  }

  #fail(code: CameraError["code"], what: string): void {
    this.#end(new CameraError(code, `Cannot play RTMP stream: ${what}`));
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#receivedBytes += bytes.length;
    try {
      const rest = this.#handshake === null ? bytes : this.#shakeHands(bytes);
      if (rest !== null) this.#reader.push(rest);
      this.#acknowledge();
    } catch (cause) {
      this.#end(asCameraError(cause, "Cannot play RTMP stream: it cannot be read"));
      this.#socket.destroy();
      return;
    }
    const costBytes = bytes.length + this.#reader.takeCost();
    const pauseMs = this.#allowance.take(costBytes, performance.now());
    if (pauseMs === 0) return;
    this.#socket.pause();
    this.#pause = setTimeout(() => this.#socket.resume(), pauseMs);
  }

  #acknowledge(): void {
    if (this.#receivedBytes - this.#acknowledgedBytes < this.#windowBytes) return;
    this.#acknowledgedBytes = this.#receivedBytes;
    this.#send(ACKNOWLEDGEMENT, number32(this.#receivedBytes % 2 ** 32));
  }

  /** S0, S1 and S2 (section 5.2); what is behind them, or null while they are not whole. */
  #shakeHands(bytes: Buffer): Buffer | null {
    const received = Buffer.concat([this.#handshake ?? Buffer.alloc(0), bytes]);
    this.#handshake = received;
    if (received[0] !== HANDSHAKE_VERSION) {
      this.#fail("PROTOCOL_ERROR", "this is no RTMP server");
      return null;
    }
    if (received.length < 1 + 2 * HANDSHAKE_BYTES) return null;
    this.#handshake = null;
    this.#socket.write(received.subarray(1, 1 + HANDSHAKE_BYTES));
    const { host, port, application } = this.#options.address;
    const bracketed = host.includes(":") ? `[${host}]` : host;
    this.#command("connect", CONNECT_ID, {
      app: application,
      type: "nonprivate",
      flashVer: "LNX 9,0,124,2",
      tcUrl: `rtmp://${bracketed}:${port}/${application}`,
      fpad: false,
      capabilities: 15,
      videoCodecs: 252,
      audioCodecs: 4_071,
      videoFunction: 1,
    });
    return received.subarray(1 + 2 * HANDSHAKE_BYTES);
  }

  #command(name: string, id: number, ...values: readonly AmfValue[]): void {
    this.#send(COMMAND, writeAmf([name, id, ...values]));
  }

  /** @throws CameraError `PROTOCOL_ERROR` where the server does not read. */
  #send(type: number, payload: Uint8Array, streamId = 0): void {
    if (this.#socket.writableLength > WRITE_QUEUE_BYTES_MAX)
      throw new CameraError(
        "PROTOCOL_ERROR",
        "Cannot play RTMP stream: the camera asks and does not read",
      );
    const chunkStream =
      streamId > 0 ? PLAY_STREAM : type === COMMAND ? COMMAND_STREAM : CONTROL_STREAM;
    this.#socket.write(writeRtmpMessage({ chunkStream, type, streamId, payload }));
  }

  #take(message: RtmpMessage): void {
    if (this.#socket.destroyed) return;
    const { type, payload } = message;
    switch (type) {
      case VIDEO:
        this.#options.onFlv(flvTag(message));
        break;
      case WINDOW_SIZE:
        if (payload.length >= 4)
          this.#windowBytes = Math.max(WINDOW_BYTES_MIN, Buffer.from(payload).readUInt32BE(0));
        break;
      case USER_CONTROL:
        if (payload.length >= 6 && payload[0] === 0 && payload[1] === PING)
          this.#send(USER_CONTROL, Uint8Array.of(0, PONG, ...payload.subarray(2, 6)));
        break;
      case COMMAND:
        this.#answered(readAmf(payload));
    }
  }

  #answered([name, id, , value]: readonly AmfValue[]): void {
    if (name === "_result" && id !== this.#asked) return;
    if (name === "_result" && id === CONNECT_ID) {
      this.#asked = CREATE_STREAM_ID;
      this.#command("createStream", CREATE_STREAM_ID, null);
    } else if (name === "_result") {
      this.#asked = null;
      const streamId = typeof value === "number" ? value : 1;
      if (!Number.isInteger(streamId) || streamId < 1 || streamId >= 2 ** 32)
        return this.#fail("PROTOCOL_ERROR", "a stream without a number");
      const { stream } = this.#options.address;
      this.#send(COMMAND, writeAmf(["play", 0, null, stream, -2_000]), streamId);
      this.#options.onFlv(FLV_HEAD);
      this.#playing.resolve();
    } else if (name === "_error") this.#refused(value);
    else if (name === "onStatus") this.#status(value);
  }

  #refused(value: AmfValue | undefined): void {
    const said = `${textOf(value, "code")} ${textOf(value, "description")}`;
    // It may name a place to go to in the same breath: nobody goes there.
    if (/auth|access ?denied|unauthori[sz]ed/i.test(said))
      return this.#fail("WRONG_PASSWORD", "the camera refuses user or password");
    if (/redirect/i.test(said))
      return this.#fail("REDIRECT_REFUSED", "the camera names another address");
    this.#fail("NO_SUCH_STREAM", "the camera refuses it");
  }

  #status(value: AmfValue | undefined): void {
    const code = textOf(value, "code");
    if (/NotFound|Play\.Failed|Play\.Reset\.Failed/.test(code))
      this.#fail("NO_SUCH_STREAM", "the camera has no such stream");
    else if (/Unpublish|Play\.Stop|Play\.Complete/.test(code))
      this.#fail("UNREACHABLE", "the camera ended the stream");
    else if (textOf(value, "level") === "error")
      this.#fail("NO_SUCH_STREAM", "the camera refuses it");
  }
}

/** A member of a reply, as far as it may be looked at. */
function textOf(value: AmfValue | undefined, name: string): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const member = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof member === "string" ? member.slice(0, 200) : "";
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A tag and its own length behind it (Adobe, "Video File Format Specification", annex E). */
function flvTag({ type, timestampMs, payload }: RtmpMessage): Buffer {
  const tag = Buffer.alloc(11 + payload.length + 4);
  tag.writeUInt8(type, 0);
  tag.writeUIntBE(payload.length, 1, 3);
  tag.writeUIntBE(timestampMs & 0xffffff, 4, 3);
  tag.writeUInt8(timestampMs >>> 24, 7);
  tag.set(payload, 11);
  tag.writeUInt32BE(11 + payload.length, 11 + payload.length);
  return tag;
}
