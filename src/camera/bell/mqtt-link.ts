import net from "node:net";
import tls from "node:tls";
import { MqttClient, type IClientOptions } from "mqtt";
import { CameraError } from "../camera-error.ts";
import { bellText, type BellMessage, type Listen } from "./message.ts";
import { MqttGuard } from "./mqtt-guard.ts";

export interface MqttOptions {
  readonly url: string;
  readonly user: string | null;
  readonly password: string | null;
  /** Kept by the broker, and said by it when this connection is gone. */
  readonly will?: { readonly topic: string; readonly payload: string } | null;
}

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_SECONDS = 20;
/** A broker that sends more than so many a second is left alone for a while. */
const MESSAGES_PER_SECOND_MAX = 2_000;
const REFUSED_AGAIN_MS = 60_000;
const JSON_BYTES_MAX = 16 * 1024;
const ITEMS_MAX = 16;

/** One connection to the broker, for all cameras' bells and for what the chime says. */
export class MqttLink {
  readonly #options: MqttOptions;
  readonly #onRefused: () => void;
  readonly #refused = new Set<string>();
  #client: MqttClient | null = null;
  #fail: (error: Error) => void = () => undefined;
  #topics: ReadonlySet<string> = new Set();

  /** @param onRefused - Called when {@link refused} has changed. */
  constructor(options: MqttOptions, onRefused: () => void) {
    this.#options = options;
    this.#onRefused = onRefused;
  }

  /** Topics that the broker does not let this hub hear. The others are heard. */
  get refused(): ReadonlySet<string> {
    return this.#refused;
  }

