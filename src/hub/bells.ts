import { bellCamera, brokerHost, hostOfAddress, hostsOf, needsListener } from "../bells/cameras.ts";
import type { BellCamera, FromBells, HouseTopicsHeard, ToBells } from "../bells/messages.ts";
import { Presses, type PressFate } from "../bells/presses.ts";
import { startBellProcess } from "../bells/process.ts";
import type { BellTokens } from "../bells/tokens.ts";
import type { BellDesk, BellRing, PressOutcome, PressWay } from "../http/bell-desk.ts";
import type { Connections } from "../http/connections.ts";
import type { FromIngest, ToIngest } from "../ingest/messages.ts";
import { Publishing } from "../bells/publishing.ts";
import { Teaching } from "../bells/teaching.ts";
import type { BellProblem, BellsAnswer, BellStatus, BellTeaching } from "../protocol/api-bells.ts";
import { HubError } from "../protocol/errors.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { BellRule } from "../camera/bell/rules.ts";
import type { MqttBroker } from "../settings/bells.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import type { SupervisedProcess } from "../base/supervised-process.ts";

/** Not listening for this long is shown as lost. */
export const LOST_AFTER_MS = 60_000;
const LOOK_MS = 5_000;

export interface BellsOptions {
  readonly cameras: () => readonly CameraSettings[];
  readonly broker: () => MqttBroker | null;
  readonly tokens: BellTokens;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly connections: Connections;
  readonly tellIngest: (message: ToIngest) => void;
  /** Something about bells is new for open pages; a camera where somebody rang. */
  readonly tellPages: (camera?: CameraId) => void;
  readonly log: (level: "info" | "warn", message: string) => void;
  /** Replaced in tests by a process that says what it likes. */
  readonly entry?: string;
}

/** Who speaks with the house over the broker besides bells and chime. */
export interface HouseOnBroker {
  readonly topics: () => HouseTopicsHeard | null;
  /** The broker has come, and knows nothing of what was said while it was away. */
  readonly onUp: () => void;
  /** It cannot be spoken with, or no more. */
  readonly onDown: (problem: BellProblem | null) => void;
  readonly onSaid: (topic: string, payload: string) => void;
}

interface Listener {
  isListening: boolean;
  /** UTC. */
  sinceMs: number;
  problem: BellProblem | null;
  isSaidLost: boolean;
}

/** Bells of a running hub: the process that listens to them, what it says, and what follows. */
export class Bells implements BellDesk, AsyncDisposable {
  readonly #options: BellsOptions;
  readonly #presses: Presses;
  readonly #listeners = new Map<string, Listener>();
  readonly #onRing = new Set<(ring: BellRing) => void>();
  readonly #teaching: Teaching;
  readonly #publishing = new Publishing();
  readonly #looking: NodeJS.Timeout;
  #process: SupervisedProcess<ToBells, FromBells> | null = null;
  #ending: Promise<void> = Promise.resolve();
  #isOpen = false;
  #house: HouseOnBroker | null = null;

