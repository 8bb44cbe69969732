import { isDeepStrictEqual } from "node:util";
import { commandBell } from "../camera/bell/command-listener.ts";
import { dahuaBell } from "../camera/bell/dahua-listener.ts";
import { Heard } from "../camera/bell/heard.ts";
import { hikvisionBell } from "../camera/bell/hikvision-listener.ts";
import { keepListening, type KeptEvents, type Problem } from "../camera/bell/listening.ts";
import { bellText, type BellMessage, type Listen } from "../camera/bell/message.ts";
import { MqttLink } from "../camera/bell/mqtt-link.ts";
import { onvifBell } from "../camera/bell/onvif-listener.ts";
import { RuleSet, type BellRule } from "../camera/bell/rules.ts";
import {
  SAID_CHARACTERS,
  type BellCamera,
  type FromBells,
  type HouseTopicsHeard,
  type ToBells,
} from "./messages.ts";
import type { BellWay } from "../protocol/api-bells.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { MqttBroker } from "../settings/bells.ts";

const HTTP_PORT = 80;
/** Presses of one listener that the hub is told: it counts those of three seconds as one anyway. */
const PRESS_EVERY_MS = 1_000;
const TELL_HEARD_EVERY_MS = 250;
/** A broker locks nobody out, and may refuse everybody while what knows its users is just starting. */
const BROKER_RETRY_PASSWORD_MS = 30_000;
const TEXT_MAX = 500;
/** Sixteen cameras with four topics each, and room for the chime. */
const OWN_TOPICS_MAX = 128;
/** Of the house, in a second; a hand on a switch is far below it. */
const SAID_PER_SECOND_MAX = 20;

/** One way in which one camera is listened to. */
interface Listening {
  readonly camera: BellCamera;
  readonly via: BellWay;
  readonly rules: RuleSet;
  readonly hasRules: boolean;
  /** What it was made from: where it differs, it is begun anew. */
  readonly made: unknown;
  readonly stop: AbortController;
  isListening: boolean | null;
  problem: Problem | null;
  pressedAtMs: number;
  readonly places: Set<string>;
}

interface Lesson {
  readonly heard: Heard;
  timer: NodeJS.Timeout | null;
}

/** All that the bell process listens to, as the hub has last told it. */
export class BellListeners {
  readonly #send: (message: FromBells) => void;
  #cameras: readonly BellCamera[] = [];
  #broker: MqttBroker | null = null;
  #house: HouseTopicsHeard | null = null;
  #said = { fromMs: 0, count: 0 };
  #link: { readonly link: MqttLink; readonly stop: AbortController } | null = null;
  #linkState: Pick<Listening, "isListening" | "problem"> = { isListening: null, problem: null };
  readonly #listening = new Map<string, Listening>();
  readonly #lessons = new Map<CameraId, Lesson>();
  readonly #all = new Set<Promise<void>>();
  /** Topics that the hub itself has said something on: nobody at a door did. */
  readonly #ownTopics = new Set<string>();

  constructor(send: (message: FromBells) => void) {
    this.#send = send;
  }

