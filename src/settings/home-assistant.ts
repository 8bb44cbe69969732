import Type, { type Static, type TSchema } from "typebox";
import type { BellRule } from "../camera/bell/rules.ts";
import { WEBHOOK_EVENTS, type WebhookEvent } from "../notify/webhook-message.ts";
import { OWN_TOPICS } from "../notify/home-assistant.ts";
import { wrongAt, type CheckedText } from "./file.ts";

/** Home Assistant and webhooks outward, as they stand in the settings file. */

const WEBHOOKS_MAX = 8;
const PREFIX_DEFAULT = "homeassistant";
const OWN_BELL = /^\/api\/bells\/[^/]+\/ring\//;
const closed = { additionalProperties: false } as const;

/** What the broker may do to the privacy switch: nothing, switch cameras off, or both. */
const PRIVACY_BY_BROKER = ["off", "off-only", "on"] as const;
export type PrivacyByBroker = (typeof PRIVACY_BY_BROKER)[number];

export const HomeAssistantSchema = Type.Object(
  {
    discovery: Type.Optional(Type.Boolean({ description: "true or false" })),
    prefix: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_-]{1,60}$",
        description: "a word as homeassistant, of letters, digits, _ and -",
      }),
    ),
    privacySwitch: Type.Optional(
      Type.Union(
        PRIVACY_BY_BROKER.map((each) => Type.Literal(each)),
        { description: `one of ${PRIVACY_BY_BROKER.join(", ")}` },
      ) as unknown as Type.TUnsafe<PrivacyByBroker>,
    ),
  },
  closed,
);

export interface HomeAssistantSettings {
  /** Under which Home Assistant looks for what announces itself. */
  readonly prefix: string;
  readonly privacySwitch: PrivacyByBroker;
}

/** @returns Null where nothing is announced. @throws SettingsError without a broker. */
export function readHomeAssistant(
  file: string,
  checked: CheckedText<TSchema>,
  written: Static<typeof HomeAssistantSchema> | undefined,
  hasBroker: boolean,
): HomeAssistantSettings | null {
  if (written?.discovery !== true) return null;
  if (!hasBroker)
    throw wrongAt(
      file,
      checked,
      ["homeAssistant", "discovery"],
      "Home Assistant is told over a broker, and mqtt.url is not set",
    );
  return {
    prefix: written.prefix ?? PREFIX_DEFAULT,
    // Unsaid: whoever has the broker's password may not blind a camera.
    privacySwitch: written.privacySwitch ?? "off",
  };
}

/**
 * @throws SettingsError where a bell or the chime uses topics on which the hub itself speaks: what it
 * announces would ring, and what rings would be announced.
 */
export function requireOwnTopics(
  file: string,
  checked: CheckedText<TSchema>,
  settings: HomeAssistantSettings | null,
  cameras: readonly { readonly id: string; readonly bells?: readonly BellRule[] }[],
): void {
  if (!settings) return;
  const isOwn = (topic: string): boolean =>
    topic.startsWith(OWN_TOPICS) || topic.startsWith(`${settings.prefix}/`);
  const camera = cameras.find(({ bells }) =>
    bells?.some((bell) => bell.via === "mqtt" && isOwn(bell.topic)),
  );
  if (camera)
    throw wrongAt(
      file,
      checked,
      ["homeAssistant", "discovery"],
      `the bell of ${camera.id} listens to a topic below ${OWN_TOPICS} or ${settings.prefix}/, where the hub itself speaks: each ring would bring about the next one`,
    );
}

export const WebhooksSchema = Type.Array(
  Type.Object(
    {
      url: Type.String({
        pattern: "^https?://[!-~]+$",
        maxLength: 500,
        description: "an address as http://192.0.2.5:8123/api/webhook/abc",
      }),
      events: Type.Array(
        Type.Union(
          WEBHOOK_EVENTS.map((event) => Type.Literal(event)),
          { description: `one of ${WEBHOOK_EVENTS.join(", ")}` },
        ) as unknown as Type.TUnsafe<WebhookEvent>,
        { minItems: 1, maxItems: WEBHOOK_EVENTS.length, description: "a list of events" },
      ),
      anywhere: Type.Optional(Type.Boolean({ description: "true or false" })),
    },
    closed,
  ),
  { maxItems: WEBHOOKS_MAX, description: `a list of at most ${WEBHOOKS_MAX} webhooks` },
);

export interface WebhookSettings {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  /** Whether it may be outside the local network. */
  readonly anywhere: boolean;
}

/** @throws SettingsError for an address that cannot be called, or two that are the same. */
export function readWebhooks(
  file: string,
  checked: CheckedText<TSchema>,
  written: Static<typeof WebhooksSchema>,
): readonly WebhookSettings[] {
  const known = new Set<string>();
  return written.map(({ url, events, anywhere = false }, index) => {
    const at = ["webhooks", index, "url"];
    if (!URL.canParse(url))
      throw wrongAt(file, checked, at, "expected an address as http://192.0.2.5:8123/api/hook");
    const { username, password, hash, pathname } = new URL(url);
    if (OWN_BELL.test(pathname))
      throw wrongAt(file, checked, at, "this rings a bell of a hub: each ring would bring another");
    if (username !== "" || password !== "" || hash !== "")
      throw wrongAt(file, checked, at, "the address may have no user, password or #");
    if (known.has(url)) throw wrongAt(file, checked, at, "this address stands in the list twice");
    known.add(url);
    return { url, events: [...new Set(events)], anywhere };
  });
}
