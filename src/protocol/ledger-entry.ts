import Type, { type Static } from "typebox";
import { LIMITS } from "./limits.ts";
import { REWRAP_FILES_MAX, RewrappedFileSchema } from "./rewrapped-file.ts";

/**
 * What the ledger holds, one canonical JSON object an entry. Nothing personal in the clear: names
 * and narratives stay in records sealed to the owners, of which the ledger carries the hash.
 * An entry of this version has exactly these members; what needs others is another `v`.
 */
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const camera = Type.String({ pattern: "^[a-z][a-z0-9-]*$", maxLength: 32 });
const timeMs = Type.Integer({ minimum: 0, maximum: LIMITS.timeMs });
const entry = <Kind extends string, Members extends Record<string, Type.TSchema>>(
  kind: Kind,
  members: Members,
) => versionedEntry(1, kind, members);
const versionedEntry = <
  Version extends number,
  Kind extends string,
  Members extends Record<string, Type.TSchema>,
>(
  version: Version,
  kind: Kind,
  members: Members,
) =>
  Type.Object(
    { v: Type.Literal(version), kind: Type.Literal(kind), atMs: timeMs, ...members },
    { additionalProperties: false },
  );

const trackSchema = Type.Union([
  Type.Literal("video"),
  Type.Literal("audio"),
  Type.Literal("poster"),
]);
const renditionSchema = Type.Union([Type.Literal("original"), Type.Literal("blurred")]);
const segmentSchema = Type.Union([Type.Integer({ minimum: 0, maximum: 9_999 }), Type.Null()]);

/** A closed sealed file as entries and terms name it (`SealedFile` of the clip format). */
export const SealedFileSchema = Type.Object(
  {
    segment: segmentSchema,
    track: trackSchema,
    rendition: renditionSchema,
    sizeBytes: Type.Integer({ minimum: 1, maximum: 1 << 30 }),
    payloadSha256: hex(64),
    fromMs: timeMs,
    toMs: timeMs,
  },
  { additionalProperties: false },
);

/** A blurred segment that an owner's device made, and the payload hash of what it was made from. */
export const DerivedFileSchema = Type.Object(
  {
    ...SealedFileSchema.properties,
    segment: Type.Integer({ minimum: 0, maximum: 9_999 }),
    track: Type.Literal("video"),
    rendition: Type.Literal("blurred"),
    derivedFrom: hex(64),
  },
  { additionalProperties: false },
);
export type DerivedFile = Static<typeof DerivedFileSchema>;

/** A still of a blurred copy that an owner's device made, and the segment that it was made from. */
export const DerivedStillSchema = Type.Object(
  {
    ...DerivedFileSchema.properties,
    segment: Type.Null(),
    track: Type.Literal("poster"),
  },
  { additionalProperties: false },
);
export type DerivedStill = Static<typeof DerivedStillSchema>;

export const DeviceCopyFileSchema = Type.Union([DerivedFileSchema, DerivedStillSchema]);
export type DeviceCopyFile = Static<typeof DeviceCopyFileSchema>;

/**
 * A file of a blurred copy that the hub made by itself, and the payload hash of the original video
 * segment that it was made from: blurred video, or a still in either rendition.
 */
export const CopyFileSchema = Type.Object(
  {
    ...SealedFileSchema.properties,
    track: Type.Union([Type.Literal("video"), Type.Literal("poster")]),
    derivedFrom: hex(64),
    /** What was covered: the faces, or all of it. Left out for a still that is an original. */
    pixelated: Type.Optional(Type.Union([Type.Literal("faces"), Type.Literal("whole")])),
  },
  { additionalProperties: false },
);
export type CopyFile = Static<typeof CopyFileSchema>;

/** A copy of every segment, and a still. */
export const DEVICE_COPY_FILES_MAX = LIMITS.filesPerRendition + 1;

const seconds = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const requestMembers = {
  request: hex(32),
  /** Over the public part, which has a salt of 128 bits, and the hash of the sealed part. */
  requestSha256: hex(64),
  requestKind: Type.String({ maxLength: 30 }),
  channel: Type.String({ maxLength: 30 }),
  /** What the requester claims. No code path reads it to decide anything (invariant 7). */
  urgency: Type.String({ maxLength: 20 }),
};

