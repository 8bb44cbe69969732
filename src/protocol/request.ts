import Type, { type Static } from "typebox";
import { sha256Hex } from "./bytes.ts";
import { canonicalJson } from "./canonical-json.ts";
import { MalformedInput } from "./errors.ts";
import type { Sha256Hex } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { AnnouncedDocumentSchema, SealedDocumentSchema } from "./request-document.ts";

const literals = <const Values extends readonly string[]>(values: Values) =>
  Type.Union(values.map((value) => Type.Literal(value))) as unknown as Type.TUnsafe<Values[number]>;

export const REQUEST_KINDS = [
  "police_voluntary",
  "police_emergency",
  "preservation",
  "subpoena",
  "court_order",
  "search_warrant",
  "lawyer",
  "insurer",
  "neighbour",
  "victim",
  "journalist",
  "data_subject",
  "household",
  "other",
] as const;

export const REQUEST_CHANNELS = ["typed_by_owner", "intake_form", "sealed_file"] as const;
export type RequestChannel = (typeof REQUEST_CHANNELS)[number];

const name = Type.String({ minLength: 1, maxLength: LIMITS.nameCharacters });
const optionalName = Type.Optional(Type.String({ maxLength: LIMITS.nameCharacters }));
/** RFC 3339 with a zone; `parseTime` says what is wrong with one. */
const time = Type.String({ maxLength: 40 });

export const SoughtSchema = Type.Object(
  {
    cameras: Type.Union([
      Type.Literal("unspecified"),
      Type.Array(Type.String({ minLength: 1, maxLength: 32 }), {
        minItems: 1,
        maxItems: LIMITS.camerasPerRequest,
      }),
    ]),
    from: time,
    to: time,
    tracks: Type.Array(literals(["video", "audio"]), { minItems: 1, maxItems: 2 }),
    clearFaces: Type.Boolean(),
  },
  { additionalProperties: false },
);

/** The part of a request that the hub may read: nothing about the person who asks. */
export const AskedSchema = Type.Object(
  {
    kind: literals(REQUEST_KINDS),
    urgency: literals(["normal", "emergency"]),
    sought: SoughtSchema,
    recipient: Type.Optional(Type.String({ maxLength: LIMITS.recipientCharacters })),
    deadline: Type.Optional(time),
  },
  { additionalProperties: false },
);
export type Asked = Static<typeof AskedSchema>;

/** The part that is sealed to the owners before it reaches the hub. */
export const PersonalSchema = Type.Object(
  {
    requester: Type.Object(
      {
        name,
        agency: optionalName,
        unit: optionalName,
        contact: name,
      },
      { additionalProperties: false },
    ),
    legalBasis: Type.Object(
      { basis: name, citation: optionalName, reference: optionalName },
      { additionalProperties: false },
    ),
    case: optionalName,
    narrative: Type.String({ maxLength: LIMITS.narrativeCharacters }),
    purpose: Type.String({ minLength: 1, maxLength: LIMITS.purposeCharacters }),
  },
  { additionalProperties: false },
);
export type Personal = Static<typeof PersonalSchema>;

/** Request JSON as a person writes it: both parts in one object. */
export const RequestDocumentSchema = Type.Object(
  { ...AskedSchema.properties, ...PersonalSchema.properties },
  { additionalProperties: false },
);
export type RequestDocument = Static<typeof RequestDocumentSchema>;

/** What comes back from a form, as a file or as the body of a POST: at most 64 KiB. */
export const SealedRequestSchema = Type.Object(
  {
    format: Type.Literal("doorward-request/v1"),
    /** One-time token of the form: 64 hex digits. */
    token: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
    asked: AskedSchema,
    /** Base64 of an age file for the owners' reader; its content is a `SealedPersonalSchema`. */
    personal: Type.String({ minLength: 1, maxLength: LIMITS.requestBytes }),
    /** What is to follow by a route of its own; left out where nothing is. */
    document: Type.Optional(AnnouncedDocumentSchema),
  },
  { additionalProperties: false },
);
export type SealedRequest = Static<typeof SealedRequestSchema>;

/** A sealed request with its document, as one file for any mail. */
export const RequestFileSchema = Type.Object(
  {
    format: Type.Literal("doorward-request-file/v1"),
    request: SealedRequestSchema,
    /** Base64 of the age file that the request announces. */
    document: Type.String({ minLength: 1, maxLength: 2 * LIMITS.sealedDocumentBytes }),
  },
  { additionalProperties: false },
);

/** Inside the seal: the hash ties the personal part to the part that the hub can read. */
export const SealedPersonalSchema = Type.Object(
  {
    askedSha256: Type.String({ minLength: 64, maxLength: 64 }),
    personal: PersonalSchema,
    document: Type.Optional(SealedDocumentSchema),
  },
  { additionalProperties: false },
);

/** A request as the hub keeps and hands it out: what terms, bundle and ledger refer to. */
export const RequestRecordSchema = Type.Object(
  {
    v: Type.Literal(1),
    request: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
    receivedAtMs: Type.Integer({ minimum: 0, maximum: LIMITS.timeMs }),
    expiresAtMs: Type.Integer({ minimum: 0, maximum: LIMITS.timeMs }),
    channel: literals(REQUEST_CHANNELS),
    asked: AskedSchema,
    /** SHA-256 of the sealed personal part. */
    personalSha256: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
    /** 128 random bits, so that the hash in the ledger lets nobody guess what was asked. */
    salt: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
  },
  { additionalProperties: false },
);
export type RequestRecord = Static<typeof RequestRecordSchema>;

export function requestSha256(record: RequestRecord): Sha256Hex {
  return sha256Hex(canonicalJson(record));
}

export function askedSha256(asked: Asked): Sha256Hex {
  return sha256Hex(canonicalJson(asked));
}

/** Splits request JSON into what the hub may read and what is sealed to the owners. */
export function splitRequest(document: RequestDocument): { asked: Asked; personal: Personal } {
  const { kind, urgency, sought, recipient, deadline, ...personal } = document;
  return {
    asked: {
      kind,
      urgency,
      sought,
      ...(recipient === undefined ? {} : { recipient }),
      ...(deadline === undefined ? {} : { deadline }),
    },
    personal,
  };
}

const RFC3339 = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Milliseconds since 1970 of an RFC 3339 date-time with a zone.
 *
 * @throws MalformedInput naming `field`.
 */
export function parseTime(text: string, field: string): number {
  const day = RFC3339.exec(text)?.[1];
  const milliseconds = day === undefined ? Number.NaN : Date.parse(text);
  // `Date` takes 30 February for 2 March: another range than the one that was written.
  const isReal = Number.isFinite(milliseconds) && isoDay(Date.parse(`${day}T00:00:00Z`)) === day;
  if (!isReal || milliseconds < 0)
    throw new MalformedInput(
      field,
      `Cannot read ${field}: expected a time as 2026-11-21T18:30:00Z (RFC 3339)`,
    );
  return milliseconds;
}

function isoDay(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

/**
 * What a schema cannot say: times are real and in order.
 *
 * @throws MalformedInput naming the field.
 */
export function checkAsked(asked: Asked): { fromMs: number; toMs: number } {
  const fromMs = parseTime(asked.sought.from, "sought.from");
  const toMs = parseTime(asked.sought.to, "sought.to");
  if (toMs <= fromMs)
    throw new MalformedInput("sought.to", "Cannot read sought.to: it is not after sought.from");
  if (asked.deadline !== undefined) parseTime(asked.deadline, "deadline");
  return { fromMs, toMs };
}
