import type { LightMyRequestResponse } from "fastify";
import { identitiesOf, randomHex } from "../../src/owner/device-bundle.ts";
import {
  approvalTerms,
  chooseFiles,
  refusalTerms,
  signApproval,
  signRefusal,
  type DecisionGround,
} from "../../src/owner/decide.ts";
import { envelopeSigner, generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import {
  fillForm,
  readRequestDocument,
  sealPersonal,
  type Form,
} from "../../src/owner/requests.ts";
import type { ClipDetail, RequestSummary } from "../../src/protocol/api.ts";
import { sha256Hex, toHex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type { Terms } from "../../src/protocol/decision.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import type { RequestDocument, SealedRequest } from "../../src/protocol/request.ts";
import { statusTokenOf } from "../../src/protocol/status-token.ts";
import { requireOk, type TestDevice, type TestHub } from "./test-hub.ts";

/** A request as a person writes it. */
export function requestDocument(changes: Partial<RequestDocument> = {}): RequestDocument {
  return {
    kind: "police_voluntary",
    urgency: "normal",
    requester: { name: "A. Requester", agency: "Somewhere PD", contact: "desk@example.org" },
    legalBasis: { basis: "none" },
    case: "2026-0042",
    narrative: "A parcel was taken from the doorstep opposite.",
    purpose: "To see who took the parcel",
    sought: {
      cameras: ["front"],
      from: "2026-11-21T20:00:00Z",
      to: "2026-11-21T20:10:00Z",
      tracks: ["video"],
      clearFaces: true,
    },
    ...changes,
  };
}

/** The last part of a status URL, which is the requester's capability. */
export function statusPath(request: RequestSummary): string {
  return new URL(request.statusUrl).pathname;
}

/** What an owner types from a letter. */
export async function typeRequest(
  hub: TestHub,
  changes: Partial<RequestDocument> = {},
): Promise<RequestSummary> {
  const { asked, personal } = readRequestDocument(requestDocument(changes));
  const owners = hub.hub.services.household.keyring?.readers.owners ?? "";
  const body = { asked, personal: await sealPersonal(asked, personal, owners) };
  return requireOk(await hub.call("POST", "/api/requests", { as: hub.owner, body })).json();
}

/** A one-time form; the hub learns the hash of its token only. */
export async function makeForm(hub: TestHub, lifetimeMs = 3_600_000): Promise<Form> {
  const token = randomHex(32);
  const expiresAtMs = hub.clock.nowMs + lifetimeMs;
  const body = { tokenSha256: sha256Hex(utf8Bytes(token)), expiresAtMs };
  requireOk(await hub.call("POST", "/api/forms", { as: hub.owner, body }));
  return {
    format: "doorward-form/v1",
    token,
    owners: hub.hub.services.household.keyring?.readers.owners ?? "",
    expiresAtMs,
    intakeUrl: null,
    statusUrl: `${hub.hub.url}/status/${statusTokenOf(token)}`,
  };
}

export function fill(form: Form, changes: Partial<RequestDocument> = {}): Promise<SealedRequest> {
  return fillForm(form, requestDocument(changes));
}

export interface Chosen {
  readonly clip: ClipId | string;
  /** First and last segment that the range covers; by default the whole clip. */
  readonly segments?: readonly [number, number];
  readonly audio?: boolean;
  /** By default the original. */
  readonly rendition?: "original" | "blurred";
  readonly recipient?: string;
  readonly by?: TestDevice;
}

export interface Prepared {
  readonly terms: Terms;
  readonly decision: Envelope;
}

/** Everything a device has seen and checked before it signs. */
export async function groundFor(
  hub: TestHub,
  request: string,
  by: TestDevice = hub.owner,
): Promise<DecisionGround> {
  const { services } = hub.hub;
  const { keyring } = services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const size = services.ledger.size();
  return {
    keyring,
    request: requireOk(await hub.call("GET", `/api/requests/${request}`, { as: by })).json(),
    nonce: requireOk(
      await hub.call("POST", `/api/requests/${request}/nonce`, { as: by, body: {} }),
    ).json(),
    checkpoint: { size, root: toHex(services.ledger.root(size)) },
    nowMs: hub.clock.nowMs,
  };
}

export async function clipDetail(hub: TestHub, clip: string): Promise<ClipDetail> {
  return requireOk(await hub.call("GET", `/api/clips/${clip}`, { as: hub.owner })).json();
}

/** Terms for a part of a clip, unsigned. */
export async function draftApproval(hub: TestHub, request: string, chosen: Chosen): Promise<Terms> {
  const ground = await groundFor(hub, request, chosen.by);
  const clip = await clipDetail(hub, chosen.clip);
  const rendition = chosen.rendition ?? "original";
  const video = clip.files.filter((file) => file.track === "video" && file.rendition === rendition);
  const [first, last] = chosen.segments ?? [0, video.length - 1];
  const files = chooseFiles({
    clip,
    rendition,
    audio: chosen.audio ?? false,
    // A millisecond inside, so that neighbours that touch the range stay out.
    fromMs: (video[first]?.fromMs ?? 0) + 1,
    toMs: (video[last]?.toMs ?? 0) - 1,
  });
  const recipient = chosen.recipient ?? ground.request.record.asked.recipient;
  if (recipient === undefined) throw new Error("neither request nor test names a recipient");
  const isPart = files.files.length < clip.files.length;
  return approvalTerms(ground, { clips: [files], recipient, purpose: "a test", isPart });
}

/** Makes the new headers with the device's own readers and signs. */
export async function signTerms(
  hub: TestHub,
  terms: Terms,
  by: TestDevice = hub.owner,
): Promise<Envelope> {
  const headerOf = async (clip: string, file: Parameters<typeof sealedFileName>[0]) => {
    const url = `/api/clips/${clip}/files/${sealedFileName(file)}`;
    return new Uint8Array(requireOk(await hub.call("GET", url, { as: hub.owner })).rawPayload);
  };
  return signApproval(terms, identitiesOf(by.bundle), headerOf, envelopeSigner(by.key));
}

export async function prepareApproval(
  hub: TestHub,
  request: string,
  chosen: Chosen,
): Promise<Prepared> {
  const terms = await draftApproval(hub, request, chosen);
  return { terms, decision: await signTerms(hub, terms, chosen.by) };
}

export async function prepareRefusal(
  hub: TestHub,
  request: string,
  by: TestDevice = hub.owner,
): Promise<Prepared> {
  const terms = refusalTerms(await groundFor(hub, request, by));
  return { terms, decision: await signRefusal(terms, envelopeSigner(by.key)) };
}

export async function decide(
  hub: TestHub,
  request: string,
  decision: unknown,
  by: TestDevice = hub.owner,
): Promise<LightMyRequestResponse> {
  return hub.call("POST", `/api/requests/${request}/decision`, { as: by, body: { decision } });
}

/** Signs for a part of a clip and has the hub accept it. */
export async function approve(
  hub: TestHub,
  request: RequestSummary,
  chosen: Chosen,
): Promise<Prepared> {
  const id = request.record.request;
  const prepared = await prepareApproval(hub, id, chosen);
  requireOk(await decide(hub, id, prepared.decision, chosen.by));
  return prepared;
}

export async function refuse(hub: TestHub, request: RequestSummary): Promise<Prepared> {
  const id = request.record.request;
  const prepared = await prepareRefusal(hub, id);
  requireOk(await decide(hub, id, prepared.decision));
  return prepared;
}

/** A request for a recipient of its own, approved for a whole clip or a part, and its bundle. */
export async function releasedBundle(
  hub: TestHub,
  chosen: Chosen,
): Promise<Prepared & { request: RequestSummary; recipient: ReaderKey; bundle: Uint8Array }> {
  const recipient = await generateReader(hub.owner.bundle.kind);
  const request = await typeRequest(hub, { recipient: recipient.recipient });
  const prepared = await approve(hub, request, chosen);
  const answer = requireOk(await hub.call("GET", statusPath(request)));
  return { ...prepared, request, recipient, bundle: new Uint8Array(answer.rawPayload) };
}
