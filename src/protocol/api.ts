import Type, { type Static } from "typebox";
import { ProposalSummary } from "./api-decisions.ts";
import { BlurStateSchema } from "./blur-state.ts";
import { TermsFileSchema } from "./decision.ts";
import { EnvelopeSchema } from "./envelope.ts";
import { RoleSchema } from "./keyring.ts";

import { LIMITS } from "./limits.ts";
import { AnnouncedDocumentSchema } from "./request-document.ts";
import { AskedSchema, RequestRecordSchema } from "./request.ts";
import { PasskeySchema } from "./webauthn.ts";

/**
 * Bodies, parameters and answers of the hub's HTTP API: one schema is the run-time check, the type
 * and the API page. Every string has a longest length, every list a largest count.
 */
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const recipient = Type.String({ minLength: 1, maxLength: LIMITS.recipientCharacters });
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

export const ErrorAnswer = Type.Object(
  {
    code: Type.String({ maxLength: 60 }),
    message: Type.String({ maxLength: 2_000 }),
    field: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
);

export const HubInfo = Type.Object(
  {
    name: Type.String({ maxLength: 80 }),
    version: Type.String({ maxLength: 40 }),
    claimed: Type.Boolean(),
    /** Identity of the ledger, and its Ed25519 key in base64. */
    origin: Type.String({ maxLength: 200 }),
    ledgerKey: Type.String({ maxLength: 44 }),
    /** SHA-256 of the household's first statement; null before the claim. */
    genesis: Type.Union([hex(64), Type.Null()]),
  },
  closed,
);
export type HubInfo = Static<typeof HubInfo>;

export const DeviceLabelSchema = Type.Object(
  {
    // No control, format or line-break characters: a name is shown beside words that people
    // compare, and must not be able to move, hide or imitate them.
    label: Type.String({ pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}]+$", minLength: 1, maxLength: 80 }),
    salt: hex(32),
  },
  closed,
);

const claimCode = Type.String({ minLength: 1, maxLength: 40 });
export const ClaimTestBody = Type.Object(
  { code: claimCode, originals: recipient, recovery: recipient },
  closed,
);
/** An age file that the hub's own writer sealed, as it will seal recordings. */
export const ClaimTestAnswer = Type.Object({ file: Type.String({ maxLength: 16_384 }) }, closed);
export const ClaimBody = Type.Object(
  {
    code: claimCode,
    statement: EnvelopeSchema,
    label: DeviceLabelSchema,
    /** SHA-256 of what was inside the test file: shows that the recovery sheet opens it. */
    proof: hex(64),
  },
  closed,
);

export const ChallengeBody = Type.Object({ device: hex(64) }, closed);
export const ChallengeAnswer = Type.Object({ challenge: hex(64), expiresAtMs: timeMs }, closed);
/** What a device signs to log in: names the hub, so that no other server can use it. */
export const LoginStatement = Type.Object(
  {
    v: Type.Literal(1),
    origin: Type.String({ maxLength: 200 }),
    device: hex(64),
    challenge: hex(64),
  },
  closed,
);
export const LoginBody = Type.Object(
  {
    login: EnvelopeSchema,
    /** How the session is carried; by default as a bearer token. */
    as: Type.Optional(Type.Union([Type.Literal("cookie"), Type.Literal("bearer")])),
  },
  closed,
);
export const LoginAnswer = Type.Object(
  {
    session: hex(32),
    /** Left out where the session is in a cookie, so that no script ever has it. */
    token: Type.Optional(hex(64)),
    expiresAtMs: timeMs,
    role: RoleSchema,
  },
  closed,
);
/** Who is logged in. */
export const SessionAnswer = Type.Object(
  {
    /** As the list of open sessions names it; it opens nothing. */
    session: hex(32),
    device: hex(64),
    person: hex(32),
    role: RoleSchema,
    rights: Type.Array(Type.String({ maxLength: 20 }), { maxItems: 5 }),
    label: Type.Union([DeviceLabelSchema.properties.label, Type.Null()]),
    expiresAtMs: timeMs,
  },
  closed,
);
export type SessionAnswer = Static<typeof SessionAnswer>;
export const SessionList = Type.Array(
  Type.Object(
    { session: hex(32), device: hex(64), createdAtMs: timeMs, expiresAtMs: timeMs },
    closed,
  ),
  { maxItems: 1_000 },
);

export const KeyringAnswer = Type.Object(
  { statements: Type.Array(EnvelopeSchema, { maxItems: LIMITS.keyringStatements }) },
  closed,
);
export const DeviceList = Type.Array(
  Type.Object(
    {
      device: hex(64),
      person: hex(32),
      role: Type.Union([RoleSchema, Type.Null()]),
      label: Type.Union([DeviceLabelSchema.properties.label, Type.Null()]),
      removed: Type.Boolean(),
      /** Announced by the recovery sheet: it may look, and nothing else, until the notice is over. */
      pending: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
  { maxItems: 10_000 },
);
export type DeviceList = Static<typeof DeviceList>;

/** What a new device commits to before it has seen the owner's nonce. */
export const PairingReveal = Type.Object(
  {
    signingKey: Type.String({ minLength: 44, maxLength: 44 }),
    /** Post-quantum age recipient that the readers will be sealed to. */
    transferRecipient: recipient,
    label: DeviceLabelSchema,
    nonce: hex(64),
    /** What will confirm the new device's decisions, where it has one. */
    passkey: Type.Optional(PasskeySchema),
  },
  closed,
);
export type PairingReveal = Static<typeof PairingReveal>;
export const PairingBody = Type.Object({ commitment: hex(64) }, closed);
export const PairingStarted = Type.Object(
  { pairing: hex(32), token: hex(64), expiresAtMs: timeMs },
  closed,
);
export const PairingList = Type.Array(
  Type.Object(
    {
      pairing: hex(32),
      commitment: hex(64),
      expiresAtMs: timeMs,
      reveal: Type.Union([PairingReveal, Type.Null()]),
    },
    closed,
  ),
  { maxItems: 20 },
);
export type PairingList = Static<typeof PairingList>;
export const PairingNonceBody = Type.Object({ nonce: hex(64) }, closed);
export const PairingState = Type.Object(
  {
    ownerNonce: Type.Union([hex(64), Type.Null()]),
    /** Base64 of an age file for the transfer recipient; handed out once. */
    sealed: Type.Union([Type.String({ maxLength: LIMITS.bundleCharacters }), Type.Null()]),
  },
  closed,
);
export const PairingAdmitBody = Type.Object(
  {
    statement: EnvelopeSchema,
    sealed: Type.String({ minLength: 1, maxLength: LIMITS.bundleCharacters }),
  },
  closed,
);

export const ClipSummary = Type.Object(
  {
    id: hex(32),
    camera: Type.String({ maxLength: 32 }),
    kind: Type.String({ maxLength: 20 }),
    startedAtMs: timeMs,
    durationMs: timeMs,
    state: Type.Union([Type.Literal("recording"), Type.Literal("closed"), Type.Literal("torn")]),
    renditions: Type.Array(Type.Union([Type.Literal("original"), Type.Literal("blurred")]), {
      maxItems: 2,
    }),
    segments: Type.Integer({ minimum: 0 }),
    /** UTC until when an owner holds it; left out where nobody does. */
    heldUntilMs: Type.Optional(timeMs),
    /** An owner has deleted it, and this much later it goes for good. */
    goesInMs: Type.Optional(timeMs),
    /** How its blurred copy stands; null where its camera makes none, left out by hubs of before. */
    blur: Type.Optional(Type.Union([BlurStateSchema, Type.Null()])),
  },
  closed,
);
export type ClipSummary = Static<typeof ClipSummary>;
export const ClipList = Type.Object(
  {
    clips: Type.Array(ClipSummary, { maxItems: 500 }),
    /** Pass as `before` for the next page; null at the end. */
    next: Type.Union([timeMs, Type.Null()]),
  },
  closed,
);
export const ClipDetail = Type.Object(
  {
    ...ClipSummary.properties,
    eventAtMs: timeMs,
    why: Type.Object(
      {
        kind: Type.String({ maxLength: 20 }),
        zone: Type.String({ maxLength: 80 }),
        areaShare: Type.Number(),
        score: Type.Number(),
      },
      closed,
    ),
    keyringHead: hex(64),
    /** Ledger entry that lists the files; null while the clip is recorded. */
    entryIndex: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    files: Type.Array(TermsFileSchema, { maxItems: 2_000 }),
    /** Ledger entries that list what was made of the clip since; left out where there are none. */
    renditionEntries: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 100 })),
    /** Files that a crash or a power cut left unfinished: opened as far as they authenticate. */
    torn: Type.Array(
      Type.Object(
        { name: Type.String({ maxLength: 80 }), sizeBytes: Type.Integer({ minimum: 0 }) },
        closed,
      ),
      { maxItems: 2_000 },
    ),
  },
  closed,
);
export type ClipDetail = Static<typeof ClipDetail>;

