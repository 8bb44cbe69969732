import { identitiesOf, signingKeyOf } from "../owner/device-bundle.ts";
import {
  approvalTerms,
  chooseFiles,
  defaultRendition,
  refusalTerms,
  signApproval,
  signRefusal,
} from "../owner/decide.ts";
import { isForThisMachineAlone } from "../owner/form.ts";
import { groundFor } from "../owner/ground.ts";
import { envelopeSigner } from "../owner/identity.ts";
import type { FileSource } from "../owner/release.ts";
import { openRequest, ownersIdentities } from "../owner/requests.ts";
import * as Api from "../protocol/api.ts";
import { sealedFileName } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import { parseTime } from "../protocol/request.ts";
import { blurOfTerms, type Terms, type TermsClip } from "../protocol/decision.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { fetchListedClip } from "../owner/listed-clip.ts";
import { confirm } from "./keys-directory.ts";
import {
  parseDuration,
  print,
  printable,
  printJson,
  readOptions,
  say,
  type ReadOptions,
} from "./options.ts";
import { ownViewer } from "./own-viewer.ts";
import { localTime } from "./times.ts";
import { cosignLedger } from "./owner-witness.ts";
import { UsageError } from "./exit.ts";

/** Signs for parts of recordings, for one recipient, and passes on exactly those keys. */
export async function ownerApprove(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "from", "to", "recipient", "rendition", "expires", "purpose"],
    lists: ["clip"],
    flags: ["audio", "json", "yes"],
    positionals: 1,
  });
  const expires = options.text("expires");
  const availableForMs = expires === null ? null : parseDuration(expires);
  const recipient = options.text("recipient");
  const wanted = wantedClips(options);
  await using session = await openSession(options);
  const approved = await approve(session, options, { wanted, availableForMs, recipient });
  if (!approved) return 1;
  await cosignLedger(session);
  const { decided, decision } = approved;
  const { state, statusUrl } = decided;
  if (options.flag("json")) printJson({ decision, statusUrl, state });
  else sayOutcome(decided, session.keyring);
  return 0;
}

/**
 * Shows what would leave, asks, signs and hands it in.
 *
 * @returns null where whoever sits there said no.
 */
export async function approve(
  session: OwnerSession,
  options: ReadOptions,
  given: {
    wanted: readonly WantedClip[];
    availableForMs: number | null;
    recipient: string | null;
  },
): Promise<{ decided: Api.RequestSummary; decision: Envelope } | null> {
  const { wanted, availableForMs, recipient } = given;
  const own = await ownViewer();
  const ground = await groundFor(session, options.positionals[0] ?? "", own);
  if (own !== null && ground.viewerSha256 === undefined)
    say("No viewer goes along: the hub's is of another version than this command line's.");
  const { clips, isPart } = await chosenClips(session, options, wanted);
  const terms = approvalTerms(ground, {
    clips,
    recipient: recipientOf(recipient, ground.request),
    purpose: options.text("purpose") ?? (await purposeOf(session, ground.request)),
    isPart,
    ...(availableForMs === null ? {} : { availableForMs }),
  });
  sayTerms(terms);
  if (!(await isConfirmed(options))) {
    say("Nothing was signed. Nothing has been sent.");
    return null;
  }
  const { bundle } = session.keys;
  const signer = envelopeSigner(signingKeyOf(bundle));
  const decision = await signApproval(terms, identitiesOf(bundle), fileSource(session), signer);
  const needed = ground.keyring.policy.exportSigners;
  const decided = await post(session, terms, decision, needed > 1 ? "proposal" : "decision");
  return { decided, decision };
}

/** What happens now, in words; the address where the bundle will be on standard output. */
export function sayOutcome(
  { record, state, statusUrl, leavesAtMs, proposal }: Api.RequestSummary,
  { policy }: Keyring,
): void {
  if (proposal) {
    const missing = policy.exportSigners - proposal.signers.length;
    say(
      `Nothing has been sent. ${missing === 1 ? "One more owner has" : `${missing} more owners have`} to sign: doorward owner cosign ${record.request}`,
    );
  } else if (state === "approved" && leavesAtMs !== undefined)
    say(
      `Approved. Nothing leaves before ${localTime(leavesAtMs)}; until then any owner can stop it: doorward owner revoke ${record.request}`,
    );
  print(statusUrl);
  if (isForThisMachineAlone(statusUrl))
    say(
      "That address answers on the hub's own machine alone; the guide says how to give the hub one for\n" +
        "others (The outside listener). To hand the bundle over as a file, run on the hub:\n" +
        `doorward export ${statusUrl} --out bundle.zip`,
    );
}

/** Fetches sealed files as the hub has them; what is in them is checked by whoever opens them. */
export function fileSource({ client }: OwnerSession): FileSource {
  return async (clip, file) => client.bytes(`/api/clips/${clip}/files/${sealedFileName(file)}`);
}

interface WantedClip {
  readonly id: string;
  readonly rendition: string | null;
  readonly audio: boolean;
}

