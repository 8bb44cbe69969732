import path from "node:path";
import type { HubDatabase } from "../base/database.ts";
import type { HouseDesk } from "../http/house-desk.ts";
import type { HubServices } from "../http/services.ts";
import { HubHomeAssistant, type HubHomeAssistantOptions } from "./home-assistant.ts";
import type { HouseEvent } from "../notify/notice.ts";
import type { LookUp } from "../notify/webhook-post.ts";
import type { WebhookMessage } from "../notify/webhook-message.ts";
import { Webhooks } from "../notify/webhooks.ts";
import { addressOf, type OutwardLog } from "../notify/outward.ts";
import type { HouseAnswer } from "../protocol/api-house.ts";
import type { CameraStatus } from "../protocol/api.ts";
import type { WebhookSettings } from "../settings/home-assistant.ts";
import { WebhookSecrets } from "./webhook-secrets.ts";

const LOOK_MS = 5_000;
/** A camera that is back before is not away. */
const AWAY_AFTER_MS = 60_000;
const LOST: ReadonlySet<string> = new Set(["connecting", "waiting-to-retry"]);

export interface HubHouseOptions extends HubHomeAssistantOptions {
  readonly privacy: HubHomeAssistantOptions["privacy"] & Pick<HubServices["privacy"], "onChange">;
  readonly settings: HubHomeAssistantOptions["settings"] & {
    readonly current: {
      readonly webhooks?: readonly WebhookSettings[];
      readonly mqtt?: { readonly url: string };
    };
  };
  /** Calls back for each ring and each motion. */
  readonly onEvent: (listener: (event: HouseEvent) => void) => unknown;
  /** What health says of each camera. */
  readonly statuses: () => readonly CameraStatus[];
  readonly connections: OutwardLog;
  readonly dataDirectory: string;
  /** Replaced in tests. */
  readonly lookUp?: LookUp;
}

/** What programs of the house are told. Of a camera that is off, nothing but that it is. */
export class HubHouse implements HouseDesk, AsyncDisposable {
  readonly #options: HubHouseOptions;
  readonly #homeAssistant: HubHomeAssistant;
  readonly #webhooks: Webhooks;
  readonly #looking: NodeJS.Timeout;
  readonly #awaySinceMs = new Map<string, { readonly sinceMs: number; isTold: boolean }>();
  #secrets: Promise<WebhookSecrets> | null = null;
  #opened: WebhookSecrets | null = null;
  #hasBegun = false;

