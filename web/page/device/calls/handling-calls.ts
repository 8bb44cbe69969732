import { clipsBetween } from "../../../../src/owner/clips-between.ts";
import {
  readHandling,
  signAssurance,
  signPreservation,
  type Handling,
} from "../../../../src/owner/handling.ts";
import { openAttachment } from "../../../../src/owner/request-attachment.ts";
import { ownersIdentities } from "../../../../src/owner/requests.ts";
import { HandlingAnswer } from "../../../../src/protocol/api-handling.ts";
import type { RequestSummary } from "../../../../src/protocol/api.ts";
import type { Envelope } from "../../../../src/protocol/envelope.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import {
  nextPreservations,
  PRESERVATION_MAX_MS,
  type AssuranceLevel,
  type PreservationAction,
} from "../../../../src/protocol/handling.ts";
import type { Keyring } from "../../../../src/protocol/keyring.ts";
import { lint, toldWordsOf } from "../../../../src/protocol/linter.ts";
import { noticePage, NoticeFactsSchema } from "../../../../src/protocol/door-notice.ts";
import { checkAsked } from "../../../../src/protocol/request.ts";
import type { DocumentType } from "../../../../src/protocol/request-document.ts";
import { confirmingSigner } from "../confirming-signer.ts";
import type { VaultContext } from "../vault-worker.ts";
import { fetchRequest, openedRequest } from "./request-calls.ts";

/** What owners have stated about a request, as the page shows it. */
export interface ShownHandling {
  readonly level: AssuranceLevel | null;
  readonly levelAtMs: number | null;
  readonly hold: { readonly untilMs: number; readonly clips: number } | null;
  readonly next: readonly PreservationAction[];
  /** Null where no document was announced. */
  readonly documentIsHere: boolean | null;
}

interface ShownAs {
  readonly id: string;
  readonly recordSha256: string;
}

const DAY_MS = 24 * 3_600_000;
/** The hub's clock may be a little behind ours, and takes no more than 90 days by its own. */
const MARGIN_MS = 60_000;

/** Stating how sure one is, keeping, and what came along. Nothing of it decides. */
export const handlingCalls = {
  handling: async ({ device }: VaultContext, shown: ShownAs): Promise<ShownHandling> => {
    const { keyring } = await device.follow();
    const request = await asShown(device, shown);
    return shownOf(await fetchHandling(device, request, keyring));
  },

  assure: async (context: VaultContext, shown: ShownAs & { level: AssuranceLevel }) =>
    state(context, shown, "assurance", async (ground, before) => {
      const signer = await confirmingSigner(context, ground.keyring);
      return signAssurance(ground, before, shown.level, signer);
    }),

  preserve: async (
    context: VaultContext,
    shown: ShownAs & { action: PreservationAction; days: number },
  ) =>
    state(context, shown, "hold", async (ground, before) => {
      const { action, days } = shown;
      const forMs = Math.min(days * DAY_MS, PRESERVATION_MAX_MS - MARGIN_MS);
      const clips = action === "hold" ? await clipsSought(context, ground.request) : [];
      const signer = await confirmingSigner(context, ground.keyring);
      return signPreservation(ground, before, { action, forMs, clips }, signer);
    }),

  /** Opened and held against what was sealed with the request: nothing of another one is shown. */
  openDocument: async (
    { device }: VaultContext,
    shown: ShownAs,
  ): Promise<{ bytes: Uint8Array; name: string; mediaType: DocumentType }> => {
    const request = await asShown(device, shown);
    const document = (await openedRequest(device, request))?.document ?? null;
    if (!document) throw new HubError("NOT_FOUND", "There is no document of this request");
    const sealed = await device.client.bytes(`/api/requests/${shown.id}/document`);
    const bytes = await openAttachment(document, sealed, ownersIdentities(device.bundle));
    return { bytes, name: document.name, mediaType: document.mediaType };
  },

  deleteDocument: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.delete(`/api/requests/${id}/document`),

  /** Whether the words that an owner was told are those of the key that the request names. */
  compareTold: async ({ device }: VaultContext, { id, text }: { id: string; text: string }) => {
    const { asked, receivedAtMs } = (await fetchRequest(device, id)).record;
    const toldWords = toldWordsOf(text);
    return !lint({ asked, personal: null, receivedAtMs, toldWords }).includes("key_differs");
  },

  /** The notice for the door, made here of checked facts. */
  notice: async ({ device }: VaultContext) => {
    const facts = await device.client.get("/api/notice", NoticeFactsSchema);
    return { page: noticePage(facts), hasCode: facts.url !== null };
  },
};

interface Ground {
  readonly keyring: Keyring;
  readonly request: RequestSummary;
  readonly nowMs: number;
}

/** Looks anew, signs, and hands it in. */
async function state(
  { device }: VaultContext,
  shown: ShownAs,
  what: "assurance" | "hold",
  sign: (ground: Ground, before: Handling) => Promise<Envelope>,
): Promise<ShownHandling> {
  const { client, keyring } = await device.follow();
  const request = await asShown(device, shown);
  const before = await fetchHandling(device, request, keyring);
  const statement = await sign({ keyring, request, nowMs: Date.now() }, before);
  const answer = await client.post(
    `/api/requests/${shown.id}/${what}`,
    { statement },
    HandlingAnswer,
  );
  return shownOf(readHandling(answer, request, keyring));
}

async function asShown(
  device: VaultContext["device"],
  { id, recordSha256 }: ShownAs,
): Promise<RequestSummary> {
  const request = await fetchRequest(device, id);
  if (request.recordSha256 !== recordSha256)
    throw new HubError("CHANGED_SINCE_SHOWN", "Cannot go on: the request was another when shown");
  return request;
}

async function fetchHandling(
  { client }: VaultContext["device"],
  request: RequestSummary,
  keyring: Keyring,
): Promise<Handling> {
  const path = `/api/requests/${request.record.request}/handling`;
  return readHandling(await client.get(path, HandlingAnswer), request, keyring);
}

async function clipsSought({ device }: VaultContext, { record }: RequestSummary) {
  const { cameras } = record.asked.sought;
  const wanted = cameras === "unspecified" ? null : cameras;
  const found = await clipsBetween(device.client, checkAsked(record.asked), wanted);
  return found.clips.map(({ id }) => id);
}

function shownOf({ assurances, preservations, document }: Handling): ShownHandling {
  const [assurance, hold] = [assurances.at(-1) ?? null, preservations.at(-1) ?? null];
  return {
    level: assurance?.level ?? null,
    levelAtMs: assurance?.atMs ?? null,
    hold: hold && { untilMs: hold.untilMs, clips: hold.clips.length },
    next: nextPreservations(hold, Date.now()),
    documentIsHere: document && document.receivedAtMs !== null,
  };
}