  configure({ broker, cameras, house = null }: Extract<ToBells, { type: "configure" }>): void {
    this.#cameras = cameras;
    // A will is given when a connection is made, and never later.
    const isOther = !isDeepStrictEqual(house?.will, this.#house?.will);
    this.#house = house;
    if (isOther || !isDeepStrictEqual(broker, this.#broker)) this.#useBroker(broker);
    for (const camera of this.#lessons.keys())
      if (!cameras.some(({ id }) => id === camera)) this.#lessons.delete(camera);
    this.#settle();
  }

  teach({ camera, on }: Extract<ToBells, { type: "teach" }>): void {
    const before = this.#lessons.get(camera);
    if (before?.timer) clearTimeout(before.timer);
    this.#lessons.delete(camera);
    if (on) this.#lessons.set(camera, { heard: new Heard(Date.now), timer: null });
    this.#settle();
    if (on) this.#tellHeard(camera);
  }

  async publish({
    id,
    topic,
    payload,
    retain,
  }: Extract<ToBells, { type: "publish" }>): Promise<void> {
    let problem: Problem | null = null;
    if (this.#ownTopics.size < OWN_TOPICS_MAX) this.#ownTopics.add(topic);
    try {
      if (this.#link) await this.#link.link.publish(topic, payload, retain);
      else problem = { code: "NO_BROKER", message: "no broker is set" };
    } catch (error) {
      problem = { code: "NOT_PUBLISHED", message: error instanceof Error ? error.message : "?" };
    }
    this.#send({ type: "published", id, problem: problem && sayableProblem(problem) });
  }

  /** Ends every connection and program. */
  async stop(): Promise<void> {
    this.#link?.stop.abort();
    for (const { stop } of this.#listening.values()) stop.abort();
    await Promise.all(this.#all);
  }

  #settle(): void {
    const wanted = new Map<
      string,
      { camera: BellCamera; via: BellWay; rules: readonly BellRule[] }
    >(
      this.#cameras.flatMap((camera) =>
        this.#waysOf(camera).map((way) => [`${camera.id} ${way.key}`, { camera, ...way }] as const),
      ),
    );
    for (const [key, listening] of this.#listening) {
      const next = wanted.get(key);
      if (next && isDeepStrictEqual(madeOf(next.camera, next.via, next.rules), listening.made))
        continue;
      listening.stop.abort();
      this.#listening.delete(key);
    }
    for (const [key, { camera, via, rules }] of wanted)
      if (!this.#listening.has(key)) this.#begin(key, camera, via, rules);
    this.#setTopics();
  }

  /** A program is a listener of its own; everything else serves all rules of its way. */
  #waysOf(camera: BellCamera): { key: string; via: BellWay; rules: readonly BellRule[] }[] {
    const isTaught = this.#lessons.has(camera.id);
    const ways: { key: string; via: BellWay; rules: readonly BellRule[] }[] = [];
    for (const via of ["onvif", "dahua", "hikvision", "mqtt"] as const) {
      const rules = camera.bells.filter((rule) => rule.via === via);
      const isPossible =
        via === "onvif"
          ? camera.onvif !== null
          : via === "mqtt"
            ? this.#broker !== null
            : camera.host !== null;
      if (rules.length > 0 || (isTaught && isPossible)) ways.push({ key: via, via, rules });
    }
    for (const [index, rule] of camera.bells.entries())
      if (rule.via === "command")
        ways.push({ key: `command ${index}`, via: "command", rules: [rule] });
    return ways;
  }

  #begin(key: string, camera: BellCamera, via: BellWay, rules: readonly BellRule[]): void {
    const listening: Listening = {
      ...{ camera, via },
      rules: new RuleSet(rules, () => performance.now()),
      hasRules: rules.length > 0,
      made: madeOf(camera, via, rules),
      stop: new AbortController(),
      isListening: null,
      problem: null,
      pressedAtMs: Number.NEGATIVE_INFINITY,
      places: new Set(),
    };
    this.#listening.set(key, listening);
    const listen = listenerOf(camera, via, rules);
    if (!listen) {
      if (via !== "mqtt") return;
      if (this.#broker === null)
        this.#setState(listening, false, { code: "NO_BROKER", message: "no MQTT broker is set" });
      else this.#tellOfBroker(listening);
      return;
    }
    this.#keep(listen, listening.stop.signal, {
      state: (isListening, problem) => this.#setState(listening, isListening, problem),
      message: (message) => this.#hear(listening, message),
      contact: (place) => this.#contact(listening, place),
    });
  }

  #keep(listen: Listen, signal: AbortSignal, events: KeptEvents, retryPasswordMs?: number): void {
    const kept = keepListening(listen, events, signal, retryPasswordMs).finally(() =>
      this.#all.delete(kept),
    );
    this.#all.add(kept);
  }

  #setState(listening: Listening, isListening: boolean, problem: Problem | null): void {
    const said = problem && sayableProblem(problem);
    if (listening.isListening === isListening && isDeepStrictEqual(listening.problem, said)) return;
    listening.isListening = isListening;
    listening.problem = said;
    const { camera, via, hasRules, places } = listening;
    if (hasRules)
      this.#send({ type: "listener", camera: camera.id, via, isListening, problem: said });
    for (const address of places)
      this.#send({ type: "contact", camera: camera.id, address, isOpen: isListening });
    this.#tellHeard(camera.id);
  }

  #contact(listening: Listening, { host, port }: { host: string; port: number }): void {
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    if (listening.places.has(address) || listening.places.size >= 4) return;
    listening.places.add(address);
    this.#send({
      ...{ type: "contact", camera: listening.camera.id, address },
      isOpen: listening.isListening === true,
    });
  }

  #hear(listening: Listening, message: BellMessage): void {
    if (listening.stop.signal.aborted) return;
    const lesson = this.#lessons.get(listening.camera.id);
    const isOwn = message.via === "mqtt" && this.#ownTopics.has(message.topic);
    if (lesson && !isOwn) {
      lesson.heard.add(message);
      this.#tellHeard(listening.camera.id);
    }
    if (!listening.rules.hears(message)) return;
    const nowMs = performance.now();
    if (nowMs - listening.pressedAtMs < PRESS_EVERY_MS) return;
    listening.pressedAtMs = nowMs;
    this.#send({ type: "press", camera: listening.camera.id, via: listening.via });
  }

  #tellHeard(camera: CameraId): void {
    const lesson = this.#lessons.get(camera);
    if (!lesson || lesson.timer) return;
    lesson.timer = setTimeout(() => {
      lesson.timer = null;
      const ways = [...this.#listening.values()]
        .filter((listening) => listening.camera.id === camera && listening.isListening !== null)
        .map(({ via, problem }) => ({ via, problem }));
      const distinct = new Map(ways.map((way) => [way.via, way]));
      this.#send({ type: "heard", camera, ...lesson.heard.list(), ways: [...distinct.values()] });
    }, TELL_HEARD_EVERY_MS);
  }

  #useBroker(broker: MqttBroker | null): void {
    this.#link?.stop.abort();
    this.#link = null;
    this.#broker = broker;
    this.#linkState = { isListening: null, problem: null };
    for (const [key, { via }] of this.#listening) if (via === "mqtt") this.#listening.delete(key);
    if (!broker) return;
    const will = this.#house?.will ?? null;
    const link = new MqttLink({ ...broker, will }, () => this.#tellBroker());
    const stop = new AbortController();
    this.#link = { link, stop };
    let address = "";
    const tell = (isOpen: boolean): void =>
      this.#send({ type: "contact", camera: null, address, isOpen });
    const events: KeptEvents = {
      state: (isListening, problem) => {
        this.#linkState = { isListening, problem };
        tell(isListening);
        this.#send({ type: "broker", isUp: isListening, problem });
        this.#tellBroker();
      },
      message: (message) => {
        if (this.#house?.topics.includes(message.topic) === true) this.#tellSaid(message);
        else for (const listening of this.#ofBroker()) this.#hear(listening, message);
      },
      contact: ({ host, port }) => {
        address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
        tell(false);
      },
    };
    this.#keep(link.listen, stop.signal, events, BROKER_RETRY_PASSWORD_MS);
  }

  #tellSaid({ topic, items }: BellMessage): void {
    const nowMs = performance.now();
    if (nowMs - this.#said.fromMs >= 1_000) this.#said = { fromMs: nowMs, count: 0 };
    this.#said.count += 1;
    if (this.#said.count > SAID_PER_SECOND_MAX) return;
    const payload = bellText(items.get("") ?? "", SAID_CHARACTERS);
    this.#send({ type: "said", topic, payload });
  }

  #tellBroker(): void {
    for (const listening of this.#ofBroker()) this.#tellOfBroker(listening);
  }

  #tellOfBroker(listening: Listening): void {
    const { isListening, problem } = this.#linkState;
    if (isListening === null) return;
    const refused = isListening ? this.#refusedTo(listening) : undefined;
    if (refused === undefined) this.#setState(listening, isListening, problem);
    else
      this.#setState(listening, false, {
        code: "TOPIC_REFUSED",
        message: `the broker does not let the hub hear ${refused}`,
      });
  }

  #refusedTo({ camera, hasRules }: Listening): string | undefined {
    const topics = hasRules
      ? camera.bells.flatMap((rule) => (rule.via === "mqtt" ? [rule.topic] : []))
      : ["#"];
    return topics.find((topic) => this.#link?.link.refused.has(topic));
  }

  #ofBroker(): Listening[] {
    return [...this.#listening.values()].filter(({ via }) => via === "mqtt");
  }

  #setTopics(): void {
    const isTaught = this.#cameras.some(({ id }) => this.#lessons.has(id));
    const topics = this.#cameras.flatMap(({ bells }) =>
      bells.flatMap((rule) => (rule.via === "mqtt" ? [rule.topic] : [])),
    );
    const all = [...topics, ...(this.#house?.topics ?? [])];
    this.#link?.link.setTopics(new Set(isTaught ? [...all, "#"] : all));
  }
}

