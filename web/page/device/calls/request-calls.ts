import { clipsBetween } from "../../../../src/owner/clips-between.ts";
import { randomHex, type DeviceBundle } from "../../../../src/owner/device-bundle.ts";
import { fillFormTemplate } from "../../../../src/owner/form.ts";
import { fetchSummary, requireHonestSummary } from "../../../../src/owner/ground.ts";
import { openAttachment, sealAttachment } from "../../../../src/owner/request-attachment.ts";
import { readRequestFile } from "../../../../src/owner/request-file.ts";
import {
  openRequest,
  ownersIdentities,
  readRequestDocument,
  sealPersonal,
  type Form,
  type OpenedRequest,
} from "../../../../src/owner/requests.ts";
import * as Api from "../../../../src/protocol/api.ts";
import type { ProposalSummary } from "../../../../src/protocol/api-decisions.ts";
import { sha256Hex, utf8Bytes } from "../../../../src/protocol/bytes.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { citesNoBasis, lint } from "../../../../src/protocol/linter.ts";
import type { LintCode } from "../../../../src/protocol/linter-sources.ts";
import { parseRequestId } from "../../../../src/protocol/ids.ts";
import { REQUEST_EXPIRY_MAX_MS } from "../../../../src/protocol/limits.ts";
import type { SealedDocument } from "../../../../src/protocol/request-document.ts";
import { checkAsked, type Personal, type RequestRecord } from "../../../../src/protocol/request.ts";
import { statusTokenOf } from "../../../../src/protocol/status-token.ts";
import { recipientWords } from "../../../../src/protocol/words.ts";
import type { OwnerDevice } from "../owner-device.ts";
import type { VaultContext } from "../vault-worker.ts";

const PAGE_REQUESTS = 50;
const OPEN_PAGE_REQUESTS = 500;
const OPEN_PAGES_MAX = 20;
const OPENED_KEPT_MAX = 1_000;

/** A file that somebody chose, to go with a request. */
export interface AttachedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A request as the page shows it: checked, and its personal part opened where this device can. */
export interface ShownRequest {
  readonly record: RequestRecord;
  /** What a decision on it is signed for. */
  readonly recordSha256: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly decidedAtMs: number | null;
  /** How often its bundle was fetched. */
  readonly fetched: number;
  /** Of the approval or refusal; what a revocation names. */
  readonly decisionSha256: string | null;
  /** An approval that waits for the signatures of others. */
  readonly proposal: ShownProposal | null;
  /** Approved, and any owner can stop it until about then. */
  readonly leavesAtMs: number | null;
  readonly availableUntilMs: number | null;
  /** It could be fetched for a while, whether or not anybody did. */
  readonly wasReleased: boolean;
  readonly statusUrl: string;
  readonly personal: Personal | null;
  /** The keys are sealed still: nobody knows yet whether this device could open it. */
  readonly isLocked: boolean;
  /** Null where the personal part cannot be opened, too. */
  readonly citesBasis: boolean | null;
  readonly soughtFromMs: number;
  readonly soughtToMs: number;
  readonly deadlineMs: number | null;
  /** Eight words of the key that the request names; null where it names none. */
  readonly words: readonly string[] | null;
  readonly secondLooks: readonly LintCode[];
  /** What came along, as the sealed part says; null where nothing did, or it cannot be opened. */
  readonly document: SealedDocument | null;
}

/** What the hub says of a proposal; checked where somebody is asked to sign it. */
export interface ShownProposal {
  /** Of the devices that have signed; empty for one without a name. */
  readonly names: readonly string[];
  readonly needed: number;
  /** Made by the person of this device. */
  readonly isOwn: boolean;
  /** Signed by the person of this device, maybe on another one. */
  readonly hasSigned: boolean;
  readonly isStale: boolean;
  readonly decisionSha256: string;
}

