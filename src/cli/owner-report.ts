import * as Api from "../protocol/api.ts";
import { writeFileDurably } from "../base/files.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { fetchAllEntries } from "../owner/all-entries.ts";
import { makeReport } from "../owner/report.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readOptions, say } from "./options.ts";
import { reportText } from "./report-text.ts";

/** Counts the whole ledger and signs the figures: 1 where something left without an approval. */
export async function ownerReport(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys", "out"], flags: ["json"] });
  const out = options.text("out");
  await using session = await openSession(options);
  const { client, keys, seen } = session;
  const { statements } = await client.get("/api/keyring", Api.KeyringAnswer);
  const made = await makeReport(
    { statements, checkpoint: seen.checkpoint, entries: await fetchAllEntries(session) },
    signingKeyOf(keys.bundle),
    Date.now(),
  );
  // The report's checkpoint carries this line: the hub then has it as well, as after a witness.
  await client.send("/api/ledger/cosignatures", made.cosignature);
  if (out !== null) await writeFileDurably(out, made.bytes);
  if (options.flag("json")) printJson(made.statement);
  else print(reportText(made.statement));
  if (out !== null) {
    say(`${out} has every entry of the ledger: times, cameras, devices; no names, no pictures.`);
    say(`Anybody can check it: doorward verify --report ${out}`);
  }
  if (made.verdict.holds) return 0;
  say(made.verdict.checks.at(-1)?.detail ?? "The ledger does not hold.");
  return 1;
}
