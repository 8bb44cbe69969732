import * as Api from "../protocol/api.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readOptions } from "./options.ts";

/** What goes within a day, and how the disk stands. */
export async function ownerRetention(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  const answer = await session.client.get("/api/retention", Api.RetentionAnswer);
  if (options.flag("json")) {
    printJson(answer);
    return 0;
  }
  const { motionMs, bellMs, spaceBytes, usedBytes, freeBytes, daysLeft, going, first } = answer;
  print(`Motion stays ${days(motionMs)}, bells ${days(bellMs)}, ${room(spaceBytes)}.`);
  const left = daysLeft === null ? "" : `, enough for about ${daysLeft.toFixed(0)} days`;
  print(`Recordings take ${size(usedBytes)}; ${size(freeBytes)} are free${left}.`);
  print(
    going.clips === 0
      ? "Tonight: nothing goes."
      : `Tonight: ${going.clips} clip${going.clips === 1 ? "" : "s"}, ${size(going.bytes)}.`,
  );
  for (const { clip, sizeBytes, reason } of first)
    print(`${clip}  ${size(sizeBytes).padStart(9)}  ${reason}`);
  return 0;
}

function days(durationMs: number): string {
  const hours = durationMs / 3_600_000;
  return hours % 24 === 0 ? `${hours / 24} d` : `${hours} h`;
}

function room(spaceBytes: number | null): string {
  return spaceBytes === null
    ? "and may take the whole disk"
    : `and all may take ${size(spaceBytes)}`;
}

function size(bytes: number): string {
  for (const [unit, unitBytes] of [
    ["GB", 1e9],
    ["MB", 1e6],
  ] as const)
    if (bytes >= unitBytes) return `${(bytes / unitBytes).toFixed(1)} ${unit}`;
  return `${(bytes / 1e3).toFixed(1)} kB`;
}
