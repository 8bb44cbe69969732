import Type from "typebox";
import type { Json } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { MalformedInput } from "./errors.ts";
import {
  LEDGER_ENTRY_SCHEMAS,
  type LedgerEntry,
  type LedgerEntryKind,
  type LedgerEntryOf,
} from "./ledger-entry.ts";

/** @throws MalformedInput unless `value` is a ledger entry of a known kind. */
export function readEntry(value: Json): LedgerEntry {
  const { kind } = checkShape(
    Type.Object({ kind: Type.String({ maxLength: 40 }) }),
    value,
    "entry",
  );
  if (!isEntryKind(kind))
    throw new MalformedInput("entry", `Cannot read ledger entry: unknown kind ${kind}`);
  const entry = checkShape(LEDGER_ENTRY_SCHEMAS[kind], value, "ledger entry");
  if (entry.kind === "clip" || entry.kind === "rendition" || entry.kind === "rewrap")
    requirePlaces(entry);
  return entry;
}

/** What a schema cannot say: only a poster has no segment; what takes places fills as many. */
function requirePlaces(entry: LedgerEntryOf<"clip" | "rendition" | "rewrap">): void {
  for (const { segment, track } of entry.files)
    if ((segment === null) !== (track === "poster"))
      throw new MalformedInput("segment", "Cannot read ledger entry: a file without its segment");
  if (entry.kind === "rendition" && entry.v === 4 && entry.replaces.length > entry.files.length)
    throw new MalformedInput(
      "replaces",
      "Cannot read ledger entry: it replaces more than it lists",
    );
}

function isEntryKind(kind: string): kind is LedgerEntryKind {
  return Object.hasOwn(LEDGER_ENTRY_SCHEMAS, kind);
}
