import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { child, parseXml, textAt, type XmlElement } from "../../src/camera/onvif/xml.ts";
import { FakeLogins, type FakeLogin, type FakeLoginOptions } from "./onvif-login.ts";
import * as messages from "./onvif-messages.ts";
import type { FakeMasks } from "./onvif-masks.ts";
import type { FakeEvent, FakeProfile, FakeTopic } from "./onvif-messages.ts";

/**
 * An ONVIF device for tests: a real HTTP server that speaks SOAP, checks logins as devices do (with
 * its own clock), has profiles, a still and a pull-point, and does what it is told to do wrong.
 */
export interface FakeDeviceOptions extends FakeLoginOptions {
  /** 127.0.0.1 where it is not given. */
  readonly host?: string;
  /** Device clock minus this machine's. */
  readonly clockOffsetMs?: number;
  readonly maker?: string;
  readonly model?: string;
  readonly profiles?: readonly FakeProfile[];
  readonly hasMedia2?: boolean;
  readonly hasMedia1?: boolean;
  readonly hasEvents?: boolean;
  readonly hasServices?: boolean;
  /** Whether it names its services to anybody, as it should. */
  readonly hasOpenServices?: boolean;
  readonly hasMask?: boolean;
  /** What it hides by itself; left out: it knows no masks. */
  readonly masks?: FakeMasks;
  readonly audioOutputs?: number;
  readonly topics?: readonly FakeTopic[];
  readonly snapshot?: Uint8Array | null;
  /** Header blocks that a subscription wants repeated, as XML. */
  readonly referenceParameters?: string;
  /** What it names in its own addresses instead of its real one, as a device behind a router does. */
  readonly announcedBase?: string;
}

export interface FakeCall {
  readonly operation: string;
  readonly path: string;
  readonly login: FakeLogin["kind"];
  readonly body: string;
}

/** Takes over the answer to one operation, or to the still (`GET`). */
export type FakeAnswer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

interface Subscription {
  readonly path: string;
  lapsesAtMs: number;
  readonly waiting: FakeEvent[];
  wake: (() => void) | null;
}

/** Access class PRE_AUTH (ONVIF Core section 5.9.4.3), of what is asked here. */
const OPEN: ReadonlySet<string> = new Set(["GetServices", "GetCapabilities"]);

export const DOORBELL_PROFILES = (rtsp: string): readonly FakeProfile[] => [
  {
    token: "main",
    name: "MainStream",
    encoding: "H264",
    width: 1920,
    height: 1080,
    framesPerSecond: 15,
    kilobitsPerSecond: 4096,
    uri: `${rtsp}/main`,
  },
  {
    token: "sub",
    name: "SubStream",
    encoding: "H264",
    width: 640,
    height: 360,
    framesPerSecond: 10,
    kilobitsPerSecond: 512,
    uri: `${rtsp}/sub`,
  },
];

export const DOORBELL_TOPICS: readonly FakeTopic[] = [
  {
    topic: "tns1:RuleEngine/MyRuleDetector/Visitor",
    source: { Source: "tt:ReferenceToken" },
    data: { State: "xs:boolean" },
  },
  {
    topic: "tns1:Device/Trigger/DigitalInput",
    source: { InputToken: "tt:ReferenceToken" },
    data: { LogicalState: "xs:boolean" },
  },
];

export class FakeOnvifDevice implements AsyncDisposable {
  readonly calls: FakeCall[] = [];
  /** By operation (`GetProfiles`), or `GET` for the still: answers instead of the device. */
  readonly instead = new Map<string, FakeAnswer>();
  readonly subscriptions = new Map<string, Subscription>();
  /** Called with every answer that the device gives by itself. */
  onAnswer: ((xml: string) => void) | null = null;
  clockOffsetMs: number;
  readonly #options: FakeDeviceOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #logins: FakeLogins;
  #subscriptionCount = 0;

