import Type, { type Static } from "typebox";
import * as Api from "./api.ts";
import { PassedOnAnswer } from "./api-keyring.ts";
import { concatBytes, utf8Bytes } from "./bytes.ts";
import { parseJson } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { EnvelopeSchema, EnvelopeSignatureSchema, signedBytes, verifyEd25519 } from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/**
 * What hub and device put into a mailbox that belongs to neither of them. The carrier is believed in
 * nothing: what it holds is sealed, signed or under a key that it never saw, and padded.
 */
export const MAILBOX_LIMITS = {
  devices: 16,
  requests: 20,
  clipsPerRequest: 64,
  clips: 200,
  pieces: 400,
  /** Of 1 MiB: a segment has at most 16 MiB. */
  partsPerPiece: 20,
  consistencyProofs: 64,
  replies: 20,
  /** How long anything lies there. */
  ageMs: 7 * 24 * 3_600_000,
} as const;

/** A content of any length takes up one of these on the carrier, and a fixed number of bytes more. */
export const MAILBOX_SIZES = [64 * 1024, 256 * 1024, 1024 * 1024] as const;
/** The length in front of a padded content. */
export const PADDING_BYTES = 4;
export const PART_BYTES_MAX = MAILBOX_SIZES[2] - PADDING_BYTES;
/** The largest size, and an age header or the ends of a box around it. */
export const ITEM_BYTES_MAX = MAILBOX_SIZES[2] + 16 * 1024;

const closed = { additionalProperties: false } as const;
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const secret = Type.Union([Type.String({ maxLength: 500 }), Type.Null()]);
const hashes = Type.Array(Type.String({ maxLength: 44 }), { maxItems: 128 });

/** Names on the carrier: 128 random bits, which tell nothing. */
const itemName = hex(32);

/** Where a household's mailbox is, and what opens its door; the device gets it while at home. */
export const MailboxPlaceSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal("webdav"), Type.Literal("ntfy")]),
    /** Of the folder, or of the topic. */
    url: Type.String({ maxLength: 300 }),
    user: secret,
    password: secret,
    /** An access token, instead of user and password. */
    token: secret,
  },
  closed,
);
export type MailboxPlace = Static<typeof MailboxPlaceSchema>;

/** An item and the key that it is under: 32 bytes, used for this item only. */
const BoxPlaceSchema = Type.Object({ item: itemName, key: hex(64) }, closed);
export type BoxPlace = Static<typeof BoxPlaceSchema>;

const MailboxPieceSchema = Type.Object(
  {
    clip: hex(32),
    /** Of the sealed file, as the route of files names it. */
    name: Type.String({ pattern: "^[a-z0-9.]{1,80}$", maxLength: 80 }),
    sizeBytes: Type.Integer({ minimum: 1, maximum: LIMITS.renditionFileBytes }),
    parts: Type.Array(BoxPlaceSchema, { minItems: 1, maxItems: MAILBOX_LIMITS.partsPerPiece }),
  },
  closed,
);
export type MailboxPiece = Static<typeof MailboxPieceSchema>;

export const MailboxAnswerSchema = Type.Object(
  {
    id: hex(32),
    request: hex(32),
    taken: Type.Boolean(),
    /** Why it was not taken, as a route would have said it. */
    code: Type.Union([Type.String({ maxLength: 60 }), Type.Null()]),
    message: Type.Union([Type.String({ maxLength: 500 }), Type.Null()]),
    atMs: timeMs,
  },
  closed,
);
export type MailboxAnswer = Static<typeof MailboxAnswerSchema>;

const MailboxRequestSchema = Type.Object(
  {
    summary: Api.RequestSummary,
    nonce: Api.NonceAnswer,
    /** Null where more recordings lie in its time than a mailbox carries: it can only be refused. */
    clips: Type.Union([
      Type.Array(hex(32), { maxItems: MAILBOX_LIMITS.clipsPerRequest }),
      Type.Null(),
    ]),
    proposal: Type.Union([EnvelopeSchema, Type.Null()]),
  },
  closed,
);