/** Requests: reading them, and taking them in. Deciding is in decision-calls.ts. */
export const requestCalls = {
  /** All that wait for an answer, the one with the nearest end first. */
  waitingRequests: async ({ device }: VaultContext): Promise<ShownRequest[]> => {
    const open = await fetchOpen(device);
    const shown = [];
    for (const summary of open) shown.push(await show(device, summary));
    return shown;
  },

  /** Only how many wait: nothing is opened for it. */
  countWaiting: async ({ device }: VaultContext) => (await fetchOpen(device)).length,

  /** Decided and expired ones, newest first, a page at a time. */
  answeredRequests: async ({ device }: VaultContext, { before }: { before: string | null }) => {
    const query = before === null ? "" : `&before=${before}`;
    const path = `/api/requests?limit=${PAGE_REQUESTS}${query}`;
    const page = await device.client.get(path, Api.RequestList);
    const requests: ShownRequest[] = [];
    for (const summary of page) if (!isOpen(summary)) requests.push(await show(device, summary));
    const last = page.at(-1)?.record.request;
    const isMore = page.length === PAGE_REQUESTS && last !== undefined && last !== before;
    return { requests, next: isMore ? last : null };
  },

  request: async ({ device }: VaultContext, { id }: { id: string }): Promise<ShownRequest> =>
    show(device, await fetchRequest(device, id)),

  /** Recordings that overlap what a request asks for. */
  clipsSought: async ({ device }: VaultContext, { id }: { id: string }) => {
    const { asked } = (await fetchRequest(device, id)).record;
    const { cameras } = asked.sought;
    return clipsBetween(
      device.client,
      checkAsked(asked),
      cameras === "unspecified" ? null : cameras,
    );
  },

  /**
   * Types in a letter.
   *
   * @throws MalformedInput naming the field.
   */
  typeRequest: async (
    { device }: VaultContext,
    { document, attached }: { document: unknown; attached: AttachedFile | null },
  ) => {
    const { asked, personal } = readRequestDocument(document);
    const { client, keyring } = await device.follow();
    const { owners } = keyring.readers;
    const scan = attached && (await sealAttachment(attached.name, attached.bytes, owners));
    const sealed = await sealPersonal(asked, personal, owners, scan?.inside ?? null);
    const body = { asked, personal: sealed, ...(scan ? { document: scan.announced } : {}) };
    const { request } = (await client.post("/api/requests", body, Api.RequestSummary)).record;
    if (scan) await client.sendBytes(`/api/requests/${request}/document`, scan.sealed);
    return request;
  },

  /** Takes a sealed request that came by mail: opened here first, since the hub cannot look inside. */
  importRequest: async ({ device }: VaultContext, { file }: { file: Uint8Array }) => {
    const { request: sealed, document } = readRequestFile(file, "this file");
    const owners = ownersIdentities(requireOwner(device));
    const opened = await openRequest(sealed.asked, sealed.personal, owners);
    // Before anything is handed in: a document that does not belong to it would never open.
    if (opened.document && document) await openAttachment(opened.document, document, owners);
    const taken = await device.client.post("/api/requests/import", sealed, Api.RequestSummary);
    const { request } = taken.record;
    if (document) await device.client.sendBytes(`/api/requests/${request}/document`, document);
    return request;
  },

  /** A form for one requester, once: the page to send to him, and where he will look. */
  makeForm: async (
    { device }: VaultContext,
    { expiresAtMs, isVisitors }: { expiresAtMs: number; isVisitors: boolean },
  ) => {
    const { client, keyring } = await device.follow();
    // Only now: it is as large as the rest of the vault.
    const { default: template } = await import("virtual:form-template");
    const token = randomHex(32);
    const body = { tokenSha256: sha256Hex(utf8Bytes(token)), expiresAtMs };
    const answer = await client.post("/api/forms", body, Api.FormAnswer);
    const { intakeUrl } = answer;
    const form: Form = {
      format: "doorward-form/v1",
      token,
      owners: keyring.readers.owners,
      expiresAtMs: answer.expiresAtMs,
      intakeUrl,
      statusUrl: `${answer.statusUrl}${statusTokenOf(token)}`,
      ...(isVisitors ? { shape: "visitor" } : {}),
    };
    const { statusUrl } = form;
    return { page: fillFormTemplate(template, form), expiresAtMs: form.expiresAtMs, statusUrl };
  },
};

export async function fetchRequest(
  { client }: Pick<OwnerDevice, "client">,
  id: string,
): Promise<Api.RequestSummary> {
  return fetchSummary(client, parseRequestId(id));
}