  /** Topics to hear, `#` for all of them. */
  setTopics(topics: ReadonlySet<string>): void {
    const added = [...topics].filter((topic) => !this.#topics.has(topic));
    const removed = [...this.#topics].filter((topic) => !topics.has(topic));
    this.#topics = topics;
    for (const topic of removed) this.#refused.delete(topic);
    const client = this.#client;
    if (client?.connected !== true) return;
    if (removed.length > 0) client.unsubscribe(removed, () => undefined);
    this.#subscribe(client, added).catch(this.#fail);
  }

  /** One by one, so that a topic that is refused silences no other. */
  async #subscribe(client: MqttClient, topics: Iterable<string>): Promise<void> {
    await Promise.all([...topics].map((topic) => this.#subscribeTo(client, topic)));
  }

  async #subscribeTo(client: MqttClient, topic: string): Promise<void> {
    const before = this.#refused.has(topic);
    try {
      await client.subscribeAsync(topic, { qos: 1 });
      this.#refused.delete(topic);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (this.#topics.has(topic)) this.#refused.add(topic);
    }
    if (this.#refused.has(topic) !== before) this.#onRefused();
  }

  /** @throws CameraError `UNREACHABLE` where there is no connection, or it breaks. */
  async publish(topic: string, payload: string, retain: boolean): Promise<void> {
    if (this.#client?.connected !== true)
      throw new CameraError("UNREACHABLE", "Cannot publish: the broker is not connected");
    try {
      await this.#client.publishAsync(topic, payload, { qos: 1, retain });
    } catch (cause) {
      throw new CameraError("UNREACHABLE", "Cannot publish: the broker is gone", { cause });
    }
  }

  readonly listen: Listen = async (events, signal) => {
    const { hostname, port, protocol } = new URL(this.#options.url);
    const host = hostname.replace(/^\[|\]$/g, "");
    const isTls = protocol === "mqtts:";
    const place = { host, port: port === "" ? (isTls ? 8_883 : 1_883) : Number(port) };
    events.contact(place);
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    const client = new MqttClient(() => guarded(place, isTls, reject), this.#clientOptions());
    const flood = new Flood(reject);
    client.on("error", (error) => reject(failureOf(error)));
    client.on("close", () => reject(unreachable()));
    client.on("message", (topic, payload, packet) => {
      // What the broker kept was said before: a press of yesterday must not ring today.
      if (!flood.isOver() && !packet.retain) events.message(readMessage(topic, payload));
    });
    client.on("connect", () => {
      this.#refused.clear();
      this.#subscribe(client, this.#topics).then(events.up, this.#fail);
    });
    this.#fail = (error) => reject(failureOf(error));
    signal.addEventListener("abort", () => resolve(), { once: true });
    this.#client = client;
    // Who may hear what is changed at brokers without their hanging up.
    const again = setInterval(() => {
      if (client.connected) this.#subscribe(client, this.#refused).catch(this.#fail);
    }, REFUSED_AGAIN_MS);
    try {
      await promise;
    } finally {
      clearInterval(again);
      this.#client = null;
      client.end(true);
    }
  };

  #clientOptions(): IClientOptions {
    const { user, password, will } = this.#options;
    return {
      protocolVersion: 4,
      clean: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEP_ALIVE_SECONDS,
      // Begun anew by whoever keeps this up.
      reconnectPeriod: 0,
      ...(will
        ? { will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true } }
        : {}),
      ...(user === null ? {} : { username: user }),
      ...(password === null ? {} : { password }),
    };
  }
}

function guarded(
  { host, port }: { readonly host: string; readonly port: number },
  isTls: boolean,
  onWrong: (error: CameraError) => void,
): net.Socket {
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  const socket = isTls
    ? tls.connect({ host, port, ...servername })
    : net.createConnection({ host, port });
  const guard = new MqttGuard();
  socket.on("data", (chunk: Uint8Array) => {
    if (guard.allows(chunk)) return;
    onWrong(
      new CameraError(
        "PROTOCOL_ERROR",
        "Cannot hear the bell: the broker sends over 64 KiB at once",
      ),
    );
    socket.destroy();
  });
  return socket;
}

/** Ends a connection over which more comes than anybody can mean. */
class Flood {
  readonly #onOver: (error: CameraError) => void;
  #fromMs = performance.now();
  #count = 0;

  constructor(onOver: (error: CameraError) => void) {
    this.#onOver = onOver;
  }

  isOver(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#fromMs >= 1_000) {
      this.#fromMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= MESSAGES_PER_SECOND_MAX) return false;
    this.#onOver(
      new CameraError("PROTOCOL_ERROR", "Cannot hear the bell: the broker floods its listeners"),
    );
    return true;
  }
}

function readMessage(topic: string, payload: Buffer): BellMessage {
  const items = new Map([["", bellText(payload.subarray(0, 1_024).toString("utf8"))]]);
  for (const [name, value] of jsonItems(payload)) {
    if (items.size >= ITEMS_MAX) break;
    items.set(bellText(name), bellText(value));
  }
  return { via: "mqtt", topic: bellText(topic), items, isInitial: false };
}

/** Scalars of the first level, where the payload is a JSON object. */
function jsonItems(payload: Buffer): [string, string][] {
  if (payload.length > JSON_BYTES_MAX || payload[0] !== 0x7b) return [];
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
      typeof member === "string" || typeof member === "number" || typeof member === "boolean"
        ? [[name, String(member)] as [string, string]]
        : [],
    );
  } catch {
    // No JSON after all: the whole payload is there as text.
    return [];
  }
}

/** SUBACK with the upper bit set: MQTT 3.1.1 section 3.9.3. */
function isRefusal(error: unknown): boolean {
  const { packet } = error as { readonly packet?: { readonly granted?: unknown } };
  const granted: readonly unknown[] = Array.isArray(packet?.granted) ? packet.granted : [];
  return granted.some((code) => typeof code === "number" && code >= 0x80);
}

function failureOf(error: Error): CameraError {
  if (error instanceof CameraError) return error;
  // Codes of CONNACK: 4 is a wrong password, 5 is nobody who may.
  const code = "code" in error ? error.code : undefined;
  if (code === 4 || code === 5 || code === 134 || code === 135)
    return new CameraError(
      "WRONG_PASSWORD",
      "Cannot hear the bell: the broker refuses the user name or the password",
    );
  return unreachable(error);
}

function unreachable(cause?: Error): CameraError {
  const code = cause && "code" in cause ? String(cause.code) : "";
  const found = /^E[A-Z_]{2,30}$/.test(code) ? code : "the connection ended";
  return new CameraError("UNREACHABLE", `Cannot reach the broker: ${found}`, { cause });
}