/** UTC, at most 90 days ahead; null lets the hold go. */
export const HoldBody = Type.Object({ untilMs: Type.Union([timeMs, Type.Null()]) }, closed);
export const DeletionAnswer = Type.Object({ goesInMs: timeMs }, closed);
export const RetentionAnswer = Type.Object(
  {
    motionMs: timeMs,
    bellMs: timeMs,
    /** Null: as much as the disk has. */
    spaceBytes: Type.Union([timeMs, Type.Null()]),
    usedBytes: timeMs,
    freeBytes: timeMs,
    /** Until the disk is full at the rate of the last week; null where that cannot be said. */
    daysLeft: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
    /** What goes within a day, if nothing new comes. */
    going: Type.Object({ clips: timeMs, bytes: timeMs }, closed),
    /** The first 100 of them, in the order in which they go. */
    first: Type.Array(
      Type.Object(
        { clip: hex(32), sizeBytes: timeMs, reason: Type.String({ maxLength: 20 }) },
        closed,
      ),
      { maxItems: 100 },
    ),
  },
  closed,
);
export type RetentionAnswer = Static<typeof RetentionAnswer>;

export const FormBody = Type.Object({ tokenSha256: hex(64), expiresAtMs: timeMs }, closed);
export const FormAnswer = Type.Object(
  {
    expiresAtMs: timeMs,
    /** Where a filled-in form may be posted; null where the outside listener is off. */
    intakeUrl: Type.Union([Type.String({ maxLength: 300 }), Type.Null()]),
    /** What a status token is appended to, as the hub itself is known: not by a relay's name. */
    statusUrl: Type.String({ maxLength: 300 }),
  },
  closed,
);
export const TypedRequestBody = Type.Object(
  {
    asked: AskedSchema,
    personal: Type.String({ minLength: 1, maxLength: LIMITS.requestBytes }),
    document: Type.Optional(AnnouncedDocumentSchema),
  },
  closed,
);
export const RequestSummary = Type.Object(
  {
    record: RequestRecordSchema,
    recordSha256: hex(64),
    state: Type.String({ maxLength: 20 }),
    outcome: Type.Union([Type.String({ maxLength: 20 }), Type.Null()]),
    decidedAtMs: Type.Union([timeMs, Type.Null()]),
    /** Of the decision that was signed; what a revocation names. */
    decisionSha256: Type.Optional(hex(64)),
    /** An approval that waits for the signatures of others. */
    proposal: Type.Optional(ProposalSummary),
    /** Approved, and an owner can stop it until about then. */
    leavesAtMs: Type.Optional(timeMs),
    /** Until when what was approved may be fetched. */
    availableUntilMs: Type.Optional(timeMs),
    endedAtMs: Type.Optional(timeMs),
    /** Its bundle could be fetched for a while; left out where it never could. */
    wasReleased: Type.Optional(Type.Literal(true)),
    /** Base64 of the part sealed to the owners; null once erased. */
    personal: Type.Union([Type.String({ maxLength: 100_000 }), Type.Null()]),
    /** How often its bundle was fetched, at most 1,000 counted; left out where it never was. */
    fetched: Type.Optional(Type.Integer({ minimum: 1 })),
    statusUrl: Type.String({ maxLength: 300 }),
  },
  closed,
);
export type RequestSummary = Static<typeof RequestSummary>;
export const RequestList = Type.Array(RequestSummary, { maxItems: 500 });
export const NonceAnswer = Type.Object({ nonce: hex(64), expiresAtMs: timeMs }, closed);
export const DecisionBody = Type.Object({ decision: EnvelopeSchema }, closed);
export const IntakeAnswer = Type.Object({ statusUrl: Type.String({ maxLength: 300 }) }, closed);

