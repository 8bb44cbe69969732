import { connectAsync, type MqttClient } from "mqtt";

interface Component {
  readonly platform: string;
  readonly unique_id: string;
  readonly name: string;
  readonly state_topic: string;
  readonly event_types?: readonly string[];
  readonly command_topic?: string;
  readonly payload_on?: string;
  readonly payload_off?: string;
  readonly device_class?: string;
}

interface Device {
  readonly device: { readonly identifiers: readonly string[]; readonly name: string };
  readonly origin: { readonly name: string };
  readonly components: Readonly<Record<string, Component>>;
  readonly availability: readonly {
    readonly topic: string;
    readonly payload_available: string;
    readonly payload_not_available: string;
  }[];
}

/** Device classes of an event entity, and platforms that this peer knows. */
const EVENT_CLASSES = ["button", "doorbell", "motion"];
const CONFIG = /^[^/]+\/device\/([A-Za-z0-9_-]{1,64})\/config$/;

/**
 * A peer that does over a real broker what Home Assistant does: takes announcements, forgets what is
 * taken back, and lets each announced topic have no other payload than its entity understands.
 */
export class HomeAssistantPeer implements AsyncDisposable {
  readonly #client: MqttClient;
  readonly #prefix: string;
  readonly devices = new Map<string, Device>();
  /** By topic of each entity: what was last said there. */
  readonly states = new Map<string, string>();
  /** What an event entity would have fired: topic's entity and event type. */
  readonly events: string[] = [];
  /** What it would have written into its log as a mistake of ours. */
  readonly mistakes: string[] = [];
  /** All that came, for whoever looks for what should not be there. */
  readonly heard: string[] = [];

  private constructor(client: MqttClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  static async start(options: {
    port: number;
    user: string;
    password: string;
    prefix?: string;
  }): Promise<HomeAssistantPeer> {
    const { port, user, password, prefix = "homeassistant" } = options;
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { username: user, password });
    const peer = new HomeAssistantPeer(client, prefix);
    client.on("message", (topic, payload, { retain }) =>
      peer.#take(topic, payload.toString(), retain),
    );
    await client.subscribeAsync(["#"], { qos: 1 });
    return peer;
  }

  /** As after its own restart. */
  async birth(): Promise<void> {
    await this.#client.publishAsync(`${this.#prefix}/status`, "online", { qos: 1, retain: true });
  }

  async say(topic: string, payload: string): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1 });
  }

  deviceNamed(name: string): Device | null {
    return [...this.devices.values()].find(({ device }) => device.name === name) ?? null;
  }

  isAvailable({ availability }: Device): boolean {
    return availability.every(
      ({ topic, payload_available }) => this.states.get(topic) === payload_available,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync();
  }

  #take(topic: string, payload: string, retain: boolean): void {
    this.heard.push(`${topic} ${payload}`);
    const [, id] = CONFIG.exec(topic) ?? [];
    if (id !== undefined) {
      if (payload === "") this.devices.delete(id);
      else this.#announced(id, payload);
      return;
    }
    const found = this.#entityOf(topic);
    if (!found || payload === "") {
      this.states.set(topic, payload);
      return;
    }
    if (found.platform === "event") this.#fired(found, payload, retain);
    else if (payload === found.payload_on || payload === found.payload_off)
      this.states.set(topic, payload);
    else this.mistakes.push(`${topic}: ${payload} is no state`);
  }

  #entityOf(topic: string): Component | null {
    for (const { components } of this.devices.values())
      for (const component of Object.values(components))
        if (component.state_topic === topic) return component;
    return null;
  }

  #fired({ unique_id, event_types = [] }: Component, payload: string, retain: boolean): void {
    const said = JSON.parse(payload) as { event_type?: unknown };
    const type = String(said.event_type);
    // Home Assistant fires a kept event again at each of its starts.
    if (retain) this.mistakes.push(`${unique_id}: a kept event`);
    if (event_types.includes(type)) this.events.push(`${unique_id} ${type}`);
    else this.mistakes.push(`${unique_id}: ${type} is no event type`);
  }

  #announced(id: string, payload: string): void {
    const device = JSON.parse(payload) as Device;
    this.devices.set(id, device);
    const mistake = (words: string): void => void this.mistakes.push(`${id}: ${words}`);
    if (device.device.identifiers.length === 0) mistake("a device without identifiers");
    if (!device.origin.name) mistake("no origin");
    if (device.availability.length === 0) mistake("no availability");
    const ids = [...this.devices.values()].flatMap(({ components }) =>
      Object.values(components).map(({ unique_id }) => unique_id),
    );
    if (new Set(ids).size !== ids.length) mistake("a unique id twice");
    for (const component of Object.values(device.components)) {
      const { platform, unique_id, state_topic, event_types, device_class, command_topic } =
        component;
      if (!unique_id || !state_topic) mistake("an entity without id or topic");
      if (platform === "event") {
        if (!event_types || event_types.length === 0) mistake("an event without types");
        if (!EVENT_CLASSES.includes(device_class ?? "")) mistake(`class ${device_class}`);
        if (device_class === "doorbell" && event_types?.includes("ring") !== true)
          mistake("a doorbell that does not ring");
      } else if (platform === "switch" ? !command_topic : platform !== "binary_sensor")
        mistake(`platform ${platform} without what it needs`);
    }
  }
}
