import Type, { type Static } from "typebox";
import { EnvelopeSchema } from "./envelope.ts";

const hex = (length: number) => Type.String({ minLength: length, maxLength: length });
const whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** The viewer that this hub puts into bundles; null where its page was never built. */
export const ViewerAnswer = Type.Object({ sha256: Type.Union([hex(64), Type.Null()]) });

export const ShareBody = Type.Object({ share: EnvelopeSchema }, { additionalProperties: false });

export const ShareSummary = Type.Object({
  request: hex(32),
  decisionSha256: hex(64),
  shareSha256: hex(64),
  madeAtMs: whole,
  expiresAtMs: whole,
  viewsMax: whole,
  views: whole,
  /** It can still be fetched. */
  isOpen: Type.Boolean(),
});
export type ShareSummary = Static<typeof ShareSummary>;

export const ShareList = Type.Object({
  /** Address under which others reach this hub; null where there is no outside listener. */
  base: Type.Union([Type.String({ maxLength: 2_000 }), Type.Null()]),
  shares: Type.Array(ShareSummary, { maxItems: 100 }),
});
export type ShareList = Static<typeof ShareList>;

/** Any text: a token that cannot be one gets the answer of one that is unknown. */
export const ShareFetchBody = Type.Object(
  { token: Type.String({ maxLength: 200 }) },
  { additionalProperties: false },
);
