import Type, { type Static } from "typebox";

/** Bells as owners see, teach and try them; and what the bell process may say of one. */
const closed = { additionalProperties: false } as const;
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** One line, not endless: a camera or a broker chose what is in it. */
const line = (maxLength: number) =>
  Type.String({ pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}]*$", maxLength });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const BELL_RULES_MAX = 8;
/** Of topics, codes, items and values, as they stand in a rule. */
export const BELL_TEXT_MAX = 200;
/** Different messages that teaching keeps. */
export const BELL_HEARD_MAX = 50;
/** How long teaching listens. */
export const BELL_TEACH_MS = 60_000;

const text = line(BELL_TEXT_MAX);

/** Ways in which a press comes. */
export const BELL_WAYS = ["onvif", "dahua", "hikvision", "webhook", "mqtt", "command"] as const;
export type BellWay = (typeof BELL_WAYS)[number];
export const BellWaySchema = Type.Union([
  Type.Literal("onvif"),
  Type.Literal("dahua"),
  Type.Literal("hikvision"),
  Type.Literal("webhook"),
  Type.Literal("mqtt"),
  Type.Literal("command"),
]);

/** A rule that the page may save: what runs a program is set in the settings file only. */
export const BellRuleBody = Type.Object(
  {
    via: BellWaySchema,
    topic: Type.Optional(text),
    item: Type.Optional(text),
    value: Type.Optional(text),
    code: Type.Optional(text),
  },
  closed,
);
export type BellRuleBody = Static<typeof BellRuleBody>;

/** A message that came while somebody taught the hub a bell. */
export const BellHeard = Type.Object(
  {
    via: BellWaySchema,
    /** Topic of ONVIF or MQTT; code of Dahua; empty where the way has none. */
    topic: text,
    item: orNull(text),
    value: orNull(text),
    count: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    firstAtMs: timeMs,
    lastAtMs: timeMs,
    /** By the table of known doorbells, or because it came once and nothing else did. */
    isLikely: Type.Boolean(),
  },
  closed,
);
export type BellHeard = Static<typeof BellHeard>;

export const BellProblem = Type.Object({ code: line(40), message: line(500) }, closed);
export type BellProblem = Static<typeof BellProblem>;

export const BellTeaching = Type.Object(
  {
    camera: line(32),
    /** Null where nothing was taught since the hub began. */
    endsAtMs: orNull(timeMs),
    isListening: Type.Boolean(),
    heard: Type.Array(BellHeard, { maxItems: BELL_HEARD_MAX }),
    /** Messages beyond what is kept. */
    leftOut: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    /** How each way was listened to, and why one could not be. */
    ways: Type.Array(Type.Object({ via: BellWaySchema, problem: orNull(BellProblem) }, closed), {
      maxItems: BELL_WAYS.length,
    }),
  },
  closed,
);
export type BellTeaching = Static<typeof BellTeaching>;

export const BellStatus = Type.Object(
  {
    /** Place in the camera's list, from 0. */
    rule: Type.Integer({ minimum: 0, maximum: BELL_RULES_MAX - 1 }),
    via: BellWaySchema,
    topic: orNull(text),
    item: orNull(text),
    value: orNull(text),
    code: orNull(text),
    state: Type.Union([
      Type.Literal("listening"),
      Type.Literal("connecting"),
      Type.Literal("lost"),
    ]),
    /** Since when it is so, UTC. */
    sinceMs: timeMs,
    problem: orNull(BellProblem),
  },
  closed,
);
export type BellStatus = Static<typeof BellStatus>;

export const CameraBells = Type.Object(
  {
    camera: Type.String({ maxLength: 32 }),
    name: Type.String({ maxLength: 80 }),
    bells: Type.Array(BellStatus, { maxItems: BELL_RULES_MAX }),
    /** Path that a webhook calls, with its token; null where the camera has no such rule. */
    webhook: orNull(Type.String({ maxLength: 200 })),
    lastPress: orNull(
      Type.Object(
        { atMs: timeMs, via: Type.Union([BellWaySchema, Type.Literal("test")]), outcome: line(40) },
        closed,
      ),
    ),
  },
  closed,
);
export type CameraBells = Static<typeof CameraBells>;

export const BellsAnswer = Type.Object(
  { cameras: Type.Array(CameraBells, { maxItems: 16 }) },
  closed,
);
export type BellsAnswer = Static<typeof BellsAnswer>;

export const BellCameraParameter = Type.Object({
  camera: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 }),
});
/** Whatever it is: what is no camera's is answered as a wrong token. */
export const BellWebhookParameter = Type.Object({
  camera: Type.String({ maxLength: 128 }),
  token: Type.String({ maxLength: 128 }),
});
export const BellTestAnswer = Type.Object(
  { outcome: Type.Union([Type.Literal("rung"), Type.Literal("repeated")]) },
  closed,
);
export type BellTestAnswer = Static<typeof BellTestAnswer>;
export const BellRuleParameter = Type.Object({
  camera: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 }),
  rule: Type.Integer({ minimum: 0, maximum: BELL_RULES_MAX - 1 }),
});
/** What stands there, as whoever removes it has seen it: rules have no names of their own. */
export const BellRuleSeen = Type.Object(
  {
    via: BellWaySchema,
    topic: Type.Optional(text),
    item: Type.Optional(text),
    value: Type.Optional(text),
    code: Type.Optional(text),
  },
  closed,
);
export type BellRuleSeen = Static<typeof BellRuleSeen>;
export interface BellRuleRemoval extends BellRuleSeen {
  readonly rule: number;
}