export const CheckpointAnswer = Type.Object(
  {
    /** Signed note over all entries. */
    checkpoint: Type.String({ maxLength: 65_536 }),
    /** The newest one that a device has cosigned. */
    cosigned: Type.Union([Type.String({ maxLength: 65_536 }), Type.Null()]),
    /** SHA-256 of each signed restoration that the ledger carries; left out where there is none. */
    restored: Type.Optional(
      Type.Array(Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }), { maxItems: 64 }),
    ),
  },
  closed,
);
export const EntriesAnswer = Type.Array(
  Type.Object(
    {
      index: Type.Integer({ minimum: 0 }),
      /** Base64 of the canonical JSON that is hashed. */
      entry: Type.String({ maxLength: 400_000 }),
    },
    closed,
  ),
  { maxItems: 1_000 },
);
/** As the hub counts; a device can count for itself. */
export const LedgerCounts = Type.Object(
  {
    entries: timeMs,
    /** Requests, and what became of them. */
    ...{ asked: timeMs, approved: timeMs, refused: timeMs, expired: timeMs, withdrawn: timeMs },
    /** Bundles made ready for a recipient, and how often one was fetched. */
    ...{ released: timeMs, fetched: timeMs },
    ...{ views: timeMs, live: timeMs, deletions: timeMs },
  },
  closed,
);
export const ProofAnswer = Type.Object(
  { proof: Type.Array(Type.String({ maxLength: 44 }), { maxItems: 128 }) },
  closed,
);
export const CosignatureBody = Type.Object(
  { size: Type.Integer({ minimum: 1 }), line: Type.String({ minLength: 1, maxLength: 600 }) },
  closed,
);

export { CameraStatus, HealthAnswer, type Notice } from "./api-health.ts";