  constructor(options: BellsOptions) {
    this.#options = options;
    const { nowMs, monotonicMs, tellIngest } = options;
    this.#presses = new Presses({
      ...{ nowMs, monotonicMs, tellIngest },
      onFate: (camera, fate) => this.#sayFate(camera, fate),
    });
    this.#teaching = new Teaching(nowMs);
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#looking.unref();
  }

  /** From here on bells are listened to. */
  open(): void {
    this.#isOpen = true;
    this.configure();
  }

  /** To be set before `open`. */
  setHouse(house: HouseOnBroker): void {
    this.#house = house;
  }

  /** The settings have changed. */
  configure(): void {
    if (!this.#isOpen) return;
    const { cameras, tokens, log } = this.#options;
    const withWebhook = cameras().filter(({ bells }) =>
      bells?.some(({ via }) => via === "webhook"),
    );
    tokens.keepFor(withWebhook.map(({ id }) => id)).then(
      () => this.#options.tellPages(),
      (error: unknown) => log("warn", `tokens of bells not kept: ${String(error)}`),
    );
    this.#forgetListeners();
    this.#startOrStop();
    this.#process?.send(this.#configuration());
    this.#options.tellPages();
  }

  press(camera: string, via: PressWay): PressOutcome {
    const known = this.#cameras().find(({ id }) => id === camera);
    if (!known) return "unknown-camera";
    const ring = this.#presses.press(known.id, via);
    if (!ring) return "repeated";
    this.#options.log("info", `${camera}: somebody rings`);
    for (const listener of this.#onRing)
      try {
        listener(ring);
      } catch (error) {
        this.#options.log("warn", `bell of ${camera} not passed on: ${String(error)}`);
      }
    this.#options.tellPages(known.id);
    return "rung";
  }

  onRing(listener: (ring: BellRing) => void): () => void {
    this.#onRing.add(listener);
    return () => void this.#onRing.delete(listener);
  }

  /** What the ingest process says of a press. */
  settle(message: Extract<FromIngest, { type: "rang" }>): void {
    this.#presses.settle(message);
  }

  /** What a new ingest process is told of presses. */
  unsettled(): readonly ToIngest[] {
    return this.#presses.unsettled();
  }

  pressByToken(camera: string, token: string): boolean {
    const isOwn = this.#options.tokens.isOf(camera, token);
    const known = isOwn ? this.#cameras().find(({ id }) => id === camera) : undefined;
    if (!known) return false;
    this.#teaching.hearWebhook(known.id);
    this.press(camera, "webhook");
    return true;
  }

  answer(): BellsAnswer {
    return {
      cameras: this.#options.cameras().map((camera) => {
        const { id, bells } = bellCamera(camera);
        const token = this.#options.tokens.of(id);
        const last = this.#presses.last(id);
        return {
          camera: id,
          name: camera.name,
          bells: bells.map((bell, rule) => this.#statusOf(id, bell, rule)),
          webhook: token === null ? null : `/api/bells/${id}/ring/${token}`,
          lastPress: last && { atMs: last.atMs, via: last.via, outcome: last.fate },
        };
      }),
    };
  }

  lostSinceMs(camera: string): number | null {
    const lost = [...this.#listeners]
      .filter(([key, listener]) => key.startsWith(`${camera} `) && this.#isLost(listener))
      .map(([, { sinceMs }]) => sinceMs);
    return lost.length === 0 ? null : Math.min(...lost);
  }

  startTeaching(camera: string): BellTeaching {
    const known = this.#require(camera);
    this.#teaching.begin(known.id, () => this.stopTeaching(camera));
    this.#startOrStop();
    this.#process?.send({ type: "teach", camera: known.id, on: true });
    return this.teaching(camera);
  }

  teaching(camera: string): BellTeaching {
    return this.#teaching.of(this.#require(camera).id);
  }

  stopTeaching(camera: string): BellTeaching {
    const { id } = this.#require(camera);
    this.#process?.send({ type: "teach", camera: id, on: false });
    this.#teaching.end(id);
    this.#startOrStop();
    this.#options.tellPages();
    return this.teaching(camera);
  }

  async publish(
    topic: string,
    payload: string,
    { retain = false }: { readonly retain?: boolean } = {},
  ): Promise<void> {
    if (!this.#options.broker() || !this.#process)
      throw new HubError("NO_BROKER", "Cannot publish: no MQTT broker is set");
    const running = this.#process;
    await this.#publishing.publish({ topic, payload, retain }, (message) => running.send(message));
  }

  /** PID of the process, for those who look at what it does; null where none is needed. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    clearInterval(this.#looking);
    this.#teaching.endAll();
    this.#startOrStop();
    await this.#ending;
  }

  #cameras(): readonly BellCamera[] {
    return this.#options.cameras().map(bellCamera);
  }

  #require(camera: string): BellCamera {
    const known = this.#cameras().find(({ id }) => id === camera);
    if (!known) throw new HubError("NOT_FOUND", "Cannot find bell: there is no such camera");
    return known;
  }

  #configuration(): ToBells {
    const house = this.#house?.topics() ?? null;
    return { type: "configure", broker: this.#options.broker(), cameras: this.#cameras(), house };
  }

  /** A hub whose cameras have no bells needs no process for them. */
  #startOrStop(): void {
    const isNeeded =
      this.#isOpen &&
      (this.#teaching.isAnyOpen ||
        this.#options.broker() !== null ||
        this.#cameras().some(needsListener));
    const running = this.#process;
    if (!isNeeded && running) {
      this.#process = null;
      this.#forgetListeners();
      this.#ending = Promise.all([this.#ending, running[Symbol.asyncDispose]()]).then(
        () => undefined,
      );
    }
    if (!isNeeded || running) return;
    const { entry, log } = this.#options;
    this.#process = startBellProcess({
      ...(entry === undefined ? {} : { entry }),
      greet: () => [
        this.#configuration(),
        ...this.#cameras()
          .filter(({ id }) => this.#teaching.isOpen(id))
          .map(({ id }): ToBells => ({ type: "teach", camera: id, on: true })),
      ],
      onMessage: (message) => this.#take(message),
      onMalformed: (reason) => log("warn", `bell process: ${reason}`),
      onExit: async (reason) => {
        this.#allDown();
        log("warn", `the bell process ended (${reason}); starting it again`);
      },
    });
  }

  #take(message: FromBells): void {
    switch (message.type) {
      case "press":
        this.press(message.camera, message.via);
        return;
      case "listener":
        this.#setListener(message);
        return;
      case "heard": {
        const known = this.#cameras().find(({ id }) => id === message.camera);
        if (known && this.#teaching.hear(known.id, message)) this.#options.tellPages();
        return;
      }
      case "contact":
        this.#remember(message);
        return;
      case "broker":
        if (message.isUp) this.#house?.onUp();
        else this.#house?.onDown(message.problem);
        return;
      case "said":
        if (this.#house?.topics()?.topics.includes(message.topic) === true)
          this.#house.onSaid(message.topic, message.payload);
        return;
      case "published":
        this.#publishing.settle(message.id, message.problem);
        return;
      case "ready":
    }
  }

  #setListener(said: Extract<FromBells, { type: "listener" }>): void {
    const known = this.#cameras().find(({ id }) => id === said.camera);
    if (!known?.bells.some(({ via }) => via === said.via)) return;
    const key = `${said.camera} ${said.via}`;
    const before = this.#listeners.get(key);
    const isChange = before?.isListening !== said.isListening;
    this.#listeners.set(key, {
      isListening: said.isListening,
      sinceMs: isChange || !before ? this.#options.nowMs() : before.sinceMs,
      problem: said.problem,
      isSaidLost: isChange ? false : (before?.isSaidLost ?? false),
    });
    if (said.isListening && before?.isSaidLost === true)
      this.#options.log("info", `${said.camera}: its bell is heard again (${said.via})`);
    if (isChange) this.#options.tellPages();
  }

  /** What the process says of its connections is believed for hosts that the owner configured. */
  #remember({ camera, address, isOpen }: Extract<FromBells, { type: "contact" }>): void {
    const known = this.#cameras().find(({ id }) => id === camera);
    const hosts = camera === null ? brokerHost(this.#options.broker()) : known && hostsOf(known);
    if (!hosts?.includes(hostOfAddress(address))) return;
    const place = { what: camera === null ? "mqtt broker" : `bell ${camera}`, address };
    const { connections } = this.#options;
    if (isOpen) connections.connected(place);
    else {
      connections.mention(place);
      connections.disconnected(place);
    }
  }

  #statusOf(camera: CameraId, bell: BellRule, rule: number): BellStatus {
    const listener = this.#listeners.get(`${camera} ${bell.via}`);
    const isWebhook = bell.via === "webhook";
    const sinceMs = listener?.sinceMs ?? this.#options.nowMs();
    const isListening = isWebhook || listener?.isListening === true;
    return {
      ...{ rule, via: bell.via, sinceMs },
      topic: "topic" in bell ? bell.topic : null,
      item: "item" in bell ? (bell.item ?? null) : null,
      value: "value" in bell ? (bell.value ?? null) : null,
      code: "code" in bell ? (bell.code ?? null) : null,
      state: isListening ? "listening" : listener && this.#isLost(listener) ? "lost" : "connecting",
      problem: isListening ? null : (listener?.problem ?? null),
    };
  }

  #isLost({ isListening, sinceMs }: Listener): boolean {
    return !isListening && this.#options.nowMs() - sinceMs >= LOST_AFTER_MS;
  }

  /** Listeners of rules that are there no more are forgotten, those of new ones begin as down. */
  #forgetListeners(): void {
    const wanted = new Set(
      this.#cameras().flatMap(({ id, bells }) =>
        bells.filter(({ via }) => via !== "webhook").map(({ via }) => `${id} ${via}`),
      ),
    );
    for (const key of this.#listeners.keys()) if (!wanted.has(key)) this.#listeners.delete(key);
    for (const key of wanted) {
      if (this.#listeners.has(key)) continue;
      const sinceMs = this.#options.nowMs();
      this.#listeners.set(key, { isListening: false, sinceMs, problem: null, isSaidLost: false });
    }
  }

  #allDown(): void {
    this.#house?.onDown(null);
    const sinceMs = this.#options.nowMs();
    for (const listener of this.#listeners.values())
      if (listener.isListening) {
        listener.isListening = false;
        listener.sinceMs = sinceMs;
      }
    this.#options.tellPages();
  }

  #look(): void {
    this.#presses.forgetLate();
    for (const [key, listener] of this.#listeners) {
      if (listener.isSaidLost || !this.#isLost(listener)) continue;
      listener.isSaidLost = true;
      const [camera = "", via = ""] = key.split(" ");
      const why = listener.problem ? `: ${listener.problem.message}` : "";
      this.#options.log("warn", `${camera}: its bell is not heard (${via})${why}`);
      this.#options.tellPages();
    }
  }

  #sayFate(camera: CameraId, fate: PressFate): void {
    if (fate === "too-late")
      this.#options.log("warn", `${camera}: somebody rang, and nothing could record it`);
    this.#options.tellPages();
  }
}
