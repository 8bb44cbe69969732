import { writeFile } from "node:fs/promises";
import { clipsBetween } from "../owner/clips-between.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { fetchSummary } from "../owner/ground.ts";
import { readHandling, signAssurance, signPreservation, type Handling } from "../owner/handling.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { openAttachment } from "../owner/request-attachment.ts";
import { openRequest, ownersIdentities, type OpenedRequest } from "../owner/requests.ts";
import { HandlingAnswer } from "../protocol/api-handling.ts";
import type { RequestSummary } from "../protocol/api.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { ASSURANCE_LEVELS, PRESERVATION_MAX_MS } from "../protocol/handling.ts";
import { parseRequestId } from "../protocol/ids.ts";
import { lint, toldWordsOf } from "../protocol/linter.ts";
import { KIND_SOURCES, LINT_SOURCES, type LintSource } from "../protocol/linter-sources.ts";
import { checkAsked } from "../protocol/request.ts";
import { PRIVATE_FILE_MODE } from "../base/files.ts";
import { englishLooks, englishMeanings } from "../../web/page/screens/requests/look-words.en.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { print, printable, printJson, readOptions, type ReadOptions } from "./options.ts";
import { localTime } from "./times.ts";

const DAY_MS = 24 * 3_600_000;
/** A minute less than the hub allows: the two clocks need not agree to the second. */
const MARGIN_MS = 60_000;

interface Found {
  readonly request: RequestSummary;
  readonly handling: Handling;
  readonly opened: OpenedRequest | null;
}

async function find(session: OwnerSession, options: ReadOptions): Promise<Found> {
  const id = parseRequestId(options.positionals[0] ?? "");
  const request = await fetchSummary(session.client, id);
  const answer = await session.client.get(`/api/requests/${id}/handling`, HandlingAnswer);
  return {
    request,
    handling: readHandling(answer, request, session.keyring),
    opened: await openedOf(session, request),
  };
}

async function openedOf(
  { keys }: OwnerSession,
  { record, personal }: RequestSummary,
): Promise<OpenedRequest | null> {
  if (personal === null) return null;
  try {
    return await openRequest(record.asked, personal, ownersIdentities(keys.bundle));
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return null;
  }
}

/** Everything worth knowing about a request before it is answered; decides nothing. */
export async function ownerLook(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "words"],
    flags: ["json"],
    positionals: 1,
  });
  const told = options.text("words");
  await using session = await openSession(options);
  const { request, handling, opened } = await find(session, options);
  const { asked, receivedAtMs } = request.record;
  const toldWords = told === null ? null : toldWordsOf(told);
  const codes = lint({ asked, personal: opened?.personal ?? null, receivedAtMs, toldWords });
  const [assurance, hold] = [handling.assurances.at(-1), handling.preservations.at(-1)];
  if (options.flag("json")) {
    printJson({
      request: request.record.request,
      secondLook: codes.map((code) => ({ code, sources: LINT_SOURCES[code] })),
      assurance: assurance?.level ?? "none",
      heldUntilMs: hold && hold.action !== "end" ? hold.untilMs : null,
      document: opened?.document ?? null,
    });
    return 0;
  }
  print(englishMeanings[asked.kind]);
  const source = KIND_SOURCES[asked.kind];
  if (source) print(sourceLine(source));
  print(codes.length === 0 ? "Nothing stands out. That is no advice to say yes." : "Look twice:");
  for (const code of codes) {
    print(`- ${englishLooks[code]}`);
    for (const each of LINT_SOURCES[code]) print(sourceLine(each));
  }
  if (told !== null && asked.recipient !== undefined && !codes.includes("key_differs"))
    print("The eight words are those of its key.");
  print(`Assurance: ${(assurance?.level ?? "none").replace("_", " ")}.`);
  if (hold && hold.action !== "end")
    print(`Kept for it until ${localTime(hold.untilMs)}: ${hold.clips.length} recordings.`);
  const { document } = opened ?? {};
  if (document)
    print(`With it came ${printable(document.name)}, ${document.sizeBytes} bytes: owner document.`);
  return 0;
}

