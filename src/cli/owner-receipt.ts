import { writeFileDurably } from "../base/files.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { deletionOf, makeReceipt } from "../owner/receipt.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readOptions, say } from "./options.ts";
import { receiptText } from "./receipt-text.ts";

/** Writes a proof that an entry is in the ledger; of a recording, the entry of its deletion. */
export async function ownerReceipt(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "out"],
    flags: ["json"],
    positionals: 1,
  });
  const out = options.required("out");
  const [subject = ""] = options.positionals;
  const isClip = /^[0-9a-f]{32}$/.test(subject);
  if (!isClip && !/^[0-9]{1,15}$/.test(subject))
    throw new UsageError(
      `Cannot read "${subject}": expected an entry's number or a recording's id`,
    );
  await using session = await openSession(options);
  const index = isClip ? await deletionOf(session, subject) : Number(subject);
  const key = signingKeyOf(session.keys.bundle);
  const { bytes, verdict } = await makeReceipt(session, index, key, Date.now());
  await writeFileDurably(out, bytes);
  if (options.flag("json")) {
    const { entry, origin, cosignedBy } = verdict;
    printJson({ index, entry, origin, cosignedBy, out });
  } else print(receiptText(verdict));
  say(`Anybody can check it: doorward verify --receipt ${out}`);
  return 0;
}
