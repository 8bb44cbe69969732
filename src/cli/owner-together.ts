import { fetchProposal, requireSameHeaders, signProposal } from "../owner/decide-together.ts";
import { identitiesOf, signingKeyOf } from "../owner/device-bundle.ts";
import { fetchSummary } from "../owner/ground.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { signRevocation } from "../owner/revocation.ts";
import * as Api from "../protocol/api.ts";
import { filesOfTerms } from "../protocol/decision.ts";
import { parseRequestId } from "../protocol/ids.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printable, printJson, readOptions, say } from "./options.ts";
import { ownViewer } from "./own-viewer.ts";
import { fileSource, isConfirmed, purposeOf, sayOutcome, sayTerms } from "./owner-decide.ts";
import { cosignLedger } from "./owner-witness.ts";

/** Signs what another owner proposed, after all of it was checked and every key made again. */
export async function ownerCosign(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys"],
    flags: ["json", "yes"],
    positionals: 1,
  });
  const id = parseRequestId(options.positionals[0] ?? "");
  await using session = await openSession(options);
  const { client, keyring, keys } = session;
  const request = await fetchSummary(client, id);
  const proposal = await fetchProposal(session, request, Date.now(), await ownViewer());
  const { terms, signers, decisionSha256 } = proposal;
  sayTerms(terms);
  const asked = await purposeOf(session, request);
  if (asked !== terms.purpose) say(`The request gives another purpose: ${printable(asked)}`);
  say(`Signed so far by ${signers.length} of ${keyring.policy.exportSigners} owners.`);
  await requireSameHeaders(proposal, identitiesOf(keys.bundle), fileSource(session));
  const { length } = filesOfTerms(terms);
  say(
    `Checked on this device: ${length} ${length === 1 ? "key was" : "keys were"} made again, and nobody but this recipient was let in.`,
  );
  if (!(await isConfirmed(options))) {
    say("Nothing was signed. Nothing has been sent.");
    return 1;
  }
  const signature = await signProposal(proposal, envelopeSigner(signingKeyOf(keys.bundle)));
  const path = `/api/requests/${id}/proposal/signatures`;
  const signed = await client.post(path, { decisionSha256, signature }, Api.RequestSummary);
  await cosignLedger(session);
  const { state, statusUrl } = signed;
  if (options.flag("json")) printJson({ request: id, decisionSha256, state, statusUrl });
  else sayOutcome(signed, keyring);
  return 0;
}

/** Takes an approval back; before it has left, that is a veto. */
export async function ownerRevoke(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  const id = parseRequestId(options.positionals[0] ?? "");
  await using session = await openSession(options);
  const { client, keyring, keys } = session;
  const request = await fetchSummary(client, id);
  const signer = envelopeSigner(signingKeyOf(keys.bundle));
  const revocation = await signRevocation(keyring, request, Date.now(), signer);
  const path = `/api/requests/${id}/revocation`;
  const ended = await client.post(path, { revocation }, Api.RequestSummary);
  await cosignLedger(session);
  if (options.flag("json")) printJson({ request: id, state: ended.state, revocation });
  else if (request.state === "approved") print("Stopped. Nothing has left the house.");
  else if (request.fetched === undefined)
    print("Taken back. It was never fetched, and cannot be fetched any more.");
  else
    print(
      `Taken back. It cannot be fetched any more. What was fetched (${request.fetched === 1 ? "once" : `${request.fetched} times`}) cannot be recalled.`,
    );
  return 0;
}

/** Takes back a proposal of one's own, or a request that an owner typed in. */
export async function ownerWithdraw(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys"],
    flags: ["proposal", "json"],
    positionals: 1,
  });
  const id = parseRequestId(options.positionals[0] ?? "");
  await using session = await openSession(options);
  const { client } = session;
  if (options.flag("proposal")) await client.delete(`/api/requests/${id}/proposal`);
  else await client.post(`/api/requests/${id}/withdrawal`, {}, Api.RequestSummary);
  const { state } = await fetchSummary(client, id);
  if (options.flag("json")) printJson({ request: id, state });
  else if (options.flag("proposal"))
    print("Your proposal is taken back. The request is open; nothing has been sent.");
  else print("The request is taken back. Nothing has been sent.");
  return 0;
}
