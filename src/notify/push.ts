import webPush from "web-push";
import type { DeviceId } from "../protocol/ids.ts";
import { HubError } from "../protocol/errors.ts";
import { CarrierFailure, isForNow, type Carrier, type Delivery } from "./notice.ts";
import { placeOf, type PushPlace } from "./push-endpoint.ts";
import type { PushKeys } from "./push-keys.ts";
import { pushPayload } from "./push-payload.ts";
import { InsideAddress, type PushConnections, type PushReply } from "./push-send.ts";
import type { PushSubscriptionRow, PushSubscriptions } from "./push-subscriptions.ts";

/**
 * Whom a push service may write to about this hub's pushes. It names nobody: the same words for
 * every household. Apple refuses names that cannot be found, as `localhost` and `.invalid`.
 */
export const SUBJECT = "mailto:nobody@example.com";
/**
 * The same on every push that has one. It makes a push take the place of an older one that still
 * waits at the service, so only what may be replaced has it: a bell of 60 seconds must not take the
 * place of a request of 7 days.
 */
export const TOPIC = "doorward";
/** Half of what a token holds for; the service sees one token, not one a push. */
const TOKEN_AGE_MAX_MS = 6 * 3_600_000;
const TOKENS_MAX = 32;
const RETRY_AFTER_MAX_MS = 3_600_000;
const RETRY_AFTER_UNSAID_MS = 30_000;
/** Browsers whose service asked to wait; more than there may be subscriptions. */
const BUSY_MAX = 1_000;

/** Why a service did not take a push; pages have words for each. */
export type PushProblem =
  | "NOT_ALLOWED"
  | "INSIDE_ADDRESS"
  | "UNREACHABLE"
  | "BUSY"
  | "KEY_REFUSED"
  | "NOT_TAKEN";

export interface PushCarrierOptions {
  readonly keys: PushKeys;
  readonly subscriptions: PushSubscriptions;
  readonly connections: Pick<PushConnections, "send">;
  /** Hosts that the settings name besides the known ones. */
  readonly services: () => readonly string[];
  readonly isInHouse: (device: DeviceId) => boolean;
  /** Before anything connects there, and whether it answered; host and port. */
  readonly onConnect: (address: string, hasAnswered: boolean) => void;
  /** Told once when what came of a push could not be written down. */
  readonly warn: (message: string) => void;
  readonly nowMs: () => number;
}

/** Web Push (RFC 8030, 8291, 8292) to the browsers of a device. */
export class PushCarrier implements Carrier {
  readonly name = "push";
  readonly #options: PushCarrierOptions;
  /** By audience. */
  readonly #tokens = new Map<string, { readonly header: string; readonly madeAtMs: number }>();
  /** Until when a browser is to be left alone, by endpoint: no other one waits for it. */
  readonly #notBefore = new Map<string, number>();
  #isFailing = false;

  constructor(options: PushCarrierOptions) {
    this.#options = options;
  }

  reaches(device: DeviceId): boolean {
    const { subscriptions, isInHouse } = this.#options;
    return isInHouse(device) && subscriptions.of(device).length > 0;
  }

