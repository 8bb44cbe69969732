import { parseClipId } from "../protocol/ids.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readOptions } from "./options.ts";

/** Takes a deletion back that an owner has asked for, as long as it has not happened. */
export async function ownerUndelete(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  const clip = parseClipId(options.positionals[0] ?? "");
  await using session = await openSession(options);
  await session.client.send(`/api/clips/${clip}/restore`, {});
  if (options.flag("json")) printJson({ clip });
  else print("It stays.");
  return 0;
}
