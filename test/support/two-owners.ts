import type { LightMyRequestResponse } from "fastify";
import { clipIdentities, identitiesOf } from "../../src/owner/device-bundle.ts";
import { requireSameHeaders, signProposal } from "../../src/owner/decide-together.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { openFileKey, releaseHeader } from "../../src/owner/release.ts";
import { signRevocation } from "../../src/owner/revocation.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import {
  DecisionSchema,
  fileName,
  filesOfTerms,
  releaseHash,
  termsHash,
  type Decision,
} from "../../src/protocol/decision.ts";
import {
  openEnvelope,
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
  type EnvelopeSignature,
} from "../../src/protocol/envelope.ts";
import type { Policy } from "../../src/protocol/keyring.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import {
  prepareApproval,
  statusPath,
  typeRequest,
  type Chosen,
  type Prepared,
} from "./test-consent.ts";
import { firstClip, requireOk, startTestHub, type TestDevice, type TestHub } from "./test-hub.ts";

export interface TwoOwners extends TestHub {
  readonly partner: TestDevice;
}

/** A hub with one clip and two owners, of whom `exportSigners` must sign. */
export async function startTwoOwners(
  policy: Partial<Policy> = {},
  options: Parameters<typeof startTestHub>[0] = {},
): Promise<TwoOwners> {
  const hub = await startTestHub({ clips: 1, ...options });
  const partner = await hub.admit("owner");
  await hub.change({
    kind: "policy",
    policy: { exportSigners: 2, keyringSigners: 1, vetoWindowMs: 0, ...policy },
  });
  return { ...hub, partner };
}

export async function propose(
  hub: TestHub,
  request: RequestSummary,
  chosen: Partial<Chosen> = {},
): Promise<Prepared & { readonly answer: LightMyRequestResponse }> {
  const { request: id } = request.record;
  const by = chosen.by ?? hub.owner;
  const prepared = await prepareApproval(hub, id, { clip: firstClip(hub), ...chosen });
  const body = { decision: prepared.decision };
  const answer = await hub.call("POST", `/api/requests/${id}/proposal`, { as: by, body });
  return { ...prepared, answer };
}

/** A request with an approval that one of two owners has signed. */
export async function proposed(
  hub: TestHub,
  recipient: string,
): Promise<Prepared & { readonly request: RequestSummary }> {
  const request = await typeRequest(hub, { recipient });
  const { answer, ...prepared } = await propose(hub, request);
  requireOk(answer);
  return { ...prepared, request };
}

export function decisionOf(envelope: Envelope): Decision {
  const { content } = openEnvelope(envelope, PAYLOAD_TYPES.decision, "decision");
  return checkShape(DecisionSchema, content, "decision");
}

/** Checks the headers as a co-signer's device does, and signs. */
export async function cosignature(
  hub: TestHub,
  envelope: Envelope,
  by: TestDevice,
): Promise<EnvelopeSignature> {
  const decision = decisionOf(envelope);
  await requireSameHeaders({ decision }, identitiesOf(by.bundle), async (clip, file) => {
    const url = `/api/clips/${clip}/files/${sealedFileName(file)}`;
    return new Uint8Array(requireOk(await hub.call("GET", url, { as: by })).rawPayload);
  });
  return signProposal({ decision }, envelopeSigner(by.key));
}

export async function sendCosignature(
  hub: TestHub,
  request: RequestSummary,
  body: { readonly decisionSha256: string; readonly signature: EnvelopeSignature },
  by: TestDevice,
): Promise<LightMyRequestResponse> {
  const path = `/api/requests/${request.record.request}/proposal/signatures`;
  return hub.call("POST", path, { as: by, body });
}

/** Signs what stands proposed and hands the signature in. */
export async function cosignAs(
  hub: TestHub,
  request: RequestSummary,
  by: TestDevice,
): Promise<LightMyRequestResponse> {
  const { request: id } = request.record;
  const now = await summaryOf(hub, request);
  const path = `/api/requests/${id}/proposal`;
  const { decision } = requireOk(await hub.call("GET", path, { as: by })).json<{
    decision: Envelope;
  }>();
  const signature = await cosignature(hub, decision, by);
  const decisionSha256 = now.proposal?.decisionSha256 ?? "";
  return sendCosignature(hub, request, { decisionSha256, signature }, by);
}

export async function summaryOf(hub: TestHub, request: RequestSummary): Promise<RequestSummary> {
  const path = `/api/requests/${request.record.request}`;
  return requireOk(await hub.call("GET", path, { as: hub.owner })).json();
}

export async function revokeAs(
  hub: TestHub,
  request: RequestSummary,
  by: TestDevice = hub.owner,
): Promise<LightMyRequestResponse> {
  const { keyring } = hub.hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const signer = envelopeSigner(by.key);
  const revocation = await signRevocation(
    keyring,
    await summaryOf(hub, request),
    hub.clock.nowMs,
    signer,
  );
  const path = `/api/requests/${request.record.request}/revocation`;
  return hub.call("POST", path, { as: by, body: { revocation } });
}

export function codeOf(answer: LightMyRequestResponse): string {
  return answer.json<{ code?: string }>().code ?? "accepted";
}

/** Headers as no honest first signer makes them. */
export async function forgedHeaders(
  hub: TestHub,
  { terms }: Decision,
  to: string,
  salt: Uint8Array,
): Promise<Decision["release"]> {
  const release: Decision["release"] = [];
  for (const { clip, file } of filesOfTerms(terms)) {
    const url = `/api/clips/${clip.clip}/files/${sealedFileName(file)}`;
    const sealed = requireOk(await hub.call("GET", url, { as: hub.owner })).rawPayload;
    const key = await openFileKey(new Uint8Array(sealed), clipIdentities(hub.owner.bundle));
    const name = fileName(clip.clip, file);
    const { segment, track, rendition } = file;
    const header = toBase64(releaseHeader(key, parseRecipient(to), salt, name));
    release.push({ clip: clip.clip, segment, track, rendition, header });
  }
  return release;
}

/** A proposal whose terms name one recipient and whose keys are for another: the hub cannot see it. */
export async function proposeForged(
  hub: TestHub,
  request: RequestSummary,
  to: string,
): Promise<LightMyRequestResponse> {
  const { request: id } = request.record;
  const { terms, decision } = await prepareApproval(hub, id, { clip: firstClip(hub) });
  const release = await forgedHeaders(hub, decisionOf(decision), to, releaseHash(terms));
  const signer = envelopeSigner(hub.owner.key);
  const forged = { terms, release };
  const envelope = await signEnvelope(PAYLOAD_TYPES.decision, forged, signer, termsHash(terms));
  const body = { decision: envelope };
  return hub.call("POST", `/api/requests/${id}/proposal`, { as: hub.owner, body });
}

/** What whoever asked gets at its address. */
export const fetched = async (hub: TestHub, request: RequestSummary): Promise<number> =>
  (await hub.call("GET", statusPath(request))).statusCode;
export const stateOf = async (hub: TestHub, request: RequestSummary): Promise<string> =>
  (await summaryOf(hub, request)).state;
/** What the ledger says of it, in order. */
export const entriesOf = (hub: TestHub, request: RequestSummary): LedgerEntry[] =>
  hub.hub.services.ledger
    .entries()
    .map(({ entry }) => entry)
    .filter((entry) => "request" in entry && entry.request === request.record.request);
