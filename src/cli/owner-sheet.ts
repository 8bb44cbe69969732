import { readFile } from "node:fs/promises";
import path from "node:path";
import { text as readText } from "node:stream/consumers";
import { writeFileDurably } from "../base/files.ts";
import { parseRecoverySheet } from "../owner/recovery.ts";
import { combineSheets, splitSheet } from "../owner/sheet-split.ts";
import { equalBytes, utf8Bytes } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readInput, readOptions, say, type ReadOptions } from "./options.ts";

/** Writes the recovery sheet that is in force in three parts, of which any two give it back. */
export async function ownerSheet(args: string[]): Promise<ExitCode> {
  if (args.includes("--new")) return (await import("./owner-new-sheet.ts")).ownerNewSheet(args);
  const options = readOptions(args, {
    values: ["hub", "keys", "sheet", "out"],
    flags: ["split", "json"],
  });
  if (!options.flag("split"))
    throw new UsageError("Cannot read the command line: say --new or --split");
  const directory = options.text("out") ?? options.required("keys");
  const sheet = await askForSheet(options);
  await using session = await openSession(options);
  await requireInForce(sheet, session.keyring);
  const parts = await splitSheet(sheet);
  const files = parts.map((_, index) => path.join(directory, `recovery-part-${index + 1}.txt`));
  for (const file of files) await requireNoFile(file);
  for (const [index, file] of files.entries())
    await writeFileDurably(file, utf8Bytes(parts[index] ?? ""));
  await requireReadable(files, sheet);
  if (options.flag("json")) printJson({ files });
  else for (const file of files) print(file);
  say("Any two of the three give the sheet back; this was just tried with each pair. Print them,");
  say("keep each with somebody else or somewhere else, then delete the files and the whole sheet:");
  say("whoever still has that needs no part.");
  return 0;
}

async function askForSheet(options: ReadOptions): Promise<string> {
  const file = options.text("sheet");
  if (file !== null) return Buffer.from(await readInput(file)).toString("utf8");
  say("Type the recovery sheet, each word with its number, and `kind: x25519` where it says so.");
  say("An empty line and Ctrl-D end it.");
  return readText(process.stdin);
}

/** A sheet of another household, or one that was replaced, would be kept for nothing. */
async function requireInForce(sheet: string, keyring: Keyring): Promise<void> {
  const { reader, signingKey } = await parseRecoverySheet(sheet);
  const isInForce =
    reader.recipient === keyring.readers.recovery &&
    equalBytes(signingKey.publicKey, keyring.recoveryKey);
  if (!isInForce)
    throw new HubError(
      "SHEET_NOT_IN_FORCE",
      "Cannot split sheet: it is not the one that this household has in force",
    );
}

async function requireNoFile(file: string): Promise<void> {
  const isThere = await readFile(file).then(
    () => true,
    () => false,
  );
  if (isThere)
    throw new HubError("FILE_KNOWN", `Cannot write ${file}: it is there already; move it away`);
}

async function requireReadable(files: readonly string[], sheet: string): Promise<void> {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const wanted = (await parseRecoverySheet(sheet)).words.join(" ");
  for (const left of texts.keys())
    for (const right of texts.keys()) {
      if (left === right) continue;
      const joined = combineSheets([texts[left] ?? "", texts[right] ?? ""]);
      if ((await parseRecoverySheet(joined)).words.join(" ") !== wanted)
        throw new Error("two parts gave another sheet than the one that was split");
    }
}
