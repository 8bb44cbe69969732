import Type, { type Static } from "typebox";
import { canonicalJson } from "./canonical-json.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { checkShape } from "./check.ts";
import type { FileKey } from "./clip.ts";
import { openEnvelope, PAYLOAD_TYPES } from "./envelope.ts";
import { HubError } from "./errors.ts";
import type { Rendition, Track } from "./ids.ts";
import { CopyFileSchema, SealedFileSchema } from "./ledger-entry.ts";
import { DECISION_LIFETIME_MS, LIMITS, REQUEST_EXPIRY_MAX_MS } from "./limits.ts";

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const timeMs = Type.Integer({ minimum: 0, maximum: LIMITS.timeMs });

/**
 * A sealed file that an approval names; `derivedFrom` is the payload hash of what it was made from,
 * `pixelated` what the hub covered where the hub made it.
 */
export const TermsFileSchema = Type.Object(
  {
    ...SealedFileSchema.properties,
    derivedFrom: Type.Optional(hex(64)),
    pixelated: CopyFileSchema.properties.pixelated,
  },
  { additionalProperties: false },
);
export type TermsFile = Static<typeof TermsFileSchema>;

export const TermsClipSchema = Type.Object(
  {
    clip: hex(32),
    camera: Type.String({ maxLength: 32 }),
    /** Wall clock of the first and the end of the last file: what really leaves, whole segments. */
    fromMs: timeMs,
    toMs: timeMs,
    files: Type.Array(TermsFileSchema, { minItems: 1, maxItems: LIMITS.filesPerApproval }),
  },
  { additionalProperties: false },
);
export type TermsClip = Static<typeof TermsClipSchema>;

/** What a decision says. Everything that matters is signed; nothing is looked up afterwards. */
export const TermsSchema = Type.Object(
  {
    v: Type.Literal(1),
    /** Origin of the ledger: a decision for one household means nothing in another. */
    origin: Type.String({ maxLength: 200 }),
    request: hex(32),
    requestSha256: hex(64),
    outcome: Type.Union([
      Type.Literal("approved"),
      Type.Literal("approved_in_part"),
      Type.Literal("refused"),
    ]),
    clips: Type.Array(TermsClipSchema, { maxItems: LIMITS.clipsPerApproval }),
    redactions: Type.Object(
      {
        faces: Type.Union([
          Type.Literal("none"),
          Type.Literal("clear"),
          Type.Literal("blurred"),
          Type.Literal("mixed"),
        ]),
        audio: Type.Union([Type.Literal("left_out"), Type.Literal("included")]),
      },
      { additionalProperties: false },
    ),
    /** Age recipient that will be able to open what leaves; null in a refusal. */
    recipient: Type.Union([Type.String({ maxLength: LIMITS.recipientCharacters }), Type.Null()]),
    recipientWords: Type.Array(Type.String({ maxLength: 8 }), { maxItems: 8 }),
    purpose: Type.String({ maxLength: LIMITS.purposeCharacters }),
    notBeforeMs: timeMs,
    notAfterMs: timeMs,
    /**
     * Until when the recipient may fetch what leaves, at most a year; left out in a refusal, and in
     * approvals of before there was this member: those lapse {@link AVAILABLE_DEFAULT_MS} after.
     */
    availableUntilMs: Type.Optional(timeMs),
    /** Issued by the hub for this request, good once: 256 bits. */
    nonce: hex(64),
    /** What this device has seen of the ledger. */
    checkpoint: Type.Object(
      { size: Type.Integer({ minimum: 0 }), root: hex(64) },
      { additionalProperties: false },
    ),
    keyringEpoch: Type.Integer({ minimum: 0 }),
    keyringHead: hex(64),
    /** SHA-256 of the `viewer.html` that goes along; left out where none does. */
    viewerSha256: Type.Optional(hex(64)),
  },
  { additionalProperties: false },
);
export type Terms = Static<typeof TermsSchema>;

/** A new age header for the recipient, for the file at the same place in the terms. */
export const ReleaseHeaderSchema = Type.Object(
  {
    clip: hex(32),
    segment: SealedFileSchema.properties.segment,
    track: SealedFileSchema.properties.track,
    rendition: SealedFileSchema.properties.rendition,
    /** Base64 of the whole header through its final newline; exactly one stanza. */
    header: Type.String({ maxLength: 4_096 }),
  },
  { additionalProperties: false },
);
export type ReleaseHeader = Static<typeof ReleaseHeaderSchema>;

