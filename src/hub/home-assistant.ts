import { randomBytes } from "node:crypto";
import type { HubDatabase } from "../base/database.ts";
import type { HouseTopicsHeard } from "../bells/messages.ts";
import type { HubServices } from "../http/services.ts";
import type { Bells, HouseOnBroker } from "./bells.ts";
import { PeerLanes } from "../lan/lanes.ts";
import {
  discoveryOf,
  HouseTopics,
  motionPayload,
  OFFLINE,
  ONLINE,
  privacyPayload,
  readPrivacyCommand,
  ringPayload,
} from "../notify/home-assistant.ts";
import type { HouseEvent } from "../notify/notice.ts";
import type { HouseTrouble } from "../protocol/api-house.ts";
import type { BellProblem } from "../protocol/api-bells.ts";
import { HubError } from "../protocol/errors.ts";
import type { HomeAssistantSettings } from "../settings/home-assistant.ts";
import type { CameraSettings } from "../settings/cameras.ts";

/** Events that wait for the broker; more than that is a broker that takes none. */
const EVENTS_WAITING_MAX = 32;
const KEY_BYTES = 32;
/** Each is an entry of the ledger; a hand needs no more. */
const SWITCHES_PER_MINUTE = 6;
const SWITCHES_SAVED = 10;
const EVERYTHING = "everything";

export interface HubHomeAssistantOptions {
  readonly database: HubDatabase;
  readonly settings: {
    readonly current: {
      readonly cameras: readonly CameraSettings[];
      readonly homeAssistant?: HomeAssistantSettings | null;
    };
  };
  readonly bells: Pick<Bells, "publish" | "setHouse">;
  readonly privacy: Pick<HubServices["privacy"], "isOff" | "setByBroker">;
  /** Runs what writes into the ledger, once there is room for it. */
  readonly withRoom: (work: () => void) => Promise<void>;
  readonly version: string;
  readonly nowMs: () => number;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** How it stands with what Home Assistant is told. */
export interface HomeAssistantState {
  /** Whether the broker is there, and has taken the last of it. */
  readonly told: boolean;
  /** UTC; null until something was to be said. */
  readonly sinceMs: number | null;
  /** The last one since the hub began, also where it is over. */
  readonly trouble: HouseTrouble | null;
}

/**
 * Home Assistant, told over the owner's own broker: which cameras there are, that somebody rings, that
 * something moves, and whether a camera is off. Never a picture, a recording or a person.
 */
export class HubHomeAssistant implements HouseOnBroker {
  readonly #options: HubHomeAssistantOptions;
  readonly #key: Uint8Array;
  /** What is to be said, as it stands when its turn comes; one of each, whoever asks and how often. */
  readonly #due = new Map<string, () => Promise<void>>();
  #said: Promise<void> = Promise.resolve();
  #isSaying = false;
  /** What the broker wants of a camera that is not switched yet: the last that it said. */
  readonly #wishes = new Map<string, boolean>();
  readonly #hands = new PeerLanes(SWITCHES_PER_MINUTE / 60, SWITCHES_SAVED);
  #isSwitching = false;
  #isOpen = true;
  #waiting = 0;
  /** Null until something was to be said. */
  #isFailing: boolean | null = null;
  /** UTC. */
  #sinceMs: number | null = null;
  #trouble: HouseTrouble | null = null;
  /** Why the broker cannot be spoken with, where it is known; null while it can. */
  #lost: BellProblem | null = null;

  constructor(options: HubHomeAssistantOptions) {
    this.#options = options;
    this.#key = keyOf(options.database);
    options.bells.setHouse(this);
  }

  get state(): HomeAssistantState {
    return {
      told: this.#isFailing === false,
      sinceMs: this.#sinceMs,
      trouble: this.#trouble,
    };
  }

  /** What is listened to, and what is said of this hub when it is gone. */
  topics(): HouseTopicsHeard | null {
    const topics = this.#topics();
    if (!topics) return null;
    const commands = this.#hasSwitch()
      ? this.#cameras().map(({ id }) => topics.of(id, "privacy/set"))
      : [];
    return {
      topics: [topics.birth, ...commands],
      will: { topic: topics.availability, payload: OFFLINE },
    };
  }

  onUp(): void {
    this.#lost = null;
    this.configure();
  }

