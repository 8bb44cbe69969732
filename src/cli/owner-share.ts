import { signingKeyOf } from "../owner/device-bundle.ts";
import { fetchSummary } from "../owner/ground.ts";
import { envelopeSigner } from "../owner/identity.ts";
import {
  linkAddress,
  newLink,
  requireLinkChoice,
  signShare,
  type LinkChoice,
  type NewLink,
} from "../owner/share.ts";
import { ShareList, ShareSummary } from "../protocol/api-shares.ts";
import { fromBase64, sha256Hex } from "../protocol/bytes.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId, type RequestId } from "../protocol/ids.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { parseDuration, print, printJson, readOptions, say, type ReadOptions } from "./options.ts";
import { approve, sayOutcome, wantedClips } from "./owner-decide.ts";
import { cosignLedger } from "./owner-witness.ts";
import { localTime } from "./times.ts";

/**
 * Approves a request that names no key, for a key that is made here and goes into a link: for
 * somebody who has none.
 */
export async function ownerShare(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: [
      "hub",
      "keys",
      "from",
      "to",
      "rendition",
      "purpose",
      "expires",
      "views",
      "for",
      "base",
    ],
    lists: ["clip"],
    flags: ["audio", "json", "yes"],
    positionals: 1,
  });
  const choice = choiceOf(options);
  const wanted = wantedClips(options);
  await using session = await openSession(options);
  const request = parseRequestId(options.positionals[0] ?? "");
  await requireNoKey(session, request);
  const link = await newLink();
  const address = linkAddress(await baseOf(options, session.client, request), link);
  const approved = await approve(session, options, {
    wanted,
    availableForMs: null,
    recipient: link.recipient,
  });
  if (!approved) return 1;
  const { decided, decision } = approved;
  const made = await handIn(session, { link, choice, request, decision });
  await cosignLedger(session);
  const { shareSha256, expiresAtMs, viewsMax } = made;
  if (options.flag("json")) {
    printJson({ link: address, state: decided.state, shareSha256, expiresAtMs, viewsMax });
    return 0;
  }
  if (decided.proposal || decided.state === "approved") sayOutcome(decided, session.keyring);
  say(
    `Whoever has this link can see it: ${viewsMax} times, until ${localTime(expiresAtMs)}. It is shown once and kept nowhere.`,
  );
  say(`To take it back: doorward owner revoke ${request}. What was seen or saved stays so.`);
  print(address);
  return 0;
}

function choiceOf(options: ReadOptions): LinkChoice {
  const choice = {
    meantFor: options.text("for") ?? "",
    lifetimeMs: parseDuration(options.text("expires") ?? "7d"),
    viewsMax: viewsOf(options.text("views")),
  };
  requireLinkChoice(choice);
  return choice;
}

async function requireNoKey({ client }: OwnerSession, request: RequestId): Promise<void> {
  const { record } = await fetchSummary(client, request);
  if (record.asked.recipient !== undefined)
    throw new HubError(
      "DECISION_WRONG_RECIPIENT",
      "Cannot share: whoever asked has named a key, so `owner approve` seals it to that key",
    );
}

async function handIn(
  { client, keyring, keys }: OwnerSession,
  made: { link: NewLink; choice: LinkChoice; request: RequestId; decision: Envelope },
): Promise<ShareSummary> {
  const { link, choice, request, decision } = made;
  const decisionSha256 = sha256Hex(fromBase64(decision.payload, "payload"));
  const ground = { keyring, request, decisionSha256, nowMs: Date.now() };
  const signer = envelopeSigner(signingKeyOf(keys.bundle));
  try {
    const share = await signShare(link, choice, ground, signer);
    return await client.post("/api/shares", { share }, ShareSummary);
  } catch (error) {
    say(`It is approved, but for a link that was not made: doorward owner revoke ${request}`);
    throw error;
  }
}

/** Lists the links of a request, and how often each was opened. */
export async function ownerShares(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  await using session = await openSession(options);
  const request = parseRequestId(options.positionals[0] ?? "");
  const { shares } = await session.client.get(`/api/requests/${request}/shares`, ShareList);
  if (options.flag("json")) {
    printJson({ shares });
    return 0;
  }
  for (const share of shares)
    print(
      `${share.isOpen ? "open " : "ended"}  opened ${share.views} of ${share.viewsMax} times  until ${localTime(share.expiresAtMs)}`,
    );
  if (shares.length === 0) say("There is no link for this request.");
  return 0;
}

function viewsOf(text: string | null): number {
  if (text === null) return 3;
  if (!/^[0-9]{1,3}$/.test(text))
    throw new UsageError("Cannot read --views: expected a number of times");
  return Number(text);
}

async function baseOf(
  options: ReadOptions,
  client: OwnerSession["client"],
  request: string,
): Promise<string> {
  const given = options.text("base");
  if (given !== null) return given;
  const { base } = await client.get(`/api/requests/${request}/shares`, ShareList);
  if (base === null)
    throw new UsageError(
      "Cannot share: nobody outside reaches this hub. Switch the outside listener on, give --base ADDRESS, or hand over the bundle on a stick or by mail with `owner approve` for a key of theirs",
    );
  return base;
}
