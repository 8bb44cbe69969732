import Type, { type Static } from "typebox";
import { WeekHoursBody } from "./api-privacy.ts";

/** Notices: what a device is told of, what one stands for, and how it got there. */
const closed = { additionalProperties: false } as const;
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const hex = (digits: number) =>
  Type.String({ pattern: `^[0-9a-f]{${digits}}$`, maxLength: digits });
const cameraId = Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 });
const zoneName = Type.String({ maxLength: 80 });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const NoticeKindSchema = Type.Union([
  Type.Literal("bell"),
  Type.Literal("motion"),
  Type.Literal("digest"),
  Type.Literal("request"),
  Type.Literal("house"),
  Type.Literal("trouble"),
  Type.Literal("test"),
]);
export const EventKindSchema = Type.Union([
  Type.Literal("bell"),
  Type.Literal("motion"),
  Type.Literal("person"),
  Type.Literal("vehicle"),
  Type.Literal("animal"),
  Type.Literal("package"),
]);
export const CarrierNameSchema = Type.Union([
  Type.Literal("push"),
  Type.Literal("ntfy"),
  Type.Literal("unified-push"),
]);

export const NoticeParameter = Type.Object({ id: hex(32) });

/** What of a digest was where; cameras that the asker may not see are not among them. */
export const DigestPlace = Type.Object({ camera: cameraId, zone: orNull(zoneName), count }, closed);
export const DIGEST_PLACES_MAX = 64;

/** What a device may know of a notice, by its rights at the time of asking. */
export const NoticeAnswer = Type.Object(
  {
    id: hex(32),
    kind: NoticeKindSchema,
    atMs: timeMs,
    camera: orNull(cameraId),
    /** As people call the camera. */
    cameraName: orNull(Type.String({ maxLength: 80 })),
    zone: orNull(zoneName),
    /** What was seen, as far as it is known by now. */
    class: orNull(EventKindSchema),
    clip: orNull(hex(32)),
    request: orNull(hex(32)),
    /** Of house matters and troubles: a code as `RECOVERY_PENDING`. */
    code: orNull(Type.String({ maxLength: 40 })),
    digest: orNull(
      Type.Object(
        { sinceMs: timeMs, places: Type.Array(DigestPlace, { maxItems: DIGEST_PLACES_MAX }) },
        closed,
      ),
    ),
  },
  closed,
);
export type NoticeAnswer = Static<typeof NoticeAnswer>;

/** How long it took from the notice's making until the device said that it had it. */
export const NoticeSeenAnswer = Type.Object({ afterMs: count }, closed);
export type NoticeSeenAnswer = Static<typeof NoticeSeenAnswer>;

const motion = Type.Union([Type.Literal("off"), Type.Literal("digest"), Type.Literal("each")]);

export const DIGEST_TIMES_MAX = 6;
export const COOL_DOWN_MAX_MINUTES = 24 * 60;

/** What a device is told of. What its person's role may not see, it is not told whatever this says. */
export const NotificationRules = Type.Object(
  {
    /** A bell is always told, but in quiet hours where `bellInQuiet` is false. */
    motion,
    /** What motion is told of where it is not off; an empty list means all. */
    classes: Type.Array(EventKindSchema, { maxItems: 6, uniqueItems: true }),
    /** Cameras whose motion is told of; an empty list means all. */
    cameras: Type.Array(cameraId, { maxItems: 16, uniqueItems: true }),
    /** Times of the day as `08:00`, in the hub's time zone. */
    digestTimes: Type.Array(
      Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", maxLength: 5 }),
      { maxItems: DIGEST_TIMES_MAX, uniqueItems: true },
    ),
    /** At least so long between two of the same camera and zone. */
    coolDownMinutes: Type.Integer({ minimum: 0, maximum: COOL_DOWN_MAX_MINUTES }),
    quiet: WeekHoursBody,
    bellInQuiet: Type.Boolean(),
    /** Requests, for those who may sign. */
    requests: Type.Boolean(),
    /** House matters and troubles, for those who administer. */
    house: Type.Boolean(),
  },
  closed,
);
export type NotificationRules = Static<typeof NotificationRules>;