  async send(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { subscriptions, isInHouse } = this.#options;
    const { device } = delivery;
    if (!isInHouse(device)) subscriptions.forgetDevice(device);
    const ways = subscriptions.of(device);
    const tries = await Promise.allSettled(ways.map((way) => this.#push(way, delivery, signal)));
    if (tries.some(({ status }) => status === "fulfilled")) return;
    const failures = tries.flatMap((each) =>
      each.status === "rejected" ? [failureOf(each.reason)] : [],
    );
    // What may still come in is worth more than what is known to be lost.
    for (const kind of ["later", "refused"] as const) {
      const found = failures.find((failure) => failure.kind === kind);
      if (found) throw found;
    }
    throw new CarrierFailure("gone", "this device takes no pushes any more");
  }

  async #push(way: PushSubscriptionRow, delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { onConnect, nowMs } = this.#options;
    const place = this.#placeOf(way);
    const waitMs = (this.#notBefore.get(way.endpoint) ?? 0) - nowMs();
    // A bell is over before a service that asked to wait has waited enough: it is tried all the same.
    if (waitMs > 0 && waitMs <= RETRY_AFTER_MAX_MS && !isForNow(delivery.kind))
      throw this.#failed(way, "BUSY", { retryAfterMs: waitMs });
    const address = `${place.host}:${place.port}`;
    onConnect(address, false);
    const reply = await this.#ask(way, place, delivery, signal);
    onConnect(address, true);
    if (reply.status >= 200 && reply.status < 300) {
      this.#notBefore.delete(way.endpoint);
      this.#note(way, null);
      return;
    }
    throw this.#refusal(way, place, reply);
  }

  #placeOf(way: PushSubscriptionRow): PushPlace {
    try {
      return placeOf(way.endpoint, this.#options.services());
    } catch (cause) {
      // The settings named its host once.
      if (cause instanceof HubError) throw this.#failed(way, "NOT_ALLOWED", { cause });
      throw cause;
    }
  }

  async #ask(
    way: PushSubscriptionRow,
    place: PushPlace,
    { id, ttlSeconds, urgency, isReplacing }: Delivery,
    signal: AbortSignal,
  ): Promise<PushReply> {
    const { p256dh, auth, origin, language } = way;
    const { cipherText } = webPush.encrypt(
      p256dh.toString("base64url"),
      auth.toString("base64url"),
      pushPayload(id, origin, language),
      "aes128gcm",
    );
    const headers = {
      authorization: this.#tokenFor(place.audience),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: ttlSeconds,
      urgency,
      ...(isReplacing ? { topic: TOPIC } : {}),
    };
    try {
      return await this.#options.connections.send({ place, headers, body: cipherText, signal });
    } catch (cause) {
      const code = cause instanceof InsideAddress ? "INSIDE_ADDRESS" : "UNREACHABLE";
      throw this.#failed(way, code, { cause });
    }
  }

  #refusal(way: PushSubscriptionRow, place: PushPlace, reply: PushReply): CarrierFailure {
    const { subscriptions, nowMs } = this.#options;
    const { status } = reply;
    if (status === 404 || status === 410) {
      this.#write(() => subscriptions.forget(way.device, way.endpoint));
      return new CarrierFailure("gone", "its push service does not know this device any more");
    }
    if (status === 429 || status >= 500) {
      const retryAfterMs = retryAfterMsOf(reply.retryAfter, nowMs());
      if (this.#notBefore.size >= BUSY_MAX) this.#notBefore.clear();
      this.#notBefore.set(way.endpoint, nowMs() + retryAfterMs);
      // Where it says nothing, whoever sends knows best how long a bell can wait.
      return this.#failed(way, "BUSY", {
        status,
        ...(reply.retryAfter === null ? {} : { retryAfterMs }),
      });
    }
    // Made anew the next time: a clock that was wrong may be right by then.
    this.#tokens.delete(place.audience);
    const code = status === 401 || status === 403 ? "KEY_REFUSED" : "NOT_TAKEN";
    return this.#failed(way, code, { status });
  }

  #failed(
    way: PushSubscriptionRow,
    code: PushProblem,
    found: { retryAfterMs?: number; status?: number; cause?: unknown } = {},
  ): CarrierFailure {
    this.#note(way, code);
    const isLater = code === "UNREACHABLE" || code === "BUSY";
    const status = found.status === undefined ? "" : ` (it answered ${found.status})`;
    return new CarrierFailure(isLater ? "later" : "refused", `${SAID[code]}${status}`, {
      retryAfterMs: found.retryAfterMs ?? null,
      cause: found.cause,
    });
  }

  #note(way: PushSubscriptionRow, problem: PushProblem | null): void {
    this.#write(() => this.#options.subscriptions.note(way.endpoint, problem));
  }

  /** What became of a push holds also where the disk is full and cannot say so. */
  #write(write: () => void): void {
    try {
      write();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#options.warn(`push not written down: ${String(error)}`);
      this.#isFailing = true;
    }
  }

  #tokenFor(audience: string): string {
    // Of the machine's clock, as the services go by it, whatever the rest of the hub goes by.
    const nowMs = Date.now();
    const known = this.#tokens.get(audience);
    if (known && Math.abs(nowMs - known.madeAtMs) < TOKEN_AGE_MAX_MS) return known.header;
    const { publicKey, privateKey } = this.#options.keys;
    const { Authorization: header } = webPush.getVapidHeaders(
      ...([audience, SUBJECT, publicKey, privateKey] as const),
      "aes128gcm",
    );
    if (this.#tokens.size >= TOKENS_MAX) this.#tokens.clear();
    this.#tokens.set(audience, { header, madeAtMs: nowMs });
    return header;
  }
}

const SAID: Readonly<Record<PushProblem, string>> = {
  NOT_ALLOWED: "the push service of this device is no longer one that the settings name",
  INSIDE_ADDRESS: "the push service's name leads into a local network",
  UNREACHABLE: "the push service could not be reached",
  BUSY: "the push service asked to wait",
  KEY_REFUSED: "the push service refused this hub's key; look whether the hub's clock is right",
  NOT_TAKEN: "the push service did not take the notice",
};

/** Whatever else went wrong says nothing of the way to the device: it is worth another try. */
function failureOf(reason: unknown): CarrierFailure {
  if (reason instanceof CarrierFailure) return reason;
  return new CarrierFailure("later", "the push could not be made", { cause: reason });
}

/** RFC 9110, 10.2.3: seconds or a date. */
export function retryAfterMsOf(text: string | null, nowMs: number): number {
  const asked = /^\d{1,9}$/.test(text ?? "")
    ? Number(text) * 1_000
    : /^[A-Z].* GMT$/.test(text ?? "")
      ? Date.parse(text ?? "") - nowMs
      : Number.NaN;
  if (!Number.isFinite(asked)) return RETRY_AFTER_UNSAID_MS;
  return Math.min(Math.max(asked, 1_000), RETRY_AFTER_MAX_MS);
}
