import Type, { type Static } from "typebox";

/** Why a blurred copy, or a part of it, is not there, or why it is pixelated whole. */
export const BLUR_REASONS = [
  /** It did not fit into what may wait for blurring. */
  "queue-full",
  /** Its turn did not come within the time for which footage may wait in memory. */
  "too-old",
  /** No detector could be opened, or it gave no answer that is one. */
  "detector-failed",
  /** The pictures could not be decoded. */
  "decoder-failed",
  /** The covered pictures could not be encoded. */
  "encoder-failed",
  /** The process that blurs did not come to an end with it. */
  "timed-out",
  /** The process that blurs ended, twice, or said what could not be believed. */
  "vision-ended",
  /** The disk took no file. */
  "disk-failed",
  /** The original of it is not whole. */
  "original-torn",
  /** The household's keys changed, and the recording was sealed anew, before it was done. */
  "keyring-changed",
  /** The camera was switched off. */
  "switched-off",
  /** The camera was removed, or begun anew under other settings. */
  "camera-ended",
  /** The hub, or the process that records, stopped. */
  "stopped",
] as const;
export type BlurReason = (typeof BLUR_REASONS)[number];

const reason = Type.Union(
  BLUR_REASONS.map((word) => Type.Literal(word)),
) as unknown as Type.TUnsafe<BlurReason>;

export const BlurReasonSchema = Type.Union([reason, Type.Null()]);

/**
 * How a clip's blurred copy stands. `waiting`: being made. `done`: nothing more comes, and of
 * `segments` segments there is one; fewer than the clip has is a copy with gaps, and `reason` says why.
 * `absent`: nothing more comes, and there is none. `whole` of the segments are pixelated from edge to
 * edge because they could not be looked at; where it is not 0 and nothing is missing, `reason` says why.
 */
export const BlurStateSchema = Type.Object(
  {
    state: Type.Union([Type.Literal("waiting"), Type.Literal("done"), Type.Literal("absent")]),
    reason: BlurReasonSchema,
    segments: Type.Integer({ minimum: 0, maximum: 10_000 }),
    whole: Type.Integer({ minimum: 0, maximum: 10_000 }),
  },
  { additionalProperties: false },
);
export type BlurState = Static<typeof BlurStateSchema>;