function sourceLine({ citation, url }: LintSource): string {
  return `    ${citation}${url === undefined ? "" : ` (${url})`}`;
}

/** States how sure this owner is of who asks. It changes no outcome. */
export async function ownerAssure(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "level"],
    flags: ["json"],
    positionals: 1,
  });
  const wanted = options.required("level").replace("-", "_");
  const level = ASSURANCE_LEVELS.find((each) => each === wanted);
  if (!level)
    throw new UsageError(`Cannot read --level: expected one of ${ASSURANCE_LEVELS.join(", ")}`);
  await using session = await openSession(options);
  const found = await find(session, options);
  const signer = envelopeSigner(signingKeyOf(session.keys.bundle));
  const statement = await signAssurance(groundOf(session, found), found.handling, level, signer);
  await send(session, found, "assurance", statement);
  if (options.flag("json")) printJson({ request: found.request.record.request, level });
  else print(`Stated: ${level.replace("_", " ")}. That decides nothing.`);
  return 0;
}

/** Keeps what a request seeks from deletion; nothing leaves. */
export async function ownerPreserve(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "days"],
    flags: ["renew", "end", "json"],
    positionals: 1,
  });
  const [renew, end] = [options.flag("renew"), options.flag("end")];
  if (renew && end) throw new UsageError("Cannot renew and end at once: --renew or --end");
  const forMs = daysOf(options.text("days"));
  await using session = await openSession(options);
  const found = await find(session, options);
  const action = renew ? "renew" : end ? "end" : "hold";
  const clips = action === "hold" ? await clipsSought(session, found.request) : [];
  const signer = envelopeSigner(signingKeyOf(session.keys.bundle));
  const what = { action, forMs, clips } as const;
  const ground = groundOf(session, found);
  await send(session, found, "hold", await signPreservation(ground, found.handling, what, signer));
  if (options.flag("json"))
    printJson({ action, untilMs: end ? null : ground.nowMs + forMs, clips: clips.length });
  else if (end) print("The hold is over. The recordings go when their time comes.");
  else
    print(`Until ${localTime(ground.nowMs + forMs)} nothing deletes them. Nothing leaves by this.`);
  return 0;
}

function daysOf(text: string | null): number {
  const days = Number(text ?? "90");
  if (!/^[0-9]{1,2}$/.test(text ?? "90") || days < 1 || days > 90)
    throw new UsageError("Cannot read --days: expected 1 to 90");
  return Math.min(days * DAY_MS, PRESERVATION_MAX_MS - MARGIN_MS);
}

async function clipsSought(session: OwnerSession, request: RequestSummary): Promise<string[]> {
  const { asked } = request.record;
  const { cameras } = asked.sought;
  const wanted = cameras === "unspecified" ? null : cameras;
  const found = await clipsBetween(session.client, checkAsked(asked), wanted);
  return found.clips.map(({ id }) => id);
}

/** Opens the document that came with a request, or deletes the hub's copy of it. */
export async function ownerDocument(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "out"],
    flags: ["delete"],
    positionals: 1,
  });
  await using session = await openSession(options);
  const { request, opened } = await find(session, options);
  const path = `/api/requests/${request.record.request}/document`;
  if (options.flag("delete")) {
    await session.client.delete(path);
    print("The hub's copy of the document is gone.");
    return 0;
  }
  const out = options.required("out");
  const document = opened?.document ?? null;
  if (!document) throw new HubError("NOT_FOUND", "There is no document of this request");
  const sealed = await session.client.bytes(path);
  const bytes = await openAttachment(document, sealed, ownersIdentities(session.keys.bundle));
  await writeFile(out, bytes, { mode: PRIVATE_FILE_MODE });
  print(
    `${out}: ${printable(document.name)}, ${document.mediaType}. It came from outside: open it with care.`,
  );
  return 0;
}

function groundOf({ keyring }: OwnerSession, { request }: Found) {
  return { keyring, request, nowMs: Date.now() };
}

async function send(
  { client }: OwnerSession,
  { request }: Found,
  what: "assurance" | "hold",
  statement: Envelope,
): Promise<void> {
  await client.post(
    `/api/requests/${request.record.request}/${what}`,
    { statement },
    HandlingAnswer,
  );
}