/** What holds where a device has said nothing. */
export const DEFAULT_RULES: NotificationRules = {
  motion: "off",
  classes: [],
  cameras: [],
  digestTimes: ["19:00"],
  coolDownMinutes: 10,
  quiet: [],
  bellInQuiet: true,
  requests: true,
  house: true,
};

const carrierState = Type.Object(
  {
    carrier: CarrierNameSchema,
    /** Whether this device has given it a way. */
    isOn: Type.Boolean(),
    /** What was last taken by it for this device; null where nothing was since the hub began. */
    lastTakenAtMs: orNull(timeMs),
    /** Why the last try failed, in words; null where it did not. */
    problem: orNull(Type.String({ maxLength: 300 })),
    waiting: count,
    /** Too late, or too many. */
    dropped: count,
  },
  closed,
);

export const NotificationsAnswer = Type.Object(
  {
    rules: NotificationRules,
    /** Of what the role of this device may be told at all. */
    may: Type.Object(
      {
        bell: Type.Boolean(),
        motion: Type.Boolean(),
        requests: Type.Boolean(),
        house: Type.Boolean(),
      },
      closed,
    ),
    isQuietNow: Type.Boolean(),
    timeZone: Type.String({ maxLength: 60 }),
    carriers: Type.Array(carrierState, { maxItems: 3 }),
    /** Null where the settings name no ntfy server. */
    ntfy: orNull(
      Type.Object(
        {
          /** Host and port. */
          server: Type.String({ maxLength: 300 }),
          /** Address to subscribe to; null where this device has none yet. */
          subscribe: orNull(Type.String({ maxLength: 400 })),
          /** The same as a link that the app opens. */
          link: orNull(Type.String({ maxLength: 400 })),
        },
        closed,
      ),
    ),
    /** Hosts at which an endpoint of this device may lie, besides those of known push services. */
    services: Type.Array(Type.String({ maxLength: 253 }), { maxItems: 16 }),
    unifiedPush: orNull(Type.Object({ server: Type.String({ maxLength: 300 }) }, closed)),
  },
  closed,
);
export type NotificationsAnswer = Static<typeof NotificationsAnswer>;

export const NotificationTestAnswer = Type.Object(
  {
    id: hex(32),
    atMs: timeMs,
    /** Carriers that it was handed to; none where this device has given none a way. */
    carriers: Type.Array(CarrierNameSchema, { maxItems: 3 }),
  },
  closed,
);
export type NotificationTestAnswer = Static<typeof NotificationTestAnswer>;

/** How the last test of this device, or one of its notices, went. */
export const NotificationTestState = Type.Object(
  {
    id: hex(32),
    atMs: timeMs,
    carriers: Type.Array(
      Type.Object(
        {
          carrier: CarrierNameSchema,
          /** From its making until the carrier's service had taken it; null until then. */
          takenAfterMs: orNull(count),
          problem: orNull(Type.String({ maxLength: 300 })),
        },
        closed,
      ),
      { maxItems: 3 },
    ),
    /** From its making until the device said that it had it; null until then. */
    seenAfterMs: orNull(count),
  },
  closed,
);
export type NotificationTestState = Static<typeof NotificationTestState>;

export const UnifiedPushBody = Type.Object(
  {
    endpoint: Type.String({ pattern: "^https?://[!-~]+$", maxLength: 1_000 }),
    /** Keys of RFC 8291; left out for a distributor that takes what is not encrypted. */
    p256dh: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{87}$", maxLength: 87 })),
    auth: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{22}$", maxLength: 22 })),
  },
  closed,
);
export type UnifiedPushBody = Static<typeof UnifiedPushBody>;

/** What an owner is told of all devices: how it goes, never what was told. */
export const NoticesOverview = Type.Object(
  {
    notices: Type.Array(
      Type.Object({ id: hex(32), kind: NoticeKindSchema, atMs: timeMs }, closed),
      { maxItems: 50 },
    ),
    carriers: Type.Array(
      Type.Object(
        {
          carrier: CarrierNameSchema,
          devices: count,
          waiting: count,
          taken: count,
          dropped: count,
          problem: orNull(Type.String({ maxLength: 300 })),
        },
        closed,
      ),
      { maxItems: 3 },
    ),
  },
  closed,
);
export type NoticesOverview = Static<typeof NoticesOverview>;
