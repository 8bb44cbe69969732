import { clipIdentities, signingKeyOf } from "../owner/device-bundle.ts";
import {
  approvalTerms,
  chooseFiles,
  refusalTerms,
  signApproval,
  signRefusal,
} from "../owner/decide.ts";
import { groundFor } from "../owner/ground.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { openPersonal } from "../owner/requests.ts";
import * as Api from "../protocol/api.ts";
import { sealedFileName } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import { parseTime } from "../protocol/request.ts";
import type { Terms } from "../protocol/decision.ts";
import type { ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { fetchListedClip } from "../owner/listed-clip.ts";
import { confirm } from "./keys-directory.ts";
import { print, printJson, readOptions, say, type ReadOptions } from "./options.ts";
import { cosignLedger } from "./owner-witness.ts";
import { UsageError } from "./exit.ts";

/** Signs for a part of one clip, for one recipient, and passes on exactly those keys. */
export async function ownerApprove(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "clip", "from", "to", "recipient", "rendition"],
    flags: ["audio", "json", "yes"],
    positionals: 1,
  });
  const clipId = parseClipId(options.required("clip"));
  const [from, to] = [options.text("from"), options.text("to")];
  await using session = await openSession(options);
  const ground = await groundFor(session, options.positionals[0] ?? "");
  const clip = await fetchListedClip(session, clipId, "release");
  const chosen = chooseFiles({
    clip,
    rendition: renditionOf(options.text("rendition"), clip),
    audio: options.flag("audio"),
    fromMs: from === null ? null : parseTime(from, "from"),
    toMs: to === null ? null : parseTime(to, "to"),
  });
  const terms = approvalTerms(ground, {
    clips: [chosen],
    recipient: recipientOf(options.text("recipient"), ground.request),
    purpose: await purposeOf(session, ground.request),
    isPart: from !== null || to !== null || chosen.files.length < clip.files.length,
  });
  sayTerms(terms);
  if (!(await isConfirmed(options))) {
    say("Nothing was signed. Nothing has been sent.");
    return 1;
  }
  const fileOf = async (id: string, file: Parameters<typeof sealedFileName>[0]) =>
    session.client.bytes(`/api/clips/${id}/files/${sealedFileName(file)}`);
  const { bundle } = session.keys;
  const signer = envelopeSigner(signingKeyOf(bundle));
  const decision = await signApproval(terms, clipIdentities(bundle), fileOf, signer);
  const decided = await post(session, terms, decision);
  await cosignLedger(session);
  if (options.flag("json")) printJson({ decision, statusUrl: decided.statusUrl });
  else print(decided.statusUrl);
  return 0;
}

export async function ownerRefuse(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  await using session = await openSession(options);
  const ground = await groundFor(session, options.positionals[0] ?? "");
  const terms = refusalTerms(ground);
  const signer = envelopeSigner(signingKeyOf(session.keys.bundle));
  const decision = await signRefusal(terms, signer);
  await post(session, terms, decision);
  await cosignLedger(session);
  if (options.flag("json")) printJson({ decision });
  else print("Refused. Nothing has been sent, and the requester is told nothing.");
  return 0;
}

/** Asked at a terminal only: a script has said what it wants by its options. */
async function isConfirmed(options: ReadOptions): Promise<boolean> {
  if (options.flag("yes") || options.flag("json") || !process.stdin.isTTY) return true;
  return confirm("Are these the recipient's eight words, and do you sign?");
}

async function post(
  { client }: OwnerSession,
  terms: Terms,
  decision: unknown,
): Promise<Api.RequestSummary> {
  return client.post(`/api/requests/${terms.request}/decision`, { decision }, Api.RequestSummary);
}

/** Blurred wherever there is a blurred rendition; clear faces only when asked for by name. */
function renditionOf(text: string | null, clip: Api.ClipDetail): "original" | "blurred" {
  if (text === "original" || text === "blurred") return text;
  if (text !== null) throw new UsageError("Cannot read --rendition: expected blurred or original");
  if (clip.renditions.includes("blurred")) return "blurred";
  say("There is no blurred copy of this clip: faces will be clear for the recipient.");
  return "original";
}

function recipientOf(given: string | null, { record }: Api.RequestSummary): string {
  const asked = record.asked.recipient ?? null;
  if (given !== null && asked !== null && given !== asked)
    throw new HubError(
      "DECISION_WRONG_RECIPIENT",
      "Cannot approve: --recipient is not the key that the request names",
    );
  const recipient = given ?? asked;
  if (recipient === null)
    throw new UsageError("Cannot approve: the request names no key, so --recipient is needed");
  return recipient;
}

async function purposeOf(session: OwnerSession, request: Api.RequestSummary): Promise<string> {
  const { owners } = session.keys.bundle.readers;
  if (request.personal === null || owners === undefined) return "not stated";
  return (await openPersonal(request.record.asked, request.personal, owners)).purpose;
}

function sayTerms(terms: Terms): void {
  for (const clip of terms.clips)
    say(
      `Leaves: ${clip.camera}, ${new Date(clip.fromMs).toISOString()} to ${new Date(clip.toMs).toISOString()}, ${clip.files.length} files (whole segments)`,
    );
  say(`Faces: ${terms.redactions.faces}. Sound: ${terms.redactions.audio.replace("_", " ")}.`);
  say(`Only this key will open it: ${terms.recipientWords.join(" ")}`);
}
