import { PrivacyAnswer, type PrivacySwitchBody } from "../protocol/api-privacy.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { parseDuration, print, printable, printJson, readOptions } from "./options.ts";
import { localTime } from "./times.ts";

type CameraPrivacy = PrivacyAnswer["cameras"][number];

/** Switches a camera off: for a time, until the morning, or until somebody switches it on. */
export async function camerasOff(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "for", "until"],
    flags: ["json"],
    positionals: 1,
  });
  return setCamera(options, offBody(options.text("for"), options.text("until")));
}

/** Switches a camera on; against its hours, until they next change. */
export async function camerasOn(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  return setCamera(options, { state: "on" });
}

/** Which cameras are off, and their hours. */
export async function camerasPrivacy(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  const answer = await session.client.get("/api/privacy", PrivacyAnswer);
  if (options.flag("json")) {
    printJson(answer);
    return 0;
  }
  for (const camera of answer.cameras) print(stateLine(camera));
  print(`Hours are meant in ${printable(answer.timeZone)}.`);
  return 0;
}

function offBody(duration: string | null, until: string | null): PrivacySwitchBody {
  if (duration !== null && until !== null)
    throw new UsageError("Cannot switch off for a time and until another: --for or --until");
  if (until !== null && until !== "morning")
    throw new UsageError(`Cannot read "${until}": expected morning`);
  if (until !== null) return { state: "off", until: "morning" };
  return { state: "off", ...(duration === null ? {} : { forMs: parseDuration(duration) }) };
}

async function setCamera(
  options: ReturnType<typeof readOptions>,
  body: PrivacySwitchBody,
): Promise<ExitCode> {
  const id = options.positionals[0] ?? "";
  await using session = await openSession(options);
  const url = `/api/privacy/${encodeURIComponent(id)}`;
  const { cameras } = await session.client.post(url, body, PrivacyAnswer);
  const camera = cameras.find((each) => each.id === id);
  if (options.flag("json")) printJson(camera ?? null);
  else if (camera) print(stateLine(camera));
  return 0;
}

function stateLine({ id, name, off, onUntilMs, hours }: CameraPrivacy): string {
  const title = name === id ? id : `${id} (${printable(name)})`;
  const times = hours.map(({ days, from, to }) => `${days.join(" ")} ${from}-${to}`).join(", ");
  const withHours = times === "" ? "" : ` Off in these hours: ${printable(times)}.`;
  if (off === null) {
    const until =
      onUntilMs === undefined ? "" : `, against its hours until ${localTime(onUntilMs)}`;
    return `${title}: on${until}.${withHours}`;
  }
  const until = off.untilMs === null ? "somebody switches it on" : localTime(off.untilMs);
  return `${title}: off since ${localTime(off.sinceMs)}, until ${until}.${withHours}`;
}
