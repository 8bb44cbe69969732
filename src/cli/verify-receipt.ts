import { looksLikeReceipt, verifyReceipt } from "../protocol/verify-receipt.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { print, printJson, readOptions, say } from "./options.ts";
import { receiptText } from "./receipt-text.ts";
import { printChecks, readBundle } from "./verify-checks.ts";

/** `verify --receipt FILE` and `verify --statement FILE`, which is a receipt that brings one. */
export async function verifyReceiptFile(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["receipt", "statement"], flags: ["json"] });
  const wanted = options.text("statement");
  const file = wanted ?? options.required("receipt");
  if (wanted !== null && options.text("receipt") !== null)
    throw new UsageError("Cannot read the command line: one file at a time");
  const bytes = await readBundle(file);
  const asJson = options.flag("json");
  if (!looksLikeReceipt(bytes)) {
    if (asJson) printJson({ holds: false, receipt: false, checks: [] });
    else say("This is not a receipt of Doorward.");
    return 2;
  }
  const verdict = verifyReceipt(bytes);
  const lacksStatement = wanted !== null && verdict.holds && verdict.statement === null;
  const holds = verdict.holds && !lacksStatement;
  if (asJson) {
    printJson({ receipt: true, ...verdict, holds });
    return holds ? 0 : 1;
  }
  printChecks(verdict.checks);
  if (lacksStatement) say("It is a receipt, and not of a statement.");
  else if (holds) print(`\n${receiptText(verdict)}`);
  return holds ? 0 : 1;
}
