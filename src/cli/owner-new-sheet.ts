import { readFile } from "node:fs/promises";
import path from "node:path";
import { writeFileDurably } from "../base/files.ts";
import { makeSheet, putSheetInForce } from "../owner/keyring-changes.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readOptions, say } from "./options.ts";
import { groundOf, sayProposed } from "./owner-keyring.ts";

/** Makes a new recovery sheet, tries it, and puts it in the old one's place. */
export async function ownerNewSheet(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "out"],
    flags: ["new", "json"],
  });
  await using session = await openSession(options);
  const { keyring } = session;
  const name = `recovery-${keyring.epoch + 1}.txt`;
  const file = path.join(options.text("out") ?? options.required("keys"), name);
  await writeFileDurably(file, utf8Bytes(await makeSheet(keyring.readers.kind)));
  // Read back from the disk: what is tried is what will be printed.
  const result = await putSheetInForce(groundOf(session), await readFile(file, "utf8"));
  if (options.flag("json")) printJson({ file, state: result.state });
  else print(file);
  if (result.state === "proposed") sayProposed(result);
  else say("The new sheet opened a test file that the hub had sealed, and is in force.");
  say(
    "Print it, keep the paper away from the hub, then delete the file. The old sheet signs nothing",
  );
  say("any more, and still opens what was recorded before: doorward owner rewrap --keys DIR");
  return 0;
}
