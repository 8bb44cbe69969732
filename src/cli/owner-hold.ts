import { parseClipId } from "../protocol/ids.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { parseDuration, print, printJson, readOptions } from "./options.ts";

const HOLD_DEFAULT_MS = 90 * 24 * 3_600_000;

/** Keeps a recording from every deletion until a time, or lets it go again. */
export async function ownerHold(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "until"],
    flags: ["off", "json"],
    positionals: 1,
  });
  const clip = parseClipId(options.positionals[0] ?? "");
  const until = options.text("until");
  if (options.flag("off") && until !== null)
    throw new UsageError("Cannot hold and let go at once: --until or --off");
  await using session = await openSession(options);
  const untilMs = options.flag("off") ? null : parseUntil(until, Date.now());
  await session.client.send(`/api/clips/${clip}/hold`, { untilMs });
  if (options.flag("json")) printJson({ clip, untilMs });
  else if (untilMs === null) print("The hold is over. The recording goes when its time comes.");
  else print(`Held until ${new Date(untilMs).toISOString()}: until then nothing deletes it.`);
  return 0;
}

/** `30d` from now, or a date and time; at the most, and by default, 90 days. */
function parseUntil(text: string | null, nowMs: number): number {
  // A minute less than the hub allows: the two clocks need not agree to the second.
  if (text === null) return nowMs + HOLD_DEFAULT_MS - 60_000;
  if (/^[0-9]+[dhm]$/.test(text)) return nowMs + parseDuration(text);
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs))
    throw new UsageError(`Cannot read "${text}": expected 30d or 2026-12-24T18:00:00Z`);
  return atMs;
}
