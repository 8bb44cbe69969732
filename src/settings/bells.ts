import path from "node:path";
import Type from "typebox";
import type { BellRule } from "../camera/bell/rules.ts";
import { BELL_RULES_MAX, BELL_TEXT_MAX } from "../protocol/api-bells.ts";
import { checkText, lineOfText, requireShape, wrongAt, type CheckedText } from "./file.ts";

/** The bells of a camera and the MQTT broker, as they stand in the settings file. */

const closed = { additionalProperties: false } as const;
const text = lineOfText(BELL_TEXT_MAX);
const port = Type.Integer({ minimum: 1, maximum: 65_535, description: "a port from 1 to 65535" });

const SCHEMAS = {
  onvif: Type.Object(
    {
      via: Type.Literal("onvif"),
      topic: text,
      item: Type.Optional(text),
      value: Type.Optional(text),
    },
    closed,
  ),
  dahua: Type.Object(
    { via: Type.Literal("dahua"), code: Type.Optional(text), port: Type.Optional(port) },
    closed,
  ),
  hikvision: Type.Object({ via: Type.Literal("hikvision"), port: Type.Optional(port) }, closed),
  webhook: Type.Object({ via: Type.Literal("webhook") }, closed),
  mqtt: Type.Object(
    {
      via: Type.Literal("mqtt"),
      topic: text,
      item: Type.Optional(text),
      value: Type.Optional(text),
    },
    closed,
  ),
  command: Type.Object(
    {
      via: Type.Literal("command"),
      /** Path of a program of this machine and its arguments; no shell reads them. */
      command: Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), {
        ...{ minItems: 1, maxItems: 32 },
        description: "a program and its arguments, as [/usr/bin/gpiomon, ...]",
      }),
      /** Only lines that hold this ring; left out: every line. */
      value: Type.Optional(text),
    },
    closed,
  ),
} as const;

/** Sub-schema of a camera in the settings file; each rule is judged by {@link readBells}. */
export const BellsSchema = Type.Array(Type.Unknown(), {
  maxItems: BELL_RULES_MAX,
  description: `a list of at most ${BELL_RULES_MAX} ways in which its bell is heard`,
});

const AnyWay = Type.Object({
  via: Type.Union(
    Object.keys(SCHEMAS).map((way) => Type.Literal(way)),
    { description: Object.keys(SCHEMAS).join(", ") },
  ),
});

/** @throws SettingsError for everything that is wrong in it. */
export function readBells(options: {
  readonly file: string;
  readonly checked: CheckedText<Type.TSchema>;
  readonly at: readonly (string | number)[];
  readonly value: readonly unknown[];
  /** Whether the camera has an address that its maker's own interface can be asked at. */
  readonly hasHost: boolean;
  readonly hasOnvif: boolean;
}): readonly BellRule[] {
  const { file, checked, at, value } = options;
  const bells = value.map((rule, index) => {
    const base = [...at, index];
    requireShape({ file, schema: AnyWay, value: rule, checked, base });
    const { via } = rule as { via: keyof typeof SCHEMAS };
    requireShape({ file, schema: SCHEMAS[via], value: rule, checked, base });
    const bell = rule as BellRule;
    requireUsable(bell, options, base);
    return bell;
  });
  requireOnePort(bells, options);
  return bells;
}

/** A camera is listened to once each way, whatever the number of its rules. */
function requireOnePort(
  bells: readonly BellRule[],
  { file, checked, at }: Parameters<typeof readBells>[0],
): void {
  const ports = new Map<string, number>();
  for (const [index, bell] of bells.entries()) {
    if (!("port" in bell) || bell.port === undefined) continue;
    const first = ports.get(bell.via) ?? bell.port;
    if (first !== bell.port)
      throw wrongAt(
        file,
        checked,
        [...at, index, "port"],
        `a camera has one port for ${bell.via}, and another rule has ${first}`,
      );
    ports.set(bell.via, first);
  }
}

/**
 * @throws SettingsError where the chime says what a bell listens to: each ring would bring about the
 * next one, for ever.
 */
export function requireNoOwnBell(
  file: string,
  checked: CheckedText<Type.TSchema>,
  cameras: readonly { readonly id: string; readonly bells?: readonly BellRule[] }[],
  chimeTopic: string | undefined,
): void {
  const camera = cameras.find(({ bells }) =>
    bells?.some((bell) => bell.via === "mqtt" && bell.topic === chimeTopic),
  );
  if (camera)
    throw wrongAt(
      file,
      checked,
      ["chime", "mqtt", "topic"],
      `the bell of ${camera.id} listens to this topic: each ring would bring about the next one`,
    );
}

function requireUsable(
  bell: BellRule,
  { file, checked, hasHost, hasOnvif }: Parameters<typeof readBells>[0],
  at: readonly (string | number)[],
): void {
  if (bell.via === "onvif" && !hasOnvif)
    throw wrongAt(file, checked, at, "a bell over ONVIF needs the camera's onvif address");
  if ((bell.via === "dahua" || bell.via === "hikvision") && !hasHost)
    throw wrongAt(file, checked, at, `a bell over ${bell.via} needs a camera with an rtsp address`);
  if (bell.via === "onvif" && (bell.item === undefined) !== (bell.value === undefined))
    throw wrongAt(file, checked, at, "item and value belong together");
  if (bell.via === "mqtt" && bell.item !== undefined && bell.value === undefined)
    throw wrongAt(file, checked, at, "an item needs the value at which it rings");
  if (bell.via === "mqtt" && /[#+\0]/.test(bell.topic))
    throw wrongAt(file, checked, [...at, "topic"], "a bell has one topic, without # and +");
}

/** `mqtt:` of the settings file. */
export const MqttSchema = Type.Object(
  {
    url: Type.String({
      pattern: "^mqtts?://[!-~]+$",
      maxLength: 300,
      description: "an address as mqtt://192.0.2.5:1883",
    }),
  },
  closed,
);

/** Where messages of bells and chimes go through. */
export interface MqttBroker {
  readonly url: string;
  readonly user: string | null;
  readonly password: string | null;
}

export function mqttSecretsFile(dataDirectory: string): string {
  return path.join(dataDirectory, "secrets", MQTT_SECRETS_FILE);
}

const MQTT_SECRETS_FILE = "mqtt.yaml";

const MqttSecretsSchema = Type.Object(
  {
    user: Type.Optional(Type.String({ maxLength: 200, description: "a user name" })),
    password: Type.Optional(Type.String({ maxLength: 200, description: "a password in quotes" })),
  },
  closed,
);

/**
 * @param text - Of `secrets/mqtt.yaml`; null where there is no such file.
 * @throws SettingsError for everything that is wrong in it.
 */
export function readMqttSecrets(
  file: string,
  text: string | null,
): Pick<MqttBroker, "user" | "password"> {
  if (text === null) return { user: null, password: null };
  const { value } = checkText(file, text, MqttSecretsSchema);
  return { user: value.user ?? null, password: value.password ?? null };
}

/** @throws SettingsError where the address names no host, or more than a host. */
export function readBrokerUrl(
  file: string,
  checked: CheckedText<Type.TSchema>,
  url: string,
): string {
  const at = ["mqtt", "url"];
  if (!URL.canParse(url))
    throw wrongAt(file, checked, at, "expected an address as mqtt://192.0.2.5:1883");
  const { username, password, hostname } = new URL(url);
  if (username !== "" || password !== "")
    throw wrongAt(file, checked, at, "user and password belong into secrets/mqtt.yaml, not here");
  if (hostname === "") throw wrongAt(file, checked, at, "the address names no host");
  return url;
}
