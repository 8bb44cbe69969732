import viewerSha256 from "virtual:viewer-sha256";
import { identitiesOf, randomHex, signingKeyOf } from "../../../../src/owner/device-bundle.ts";
import { clipsBetween } from "../../../../src/owner/clips-between.ts";
import {
  approvalTerms,
  chooseFiles,
  refusalTerms,
  signApproval,
  signRefusal,
} from "../../../../src/owner/decide.ts";
import { groundFor } from "../../../../src/owner/ground.ts";
import type { FollowedHub } from "../../../../src/owner/hub-client.ts";
import { fetchListedClip } from "../../../../src/owner/listed-clip.ts";
import { LedgerChanged, cosign } from "../../../../src/owner/witness.ts";
import { parseRecipient } from "../../../../src/protocol/age-header.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { sha256Hex, utf8Text } from "../../../../src/protocol/bytes.ts";
import { canonicalJson } from "../../../../src/protocol/canonical-json.ts";
import { sealedFileName } from "../../../../src/protocol/clip.ts";
import { filesOfTerms, termsHash, type Terms } from "../../../../src/protocol/decision.ts";
import type { Envelope } from "../../../../src/protocol/envelope.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { LIMITS } from "../../../../src/protocol/limits.ts";
import { checkAsked } from "../../../../src/protocol/request.ts";
import { recipientWords } from "../../../../src/protocol/words.ts";
import { confirmingSigner, passkeyOf } from "../confirming-signer.ts";
import type { OwnerDevice } from "../owner-device.ts";
import type { VaultContext } from "../vault-worker.ts";
import { fetchRequest, purposeOf, show, type ShownRequest } from "./request-calls.ts";

/** What an owner chose of one clip. */
export interface ChosenPart {
  readonly clip: string;
  readonly rendition: "original" | "blurred";
  readonly audio: boolean;
  /** First and last piece, by their numbers. */
  readonly segments: readonly [number, number];
}

/** The request that is on the screen, by its id and the hash of what is shown of it. */
export interface ShownAs {
  readonly request: string;
  readonly recordSha256: string;
}

/** How a signature of this device is confirmed by the person at it. */
export type Confirmation = "passkey" | "none";

/** What is shown before it is signed: nothing else will be. */
export interface PreparedApproval {
  readonly id: string;
  readonly terms: Terms;
  /** Canonical JSON of the terms, byte for byte as it goes under the signature. */
  readonly text: string;
  /** Of those bytes: what the passkey is asked to confirm. */
  readonly sha256: string;
  readonly confirmation: Confirmation;
}

interface Prepared extends PreparedApproval {
  /** `sending` begins before the first byte of the decision goes out: from there nothing stops it. */
  stage: "shown" | "making" | "sending" | "done";
  readonly stop: AbortController;
}

/** The one statement that may be signed, kept here: the page names it, and cannot change it. */
let prepared: Prepared | null = null;

