import { blurOfTerms } from "../protocol/decision.ts";
import { looksLikeBundle, verifyBundle, type BundleViewer } from "../protocol/verify-bundle.ts";
import { looksLikeReport, verifyReport } from "../protocol/verify-report.ts";
import type { ExitCode } from "./exit.ts";
import { print, printJson, readOptions, say } from "./options.ts";
import { ownViewer } from "./own-viewer.ts";
import { reportText } from "./report-text.ts";
import { printChecks, readBundle } from "./verify-checks.ts";
import { verifyReceiptFile } from "./verify-receipt.ts";

/**
 * Checks a bundle, report, receipt or statement without any hub: 0 it holds, 1 it does not, 2 it is
 * none.
 */
export async function verify(args: string[]): Promise<ExitCode> {
  const asks = (name: string): boolean =>
    args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (asks("receipt") || asks("statement")) return verifyReceiptFile(args);
  const isReport = asks("report");
  const options = readOptions(args, {
    values: ["report", "viewer"],
    flags: ["json"],
    positionals: isReport ? 0 : 1,
  });
  if (isReport) return verifyReportFile(options.required("report"), options.flag("json"));
  const bytes = await readBundle(options.positionals[0] ?? "");
  const asJson = options.flag("json");
  if (!looksLikeBundle(bytes)) {
    if (asJson) printJson({ holds: false, bundle: false, checks: [] });
    else say("This is not a bundle of Doorward.");
    return 2;
  }
  const report = await verifyBundle(bytes, await knownViewers(options.text("viewer")));
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
        blurredOnDevice: blurOfTerms(terms).byDevice,
        blurredByHub: blurOfTerms(terms).byHub,
        pixelatedWhole: blurOfTerms(terms).whole,
        viewer: report.viewer,
      }),
    });
    return report.holds ? 0 : 1;
  }
  printChecks(report.checks);
  if (report.holds && terms) {
    print(`It holds. Ledger ${terms.origin}, for: ${terms.recipientWords.join(" ")}`);
    const { byDevice, byHub, whole } = blurOfTerms(terms);
    const from = "each from the recording of its place and time";
    if (byDevice > 0) print(`Blurred on an owner's device: ${byDevice} files, ${from}.`);
    if (byHub > 0) print(`Blurred by the hub as it recorded: ${byHub} files, ${from}.`);
    if (whole > 0) print(`Pixelated whole, since they could not be looked at: ${whole} of them.`);
    if (report.cosignedBy === 0) print("No device of the household has cosigned the checkpoint.");
    if (report.viewer) print(viewerText(report.viewer));
  }
  return report.holds ? 0 : 1;
}

/** The one that this installation has built, and one that somebody has been told of. */
async function knownViewers(given: string | null): Promise<ReadonlySet<string>> {
  const own = await ownViewer();
  return new Set([...(own === null ? [] : [own]), ...(given === null ? [] : [given])]);
}

function viewerText({ sha256, isKnown }: BundleViewer): string {
  return isKnown
    ? `Its viewer.html is the one that is known here (SHA-256 ${sha256}).`
    : `ITS viewer.html IS NOT KNOWN HERE. The owners signed for it, and it may be of another version: give it no key unless you know its SHA-256 from elsewhere (${sha256}). \`doorward open\` needs no viewer.`;
}

async function verifyReportFile(file: string, asJson: boolean): Promise<ExitCode> {
  const bytes = await readBundle(file);
  if (!looksLikeReport(bytes)) {
    if (asJson) printJson({ holds: false, report: false, checks: [] });
    else say("This is not a transparency report of Doorward.");
    return 2;
  }
  const { holds, checks, statement, cosignedBy } = verifyReport(bytes);
  if (asJson) {
    printJson({ holds, report: true, checks, cosignedBy, ...statement });
    return holds ? 0 : 1;
  }
  printChecks(checks);
  if (statement) print(`\n${reportText(statement)}`);
  return holds ? 0 : 1;
}
