import { HouseAnswer } from "../protocol/api-house.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printable, printJson, readOptions } from "./options.ts";
import { localTime } from "./times.ts";

type Webhook = HouseAnswer["webhooks"][number];

/** What Home Assistant and webhooks are told; with `--test`, after each webhook was called once. */
export async function ownerHouse(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json", "test"] });
  const isTest = options.flag("test");
  await using session = await openSession(options);
  const answer = isTest
    ? await session.client.post("/api/house/test", {}, HouseAnswer)
    : await session.client.get("/api/house", HouseAnswer);
  if (options.flag("json")) printJson(answer);
  else {
    print(homeAssistantLine(answer));
    for (const webhook of answer.webhooks) print(webhookLine(webhook));
    if (answer.webhooks.length === 0) print("No webhook is set.");
  }
  const hasFailed = answer.webhooks.some(({ tried }) => tried?.problem);
  return isTest && hasFailed ? 1 : 0;
}

function homeAssistantLine({ homeAssistant, broker }: HouseAnswer): string {
  if (homeAssistant === null) return "Home Assistant is not told anything.";
  const { privacySwitch, told, sinceMs, trouble } = homeAssistant;
  const since = sinceMs === null ? "" : ` since ${localTime(sinceMs)}`;
  const took = told ? "which takes it" : "which does not take it";
  const last = trouble
    ? ` Last trouble, ${localTime(trouble.atMs)}: ${printable(trouble.message)}.`
    : "";
  return `Home Assistant is told over ${printable(broker ?? "no broker")}, ${took}${since}; privacy switch: ${privacySwitch}.${last}`;
}

function webhookLine({ address, events, anywhere, tried }: Webhook): string {
  const where = anywhere ? " (anywhere)" : "";
  const outcome =
    tried === null
      ? "not called yet"
      : `${localTime(tried.atMs)}: ${tried.problem ? printable(tried.problem.message) : "taken"}`;
  return `${printable(address)}${where}: ${events.join(", ")}; ${outcome}`;
}
