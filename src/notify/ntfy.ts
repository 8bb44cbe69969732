import { randomBytes } from "node:crypto";
import { toHex, utf8Bytes } from "../protocol/bytes.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { CarrierFailure, isForNow, type Carrier, type Delivery, type Urgency } from "./notice.ts";
import { requireTaken, type Outward } from "./outward.ts";
import type { Ways } from "./ways.ts";

export interface NtfyServer {
  /** Without anything behind its path's end. */
  readonly url: string;
  /** Of `secrets/notify.yaml`; null where the server asks for none. */
  readonly token: string | null;
}

export interface NtfyOptions {
  /** As the settings name it now; null for none. */
  readonly server: () => NtfyServer | null;
  readonly ways: Ways;
  readonly outward: Outward;
  /** The one address of the house's page, without a slash behind. */
  readonly origin: () => string;
}

/** Said of everything, whatever it is: only the page says more, to whom it may. */
export const NTFY_WORDS = "Open to see. Ouvrez pour voir.";
const TOPIC_LETTERS = "dw";

/** One digit each, so that every message has one size. */
const PRIORITIES: Readonly<Record<Urgency, string>> = {
  high: "5",
  normal: "3",
  low: "2",
  "very-low": "1",
};

/**
 * Messages through an ntfy server that the settings name, to a topic of each device that only it
 * knows: its name is 128 random bits. ntfy has no time to live; so that a bell is not heard hours
 * later, what is over within minutes is not kept by the server for a phone that is away.
 */
export class Ntfy implements Carrier {
  readonly name = "ntfy";
  readonly #options: NtfyOptions;

  constructor(options: NtfyOptions) {
    this.#options = options;
  }

  reaches(device: DeviceId): boolean {
    return this.#options.server() !== null && this.#options.ways.of(device) !== null;
  }

  /** A topic that is there already stays. */
  start(device: DeviceId): void {
    const { ways } = this.#options;
    if (ways.of(device)) return;
    ways.set(device, { address: `${TOPIC_LETTERS}${toHex(randomBytes(16))}`, keys: null });
  }

  /** Address of a device's topic; null where it has none. */
  topicUrl(device: DeviceId): string | null {
    const server = this.#options.server();
    const way = this.#options.ways.of(device);
    return server && way ? `${server.url}/${way.address}` : null;
  }

  async send(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { server, outward, origin } = this.#options;
    const url = this.topicUrl(delivery.device);
    if (url === null) throw new CarrierFailure("gone", "this device has no topic");
    const token = server()?.token ?? null;
    const answer = await outward.post(
      {
        url: new URL(url),
        headers: {
          "content-type": "text/plain; charset=utf-8",
          click: `${origin()}/#/notice/${delivery.id}`,
          priority: PRIORITIES[delivery.urgency],
          cache: isForNow(delivery.kind) ? "0" : "1",
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        body: utf8Bytes(NTFY_WORDS),
      },
      signal,
    );
    // A topic is there as soon as it is named: nothing that the server says ends it.
    requireTaken(answer, []);
  }
}