/** Everything that one device needs to look at what waits, and to decide it; the hub's own answers. */
export const MailboxStateSchema = Type.Object(
  {
    v: Type.Literal(1),
    origin: Type.String({ maxLength: 100 }),
    device: hex(64),
    /** One higher each time. */
    sequence: Type.Integer({ minimum: 1 }),
    atMs: timeMs,
    keyring: Type.Array(EnvelopeSchema, { maxItems: LIMITS.keyringStatements }),
    checkpoint: Type.String({ maxLength: 65_536 }),
    size: Type.Integer({ minimum: 1 }),
    /** From every size that this device can have seen last. */
    consistency: Type.Array(Type.Object({ from: timeMs, proof: hashes }, closed), {
      maxItems: MAILBOX_LIMITS.consistencyProofs,
    }),
    requests: Type.Array(MailboxRequestSchema, { maxItems: MAILBOX_LIMITS.requests }),
    clips: Type.Array(Api.ClipDetail, { maxItems: MAILBOX_LIMITS.clips }),
    entries: Type.Array(
      Type.Object(
        { index: timeMs, entry: Type.String({ maxLength: 400_000 }), proof: hashes },
        closed,
      ),
      { maxItems: 4 * MAILBOX_LIMITS.clips },
    ),
    devices: Api.DeviceList,
    viewer: Type.Union([hex(64), Type.Null()]),
    passedOn: PassedOnAnswer,
    pieces: Type.Array(MailboxPieceSchema, { maxItems: MAILBOX_LIMITS.pieces }),
    /** Pieces of the candidates that found no room. */
    leftOut: Type.Integer({ minimum: 0 }),
    /** Where this device's next reply is looked for. */
    inbox: BoxPlaceSchema,
    answers: Type.Array(MailboxAnswerSchema, { maxItems: 2 * MAILBOX_LIMITS.replies }),
  },
  closed,
);
export type MailboxState = Static<typeof MailboxStateSchema>;

const reply = { id: hex(32), request: hex(32), signedAtMs: timeMs };
export const MailboxReplySchema = Type.Union([
  Type.Object(
    {
      ...reply,
      kind: Type.Union([Type.Literal("decision"), Type.Literal("proposal")]),
      decision: EnvelopeSchema,
    },
    closed,
  ),
  Type.Object(
    {
      ...reply,
      kind: Type.Literal("signature"),
      decisionSha256: hex(64),
      signature: EnvelopeSignatureSchema,
    },
    closed,
  ),
]);
export type MailboxReply = Static<typeof MailboxReplySchema>;

/** What a device puts into its inbox: all that it has signed and has no answer to. */
export const MailboxRepliesSchema = Type.Object(
  {
    v: Type.Literal(1),
    device: hex(64),
    replies: Type.Array(MailboxReplySchema, { maxItems: MAILBOX_LIMITS.replies }),
  },
  closed,
);

/**
 * Length, content, zeros: as long as the next of `MAILBOX_SIZES`.
 *
 * @throws HubError TOO_LARGE.
 */
export function pad(content: Uint8Array): Uint8Array {
  const size = MAILBOX_SIZES.find((one) => one >= content.length + PADDING_BYTES);
  if (size === undefined)
    throw new HubError("TOO_LARGE", "Cannot put into the mailbox: it is over 1 MiB");
  const padded = new Uint8Array(size);
  new DataView(padded.buffer).setUint32(0, content.length);
  padded.set(content, PADDING_BYTES);
  return padded;
}

/** @throws MalformedInput unless it is what {@link pad} makes, zeros included. */
export function unpad(padded: Uint8Array): Uint8Array {
  const isSize = MAILBOX_SIZES.some((size) => size === padded.length);
  const view = new DataView(padded.buffer, padded.byteOffset, padded.byteLength);
  const end = isSize ? PADDING_BYTES + view.getUint32(0) : Number.POSITIVE_INFINITY;
  if (end > padded.length || padded.subarray(end).some((byte) => byte !== 0))
    throw new MalformedInput("item", "Cannot read item: it is not padded as items are");
  return padded.subarray(PADDING_BYTES, end);
}

const STATE_TYPE = "application/vnd.doorward.mailbox+json";
const SIGNATURE_BYTES = 64;

/** The hub's word on a state: the ledger key's signature in front of the JSON it is over. */
export function signState(
  state: MailboxState,
  sign: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const json = utf8Bytes(JSON.stringify(state));
  return concatBytes(sign(signedBytes(STATE_TYPE, json)), json);
}

/**
 * Reads a state; who signed it is known only once the keyring inside it was verified.
 *
 * @throws MalformedInput naming the member that is wrong.
 */
export function readState(content: Uint8Array): {
  readonly state: MailboxState;
  readonly isSignedBy: (ledgerKey: Uint8Array) => boolean;
} {
  const signature = content.subarray(0, SIGNATURE_BYTES);
  const json = content.subarray(SIGNATURE_BYTES);
  return {
    state: checkShape(MailboxStateSchema, parseJson(json, "state"), "mailbox state"),
    isSignedBy: (ledgerKey) => verifyEd25519(signature, signedBytes(STATE_TYPE, json), ledgerKey),
  };
}

/** What the key of a box is stretched with: its item's name, so that no box stands for another. */
export function boxInfo(item: string): Uint8Array {
  return utf8Bytes(`doorward mailbox box v1 ${item}`);
}

export const BOX = { saltBytes: 16, keyBytes: 32, macBytes: 32 } as const;
