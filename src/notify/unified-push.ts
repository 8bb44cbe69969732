import webPush from "web-push";
import type { UnifiedPushBody } from "../protocol/api-notices.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { CarrierFailure, type Carrier, type Delivery } from "./notice.ts";
import { requireTaken, type Outward } from "./outward.ts";
import { HTTPS_PORT, isHostOf } from "./push-endpoint.ts";
import type { Way, Ways } from "./ways.ts";

export interface UnifiedPushOptions {
  readonly ways: Ways;
  readonly outward: Outward;
  /** Host, with its port where that is not the usual one, that an endpoint may lie at. */
  readonly hosts: () => readonly string[];
}

interface Keys {
  readonly p256dh: string;
  readonly auth: string;
}

const GONE = [404, 410];

/**
 * Messages to the endpoint that a device's distributor gave it (UnifiedPush: RFC 8030, encrypted by
 * RFC 8291 where the device gave keys). Only at hosts that the settings name.
 */
export class UnifiedPush implements Carrier {
  readonly name = "unified-push";
  readonly #options: UnifiedPushOptions;

  constructor(options: UnifiedPushOptions) {
    this.#options = options;
  }

  reaches(device: DeviceId): boolean {
    const way = this.#options.ways.of(device);
    return way !== null && this.#isAllowed(way.address);
  }

  /** Host of the endpoint of a device; null where it has given none. */
  serverOf(device: DeviceId): string | null {
    const way = this.#options.ways.of(device);
    return way && URL.canParse(way.address) ? new URL(way.address).host : null;
  }

  /** @throws MalformedInput, HubError `ENDPOINT_NOT_ALLOWED`. */
  set(device: DeviceId, { endpoint, p256dh, auth }: UnifiedPushBody): void {
    if (!this.#isAllowed(endpoint))
      throw new HubError(
        "ENDPOINT_NOT_ALLOWED",
        "Cannot send there: an endpoint must lie at the ntfy server of the settings or at a host of notify.services; an owner adds it there",
      );
    if ((p256dh === undefined) !== (auth === undefined))
      throw new MalformedInput("auth", "Cannot keep endpoint: p256dh and auth belong together");
    const keys = p256dh === undefined || auth === undefined ? null : { p256dh, auth };
    const way = { address: endpoint, keys: keys && JSON.stringify(keys) };
    try {
      bodyOf(way, "0".repeat(32));
    } catch (cause) {
      throw new MalformedInput("p256dh", "Cannot keep endpoint: p256dh is no key of P-256", {
        cause,
      });
    }
    this.#options.outward.mention(new URL(endpoint));
    this.#options.ways.set(device, way);
  }

  async send(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { ways, outward } = this.#options;
    const way = ways.of(delivery.device);
    if (!way) throw new CarrierFailure("gone", "this device has no endpoint");
    if (!this.#isAllowed(way.address))
      throw new CarrierFailure("refused", "its host is not in the settings any more");
    const { body, headers } = bodyOf(way, delivery.id);
    const answer = await outward.post(
      {
        url: new URL(way.address),
        headers: { ...headers, ttl: String(delivery.ttlSeconds), urgency: delivery.urgency },
        body,
      },
      signal,
    );
    try {
      requireTaken(answer, GONE);
    } catch (error) {
      if (error instanceof CarrierFailure && error.kind === "gone") ways.remove(delivery.device);
      throw error;
    }
  }

  #isAllowed(endpoint: string): boolean {
    if (!URL.canParse(endpoint)) return false;
    const { protocol, host, hostname, port, username, password } = new URL(endpoint);
    const isPlain = username === "" && password === "";
    const hosts = this.#options.hosts();
    // In the clear only to the very server that the settings name in the clear.
    const isKnown =
      protocol === "https:"
        ? hosts.some((named) => isHostOf(named, hostname, Number(port || HTTPS_PORT)))
        : protocol === "http:" && hosts.includes(`http://${host}`);
    return isPlain && isKnown;
  }
}

/** One size for all, whatever it is about. */
function bodyOf(
  { address, keys }: Way,
  id: string,
): { readonly body: Uint8Array; readonly headers: Record<string, string> } {
  const text = JSON.stringify({ id });
  if (keys === null)
    return { body: utf8Bytes(text), headers: { "content-type": "application/json" } };
  const { body } = webPush.generateRequestDetails(
    { endpoint: address, keys: JSON.parse(keys) as Keys },
    text,
    { contentEncoding: "aes128gcm" },
  );
  return {
    body,
    headers: { "content-type": "application/octet-stream", "content-encoding": "aes128gcm" },
  };
}
