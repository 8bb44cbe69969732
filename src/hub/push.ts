import { createHash, randomBytes } from "node:crypto";
import type { HubDatabase } from "../base/database.ts";
import type { Connections } from "../http/connections.ts";
import type { NoticeDesk } from "../http/notice-desk.ts";
import type { PushDesk } from "../http/push-desk.ts";
import type { Household } from "../keys/household.ts";
import { PushCarrier } from "../notify/push.ts";
import { placeOf, pushKeysOf } from "../notify/push-endpoint.ts";
import type { PushKeys } from "../notify/push-keys.ts";
import { pushPayload } from "../notify/push-payload.ts";
import { PushConnections } from "../notify/push-send.ts";
import { PushSubscriptions } from "../notify/push-subscriptions.ts";
import type { NotifySettings } from "../settings/notify.ts";
import type { PushAnswer, PushBody, PushStored } from "../protocol/api-push.ts";
import { HubError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { roleOfDevice } from "../protocol/keyring.ts";

const SECRET_BYTES = 32;
/** Half of a SHA-256 in hex: names what is not to be told. */
const NAME_CHARACTERS = 32;

export interface HubPushOptions {
  readonly database: HubDatabase;
  /** Null where they cannot be used, which was said. */
  readonly pushKeys: PushKeys | null;
  readonly household: Pick<Household, "keyring">;
  readonly settings: { readonly current: { readonly notify?: NotifySettings } };
  readonly connections: {
    readonly log: Pick<Connections, "mention" | "connected" | "disconnected">;
  };
  readonly nowMs: () => number;
  readonly warn: (message: string) => void;
}

/** Web Push as a way out of the house, and what its devices may set about it. */
export class HubPush implements PushDesk {
  readonly #options: HubPushOptions;
  readonly #subscriptions: PushSubscriptions;
  readonly #sockets = new PushConnections();

  readonly #notices: () => Pick<NoticeDesk, "addCarrier" | "forgetWay">;

  constructor(
    options: HubPushOptions,
    notices: () => Pick<NoticeDesk, "addCarrier" | "forgetWay">,
  ) {
    this.#options = options;
    this.#notices = notices;
    this.#subscriptions = new PushSubscriptions(options.database, options.nowMs);
  }

  /** From here on notices go out this way, too. */
  open(): void {
    const { pushKeys: keys, connections, nowMs, warn } = this.#options;
    const { log } = connections;
    if (keys === null) return;
    this.#notices().addCarrier(
      new PushCarrier({
        ...{ keys, nowMs, warn },
        services: () => this.#services(),
        subscriptions: this.#subscriptions,
        connections: this.#sockets,
        isInHouse: (device) => this.#isInHouse(device),
        onConnect: (address, hasAnswered) => {
          const place = { what: "push service", address };
          log.mention(place);
          if (!hasAnswered) return;
          log.connected(place);
          log.disconnected(place);
        },
      }),
    );
    this.settle();
  }

  answer(device: DeviceId): PushAnswer {
    return {
      key: this.#keys().publicKey,
      subscriptions: this.#subscriptions.of(device).map((row) => ({
        id: idOf(row.endpoint),
        service: URL.parse(row.endpoint)?.hostname ?? "",
        language: row.language,
        createdAtMs: row.createdAtMs,
        takenAtMs: row.takenAtMs,
        secretName: row.secretSha256?.slice(0, NAME_CHARACTERS) ?? null,
        problem: row.problem,
      })),
    };
  }

  #keys(): PushKeys {
    const { pushKeys } = this.#options;
    if (pushKeys) return pushKeys;
    throw new HubError(
      "PUSH_OFF",
      "Cannot push: the hub cannot use its key for pushes; its log says why",
    );
  }

  subscribe(device: DeviceId, origin: string, body: PushBody): PushStored {
    const { endpoint, replaces = null } = body;
    this.#keys();
    placeOf(endpoint, this.#services());
    const keys = pushKeysOf(body);
    const known = this.#subscriptions.of(device).find((row) => row.endpoint === endpoint);
    const language = body.language ?? known?.language ?? "en";
    // Tried now, where somebody sees that it cannot be, and not at the first bell.
    pushPayload("0".repeat(32), origin, language);
    const secret = randomBytes(SECRET_BYTES).toString("hex");
    const secretSha256 = sha256Text(secret);
    this.#subscriptions.keep(
      { device, endpoint, origin, language, ...keys, secretSha256 },
      replaces,
    );
    return { ...this.answer(device), secret };
  }

  unsubscribe(device: DeviceId, id: string): PushAnswer {
    const found = this.#subscriptions.of(device).find(({ endpoint }) => idOf(endpoint) === id);
    if (found) this.#subscriptions.forget(device, found.endpoint);
    if (this.#subscriptions.of(device).length === 0) this.#forgetWay(device);
    return this.answer(device);
  }

  readerOf(secret: string): DeviceId | null {
    // Looked up by its hash, so that the time it takes says nothing of the secret.
    const device = this.#subscriptions.deviceOfSecret(sha256Text(secret));
    return device !== null && this.#isInHouse(device) ? device : null;
  }

  leave(device: DeviceId): void {
    if (this.#subscriptions.forgetDevice(device)) this.#forgetWay(device);
  }

  settle(): void {
    if (!this.#options.household.keyring) return;
    for (const device of this.#subscriptions.devices())
      if (!this.#isInHouse(device)) this.leave(device);
  }

  [Symbol.dispose](): void {
    this.#sockets[Symbol.dispose]();
  }

  #isInHouse(device: DeviceId): boolean {
    const { keyring } = this.#options.household;
    return keyring !== null && roleOfDevice(keyring, device) !== null;
  }

  #forgetWay(device: DeviceId): void {
    this.#notices().forgetWay("push", device);
  }

  #services(): readonly string[] {
    return this.#options.settings.current.notify?.services ?? [];
  }
}

function idOf(endpoint: string): string {
  return sha256Text(endpoint).slice(0, NAME_CHARACTERS);
}

function sha256Text(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
