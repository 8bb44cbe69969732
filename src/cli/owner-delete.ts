import * as Api from "../protocol/api.ts";
import { checkShape } from "../protocol/check.ts";
import { parseClipId } from "../protocol/ids.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readOptions } from "./options.ts";

/** Deletes a recording; for ten minutes it can be taken back. */
export async function ownerDelete(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  const clip = parseClipId(options.positionals[0] ?? "");
  await using session = await openSession(options);
  const answer = await session.client.fetch("DELETE", `/api/clips/${clip}`);
  const { goesInMs } = checkShape(Api.DeletionAnswer, await answer.json(), "answer");
  if (options.flag("json")) printJson({ clip, goesInMs });
  else {
    const minutes = Math.ceil(goesInMs / 60_000);
    print(`It goes for good in ${minutes} min. Until then: doorward owner undelete ${clip}`);
  }
  return 0;
}