/** Deciding: what was shown is what is signed. */
export const decisionCalls = {
  /** A clip with all its files, proven as a release needs it. */
  clipToRelease: async ({ device }: VaultContext, { id }: { id: string }) =>
    fetchListedClip(await device.follow(), id, "release"),

  /** The eight words of a key that an owner was given, and whether it is one. */
  wordsOfKey: async (_context: VaultContext, { recipient }: { recipient: string }) =>
    recipientWords(parseRecipient(recipient).text),

  /** How a decision of this device would be confirmed. */
  confirmation: async ({ device }: VaultContext): Promise<Confirmation> =>
    passkeyOf(device, (await device.follow()).keyring) === null ? "none" : "passkey",

  /** How many persons have to sign, and how long an approval waits for a veto. */
  signingPolicy: async ({ device }: VaultContext) => (await device.follow()).keyring.policy,

  /** Makes the statement from what was chosen; signs nothing. */
  prepareApproval: async (
    { device }: VaultContext,
    choice: ShownAs & {
      parts: readonly ChosenPart[];
      recipient: string | null;
      /** Null: as the request states it. */
      purpose: string | null;
      availableForMs: number;
    },
  ): Promise<PreparedApproval> => {
    prepared?.stop.abort();
    prepared = null;
    const hub = await device.follow();
    const passkey = passkeyOf(device, hub.keyring);
    const ground = await groundFor(hub, choice.request, viewerSha256);
    requireAsShown(ground.request, choice);
    const clips = await partsOf(hub, choice.parts);
    const terms = approvalTerms(ground, {
      clips: clips.map(({ chosen }) => chosen),
      recipient: recipientOf(choice.recipient, ground.request),
      purpose: choice.purpose ?? (await purposeOf(device, ground.request)),
      availableForMs: choice.availableForMs,
      isPart: await isPart(hub, ground.request, clips),
    });
    const bytes = canonicalJson(terms);
    prepared = {
      id: randomHex(16),
      terms,
      text: utf8Text(bytes, "terms"),
      sha256: sha256Hex(bytes),
      confirmation: passkey === null ? "none" : "passkey",
      stage: "shown",
      stop: new AbortController(),
    };
    const { id, text, sha256, confirmation } = prepared;
    return { id, terms, text, sha256, confirmation };
  },

  /**
   * Signs exactly what {@link decisionCalls.prepareApproval} has shown, and sends it.
   *
   * @throws HubError CANCELLED when it was stopped before anything was sent, SHOWN_ANEW when it is
   * not the statement on the screen any more or was signed already.
   */
  approve: async (context: VaultContext, { id }: { id: string }): Promise<ShownRequest> => {
    const statement = prepared;
    if (statement?.id !== id || statement.stage !== "shown") throw shownAnew();
    statement.stage = "making";
    try {
      const decision = await signPrepared(context, statement);
      requireNotStopped(statement);
      statement.stage = "sending";
      const { length } = filesOfTerms(statement.terms);
      context.progress(length, length);
      const { exportSigners } = (await context.device.follow()).keyring.policy;
      const as = exportSigners > 1 ? "proposal" : "decision";
      const decided = await post(context.device, statement.terms.request, decision, as);
      statement.stage = "done";
      return decided;
    } catch (error) {
      // Before anything went out, the same statement may be signed on a second try.
      if (statement.stage === "making" && !statement.stop.signal.aborted) statement.stage = "shown";
      throw error;
    }
  },

  /** Stops an approval that is being made. False: too late, it is on its way or there is none. */
  stopApproval: async (_context: VaultContext, { id }: { id: string }): Promise<boolean> => {
    if (prepared?.id !== id || prepared.stage === "sending" || prepared.stage === "done")
      return false;
    prepared.stop.abort();
    return true;
  },

  refuse: async (context: VaultContext, shown: ShownAs): Promise<ShownRequest> => {
    const { device } = context;
    const { request } = shown;
    if (prepared?.stage === "making" || prepared?.stage === "sending") throw shownAnew();
    prepared = null;
    const hub = await device.follow();
    const ground = await groundFor(hub, request);
    requireAsShown(ground.request, shown);
    const signer = await confirmingSigner(context, hub.keyring);
    const terms = refusalTerms(ground);
    return post(device, request, await signRefusal(terms, signer), "decision");
  },

  /**
   * Where a request stands after a decision whose answer was lost. A new nonce comes first: with it
   * the hub takes the lost one no more, so that what is told here stays true.
   */
  settle: async ({ device }: VaultContext, { request }: { request: string }) => {
    await device.client
      .post(`/api/requests/${request}/nonce`, {}, Api.NonceAnswer)
      .catch((error: unknown) => {
        if (!(error instanceof HubError) || error.code !== "NOT_OPEN") throw error;
      });
    return show(device, await fetchRequest(device, request));
  },
};

/** What a person has read and what a decision is signed for are fetched apart, and must be one. */
function requireAsShown({ recordSha256 }: Api.RequestSummary, shown: ShownAs): void {
  if (recordSha256 !== shown.recordSha256) throw changedSinceShown("the hub shows another request");
}

export function changedSinceShown(found: string): HubError {
  return new HubError("CHANGED_SINCE_SHOWN", `Nothing was sent: ${found} than before`);
}

export function shownAnew(): HubError {
  return new HubError(
    "SHOWN_ANEW",
    "Cannot sign: this is not the statement that is shown, or it was signed already",
  );
}

function requireNotStopped({ stop }: Prepared): void {
  if (stop.signal.aborted)
    throw new HubError("CANCELLED", "Stopped: nothing was signed, and nothing has been sent");
}

type Part = { readonly clip: Api.ClipDetail; readonly chosen: ReturnType<typeof chooseFiles> };

async function partsOf(hub: FollowedHub, parts: readonly ChosenPart[]): Promise<Part[]> {
  if (parts.length === 0 || parts.length > LIMITS.clipsPerApproval)
    throw new HubError("NOTHING_CHOSEN", "Cannot approve: choose between 1 and 64 recordings");
  const chosen: Part[] = [];
  for (const { clip: id, rendition, audio, segments } of parts) {
    const clip = await fetchListedClip(hub, id, "release");
    const whole = { clip, rendition, audio, segments, fromMs: null, toMs: null };
    chosen.push({ clip, chosen: chooseFiles(whole) });
  }
  return chosen;
}