/** `--clip ID`, as often as wanted, each with its own `:blurred`, `:original` and `:audio`. */
export function wantedClips(options: ReadOptions): readonly WantedClip[] {
  const wanted = options.list("clip").map((text) => {
    const [id = "", ...details] = text.split(":");
    const unknown = details.find((detail) => !["blurred", "original", "audio"].includes(detail));
    if (unknown !== undefined)
      throw new UsageError(
        `Cannot read --clip: expected blurred, original or audio, not ${unknown}`,
      );
    const renditions = details.filter((detail) => detail !== "audio");
    if (renditions.length > 1)
      throw new UsageError("Cannot read --clip: a recording leaves blurred or original, not both");
    return {
      id: parseClipId(id),
      rendition: renditions[0] ?? options.text("rendition"),
      audio: options.flag("audio") || details.includes("audio"),
    };
  });
  if (wanted.length === 0) throw new UsageError("Cannot read the command line: --clip is missing");
  if (new Set(wanted.map(({ id }) => id)).size !== wanted.length)
    throw new UsageError("Cannot read the command line: one recording is named twice");
  return wanted;
}

async function chosenClips(
  session: OwnerSession,
  options: ReadOptions,
  wanted: readonly WantedClip[],
): Promise<{ clips: TermsClip[]; isPart: boolean }> {
  const [from, to] = [options.text("from"), options.text("to")];
  const clips: TermsClip[] = [];
  let isPart = from !== null || to !== null;
  for (const { id, rendition, audio } of wanted) {
    const clip = await fetchListedClip(session, id, "release");
    const chosen = chooseFiles({
      clip,
      rendition: renditionOf(rendition, clip),
      audio,
      fromMs: from === null ? null : parseTime(from, "from"),
      toMs: to === null ? null : parseTime(to, "to"),
    });
    sayLeftOut(clip, chosen);
    isPart ||= chosen.files.length < clip.files.length;
    clips.push(chosen);
  }
  return { clips, isPart };
}

/** Pieces of a blurred copy that are not there cannot leave: said before anybody signs. */
function sayLeftOut(clip: Api.ClipDetail, chosen: TermsClip): void {
  const there = new Set(chosen.files.map(({ segment }) => segment));
  const missing = clip.files.filter(
    ({ track, rendition, segment, fromMs, toMs }) =>
      track === "video" &&
      rendition === "original" &&
      toMs > chosen.fromMs &&
      fromMs < chosen.toMs &&
      !there.has(segment),
  ).length;
  if (missing > 0)
    say(`${missing} pieces of ${clip.camera} have no blurred copy, and do not leave.`);
}

export async function ownerRefuse(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  await using session = await openSession(options);
  const ground = await groundFor(session, options.positionals[0] ?? "");
  const terms = refusalTerms(ground);
  const signer = envelopeSigner(signingKeyOf(session.keys.bundle));
  const decision = await signRefusal(terms, signer);
  await post(session, terms, decision, "decision");
  await cosignLedger(session);
  if (options.flag("json")) printJson({ decision });
  else print("Refused. Nothing has been sent, and the requester is told nothing.");
  return 0;
}

/** Asked at a terminal only: a script has said what it wants by its options. */
export async function isConfirmed(options: ReadOptions): Promise<boolean> {
  if (options.flag("yes") || options.flag("json") || !process.stdin.isTTY) return true;
  return confirm("Are these the recipient's eight words, and do you sign?");
}

async function post(
  { client }: OwnerSession,
  terms: Terms,
  decision: unknown,
  as: "decision" | "proposal",
): Promise<Api.RequestSummary> {
  return client.post(`/api/requests/${terms.request}/${as}`, { decision }, Api.RequestSummary);
}

/** As named; else the blurred copy, and of a camera that is to have none the recording itself. */
function renditionOf(text: string | null, clip: Api.ClipDetail): "original" | "blurred" {
  if (text === "original" || text === "blurred") return text;
  if (text !== null) throw new UsageError("Cannot read --rendition: expected blurred or original");
  const rendition = chosenByDefault(clip);
  if (rendition === "original")
    say("There is no blurred copy of this clip: faces will be clear for the recipient.");
  return rendition;
}

function chosenByDefault(clip: Api.ClipDetail): "original" | "blurred" {
  try {
    return defaultRendition(clip);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    throw new HubError(error.code, `${error.message} with --rendition original`);
  }
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

export async function purposeOf(
  session: OwnerSession,
  request: Api.RequestSummary,
): Promise<string> {
  const owners = ownersIdentities(session.keys.bundle);
  if (request.personal === null || owners.length === 0) return "not stated";
  return (await openRequest(request.record.asked, request.personal, owners)).personal.purpose;
}

export function sayTerms(terms: Terms): void {
  for (const clip of terms.clips)
    say(
      `Leaves: ${clip.camera}, ${new Date(clip.fromMs).toISOString()} to ${new Date(clip.toMs).toISOString()}, ${clip.files.length} files (whole segments)`,
    );
  const { byHub, byDevice, whole } = blurOfTerms(terms);
  if (byHub > 0) say(`Blurred by the hub as it recorded: ${byHub} files.`);
  if (byDevice > 0) say(`Blurred on an owner's device: ${byDevice} files.`);
  if (whole > 0) say(`Pixelated whole, since they could not be looked at: ${whole} of them.`);
  say(`Faces: ${terms.redactions.faces}. Sound: ${terms.redactions.audio.replace("_", " ")}.`);
  say(`For: ${printable(terms.purpose)}`);
  say(`Only this key will open it: ${terms.recipientWords.join(" ")}`);
  if (terms.availableUntilMs !== undefined)
    say(`It can be fetched until ${localTime(terms.availableUntilMs)}.`);
}