const decisionMembers = {
  request: hex(32),
  outcome: Type.Union([
    Type.Literal("approved"),
    Type.Literal("approved_in_part"),
    Type.Literal("refused"),
    Type.Literal("expired"),
    Type.Literal("withdrawn"),
  ]),
  /** SHA-256 of the signed payload; null where nothing was signed, because time ran out. */
  decisionSha256: Type.Union([hex(64), Type.Null()]),
  keyringHead: hex(64),
};

export const LEDGER_ENTRY_SCHEMAS = {
  genesis: entry("genesis", {
    origin: Type.String({ maxLength: 200 }),
    keyringHead: hex(64),
  }),
  keyring: entry("keyring", {
    epoch: Type.Integer({ minimum: 0 }),
    change: Type.String({ maxLength: 20 }),
    keyringHead: hex(64),
  }),
  clip: entry("clip", {
    clip: hex(32),
    camera,
    event: Type.String({ maxLength: 20 }),
    fromMs: timeMs,
    toMs: timeMs,
    keyringHead: hex(64),
    files: Type.Array(SealedFileSchema, { maxItems: 1_000 }),
  }),
  /**
   * Version 1 did not say what its files were made from; nothing wrote it, and it is not read. Version 2 is one of an
   * owner's device; version 3 what the hub made of a clip while it still had it in memory: once a clip,
   * after its entry, with all segments that came to be; version 4 one of an owner's device with a
   * still, or that takes the place of what was there: then it has at least as many files.
   */
  rendition: Type.Union([
    versionedEntry(2, "rendition", {
      clip: hex(32),
      device: hex(64),
      files: Type.Array(DerivedFileSchema, { minItems: 1, maxItems: LIMITS.filesPerRendition }),
    }),
    versionedEntry(3, "rendition", {
      clip: hex(32),
      files: Type.Array(CopyFileSchema, { minItems: 1, maxItems: LIMITS.filesPerRendition }),
    }),
    versionedEntry(4, "rendition", {
      clip: hex(32),
      device: hex(64),
      files: Type.Array(DeviceCopyFileSchema, { minItems: 1, maxItems: DEVICE_COPY_FILES_MAX }),
      /** Payload hashes of blurred files that were listed before, and are gone. */
      replaces: Type.Array(hex(64), { maxItems: DEVICE_COPY_FILES_MAX }),
    }),
  ]),
  /** An owner's device sealed a clip anew, for the readers of this keyring: what its files begin with. */
  rewrap: entry("rewrap", {
    clip: hex(32),
    device: hex(64),
    keyringHead: hex(64),
    files: Type.Array(RewrappedFileSchema, { minItems: 1, maxItems: REWRAP_FILES_MAX }),
  }),
  torn: entry("torn", {
    clip: hex(32),
    files: Type.Array(
      Type.Object(
        {
          name: Type.String({ maxLength: 80 }),
          sizeBytes: Type.Integer({ minimum: 0 }),
          sha256: hex(64),
        },
        { additionalProperties: false },
      ),
      { maxItems: 1_000 },
    ),
  }),
  /** Version 2 also says how much was asked for (`secondsAsked` of `amounts.ts`). */
  request: Type.Union([
    entry("request", requestMembers),
    versionedEntry(2, "request", { ...requestMembers, secondsAsked: seconds }),
  ]),
  /** Version 2 also says what was granted (`amountsGranted` of `amounts.ts`). */
  decision: Type.Union([
    entry("decision", decisionMembers),
    versionedEntry(2, "decision", {
      ...decisionMembers,
      secondsGranted: seconds,
      clearFaces: Type.Boolean(),
      audio: Type.Boolean(),
    }),
  ]),
  /**
   * Version 1 is an owner's hold on one clip. Version 2 holds what a request seeks, signed by an
   * owner; an end that is not ahead lets it go.
   */
  hold: Type.Union([
    entry("hold", { clip: hex(32), untilMs: timeMs }),
    versionedEntry(2, "hold", {
      request: hex(32),
      clips: Type.Integer({ minimum: 0, maximum: LIMITS.clipsPerPreservation }),
      untilMs: timeMs,
      device: hex(64),
      statementSha256: hex(64),
    }),
  ]),
  /** How sure an owner is of who asks. No code path reads it to decide anything (invariant 7). */
  assurance: entry("assurance", {
    request: hex(32),
    level: Type.Union([
      Type.Literal("none"),
      Type.Literal("called_back"),
      Type.Literal("met"),
      Type.Literal("known_key"),
    ]),
    device: hex(64),
    statementSha256: hex(64),
  }),
  release: entry("release", {
    request: hex(32),
    decisionSha256: hex(64),
    files: Type.Integer({ minimum: 1, maximum: LIMITS.filesPerApproval }),
  }),
  /** A link for somebody without a key may fetch what this approval released. */
  share: entry("share", { request: hex(32), decisionSha256: hex(64), shareSha256: hex(64) }),
  access: entry("access", { request: hex(32), decisionSha256: hex(64) }),
  /** Version 2 names the owner's signed revocation; null where the time to fetch was over. */
  revocation: Type.Union([
    entry("revocation", { request: hex(32), decisionSha256: hex(64) }),
    versionedEntry(2, "revocation", {
      request: hex(32),
      decisionSha256: hex(64),
      revocationSha256: Type.Union([hex(64), Type.Null()]),
    }),
  ]),
  deletion: entry("deletion", { clip: hex(32), reason: Type.String({ maxLength: 40 }) }),
  view: entry("view", { clip: hex(32), device: hex(64) }),
  live: entry("live", { camera, device: hex(64) }),
  /** Somebody began to talk through a camera, or had it say a reply. Of what was said there is nothing. */
  talk: entry("talk", { camera, device: hex(64) }),
  /** A camera was switched off, or on again: by a device of the household, its hours or their end. */
  camera: entry("camera", {
    camera,
    state: Type.Union([Type.Literal("off"), Type.Literal("on")]),
    by: Type.Union([
      hex(64),
      Type.Literal("schedule"),
      Type.Literal("timer"),
      /** Whoever may speak on the broker, where an owner allows that. */
      Type.Literal("broker"),
    ]),
  }),
  settings: entry("settings", { settingsSha256: hex(64) }),
  software: entry("software", { version: Type.String({ maxLength: 40 }) }),
  /** How far the hub's clock moved by itself; less than 0 is back. */
  clock: entry("clock", { jumpMs: Type.Integer() }),
  /**
   * Nothing else happened for a while, and the next entry will come within `everyMs`. `first`: the
   * hub had been off, and runs again.
   */
  heartbeat: entry("heartbeat", {
    everyMs: Type.Integer({ minimum: 60_000, maximum: 86_400_000 }),
    first: Type.Boolean(),
  }),
  /** An owner's statement for a month, and SHA-256 of its signed payload. */
  statement: entry("statement", {
    month: Type.String({ pattern: "^[0-9]{4}-(0[1-9]|1[0-2])$", maxLength: 7 }),
    statementSha256: hex(64),
  }),
  /**
   * The hub goes on here from a copy, which had all entries before this one: signed by who restored
   * it, `by` null with the recovery sheet. What had been entered after them elsewhere is gone.
   */
  restored: entry("restored", {
    by: Type.Union([hex(64), Type.Null()]),
    /** Time of the newest entry that the copy had. */
    copiedToMs: timeMs,
    statementSha256: hex(64),
  }),
  /** An owner has signed that he knows what is gone: his device had seen `seenSize` entries. */
  acceptance: entry("acceptance", {
    /** Index of the `restored` entry. */
    restored: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    device: hex(64),
    seenSize: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    statementSha256: hex(64),
  }),
} as const;

export type LedgerEntryKind = keyof typeof LEDGER_ENTRY_SCHEMAS;
export type LedgerEntryOf<Kind extends LedgerEntryKind> = Static<
  (typeof LEDGER_ENTRY_SCHEMAS)[Kind]
>;
export type LedgerEntry = { [Kind in LedgerEntryKind]: LedgerEntryOf<Kind> }[LedgerEntryKind];
