import { writeFileDurably } from "../base/files.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { makeReceipt } from "../owner/receipt.ts";
import { makeStatement } from "../owner/statement.ts";
import { statementText } from "../protocol/statement-text.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { confirm } from "./keys-directory.ts";
import { print, printJson, readOptions, say } from "./options.ts";

/**
 * An owner's word for one month, signed and entered after a yes to the words that are shown; nothing
 * ever makes one by itself.
 */
export async function ownerStatement(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "month", "language", "words", "out"],
    flags: ["yes", "json"],
  });
  const month = options.required("month");
  const language = options.text("language") ?? "en";
  if (language !== "en" && language !== "fr")
    throw new UsageError(`Cannot make statement: no words in "${language}", only en and fr`);
  if (!/^[0-9]{4}-(0[1-9]|1[0-2])$/.test(month))
    throw new UsageError(`Cannot read "${month}": expected a month as 2026-11`);
  const said = { month, language, ownWords: options.text("words") ?? "" } as const;
  say(statementText(said));
  if (said.ownWords !== "") say(said.ownWords);
  if (!options.flag("yes") && !(await confirm("Is every word of it true, and do you sign it?")))
    return 1;
  await using session = await openSession(options);
  const key = signingKeyOf(session.keys.bundle);
  const index = await makeStatement(session, said, envelopeSigner(key), Date.now());
  const { bytes, verdict, name } = await makeReceipt(session, index, key, Date.now());
  const out = options.text("out") ?? name;
  await writeFileDurably(out, bytes);
  if (options.flag("json")) printJson({ index, month, out, statement: verdict.statement });
  else print(`Signed, and entered as entry ${index}: ${out}`);
  say(`Anybody can check it: doorward verify --statement ${out}`);
  return 0;
}
