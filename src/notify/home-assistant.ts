import { createHmac } from "node:crypto";
import { EVENT_KINDS, type EventKind } from "../protocol/ids.ts";

/**
 * What Home Assistant is told over MQTT: its device-based discovery (its documentation, "MQTT", "Device
 * discovery payload"; Home Assistant 2024.12 and later). Bytes and names only: who connects and sends
 * is not this file's matter.
 */

/** Below this the hub speaks and hears; no bell may listen there. */
export const OWN_TOPICS = "doorward/";
export const ONLINE = "online";
export const OFFLINE = "offline";
const SWITCHED_OFF = "ON";
const SWITCHED_ON = "OFF";
const NAME_CHARACTERS = 80;
/** What moves can turn out to be; `bell` is not seen, it is pressed. */
const MOTION_TYPES = EVENT_KINDS.filter((kind) => kind !== "bell");

export interface HouseCamera {
  readonly id: string;
  /** As the settings name it. */
  readonly name: string;
}

/** Topics of one hub. Made from a key of its own, so that they tell nobody which camera it is. */
export class HouseTopics {
  readonly #key: Uint8Array;
  readonly #prefix: string;

  /** @param prefix - Under which Home Assistant looks: by default `homeassistant`. */
  constructor(key: Uint8Array, prefix: string) {
    this.#key = key;
    this.#prefix = prefix;
  }

  get availability(): string {
    return `${this.#base}/availability`;
  }

  /** On which Home Assistant says that it has come up. */
  get birth(): string {
    return `${this.#prefix}/status`;
  }

  config(camera: string): string {
    return `${this.#prefix}/device/doorward_${this.opaque(camera)}/config`;
  }

  of(camera: string, what: "bell" | "motion" | "privacy" | "privacy/set"): string {
    return `${this.#base}/${this.opaque(camera)}/${what}`;
  }

  /** 64 bits, the same for ever. */
  opaque(name: string): string {
    return createHmac("sha256", this.#key).update(`camera ${name}`).digest("hex").slice(0, 16);
  }

  get #base(): string {
    const hub = createHmac("sha256", this.#key).update("hub").digest("hex").slice(0, 16);
    return `${OWN_TOPICS}${hub}`;
  }
}

/** The announcement of one camera: a device with its bell, what moves, and its privacy switch. */
export function discoveryOf(
  camera: HouseCamera,
  topics: HouseTopics,
  options: { readonly version: string; readonly hasSwitch: boolean },
): string {
  const id = `doorward_${topics.opaque(camera.id)}`;
  const name = camera.name.slice(0, NAME_CHARACTERS);
  const motion = {
    ...{ platform: "event", unique_id: `${id}_motion`, name: "Motion", device_class: "motion" },
    event_types: MOTION_TYPES,
    state_topic: topics.of(camera.id, "motion"),
  };
  const bell = {
    ...{ platform: "event", unique_id: `${id}_bell`, name: "Bell", device_class: "doorbell" },
    event_types: ["ring"],
    state_topic: topics.of(camera.id, "bell"),
  };
  const common = {
    name: "Switched off",
    state_topic: topics.of(camera.id, "privacy"),
    payload_on: SWITCHED_OFF,
    payload_off: SWITCHED_ON,
  };
  const privacy = options.hasSwitch
    ? {
        ...{ platform: "switch", unique_id: `${id}_privacy`, ...common, optimistic: false },
        ...{ command_topic: topics.of(camera.id, "privacy/set"), icon: "mdi:eye-off" },
      }
    : { platform: "binary_sensor", unique_id: `${id}_off`, ...common, icon: "mdi:eye-off" };
  return JSON.stringify({
    device: { identifiers: [id], name, manufacturer: "Doorward", sw_version: options.version },
    origin: { name: "Doorward", sw_version: options.version },
    components: { bell, motion, privacy },
    availability: [
      {
        topic: topics.availability,
        payload_available: ONLINE,
        payload_not_available: OFFLINE,
      },
    ],
    qos: 1,
  });
}

export function ringPayload(): string {
  return JSON.stringify({ event_type: "ring" });
}

/** What moved and nothing of who: no picture, no recording, no person. */
export function motionPayload(kind: EventKind): string {
  const type = kind === "bell" ? "motion" : kind;
  return JSON.stringify({ event_type: type, class: type });
}

export function privacyPayload(isOff: boolean): string {
  return isOff ? SWITCHED_OFF : SWITCHED_ON;
}

/** @returns Whether the camera is to be off; null for what is no command. */
export function readPrivacyCommand(payload: string): boolean | null {
  if (payload === SWITCHED_OFF) return true;
  return payload === SWITCHED_ON ? false : null;
}
