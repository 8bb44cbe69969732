import { readFile } from "node:fs/promises";
import { looksLikeBundle, verifyBundle } from "../protocol/verify-bundle.ts";
import { systemErrorCode } from "../base/files.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { print, printJson, readOptions, say } from "./options.ts";

/** Checks a bundle without any hub: 0 it holds, 1 it does not, 2 it is not a bundle. */
export async function verify(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { flags: ["json"], positionals: 1 });
  const bytes = await readBundle(options.positionals[0] ?? "");
  const asJson = options.flag("json");
  if (!looksLikeBundle(bytes)) {
    if (asJson) printJson({ holds: false, bundle: false, checks: [] });
    else say("This is not a bundle of Doorward.");
    return 2;
  }
  const report = await verifyBundle(bytes);
  const terms = report.approval?.terms;
  if (asJson) {
    printJson({
      holds: report.holds,
      bundle: true,
      checks: report.checks,
      cosignedBy: report.cosignedBy,
      ...(terms && {
        origin: terms.origin,
        request: terms.request,
        outcome: terms.outcome,
        recipientWords: terms.recipientWords,
        files: report.approval?.files.length,
      }),
    });
    return report.holds ? 0 : 1;
  }
  for (const { check, holds, detail } of report.checks)
    print(`${holds ? "holds        " : "DOES NOT HOLD"}  ${check} (${detail})`);
  if (report.holds && terms) {
    print(`It holds. Ledger ${terms.origin}, for: ${terms.recipientWords.join(" ")}`);
    if (report.cosignedBy === 0) print("No device of the household has cosigned the checkpoint.");
  }
  return report.holds ? 0 : 1;
}

export async function readBundle(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    throw new UsageError(`Cannot read ${file}: ${systemErrorCode(error)}`);
  }
}
