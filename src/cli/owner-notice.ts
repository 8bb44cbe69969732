import { writeFile } from "node:fs/promises";
import { noticePage, NoticeFactsSchema } from "../protocol/door-notice.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { readOptions, say } from "./options.ts";

/**
 * Writes the notice for the door. It is made here of the hub's facts: what the hub serves under
 * `/notice` is for visitors, and no file of an owner's.
 */
export async function ownerNotice(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys", "out"] });
  const out = options.required("out");
  await using session = await openSession(options);
  const facts = await session.client.get("/api/notice", NoticeFactsSchema);
  await writeFile(out, noticePage(facts));
  say(`${out}: print it and put it up at the door.`);
  if (facts.url === null)
    say("Without an outside listener there is no address for a QR code, and none is on it.");
  if (facts.contact === null)
    say("Nobody is named to ask: set notice.contact in the settings if you want to.");
  return 0;
}