  private constructor(options: FakeDeviceOptions) {
    this.#options = options;
    this.clockOffsetMs = options.clockOffsetMs ?? 0;
    this.#logins = new FakeLogins(options, () => this.nowMs);
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
    });
  }

  static async start(options: FakeDeviceOptions = {}): Promise<FakeOnvifDevice> {
    const device = new FakeOnvifDevice(options);
    device.#server.listen(0, options.host ?? "127.0.0.1");
    await once(device.#server, "listening");
    return device;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:port`. */
  get base(): string {
    return `http://${this.#options.host ?? "127.0.0.1"}:${this.port}`;
  }

  /** Of the device service. */
  get url(): string {
    return `${this.base}/onvif/device_service`;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  get nowMs(): number {
    return Date.now() + this.clockOffsetMs;
  }

  /** Gives an event to all subscriptions; whoever waits has it at once. */
  push(...events: readonly FakeEvent[]): void {
    for (const subscription of this.subscriptions.values()) {
      subscription.waiting.push(...events);
      subscription.wake?.();
    }
  }

  /** Cuts every connection, as a device that restarts does. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined);
    const end = response.end.bind(response);
    response.end = ((body?: unknown) => {
      if (typeof body === "string" && body.startsWith("<?xml")) this.onAnswer?.(body);
      return end(body);
    }) as typeof response.end;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks).toString("utf8");
    const path = request.url ?? "/";
    const envelope = request.method === "POST" ? parseXml(Buffer.from(body)) : undefined;
    const called = child(envelope, "Body")?.children[0];
    const operation = called?.name ?? request.method ?? "";
    const login = this.#logins.judge(request, envelope);
    this.calls.push({ operation, path, login: login.kind, body });
    const instead = this.instead.get(operation);
    if (instead) return instead(request, response, body);
    const isOpen = OPEN.has(operation) && (this.#options.hasOpenServices ?? true);
    if (!isOpen && operation !== "GetSystemDateAndTime" && !login.isGood)
      return this.#refuse(login, response);
    if (request.method === "GET") return this.#still(response);
    if (!called) return send(response, 400, messages.fault("Sender", ["ter:WellFormed"], "?"));
    if (path.startsWith("/onvif/subscription/"))
      return this.#subscription(path, called, response, request);
    const answer = this.#answer(path, called);
    const isFault = answer.includes("<s:Fault>");
    send(response, isFault ? 400 : 200, answer);
  }

  #answer(path: string, called: XmlElement): string {
    const { maker = "Doormaker", model = "Bell 3", hasServices = true } = this.#options;
    switch (`${path} ${called.name}`) {
      case "/onvif/device_service GetSystemDateAndTime":
        return messages.systemDateAndTime(this.nowMs);
      case "/onvif/device_service GetServices":
        return hasServices ? messages.services(this.#services()) : notSupported();
      case "/onvif/device_service GetCapabilities":
        return messages.capabilities(this.#announced());
      case "/onvif/device_service GetDeviceInformation":
        return messages.deviceInformation({ maker, model });
      case "/onvif/media GetProfiles":
        // Devices leave out of the old service what it has no name for.
        return messages.profiles(this.#profiles().filter(({ encoding }) => encoding !== "H265"));
      case "/onvif/media GetVideoSources":
        return messages.videoSources();
      case "/onvif/media GetAudioOutputs":
        return messages.audioOutputs(this.#options.audioOutputs ?? 0);
      case "/onvif/media2 GetProfiles":
        return messages.profiles2(this.#profiles());
      case "/onvif/media2 GetServiceCapabilities":
        return messages.mediaCapabilities2(this.#options.hasMask ?? false);
      case "/onvif/media GetStreamUri":
      case "/onvif/media2 GetStreamUri":
        return this.#streamUri(path, called);
      case "/onvif/media GetSnapshotUri":
      case "/onvif/media2 GetSnapshotUri":
        return this.#snapshotUri(path);
      case "/onvif/events GetEventProperties":
        return messages.eventProperties(this.#options.topics ?? DOORBELL_TOPICS);
      case "/onvif/events CreatePullPointSubscription":
        return this.#createPullPoint(called);
      default:
        return this.#masks(path, called) ?? notSupported();
    }
  }

  #masks(path: string, called: XmlElement): string | null {
    return path === "/onvif/media2" ? (this.#options.masks?.answer(called) ?? null) : null;
  }

  #services(): messages.FakeService[] {
    const { hasMedia1 = true, hasMedia2 = true, hasEvents = true } = this.#options;
    const base = this.#announced();
    const all = [
      ["http://www.onvif.org/ver10/device/wsdl", "/onvif/device_service", true],
      ["http://www.onvif.org/ver10/media/wsdl", "/onvif/media", hasMedia1],
      ["http://www.onvif.org/ver20/media/wsdl", "/onvif/media2", hasMedia2],
      ["http://www.onvif.org/ver10/events/wsdl", "/onvif/events", hasEvents],
    ] as const;
    return all.flatMap(([namespace, path, has]) =>
      has ? [{ namespace, address: base + path }] : [],
    );
  }

  #announced(): string {
    return this.#options.announcedBase ?? this.base;
  }

  #profiles(): readonly FakeProfile[] {
    return this.#options.profiles ?? DOORBELL_PROFILES(`rtsp://${new URL(this.base).hostname}:554`);
  }

  #streamUri(path: string, called: XmlElement): string {
    const token = textAt(called, "ProfileToken");
    const found = this.#profiles().find((profile) => profile.token === token);
    if (!found || found.uri === null)
      return messages.fault("Sender", ["ter:InvalidArgVal", "ter:NoProfile"], "No such profile");
    return path === "/onvif/media"
      ? messages.mediaUri("GetStreamUri", found.uri)
      : messages.mediaUri2("GetStreamUri", found.uri);
  }

  #snapshotUri(path: string): string {
    if (this.#options.snapshot === null) return notSupported();
    const uri = `${this.#announced()}/snapshot.jpg?channel=1&subtype=0`;
    return path === "/onvif/media"
      ? messages.mediaUri("GetSnapshotUri", uri)
      : messages.mediaUri2("GetSnapshotUri", uri);
  }

  #still(response: ServerResponse): void {
    const { snapshot } = this.#options;
    if (!snapshot) return send(response, 404, "", "text/plain");
    response.writeHead(200, { "content-type": "image/jpeg" }).end(snapshot);
  }

  #createPullPoint(called: XmlElement): string {
    this.#subscriptionCount += 1;
    const path = `/onvif/subscription/${this.#subscriptionCount}`;
    const lapsesAtMs = this.nowMs + durationMs(textAt(called, "InitialTerminationTime"));
    // Core section 9.1.2: properties tell their state first, as Initialized.
    this.subscriptions.set(path, { path, lapsesAtMs, waiting: [], wake: null });
    return messages.pullPointCreated({
      address: this.#announced() + path,
      parameters: this.#options.referenceParameters ?? "",
      nowMs: this.nowMs,
      lapsesAtMs,
    });
  }

  #subscription(
    path: string,
    called: XmlElement,
    response: ServerResponse,
    request: IncomingMessage,
  ): void {
    const found = this.subscriptions.get(path);
    if (!found || found.lapsesAtMs < this.nowMs) {
      this.subscriptions.delete(path);
      const gone = messages.fault("Sender", ["ter:InvalidArgVal"], "No such subscription");
      return send(response, 400, gone);
    }
    if (called.name === "PullMessages") return this.#pull(found, called, response, request);
    if (called.name === "Renew") {
      found.lapsesAtMs = this.nowMs + durationMs(textAt(called, "TerminationTime"));
      return send(response, 200, messages.renewed(this.nowMs, found.lapsesAtMs));
    }
    if (called.name === "Unsubscribe") {
      this.subscriptions.delete(path);
      return send(response, 200, messages.unsubscribed());
    }
    if (called.name === "SetSynchronizationPoint")
      return send(response, 200, messages.synchronized());
    return send(response, 400, notSupported());
  }

  #pull(
    found: Subscription,
    called: XmlElement,
    response: ServerResponse,
    request: IncomingMessage,
  ): void {
    const limit = Number(textAt(called, "MessageLimit") ?? 1);
    const answer = (): void => {
      clearTimeout(timer);
      found.wake = null;
      // Nobody is there to take them: they wait for the next poll.
      if (request.socket.destroyed) return;
      const events = found.waiting.splice(0, limit);
      const { nowMs } = this;
      send(response, 200, messages.pulled({ nowMs, lapsesAtMs: found.lapsesAtMs, events }));
    };
    const timer = setTimeout(answer, durationMs(textAt(called, "Timeout")));
    request.socket.once("close", () => {
      clearTimeout(timer);
      if (found.wake === answer) found.wake = null;
    });
    if (found.waiting.length > 0) answer();
    else found.wake = answer;
  }

  #refuse({ kind }: FakeLogin, response: ServerResponse): void {
    const { login = "either" } = this.#options;
    if (login === "token" || (login === "either" && kind === "token"))
      return send(response, 400, messages.notAuthorized());
    response.setHeader("www-authenticate", [this.#logins.challenge()]);
    return send(response, 401, messages.notAuthorized());
  }
}

export function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = "application/soap+xml; charset=utf-8",
): void {
  response.writeHead(status, { "content-type": type }).end(body);
}

const notSupported = (): string =>
  messages.fault("Receiver", ["ter:ActionNotSupported"], "Optional Action Not Implemented");

function durationMs(text: string | null): number {
  const found = /^PT(\d{1,6})S$/.exec(text ?? "");
  return found ? Number(found[1]) * 1_000 : 60_000;
}
