import path from "node:path";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { refusalTerms, signRefusal } from "../owner/decide.ts";
import { groundFor } from "../owner/ground.ts";
import { follow } from "../owner/hub-client.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { MailboxClient } from "../owner/mailbox-client.ts";
import { openMemory, sealMemory } from "../owner/mailbox-memory.ts";
import { learnMailbox, lookIntoMailbox, sendReply, type MemoryStore } from "../owner/mailbox.ts";
import { RequestSummary } from "../protocol/api.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { openKeys, rememberSeen, type KeysDirectory } from "./keys-directory.ts";
import { parseDuration, print, printable, printJson, readOptions, say } from "./options.ts";
import { approve, wantedClips } from "./owner-decide.ts";
import { localTime } from "./times.ts";

const MEMORY_FILE = "mailbox.age";
const MEMORY_MAX_BYTES = 8 * 1024 * 1024;

/** The same as `owner requests`, `owner refuse` and `owner approve`, with the hub out of reach. */
export async function ownerMailbox(args: string[]): Promise<ExitCode> {
  const [action = "list", ...rest] = args[0]?.startsWith("--") ? ["list", ...args] : args;
  switch (action) {
    case "keep":
      return keep(rest);
    case "list":
      return list(rest);
    case "refuse":
      return refuse(rest);
    case "approve":
      return approveAway(rest);
    default:
      throw new UsageError(`Cannot read the command line: there is no owner mailbox ${action}`);
  }
}

/** At home: where the mailbox is, to be known when away. */
async function keep(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: [] });
  await using session = await openSession(options);
  const isThere = await learnMailbox(session.client, storeIn(session.keys));
  print(
    isThere
      ? "This device can decide away from home now: doorward owner mailbox list"
      : "The household has no mailbox, or nothing lies in it for this device yet.",
  );
  return isThere ? 0 : 1;
}

async function list(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["keys"], flags: ["json"] });
  await using away = await openAway(options.required("keys"));
  const { state } = away.client;
  const outbox = (await storeIn(away.keys).read())?.outbox ?? [];
  if (options.flag("json")) {
    const requests = state.requests.map(({ summary, clips }) => ({
      ...{ id: summary.record.request, asked: summary.record.asked, clips },
      isOnItsWay: outbox.some(({ request }) => request === summary.record.request),
    }));
    const { atMs, pieces, leftOut, answers } = state;
    printJson({ atMs, requests, pieces: pieces.length, leftOut, answers });
    return 0;
  }
  print(`Through the mailbox, as of ${localTime(state.atMs)}:`);
  if (state.requests.length === 0) print("Nothing waits for you.");
  for (const { summary, clips } of state.requests) {
    const { record } = summary;
    const { sought, kind } = record.asked;
    const isSent = outbox.some(({ request }) => request === record.request);
    print(`${record.request}  ${kind}  ${sought.from} to ${sought.to}`);
    print(`  ${isSent ? "Signed, on its way." : "Waiting for you. Nothing has been sent."}`);
    print(
      clips === null
        ? "  More recordings than the mailbox carries: from here it can only be refused."
        : `  Recordings: ${clips.length === 0 ? "none" : clips.join(" ")}`,
    );
  }
  if (state.leftOut > 0) print(`${state.leftOut} pieces found no room in the mailbox.`);
  for (const { request, taken, message } of state.answers)
    print(
      taken
        ? `The hub has taken the answer to ${request}.`
        : `The hub refused the answer to ${request}: ${printable(message ?? "")}`,
    );
  return 0;
}

async function refuse(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["keys"], flags: ["json"], positionals: 1 });
  await using away = await openAway(options.required("keys"));
  const ground = await groundFor(away, options.positionals[0] ?? "");
  const terms = refusalTerms(ground);
  const signer = envelopeSigner(signingKeyOf(away.keys.bundle));
  const decision = await signRefusal(terms, signer);
  const path = `/api/requests/${terms.request}/decision`;
  await away.client.post(path, { decision }, RequestSummary);
  if (options.flag("json")) printJson({ decision });
  else print("Signed, on its way. Look again with: doorward owner mailbox list");
  return 0;
}

async function approveAway(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["keys", "from", "to", "recipient", "rendition", "expires", "purpose"],
    lists: ["clip"],
    flags: ["audio", "json", "yes"],
    positionals: 1,
  });
  const expires = options.text("expires");
  const availableForMs = expires === null ? null : parseDuration(expires);
  const wanted = wantedClips(options);
  await using away = await openAway(options.required("keys"));
  const recipient = options.text("recipient");
  const approved = await approve(away, options, { wanted, availableForMs, recipient });
  if (!approved) return 1;
  if (options.flag("json")) printJson({ decision: approved.decision });
  else print("Signed, on its way. Look again with: doorward owner mailbox list");
  return 0;
}

type AwaySession = OwnerSession & { readonly client: MailboxClient };

async function openAway(directory: string): Promise<AwaySession> {
  const keys = await openKeys(directory);
  const store = storeIn(keys);
  const found = await lookIntoMailbox(keys.bundle, store, keys.seen);
  const send: ConstructorParameters<typeof MailboxClient>[2] = (reply) =>
    sendReply(keys.bundle, store, found, reply);
  const client = new MailboxClient(keys.hubUrl, found, send);
  const { keyring, seen } = await follow(client, keys.bundle, keys.seen);
  await rememberSeen(directory, seen);
  say(`Through the mailbox, as of ${localTime(found.state.atMs)}.`);
  return {
    ...{ client, keys, keyring, seen, seenBefore: keys.seen },
    followTo: async () => seen,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Beside the keys, sealed to them. */
function storeIn({ directory, bundle }: KeysDirectory): MemoryStore {
  const file = path.join(directory, MEMORY_FILE);
  return {
    read: async () => {
      const sealed = await readSmallFile(file, MEMORY_MAX_BYTES);
      return sealed && openMemory(bundle, sealed);
    },
    write: async (memory) => writeFileDurably(file, await sealMemory(bundle, memory)),
  };
}
