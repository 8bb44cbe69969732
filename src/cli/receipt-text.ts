import type { ReceiptVerdict } from "../protocol/verify-receipt.ts";
import { entryLine } from "./entry-line.ts";

/** A receipt that holds, as people read it. */
export function receiptText({ origin, index, entry, cosignedBy, statement }: ReceiptVerdict) {
  const lines = [
    `Entry ${index} of ledger ${origin}:`,
    entry === null ? "" : entryLine(entry),
    cosignedBy === 0
      ? "No device of an owner in force has cosigned the checkpoint."
      : `Cosigned by ${cosignedBy} devices of owners.`,
  ];
  if (statement) lines.push("", statement.text);
  if (statement && statement.ownWords !== "") lines.push(statement.ownWords);
  if (statement)
    lines.push(
      `Signed at ${new Date(statement.atMs).toISOString()} by an owner, about himself; nobody else can vouch for it.`,
    );
  return lines.join("\n");
}
