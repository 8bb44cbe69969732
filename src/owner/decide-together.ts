import type { RequestSummary } from "../protocol/api.ts";
import * as Api from "../protocol/api.ts";
import { ProposalAnswer } from "../protocol/api-decisions.ts";
import { VerifiedProposal, type DecisionContext } from "../protocol/approval.ts";
import { equalBytes, fromBase64, fromHex } from "../protocol/bytes.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import {
  DecisionSchema,
  fileName,
  termsHash,
  type Decision,
  type Terms,
} from "../protocol/decision.ts";
import {
  openEnvelope,
  PAYLOAD_TYPES,
  signEnvelope,
  type EnvelopeSignature,
  type EnvelopeSigner,
} from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseCameraId, parseRequestId, parseSha256Hex, type DeviceId } from "../protocol/ids.ts";
import { listedFile } from "../protocol/listed-files.ts";
import { verifyConsistency } from "../protocol/merkle.ts";
import type { IdentitiesOf } from "./device-bundle.ts";
import type { FollowedHub } from "./hub-client.ts";
import { fetchListedClip } from "./listed-clip.ts";
import { makeRelease, type FileSource } from "./release.ts";

/**
 * The second owner's side of an approval that several sign. He signs the very bytes of the first,
 * and believes neither him nor the hub: the terms are held against what this device has seen of
 * keyring, request and ledger, and every header is made again from the file key and the terms.
 */
export interface SeenProposal {
  readonly decision: Decision;
  readonly terms: Terms;
  readonly decisionSha256: string;
  readonly signers: readonly DeviceId[];
}

/**
 * Fetches a proposal and checks everything of it but its headers.
 *
 * @param request - As this device has just fetched and checked it.
 * @param knownViewer - SHA-256 of the viewer that this device knows, or null. Terms that send another
 * one along are not his to sign: it is a page that runs at the recipient's.
 * @throws DecisionRefused; HubError CLIP_NOT_PROVEN, PROPOSAL_ALTERED.
 */
export async function fetchProposal(
  hub: FollowedHub,
  request: RequestSummary,
  nowMs: number,
  knownViewer: string | null,
): Promise<SeenProposal> {
  const path = `/api/requests/${request.record.request}/proposal`;
  const { decision: envelope } = await hub.client.get(path, ProposalAnswer);
  const { content } = openEnvelope(envelope, PAYLOAD_TYPES.decision, "decision");
  const { terms } = checkShape(DecisionSchema, content, "decision");
  const proposal = VerifiedProposal.verify(envelope, await contextFor(hub, request, terms, nowMs));
  if (terms.viewerSha256 !== undefined && terms.viewerSha256 !== knownViewer)
    throw new HubError(
      "PROPOSAL_ALTERED",
      "Cannot sign: a viewer would go along that this device does not know",
    );
  const { decision, decisionSha256, signers } = proposal;
  return { decision, terms: decision.terms, decisionSha256, signers };
}

async function contextFor(
  hub: FollowedHub,
  { record, recordSha256 }: RequestSummary,
  terms: Terms,
  nowMs: number,
): Promise<DecisionContext> {
  const known = new Map<string, ReturnType<DecisionContext["findFile"]>>();
  for (const { clip: id } of terms.clips) {
    const clip = await fetchListedClip(hub, id, "release");
    for (const file of clip.files)
      known.set(fileName(id, file), { camera: parseCameraId(clip.camera), file: listedFile(file) });
  }
  const isSeen = await isInSeenLedger(hub, terms.checkpoint);
  return {
    keyring: hub.keyring,
    request: {
      id: parseRequestId(record.request),
      sha256: parseSha256Hex(recordSha256),
      recipient: record.asked.recipient ?? null,
      expiresAtMs: record.expiresAtMs,
    },
    // Whether it was spent is the hub's to know.
    nonce: terms.nonce,
    nowMs,
    findFile: (clip, file) => known.get(fileName(clip, file)) ?? null,
    knowsCheckpoint: () => isSeen,
  };
}

/** That the ledger the first owner has seen is the beginning of the one this device sees. */
async function isInSeenLedger(
  hub: FollowedHub,
  { size, root }: Terms["checkpoint"],
): Promise<boolean> {
  if (size < 1) return false;
  const seen = await hub.followTo(size - 1);
  const { proof } = await hub.client.get(
    `/api/ledger/consistency?from=${size}&to=${seen.size}`,
    Api.ProofAnswer,
  );
  return verifyConsistency({
    size1: size,
    root1: fromHex(root, "root"),
    size2: seen.size,
    root2: fromHex(seen.root, "root"),
    proof: proof.map((hash) => fromBase64(hash, "proof")),
  });
}

/**
 * Makes every header again and compares. Nobody was let in but the recipient of the terms, and no
 * key was passed on but those of their files.
 *
 * @throws HubError PROPOSAL_ALTERED when one differs; as {@link makeRelease} does.
 */
export async function requireSameHeaders(
  { decision }: Pick<SeenProposal, "decision">,
  identities: IdentitiesOf,
  fileOf: FileSource,
): Promise<void> {
  const own = await makeRelease(decision.terms, identities, fileOf);
  if (!equalBytes(canonicalJson(own), canonicalJson(decision.release)))
    throw new HubError(
      "PROPOSAL_ALTERED",
      "Cannot sign: the keys in this proposal are not those that its terms give; somebody else was let in",
    );
}

/** One more signature over the bytes that were proposed. Call {@link requireSameHeaders} first. */
export async function signProposal(
  { decision }: Pick<SeenProposal, "decision">,
  signer: EnvelopeSigner,
): Promise<EnvelopeSignature> {
  const challenge = termsHash(decision.terms);
  const envelope = await signEnvelope(PAYLOAD_TYPES.decision, decision, signer, challenge);
  const [signature] = envelope.signatures;
  if (!signature) throw new Error("an envelope without a signature");
  return signature;
}
