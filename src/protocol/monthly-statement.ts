import Type, { type Static } from "typebox";
import { PAYLOAD_TYPES } from "./envelope.ts";
import { MalformedInput } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Keyring } from "./keyring.ts";
import { verifyOwnerStatement, type OwnerStatement } from "./owner-statement.ts";
import { monthOf, statementText } from "./statement-text.ts";

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

export const MonthSchema = Type.String({ pattern: "^[0-9]{4}-(0[1-9]|1[0-2])$", maxLength: 7 });
export const OWN_WORDS_MAX = 500;

/**
 * An owner's word about himself, for one month. Nobody else can make it: not the hub, which holds no
 * key that could, and not time.
 */
export const MonthlyStatementSchema = Type.Object(
  {
    v: Type.Literal(1),
    origin: Type.String({ maxLength: 200 }),
    month: MonthSchema,
    language: Type.Union([Type.Literal("en"), Type.Literal("fr")]),
    /** Exactly `statementText`. */
    text: Type.String({ maxLength: 1_000 }),
    /** What the owner adds in his own words; empty where he adds nothing. */
    ownWords: Type.String({ maxLength: OWN_WORDS_MAX, pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}]*$" }),
    /** What this device has seen of the ledger: it was not signed before. */
    checkpoint: Type.Object({ size: Type.Integer({ minimum: 1 }), root: hex(64) }, closed),
    keyringEpoch: count,
    keyringHead: hex(64),
    /** By the signer's clock. */
    atMs: Type.Integer({ minimum: 0, maximum: LIMITS.timeMs }),
  },
  closed,
);
export type MonthlyStatement = Static<typeof MonthlyStatementSchema>;

/**
 * A statement under the keyring that it names.
 *
 * @param keyring - As it was at `keyringEpoch`.
 * @throws HubError STATEMENT_REFUSED, MalformedInput.
 */
export function verifyMonthlyStatement(
  value: unknown,
  keyring: Keyring,
): OwnerStatement<MonthlyStatement> {
  const found = verifyOwnerStatement(value, {
    ...{ payloadType: PAYLOAD_TYPES.statement, schema: MonthlyStatementSchema },
    ...{ what: "statement", keyring, when: "now" },
  });
  const { origin, text, month, keyringEpoch, keyringHead, atMs } = found.statement;
  if (origin !== keyring.origin) throw refused("origin", "it is of another ledger");
  if (keyringEpoch !== keyring.epoch || keyringHead !== keyring.head)
    throw refused("keyringHead", "it was signed under another keyring");
  if (text !== statementText(found.statement)) throw refused("text", "its words are not the fixed");
  if (month > monthOf(atMs)) throw refused("month", "that month had not begun");
  return found;
}

function refused(field: string, reason: string): MalformedInput {
  return new MalformedInput(field, `Cannot accept statement: ${reason}`);
}
