import Type, { type Static } from "typebox";
import { checkShape } from "../protocol/check.ts";
import type { G711Law } from "../protocol/g711.ts";

/**
 * What the hub and a talk process say to each other. There is one process for a conversation: it
 * talks to one camera and is gone afterwards.
 */
export type ToTalk =
  /** First and once. The streams are tried in their order, until one of them takes sound. */
  | {
      readonly type: "open";
      readonly urls: readonly string[];
      readonly username: string | null;
      readonly password: string | null;
      readonly allowBasic: boolean;
      /** Of what may wait to be said; what is older is dropped. */
      readonly queueBytesMax: number;
    }
  /** Base64 of G.711. In another law than the camera's it is coded anew. */
  | { readonly type: "sound"; readonly law: G711Law; readonly bytes: string }
  /** What waits is still said, then the camera is told that it was all. */
  | { readonly type: "end" };

/** What a log line or a page may show: one line, not endless. */
const text = (maxLength: number) => Type.String({ pattern: "^[^\\p{C}]*$", maxLength });
const closed = { additionalProperties: false } as const;
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const FromTalkSchema = Type.Union([
  /** The camera takes sound now, on the stream of this place in the list. */
  Type.Object(
    {
      type: Type.Literal("opened"),
      law: Type.Union([Type.Literal("PCMU"), Type.Literal("PCMA")]),
      stream: Type.Integer({ minimum: 0, maximum: 7 }),
    },
    closed,
  ),
  /** Last of all; `problem` is null where it ended because it was told to. */
  Type.Object(
    {
      type: Type.Literal("ended"),
      problem: Type.Union([
        Type.Object({ code: text(40), message: text(500) }, closed),
        Type.Null(),
      ]),
      packets: count,
      lostPackets: count,
      droppedBytes: count,
    },
    closed,
  ),
]);
export type FromTalk = Static<typeof FromTalkSchema>;
export type TalkEnd = Omit<Extract<FromTalk, { type: "ended" }>, "type">;

/**
 * Reads what a talk process says: it has parsed a camera's bytes, so it is believed no more than they
 * are (invariant 12).
 *
 * @throws MalformedInput for any other shape.
 */
export function readFromTalk(value: unknown): FromTalk {
  return checkShape(FromTalkSchema, value, "message of the talk process");
}