/** Payload of a decision's envelope. */
export const DecisionSchema = Type.Object(
  {
    terms: TermsSchema,
    /** One header a file, in the order of the terms; empty in a refusal. */
    release: Type.Array(ReleaseHeaderSchema, { maxItems: LIMITS.filesPerApproval }),
  },
  { additionalProperties: false },
);
export type Decision = Static<typeof DecisionSchema>;

/**
 * How long a decision may travel: some minutes when one person decides on the spot; as long as the
 * request is open where others have to sign it or may veto.
 */
export function decisionLifetimeMs(policy: {
  readonly exportSigners: number;
  readonly vetoWindowMs: number;
}): number {
  const isOnTheSpot = policy.exportSigners === 1 && policy.vetoWindowMs === 0;
  return isOnTheSpot ? DECISION_LIFETIME_MS : REQUEST_EXPIRY_MAX_MS;
}

/** SHA-256 over the terms: what a passkey is asked to assert. */
export function termsHash(terms: Terms): Uint8Array {
  return sha256(canonicalJson(terms));
}

/**
 * What the randomness of the new headers is derived from, beside each file key: the terms without
 * what a mere label could change (the hash over the request as it was worded, and the ledger root
 * that follows from it). Calling a request an emergency therefore changes no released byte
 * (invariant 7); the nonce keeps every decision's headers apart.
 */
export function releaseHash(terms: Terms): Uint8Array {
  const { requestSha256: _requestSha256, checkpoint: _checkpoint, ...unlabelled } = terms;
  return sha256(canonicalJson(unlabelled));
}

/** What the listed renditions and tracks imply; signed terms must say exactly this. */
export function impliedRedactions(clips: readonly TermsClip[]): Terms["redactions"] {
  const renditions = new Set<Rendition>();
  const tracks = new Set<Track>();
  for (const clip of clips)
    for (const file of clip.files) {
      tracks.add(file.track);
      // Sound has no faces; it is named apart.
      if (file.track !== "audio") renditions.add(file.rendition);
    }
  const faces =
    renditions.size === 2
      ? "mixed"
      : renditions.has("blurred")
        ? "blurred"
        : renditions.has("original")
          ? "clear"
          : "none";
  return { faces, audio: tracks.has("audio") ? "included" : "left_out" };
}

/** One text a file: to compare files across terms, headers and ledger. */
export function fileName(clip: string, file: FileKey): string {
  return `${clip}/${file.segment ?? "-"}/${file.track}/${file.rendition}`;
}

/** Who made the blurred files that the terms name, and how many have nothing to see in them. */
export function blurOfTerms(terms: Terms): {
  readonly byHub: number;
  readonly byDevice: number;
  readonly whole: number;
} {
  const files = filesOfTerms(terms).map(({ file }) => file);
  const blurred = files.filter(({ rendition }) => rendition === "blurred");
  return {
    byHub: blurred.filter(({ pixelated }) => pixelated !== undefined).length,
    byDevice: blurred.filter(
      ({ pixelated, derivedFrom }) => pixelated === undefined && derivedFrom !== undefined,
    ).length,
    whole: blurred.filter(({ pixelated }) => pixelated === "whole").length,
  };
}

/** Every file of the terms, in order, with its clip. */
export function filesOfTerms(terms: Pick<Terms, "clips">): { clip: TermsClip; file: TermsFile }[] {
  return terms.clips.flatMap((clip) => clip.files.map((file) => ({ clip, file })));
}

/** The outcome that an envelope claims, without verifying anything; null where it cannot be read. */
export function claimedOutcome(value: unknown): Terms["outcome"] | null {
  return claimedTerms(value)?.outcome ?? null;
}

/** SHA-256 of the viewer that an envelope claims to name, or null, without verifying anything. */
export function claimedViewer(value: unknown): string | null {
  return claimedTerms(value)?.viewerSha256 ?? null;
}

function claimedTerms(value: unknown): Terms | null {
  try {
    const { content } = openEnvelope(value, PAYLOAD_TYPES.decision, "decision");
    return checkShape(DecisionSchema, content, "decision").terms;
  } catch (cause) {
    if (cause instanceof HubError) return null;
    throw cause;
  }
}
