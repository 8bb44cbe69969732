import { CameraError } from "../camera-error.ts";
import { ownAddress, type OnvifDevice } from "./device.ts";
import { NAMESPACES, type SoapCall } from "./soap.ts";
import { at, child, childrenOf, escapeXml, textAt, type XmlElement } from "./xml.ts";

/** One notification, as bell rules look at it. */
export interface EventMessage {
  /** Without prefixes: `RuleEngine/MyRuleDetector/Visitor`. */
  readonly topic: string;
  /** What the property did; null for an event that is no property. `Initialized` tells a state only. */
  readonly operation: "Initialized" | "Changed" | "Deleted" | null;
  /** By the device's own clock; null where it is none. */
  readonly deviceMs: number | null;
  /** Simple items by name, as written: `true`, `1` and `Ring` are texts. */
  readonly source: ReadonlyMap<string, string>;
  readonly key: ReadonlyMap<string, string>;
  readonly data: ReadonlyMap<string, string>;
}

export interface EventProperties {
  /** Every topic that the device may send, without prefixes, with the names of its items. */
  readonly topics: readonly {
    readonly topic: string;
    readonly source: readonly string[];
    readonly data: readonly string[];
  }[];
}

export interface PullOptions {
  /** How long the device may hold its answer back. */
  readonly timeoutMs: number;
  readonly messageLimit: number;
  readonly signal?: AbortSignal;
}

const ACTION = {
  properties: `${NAMESPACES.events}/EventPortType/GetEventPropertiesRequest`,
  create: `${NAMESPACES.events}/EventPortType/CreatePullPointSubscriptionRequest`,
  pull: `${NAMESPACES.events}/PullPointSubscription/PullMessagesRequest`,
  synchronize: `${NAMESPACES.events}/PullPointSubscription/SetSynchronizationPointRequest`,
  renew: "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest",
  unsubscribe: "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest",
} as const;
const TOPICS_MAX = 500;
const ITEMS_MAX = 32;
const TEXT_LENGTH_MAX = 300;
const MESSAGES_MAX = 100;
const PARAMETERS_BYTES_MAX = 4_096;
/** Beyond what the device was asked to wait. */
const PULL_GRACE_MS = 10_000;

/** @throws CameraError as {@link SoapClient.call}. */
export async function readEventProperties(
  device: OnvifDevice,
  signal?: AbortSignal,
): Promise<EventProperties> {
  const answer = await device.soap.call({
    url: device.urlOf("events"),
    action: ACTION.properties,
    body: `<GetEventProperties xmlns="${NAMESPACES.events}"/>`,
    ...(signal === undefined ? {} : { signal }),
  });
  const topics: EventProperties["topics"][number][] = [];
  const walk = (element: XmlElement, path: readonly string[]): void => {
    for (const part of element.children) {
      if (topics.length >= TOPICS_MAX) return;
      if (part.name === "MessageDescription" || part.name === "documentation") continue;
      const at = [...path, part.name];
      const description = child(part, "MessageDescription");
      const isTopic = [...part.attributes].some(
        ([name, value]) => name === "topic" && (value === "true" || value === "1"),
      );
      if (isTopic || description)
        topics.push({
          topic: at.join("/"),
          source: itemNames(child(description, "Source")),
          data: itemNames(child(description, "Data")),
        });
      walk(part, at);
    }
  };
  const set = child(answer, "TopicSet");
  if (set) walk(set, []);
  return { topics };
}

function itemNames(element: XmlElement | undefined): string[] {
  return (element?.children ?? [])
    .slice(0, ITEMS_MAX)
    .map(({ attributes }) => (attributes.get("Name") ?? "").slice(0, TEXT_LENGTH_MAX));
}

/**
 * A place at the device where its messages wait (ONVIF Core section 9, real-time pull-point). It
 * lapses at the device unless it is renewed, or pulled where the device counts that.
 */
export class PullPoint {
  readonly #device: OnvifDevice;
  readonly #url: string;
  /** Header blocks that the device wants repeated (WS-Addressing reference parameters). */
  readonly #header: string;
  /** Milliseconds until it lapses, from when the device last said so; null where it did not. */
  lapsesInMs: number | null;

  private constructor(device: OnvifDevice, url: string, header: string, lapsesInMs: number | null) {
    this.#device = device;
    this.#url = url;
    this.#header = header;
    this.lapsesInMs = lapsesInMs;
  }

  /**
   * @param lapseMs - How long it shall last without a renewal.
   * @throws CameraError as {@link SoapClient.call}.
   */
  static async create(
    device: OnvifDevice,
    lapseMs: number,
    signal?: AbortSignal,
  ): Promise<PullPoint> {
    const eventsUrl = device.urlOf("events");
    const answer = await device.soap.call({
      url: eventsUrl,
      action: ACTION.create,
      body: `<CreatePullPointSubscription xmlns="${NAMESPACES.events}"><InitialTerminationTime>${duration(lapseMs)}</InitialTerminationTime></CreatePullPointSubscription>`,
      ...(signal === undefined ? {} : { signal }),
    });
    const reference = child(answer, "SubscriptionReference");
    const address = textAt(reference, "Address");
    // Behind a router a device may name an address of its own; its path is asked at our host.
    const own = address === null ? null : ownAddress(device.soap.http, eventsUrl, address).own;
    if (own === null)
      throw new CameraError("PROTOCOL_ERROR", "Cannot subscribe at camera: it names no address");
    const header = (child(reference, "ReferenceParameters")?.children ?? [])
      .map((parameter) => repeated(parameter))
      .join("");
    if (header.length > PARAMETERS_BYTES_MAX)
      throw new CameraError(
        "PROTOCOL_ERROR",
        "Cannot subscribe at camera: its subscription has more than 4 KiB of parameters",
      );
    return new PullPoint(device, own, header, lapseOf(answer));
  }

