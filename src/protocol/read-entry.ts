import Type from "typebox";
import type { Json } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { MalformedInput } from "./errors.ts";
import { LEDGER_ENTRY_SCHEMAS, type LedgerEntry, type LedgerEntryKind } from "./ledger-entry.ts";

/** @throws MalformedInput unless `value` is a ledger entry of a known kind. */
export function readEntry(value: Json): LedgerEntry {
  const { kind } = checkShape(
    Type.Object({ kind: Type.String({ maxLength: 40 }) }),
    value,
    "entry",
  );
  if (!isEntryKind(kind))
    throw new MalformedInput("entry", `Cannot read ledger entry: unknown kind ${kind}`);
  return checkShape(LEDGER_ENTRY_SCHEMAS[kind], value, "ledger entry");
}

function isEntryKind(kind: string): kind is LedgerEntryKind {
  return Object.hasOwn(LEDGER_ENTRY_SCHEMAS, kind);
}