function madeOf(camera: BellCamera, via: BellWay, rules: readonly BellRule[]): unknown {
  const { bells: _, ...rest } = camera;
  return { ...rest, via, rules };
}

function listenerOf(camera: BellCamera, via: BellWay, rules: readonly BellRule[]): Listen | null {
  const { onvif, host, username, password, allowBasic } = camera;
  const credentials = username === null ? null : { username, password: password ?? "", allowBasic };
  const [rule] = rules;
  // One of them says it for all: those that were taught say none.
  const port = rules.map((each) => ("port" in each ? each.port : undefined)).find(Boolean);
  switch (via) {
    case "onvif":
      return onvif === null ? null : onvifBell({ address: onvif, credentials });
    case "dahua":
      return host === null ? null : dahuaBell({ host, port: port ?? HTTP_PORT, credentials });
    case "hikvision":
      return host === null ? null : hikvisionBell({ host, port: port ?? HTTP_PORT, credentials });
    case "command":
      return rule?.via === "command" ? commandBell(rule.command) : null;
    case "mqtt":
    case "webhook":
      return null;
  }
}

/** One line: a device may have chosen a part of it. */
function sayableProblem({ code, message }: Problem): Problem {
  const plain = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
  return { code: plain(code).slice(0, 40), message: plain(message).slice(0, TEXT_MAX) };
}
