import Type, { type Static } from "typebox";
import { DeviceLabelSchema } from "./api.ts";
import { EnvelopeSchema } from "./envelope.ts";
import { LIMITS } from "./limits.ts";

/** What devices and hub say to each other of keyring changes and of the way of the lost phone. */
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

/** Readers sealed to a device's transfer key: base64 of an age file. */
export const PassedOnBlob = Type.Object(
  {
    device: hex(64),
    sealed: Type.String({ minLength: 1, maxLength: LIMITS.passedOnCharacters }),
  },
  closed,
);
export type PassedOnBlob = Static<typeof PassedOnBlob>;

const PassedOnList = Type.Array(PassedOnBlob, { maxItems: LIMITS.devicesInForce + 1 });

/** A change of the keyring that an owner has signed. */
export const KeyringBody = Type.Object(
  {
    statement: EnvelopeSchema,
    /** Where it changes the readers: for every device that stays and may have some. */
    passedOn: PassedOnList,
    /** Where it brings a new sheet: SHA-256 of what was inside the test file. */
    proof: Type.Optional(hex(64)),
  },
  closed,
);
export const KeyringChanged = Type.Object(
  {
    state: Type.Union([Type.Literal("accepted"), Type.Literal("proposed")]),
    /** SHA-256 of what was signed. */
    proposal: hex(64),
    signers: Type.Integer({ minimum: 0 }),
    needed: Type.Integer({ minimum: 0 }),
  },
  closed,
);
export type KeyringChanged = Static<typeof KeyringChanged>;
export const SheetTestBody = Type.Object(
  { recovery: Type.String({ minLength: 1, maxLength: LIMITS.recipientCharacters }) },
  closed,
);

/** Changes that wait for more signatures; what one says is in its statement. */
export const KeyringProposalList = Type.Array(
  Type.Object(
    {
      proposal: hex(64),
      statement: EnvelopeSchema,
      signers: Type.Array(hex(32), { maxItems: LIMITS.signaturesPerEnvelope }),
      needed: Type.Integer({ minimum: 1 }),
      proposedAtMs: timeMs,
      /** What the device that asks would get, where the change brings new readers. */
      sealed: Type.Union([PassedOnBlob.properties.sealed, Type.Null()]),
    },
    closed,
  ),
  { maxItems: 20 },
);
export type KeyringProposalList = Static<typeof KeyringProposalList>;
/** The same payload with one more signature. */
export const CosignedBody = Type.Object({ statement: EnvelopeSchema }, closed);

/** Readers that wait for the device that asks, oldest first. */
export const PassedOnAnswer = Type.Array(
  Type.Object(
    { epoch: Type.Integer({ minimum: 1 }), sealed: PassedOnBlob.properties.sealed },
    closed,
  ),
  { maxItems: 100 },
);

/** A notice or a completion, signed by the recovery sheet. */
export const RecoveryBody = Type.Object(
  {
    statement: EnvelopeSchema,
    /** Of the device that a notice announces; null where it announces none. */
    label: Type.Union([DeviceLabelSchema, Type.Null()]),
    passedOn: PassedOnList,
  },
  closed,
);
/** What a recovery begins with, as an age file that the recovery sheet alone opens. */
export const RecoveryAnswer = Type.Object(
  { sealed: Type.String({ maxLength: 64_000_000 }) },
  closed,
);
export const RecoveryContent = Type.Object(
  {
    v: Type.Literal(1),
    statements: Type.Array(EnvelopeSchema, { maxItems: LIMITS.keyringStatements }),
    labels: Type.Array(
      Type.Object({ device: hex(64), label: DeviceLabelSchema.properties.label }, closed),
      { maxItems: LIMITS.keyringStatements },
    ),
    /** By the hub's clock, and how long it has run since the notice that is pending. */
    nowMs: timeMs,
    ranMs: timeMs,
  },
  closed,
);
/** How the notice stands, for every device that looks. */
export const RecoveryState = Type.Object(
  {
    pending: Type.Union([
      Type.Object({ notice: hex(64), ranMs: timeMs, neededMs: timeMs }, closed),
      Type.Null(),
    ]),
  },
  closed,
);
export type RecoveryState = Static<typeof RecoveryState>;