  onDown(problem: BellProblem | null): void {
    this.#lost = problem;
    if (this.#topics()) this.#failed(new HubError("BROKER_LOST", "the broker cannot be reached"));
  }

  onSaid(topic: string, payload: string): void {
    const topics = this.#topics();
    if (topic === topics?.birth) {
      if (payload === ONLINE) this.configure();
      return;
    }
    const camera = this.#cameras().find(({ id }) => topics?.of(id, "privacy/set") === topic);
    const isOff = readPrivacyCommand(payload);
    if (!this.#isOpen || !camera || isOff === null || !this.#hasSwitch()) return;
    this.#wishes.set(camera.id, isOff);
    void this.#switchInTurn();
  }

  /** To be called with each change of the settings; what is there no more is taken back. */
  configure(): void {
    this.#inTurn(EVERYTHING, () => this.#sayEverything());
  }

  /** Told once, and kept by nobody: what could not be said at once is old. */
  take(event: HouseEvent): void {
    const topics = this.#topics();
    if (!topics || this.#waiting >= EVENTS_WAITING_MAX) return;
    const isKnown = this.#cameras().some(({ id }) => id === event.camera);
    if (!isKnown || this.#options.privacy.isOff(event.camera)) return;
    const { camera, kind } = event;
    this.#waiting += 1;
    const payload = kind === "bell" ? ringPayload() : motionPayload(event.class);
    const said = this.#options.bells.publish(topics.of(camera, kind), payload);
    said
      .then(
        () => this.#succeeded(),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  sayPrivacy(camera: string): void {
    this.#inTurn(`privacy of ${camera}`, async () => {
      const isOff = this.#options.privacy.isOff(camera);
      const topics = this.#topics();
      if (topics) await this.#keep(topics.of(camera, "privacy"), privacyPayload(isOff));
    });
  }

  /** What is not said by now is said when the hub is back. */
  stop(): void {
    this.#isOpen = false;
    this.#due.clear();
    this.#wishes.clear();
  }

  /** Resolves when all that was to be said was, or could not be. */
  async settled(): Promise<void> {
    await this.#said;
  }

  async #sayEverything(): Promise<void> {
    const topics = this.#topics();
    const wanted = new Map<string, string>();
    if (topics) {
      const options = { version: this.#options.version, hasSwitch: this.#hasSwitch() };
      for (const camera of this.#cameras()) {
        wanted.set(topics.config(camera.id), discoveryOf(camera, topics, options));
        const isOff = this.#options.privacy.isOff(camera.id);
        wanted.set(topics.of(camera.id, "privacy"), privacyPayload(isOff));
      }
      wanted.set(topics.availability, ONLINE);
    }
    const gone = this.#kept().filter((topic) => !wanted.has(topic));
    for (const [topic, payload] of wanted) if (this.#isOpen) await this.#keep(topic, payload);
    for (const topic of gone) if (this.#isOpen) await this.#takeBack(topic);
  }

  async #switchInTurn(): Promise<void> {
    if (this.#isSwitching) return;
    this.#isSwitching = true;
    // Also what is set while it runs.
    for (const [camera, isOff] of this.#wishes) {
      this.#wishes.delete(camera);
      await this.#switch(camera, isOff);
    }
    this.#isSwitching = false;
  }

  async #switch(camera: string, isOff: boolean): Promise<void> {
    const { privacy, withRoom, settings, log } = this.#options;
    const mayTurnOn = settings.current.homeAssistant?.privacySwitch === "on";
    try {
      if ((isOff || mayTurnOn) && this.#hands.take(camera, performance.now()))
        await withRoom(() => privacy.setByBroker(camera, isOff));
    } catch (error) {
      log("warn", `${camera} not switched: ${error instanceof Error ? error.message : "?"}`);
    }
    // Also where nothing was done: the switch over there shows what was asked for until it is told.
    this.sayPrivacy(camera);
  }

  /** Written down first, so that it can be taken back whatever happens. */
  async #keep(topic: string, payload: string): Promise<void> {
    const { database, bells } = this.#options;
    database.prepare("INSERT OR IGNORE INTO home_assistant_kept (topic) VALUES (?)").run(topic);
    await bells.publish(topic, payload, { retain: true });
  }

  async #takeBack(topic: string): Promise<void> {
    const { database, bells } = this.#options;
    await bells.publish(topic, "", { retain: true });
    database.prepare("DELETE FROM home_assistant_kept WHERE topic = ?").run(topic);
  }

  /** One after the other, so that what is newer is said later; whoever may write to the broker asks. */
  #inTurn(what: string, work: () => Promise<void>): void {
    if (!this.#isOpen) return;
    this.#due.set(what, work);
    if (this.#isSaying) return;
    this.#isSaying = true;
    this.#said = this.#said.then(() => this.#sayAllDue());
  }

  async #sayAllDue(): Promise<void> {
    for (const [what, work] of this.#due) {
      this.#due.delete(what);
      try {
        await work();
        this.#succeeded();
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#isSaying = false;
  }

  #succeeded(): void {
    if (this.#isFailing !== false) this.#sinceMs = this.#options.nowMs();
    this.#isFailing = false;
  }

  /** Said once: it is all said again when the broker is back. */
  #failed(error: unknown): void {
    const { nowMs, log } = this.#options;
    const isNews = this.#isFailing !== true && this.#topics() !== null;
    if (this.#isFailing !== true) this.#sinceMs = nowMs();
    this.#isFailing = true;
    const { code, message } = this.#lost ?? problemOf(error);
    this.#trouble = { atMs: nowMs(), code, message };
    if (isNews) log("warn", `Home Assistant not told: ${message}`);
  }

  #kept(): string[] {
    return this.#options.database
      .prepare<[], { topic: string }>("SELECT topic FROM home_assistant_kept")
      .all()
      .map(({ topic }) => topic);
  }

  #topics(): HouseTopics | null {
    const { homeAssistant } = this.#options.settings.current;
    return homeAssistant ? new HouseTopics(this.#key, homeAssistant.prefix) : null;
  }

  #hasSwitch(): boolean {
    const { homeAssistant } = this.#options.settings.current;
    return homeAssistant !== null && (homeAssistant?.privacySwitch ?? "off") !== "off";
  }

  #cameras(): readonly CameraSettings[] {
    return this.#options.settings.current.cameras;
  }
}

function problemOf(error: unknown): BellProblem {
  const code = error instanceof HubError ? error.code : "NOT_PUBLISHED";
  return { code, message: error instanceof Error ? error.message : "?" };
}

/** Made once: names that changed would be other devices over there. */
function keyOf(database: HubDatabase): Uint8Array {
  const select = database.prepare<[], { key: Buffer }>("SELECT key FROM home_assistant_names");
  const known = select.get();
  if (known) return known.key;
  const key = randomBytes(KEY_BYTES);
  database.prepare("INSERT INTO home_assistant_names (id, key) VALUES (1, ?)").run(key);
  return key;
}