  /**
   * Waits at the device for messages. A device that hangs up meanwhile has none: real ones do, after
   * five to ten seconds.
   *
   * @returns the messages, none where the time was over.
   * @throws CameraError `DEVICE_FAULT` where the subscription is gone, and as {@link SoapClient.call}.
   */
  async pull({ timeoutMs, messageLimit, signal }: PullOptions): Promise<readonly EventMessage[]> {
    const limit = Math.min(messageLimit, MESSAGES_MAX);
    const answer = await this.#call({
      action: ACTION.pull,
      body: `<PullMessages xmlns="${NAMESPACES.events}"><Timeout>${duration(timeoutMs)}</Timeout><MessageLimit>${limit}</MessageLimit></PullMessages>`,
      answerTimeoutMs: timeoutMs + PULL_GRACE_MS,
      totalTimeoutMs: timeoutMs + 2 * PULL_GRACE_MS,
      ...(signal === undefined ? {} : { signal }),
    });
    this.lapsesInMs = lapseOf(answer) ?? this.lapsesInMs;
    return childrenOf(answer, "NotificationMessage").slice(0, MESSAGES_MAX).flatMap(readMessage);
  }

  /** Asks the device to tell the state of its properties again, as `Initialized`. */
  async synchronize(signal?: AbortSignal): Promise<void> {
    await this.#call({
      action: ACTION.synchronize,
      body: `<SetSynchronizationPoint xmlns="${NAMESPACES.events}"/>`,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async renew(lapseMs: number, signal?: AbortSignal): Promise<void> {
    const answer = await this.#call({
      action: ACTION.renew,
      body: `<Renew xmlns="${NAMESPACES.notification}"><TerminationTime>${duration(lapseMs)}</TerminationTime></Renew>`,
      ...(signal === undefined ? {} : { signal }),
    });
    this.lapsesInMs = lapseOf(answer) ?? this.lapsesInMs;
  }

  async unsubscribe(signal?: AbortSignal): Promise<void> {
    await this.#call({
      action: ACTION.unsubscribe,
      body: `<Unsubscribe xmlns="${NAMESPACES.notification}"/>`,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #call(call: Omit<SoapCall, "url" | "header">): Promise<XmlElement> {
    return this.#device.soap.call({ ...call, url: this.#url, header: this.#header });
  }
}

/** Only element, text and attributes: what the device wrote is written anew, never copied. */
function repeated(element: XmlElement, depth = 0): string {
  if (depth > 4) return "";
  const attributes = [...element.attributes]
    .filter(([name]) => name !== "IsReferenceParameter")
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join("");
  const mark = depth === 0 ? ` a:IsReferenceParameter="true"` : "";
  const inside = element.children.map((part) => repeated(part, depth + 1)).join("");
  const { name, namespace, text } = element;
  return `<${name} xmlns="${escapeXml(namespace)}"${attributes}${mark}>${escapeXml(text)}${inside}</${name}>`;
}

function readMessage(notification: XmlElement): EventMessage[] {
  const topic = (textAt(notification, "Topic") ?? "")
    .split("/")
    .map((part) => part.slice(part.lastIndexOf(":") + 1).trim())
    .join("/")
    .slice(0, TEXT_LENGTH_MAX);
  const message = at(notification, "Message", "Message");
  if (topic === "" || !message) return [];
  const operation = message.attributes.get("PropertyOperation");
  const deviceMs = Date.parse(message.attributes.get("UtcTime") ?? "");
  return [
    {
      topic,
      operation:
        operation === "Initialized" || operation === "Changed" || operation === "Deleted"
          ? operation
          : null,
      deviceMs: Number.isFinite(deviceMs) ? deviceMs : null,
      source: readItems(child(message, "Source")),
      key: readItems(child(message, "Key")),
      data: readItems(child(message, "Data")),
    },
  ];
}

function readItems(element: XmlElement | undefined): ReadonlyMap<string, string> {
  return new Map(
    childrenOf(element, "SimpleItem")
      .slice(0, ITEMS_MAX)
      .map(({ attributes }) => [
        (attributes.get("Name") ?? "").slice(0, TEXT_LENGTH_MAX),
        (attributes.get("Value") ?? "").slice(0, TEXT_LENGTH_MAX),
      ]),
  );
}

/** Both times are the device's, so that its clock need not be right. */
function lapseOf(answer: XmlElement): number | null {
  const current = Date.parse(textAt(answer, "CurrentTime") ?? "");
  const termination = Date.parse(textAt(answer, "TerminationTime") ?? "");
  const lapseMs = termination - current;
  return Number.isFinite(lapseMs) ? Math.max(0, lapseMs) : null;
}

/** ISO 8601, in whole seconds. */
function duration(milliseconds: number): string {
  return `PT${Math.max(1, Math.round(milliseconds / 1_000))}S`;
}