export async function show(
  device: OwnerDevice,
  summary: Api.RequestSummary,
): Promise<ShownRequest> {
  requireHonestSummary(summary);
  const { record, recordSha256, state, outcome, decidedAtMs, statusUrl, fetched = 0 } = summary;
  const { asked } = record;
  const opened = await openedRequest(device, summary);
  const personal = opened?.personal ?? null;
  const { receivedAtMs } = record;
  const { fromMs, toMs } = checkAsked(asked);
  return {
    ...{ record, recordSha256, state, outcome, decidedAtMs, statusUrl, fetched, personal },
    decisionSha256: summary.decisionSha256 ?? null,
    proposal: summary.proposal ? await shownProposal(device, summary.proposal) : null,
    leavesAtMs: summary.leavesAtMs ?? null,
    availableUntilMs: summary.availableUntilMs ?? null,
    wasReleased: summary.wasReleased === true,
    isLocked: !device.isOpen,
    citesBasis: personal === null ? null : !citesNoBasis(personal),
    soughtFromMs: fromMs,
    soughtToMs: toMs,
    deadlineMs: asked.deadline === undefined ? null : Date.parse(asked.deadline),
    words: asked.recipient === undefined ? null : recipientWords(asked.recipient),
    secondLooks: lint({ asked, personal, receivedAtMs }),
    document: opened?.document ?? null,
  };
}

async function shownProposal(
  device: OwnerDevice,
  { signers, needed, by, isStale, decisionSha256 }: ProposalSummary,
): Promise<ShownProposal> {
  const devices = await device.client.get("/api/devices", Api.DeviceList);
  const signed = signers.map((id) => devices.find((one) => one.device === id));
  // A device that is locked knows its person only from the list.
  const person = device.isOpen ? device.bundle.person : null;
  return {
    ...{ needed, isStale, decisionSha256 },
    names: signed.map((one) => one?.label ?? ""),
    isOwn: by === person,
    hasSigned: signed.some((one) => one !== undefined && one.person === person),
  };
}

/**
 * By the hash of the whole record, since what is sealed counts only beside what it was sealed with.
 * In this worker's memory for as long as the page is open.
 */
const opened = new Map<string, OpenedRequest | null>();

export async function openedRequest(
  device: OwnerDevice,
  { record, recordSha256, personal }: Api.RequestSummary,
): Promise<OpenedRequest | null> {
  // A locked device shows nothing that it opened before it was locked.
  const owners = device.isOpen ? ownersIdentities(device.bundle) : [];
  if (personal === null || owners.length === 0) return null;
  const known = opened.get(recordSha256);
  if (known !== undefined) return known;
  const found = await openRequest(record.asked, personal, owners).catch((error: unknown) => {
    // Not sealed to this household, or torn apart: shown as such, and never in another's place.
    if (error instanceof HubError) return null;
    throw error;
  });
  if (opened.size >= OPENED_KEPT_MAX) opened.clear();
  opened.set(recordSha256, found);
  return found;
}

/** As an approval states it; what cannot be opened was not stated to this device. */
export async function purposeOf(device: OwnerDevice, summary: Api.RequestSummary): Promise<string> {
  return (await openedRequest(device, summary))?.personal.purpose ?? "not stated";
}

function requireOwner({ bundle }: OwnerDevice): DeviceBundle {
  if (bundle.readers.owners === undefined)
    throw new HubError("NOT_ALLOWED", "Cannot open requests: only an owner's device can");
  return bundle;
}

function isOpen({ state }: Api.RequestSummary): boolean {
  return state === "received" || state === "held";
}

/** No request lives longer than 30 days: behind that, none can be open. */
async function fetchOpen({ client }: OwnerDevice): Promise<Api.RequestSummary[]> {
  const open = new Map<string, Api.RequestSummary>();
  let before = "";
  for (let pages = 0; pages < OPEN_PAGES_MAX; pages += 1) {
    const path = `/api/requests?limit=${OPEN_PAGE_REQUESTS}${before}`;
    const page = await client.get(path, Api.RequestList);
    for (const summary of page) if (isOpen(summary)) open.set(summary.record.request, summary);
    const last = page.at(-1)?.record;
    if (last === undefined || page.length < OPEN_PAGE_REQUESTS) break;
    if (last.receivedAtMs < Date.now() - REQUEST_EXPIRY_MAX_MS) break;
    before = `&before=${last.request}`;
  }
  return [...open.values()].toSorted(
    (left, right) => left.record.expiresAtMs - right.record.expiresAtMs,
  );
}
