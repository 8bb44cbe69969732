import { SaidAnswer, TalkAnswer, type Reply } from "../protocol/api-talk.ts";
import { HubError } from "../protocol/errors.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printable, printJson, readOptions } from "./options.ts";

/** Has a recorded reply said at a camera; answers when it was said to its end. */
export async function camerasSay(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys"],
    flags: ["json"],
    positionals: 2,
  });
  const [camera = "", wanted = ""] = options.positionals;
  await using session = await openSession(options);
  const { replies } = await session.client.get("/api/talk", TalkAnswer);
  const reply = findReply(replies, wanted);
  const path = `/api/talk/${encodeURIComponent(camera)}/replies/${reply.id}`;
  const { durationMs } = await session.client.post(path, {}, SaidAnswer);
  if (options.flag("json")) printJson({ camera, reply: reply.id, durationMs });
  else print(`Said at ${camera}: ${printable(reply.name)} (${(durationMs / 1_000).toFixed(1)} s).`);
  return 0;
}

/** By its name, whatever the case, or by its id. */
function findReply(replies: readonly Reply[], wanted: string): Reply {
  const plain = wanted.trim().toLowerCase();
  const found = replies.find(({ id, name }) => id === plain || name.toLowerCase() === plain);
  if (found) return found;
  const known = replies.map(({ name }) => printable(name)).join(", ");
  throw new HubError(
    "NOT_FOUND",
    replies.length === 0
      ? "Cannot say it: no reply is recorded yet; record one in the page, under Cameras"
      : `Cannot say it: there is no reply of this name; there are: ${known}`,
  );
}