/** True unless everything that was asked for leaves: all that is there of the time, as it was asked. */
async function isPart(
  { client }: FollowedHub,
  { record }: Api.RequestSummary,
  parts: readonly Part[],
): Promise<boolean> {
  const { sought } = record.asked;
  const range = checkAsked(record.asked);
  const cameras = sought.cameras === "unspecified" ? null : sought.cameras;
  const { clips, isAll } = await clipsBetween(client, range, cameras);
  const isWhole = ({ id }: Api.ClipSummary): boolean => {
    const part = parts.find(({ clip }) => clip.id === id);
    return part !== undefined && hasAllOf(part, range, sought);
  };
  return !isAll || !clips.every(isWhole);
}

function hasAllOf(
  { clip, chosen }: Part,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  { tracks, clearFaces }: Api.RequestSummary["record"]["asked"]["sought"],
): boolean {
  return clip.files
    .filter((file) => file.fromMs < toMs && file.toMs > fromMs && file.rendition === "original")
    .filter(({ track }) => tracks.some((asked) => asked === track))
    .every((file) =>
      chosen.files.some(
        ({ track, segment, rendition }) =>
          track === file.track &&
          segment === file.segment &&
          (track === "audio" || !clearFaces || rendition === "original"),
      ),
    );
}

function recipientOf(given: string | null, { record }: Api.RequestSummary): string {
  const asked = record.asked.recipient ?? null;
  if (given !== null && asked !== null && given !== asked)
    throw new HubError(
      "DECISION_WRONG_RECIPIENT",
      "Cannot approve: this is not the key that the request names",
    );
  const recipient = asked ?? given;
  if (recipient === null)
    throw new HubError("NO_RECIPIENT", "Cannot approve: the request names no key; enter one");
  return parseRecipient(recipient).text;
}

/** The person confirms first, while his hand is still on the button; then the new keys are made. */
async function signPrepared(context: VaultContext, statement: Prepared): Promise<Envelope> {
  const { device, progress } = context;
  const { terms } = statement;
  if (Date.now() >= terms.notAfterMs)
    throw new HubError("SHOWN_ANEW", "Cannot sign: this was shown too long ago");
  const signer = await confirmingSigner(context, (await device.follow()).keyring);
  const assertion = await signer.assert?.(termsHash(terms));
  await requireUnchanged(device, terms);
  const total = filesOfTerms(terms).length;
  let made = 0;
  const fileOf = async (clip: string, file: Parameters<typeof sealedFileName>[0]) => {
    progress(made, total);
    made += 1;
    requireNotStopped(statement);
    const sealed = await device.client.bytes(`/api/clips/${clip}/files/${sealedFileName(file)}`);
    requireNotStopped(statement);
    return sealed;
  };
  const confirmed = assertion ? { ...signer, assert: async () => assertion } : signer;
  return signApproval(terms, identitiesOf(device.bundle), fileOf, confirmed);
}

/**
 * The hub may have changed what it says since the statement was shown. Signed would be what was
 * shown all the same, but a hub that tells two stories is not one to hand keys to.
 */
async function requireUnchanged(device: OwnerDevice, terms: Terms): Promise<void> {
  const request = await fetchRequest(device, terms.request);
  const asked = request.record.asked.recipient;
  const isSame =
    request.recordSha256 === terms.requestSha256 &&
    (asked === undefined || asked === terms.recipient);
  if (!isSame) throw changedSinceShown("the hub shows another request");
  const hub = await device.follow();
  const texts = (files: readonly Api.ClipDetail["files"][number][]): string[] =>
    files.map((file) => utf8Text(canonicalJson(file), "file"));
  for (const { clip, files } of terms.clips) {
    const listed = new Set(texts((await fetchListedClip(hub, clip, "release")).files));
    if (!texts(files).every((file) => listed.has(file)))
      throw changedSinceShown("the hub lists other files");
  }
}

async function post(
  device: OwnerDevice,
  request: string,
  decision: Envelope,
  as: "decision" | "proposal",
): Promise<ShownRequest> {
  const path = `/api/requests/${request}/${as}`;
  const decided = await device.client.post(path, { decision }, Api.RequestSummary);
  await cosignSeen(device);
  return show(device, decided);
}

/** Witnesses the ledger as it is after what this device has just changed. */
export async function cosignSeen(device: OwnerDevice): Promise<void> {
  try {
    const { client, keyring, seen } = await device.follow();
    const line = cosign(keyring, seen.checkpoint, signingKeyOf(device.bundle), Date.now());
    await client.send("/api/ledger/cosignatures", line);
  } catch (error) {
    // The decision stands, and is witnessed the next time; a ledger that lied is told at once.
    if (error instanceof LedgerChanged || !(error instanceof HubError)) throw error;
  }
}
