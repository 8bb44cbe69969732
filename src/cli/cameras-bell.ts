import { setTimeout as sleep } from "node:timers/promises";
import {
  BELL_TEACH_MS,
  BellsAnswer,
  BellTeaching,
  BellTestAnswer,
  type BellHeard,
  type CameraBells,
} from "../protocol/api-bells.ts";
import { pathToRemove, ruleOfHeard } from "../protocol/bell-rule.ts";
import { HubError } from "../protocol/errors.ts";
import { parseCameraId } from "../protocol/ids.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { localTime } from "./times.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { print, printable, printJson, readOptions, say } from "./options.ts";

const LOOK_MS = 500;

/**
 * `cameras bell CAMERA`: what its bell is heard by; with `--teach` listens to everything while
 * somebody presses, and keeps what is picked.
 */
export async function camerasBell(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "pick", "remove"],
    flags: ["teach", "test", "json"],
    positionals: 1,
  });
  const camera = parseCameraId(options.positionals[0] ?? "");
  const pick = numberOf(options.text("pick"), "pick");
  const remove = numberOf(options.text("remove"), "remove");
  const asked = [options.flag("teach"), options.flag("test"), remove !== null];
  if (asked.filter(Boolean).length > 1)
    throw new UsageError("Cannot do several things at once: --teach, --test or --remove");
  await using session = await openSession(options);
  const { client } = session;
  if (options.flag("test")) return await tryBell(session, camera);
  if (options.flag("teach")) return await teach(session, camera);
  if (pick !== null) await keep(session, camera, pick);
  if (remove !== null) await removeNumber(session, camera, remove);
  const all = await client.get("/api/bells", BellsAnswer);
  const found = all.cameras.find((each) => each.camera === camera);
  if (!found) throw new HubError("NOT_FOUND", `Cannot show bell: there is no camera ${camera}`);
  if (options.flag("json")) printJson(found);
  else show(found, options.text("hub") ?? session.keys.hubUrl);
  return 0;
}

function numberOf(text: string | null, name: string): number | null {
  if (text === null) return null;
  if (!/^[1-9][0-9]?$/.test(text))
    throw new UsageError(`Cannot read --${name} ${text}: expected a number of the list`);
  return Number(text);
}

async function tryBell({ client }: OwnerSession, camera: string): Promise<ExitCode> {
  const answer = await client.post(`/api/bells/${camera}/test`, {}, BellTestAnswer);
  print(answer.outcome === "rung" ? "It rang." : "It rang a moment ago: the same press.");
  return 0;
}

/** Until something likely came, or the minute is over. */
async function teach({ client }: OwnerSession, camera: string): Promise<ExitCode> {
  const at = `/api/bells/${camera}/teaching`;
  let lesson = await client.post(at, {}, BellTeaching);
  say("Press the button now. Every message that comes is listened to for a minute.");
  for (const endMs = performance.now() + BELL_TEACH_MS; lesson.isListening;) {
    if (lesson.heard.some(({ isLikely }) => isLikely) || performance.now() > endMs) break;
    await sleep(LOOK_MS);
    lesson = await client.get(at, BellTeaching);
  }
  await client.delete(at);
  for (const { via, problem } of lesson.ways)
    if (problem) say(printable(`${via}: ${problem.code}: ${problem.message}`));
  for (const [index, heard] of lesson.heard.entries())
    print(printable(`${index + 1}. ${lineOf(heard)}`));
  if (lesson.heard.length === 0) {
    print("Nothing came. docs/cameras.md says which doorbells say what.");
    return 1;
  }
  print(`Keep one of them: doorward cameras bell ${camera} --pick N --keys DIR`);
  return 0;
}

/** One of what the last lesson has heard. */
async function keep({ client }: OwnerSession, camera: string, pick: number): Promise<void> {
  const { heard } = await client.get(`/api/bells/${camera}/teaching`, BellTeaching);
  const chosen = heard[pick - 1];
  if (!chosen)
    throw new UsageError(`Cannot keep number ${pick}: the last --teach heard ${heard.length}`);
  await client.send(`/api/bells/${camera}/rules`, ruleOfHeard(chosen));
}

async function removeNumber({ client }: OwnerSession, id: string, number: number): Promise<void> {
  const { cameras } = await client.get("/api/bells", BellsAnswer);
  const found = cameras.find(({ camera }) => camera === id)?.bells[number - 1];
  if (!found) throw new HubError("NOT_FOUND", `Cannot remove number ${number}: ${id} has no such`);
  await client.delete(pathToRemove(id, found));
}

function lineOf({ via, topic, item, value, count, isLikely }: BellHeard): string {
  const what = [via, topic, item, value].filter((part) => part !== null && part !== "").join("  ");
  return `${what}  (${count} ${count === 1 ? "time" : "times"})${isLikely ? "  <- likely" : ""}`;
}

function show({ bells, webhook, lastPress }: CameraBells, hubUrl: string): void {
  if (bells.length === 0) print("It has no bell yet: doorward cameras bell CAMERA --teach");
  for (const { rule, via, topic, code, item, value, state, sinceMs, problem } of bells) {
    const what = [via, topic ?? code, item, value].filter((part) => part !== null).join("  ");
    const since = state === "listening" ? "" : ` since ${localTime(sinceMs)}`;
    const why = problem ? ` (${problem.message})` : "";
    print(printable(`${rule + 1}. ${what}: ${state}${since}${why}`));
  }
  if (webhook !== null) print(`Called under ${hubUrl}${webhook}`);
  if (lastPress)
    print(`Last press ${localTime(lastPress.atMs)} (${lastPress.via}): ${lastPress.outcome}`);
}