  constructor(options: HubHouseOptions) {
    this.#options = options;
    const { settings, connections, nowMs, log, lookUp } = options;
    this.#homeAssistant = new HubHomeAssistant(options);
    this.#webhooks = new Webhooks({
      ...{ connections, nowMs, log },
      hooks: () => settings.current.webhooks ?? [],
      secretOf: (url) => this.#opened?.of(url) ?? null,
      ...(lookUp ? { lookUp } : {}),
    });
    this.#looking = setInterval(() => this.#lookForAway(), LOOK_MS);
    this.#looking.unref();
  }

  configure(): void {
    this.#begin();
    this.#homeAssistant.configure();
    const urls = (this.#options.settings.current.webhooks ?? []).map(({ url }) => url);
    // A hub that calls nobody makes no file.
    if (urls.length === 0 && this.#secrets === null) return;
    void this.#keepSecrets(urls);
  }

  answer(): HouseAnswer {
    const { homeAssistant, webhooks = [], mqtt } = this.#options.settings.current;
    return {
      broker: mqtt ? brokerAddress(new URL(mqtt.url)) : null,
      homeAssistant: homeAssistant ? { ...homeAssistant, ...this.#homeAssistant.state } : null,
      webhooks: webhooks.map(({ url, events, anywhere }) => ({
        ...{ address: addressOf(new URL(url)), events: [...events], anywhere },
        tried: this.#webhooks.tried(url),
      })),
    };
  }

  async test(): Promise<HouseAnswer> {
    await this.#secrets;
    await this.#webhooks.test();
    return this.answer();
  }

  /** Resolves when all that was told so far has arrived, or was given up. */
  async settled(): Promise<void> {
    await this.#webhooks.settled();
    await this.#homeAssistant.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    this.#homeAssistant.stop();
    await this.#webhooks[Symbol.asyncDispose]();
    await this.settled();
    await this.#secrets?.catch(() => undefined);
  }

  /** At the first configuring: what is listened to is made after this is. */
  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { onEvent, privacy, nowMs } = this.#options;
    onEvent((event) => this.#take(event));
    privacy.onChange((camera, isOff) => {
      this.#homeAssistant.sayPrivacy(camera);
      const at = new Date(nowMs()).toISOString();
      this.#webhooks.tell({ event: "privacy", camera, off: isOff, at });
    });
  }

  #take(event: HouseEvent): void {
    this.#homeAssistant.take(event);
    if (this.#options.privacy.isOff(event.camera)) return;
    const { kind, camera, zone, atMs } = event;
    const message: WebhookMessage = { event: kind, camera, at: new Date(atMs).toISOString() };
    const seen = { class: event.class, ...(zone === null ? {} : { zone }) };
    this.#webhooks.tell(kind === "bell" ? message : { ...message, ...seen });
  }

  #lookForAway(): void {
    const nowMs = this.#options.nowMs();
    const present = new Set<string>();
    for (const { id, main } of this.#options.statuses()) {
      if (!LOST.has(main) || this.#options.privacy.isOff(id)) continue;
      present.add(id);
      const away = this.#awaySinceMs.get(id) ?? { sinceMs: nowMs, isTold: false };
      this.#awaySinceMs.set(id, away);
      if (away.isTold || nowMs - away.sinceMs < AWAY_AFTER_MS) continue;
      away.isTold = true;
      const at = new Date(nowMs).toISOString();
      this.#webhooks.tell({ event: "camera-away", camera: id, at });
    }
    for (const id of this.#awaySinceMs.keys()) if (!present.has(id)) this.#awaySinceMs.delete(id);
  }

  async #keepSecrets(urls: readonly string[]): Promise<void> {
    const { dataDirectory, log } = this.#options;
    this.#secrets ??= WebhookSecrets.open(path.join(dataDirectory, "secrets"));
    const kept = this.#secrets.then(async (secrets) => {
      await secrets.keepFor(urls);
      this.#opened = secrets;
      return secrets;
    });
    this.#secrets = kept;
    try {
      await kept;
    } catch (error) {
      this.#secrets = null;
      log("warn", `secrets of webhooks not kept: ${error instanceof Error ? error.message : "?"}`);
    }
  }
}

/** Host and port. */
function brokerAddress({ hostname, port, protocol }: URL): string {
  const usual = protocol === "mqtts:" ? "8883" : "1883";
  return `${hostname}:${port === "" ? usual : port}`;
}

/** From the start on, and told of everything by `configure`, `recorded`, bells and privacy. */
export function openHousePrograms(
  parts: {
    readonly options: { readonly dataDirectory: string; readonly log: HubHouseOptions["log"] };
    readonly database: HubDatabase;
    readonly settings: HubHouseOptions["settings"];
    readonly bells: HubHouseOptions["bells"];
    readonly connections: { readonly log: OutwardLog };
  },
  { nowMs, version }: Pick<HubHouseOptions, "nowMs" | "version">,
  services: () => HubServices,
): HubHouse {
  const { database, settings, bells } = parts;
  const { dataDirectory, log } = parts.options;
  return new HubHouse({
    ...{ database, settings, bells, nowMs, version, dataDirectory, log },
    connections: parts.connections.log,
    onEvent: (listener) => services().notices.onEvent(listener),
    statuses: () => services().health().cameras,
    privacy: {
      isOff: (camera) => services().privacy.isOff(camera),
      setByBroker: (camera, isOff) => services().privacy.setByBroker(camera, isOff),
      onChange: (listener) => services().privacy.onChange(listener),
    },
    withRoom: (work) => services().retention.withRoom(work),
  });
}
