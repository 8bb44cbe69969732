import viewerSha256 from "virtual:viewer-sha256";
import { identitiesOf, randomHex } from "../../../../src/owner/device-bundle.ts";
import {
  fetchProposal,
  requireSameHeaders,
  signProposal,
  type SeenProposal,
} from "../../../../src/owner/decide-together.ts";
import { signRevocation } from "../../../../src/owner/revocation.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { sha256Hex, utf8Text } from "../../../../src/protocol/bytes.ts";
import { canonicalJson } from "../../../../src/protocol/canonical-json.ts";
import { sealedFileName } from "../../../../src/protocol/clip.ts";
import { filesOfTerms, termsHash } from "../../../../src/protocol/decision.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { parseRequestId } from "../../../../src/protocol/ids.ts";
import { confirmingSigner, passkeyOf } from "../confirming-signer.ts";
import type { VaultContext } from "../vault-worker.ts";
import {
  changedSinceShown,
  cosignSeen,
  shownAnew,
  type PreparedApproval,
  type ShownAs,
} from "./decision-calls.ts";
import { fetchRequest, purposeOf, show, type ShownRequest } from "./request-calls.ts";

/** A proposal of another owner, checked as far as it can be before its keys are made again. */
export interface PreparedCosigning extends PreparedApproval {
  /** With this signature there are enough. */
  readonly isLast: boolean;
  /** As the request itself says it, where the proposal says something else; null otherwise. */
  readonly otherPurpose: string | null;
}

/** The one proposal that may be signed, kept here: the page names it, and cannot change it. */
let seen: { readonly id: string; readonly proposal: SeenProposal; isUsed: boolean } | null = null;

/** Deciding with other owners, and ending what was approved. */
export const togetherCalls = {
  /** Fetches what was proposed and holds it against keyring, request and ledger; signs nothing. */
  prepareCosigning: async (
    { device }: VaultContext,
    shown: ShownAs,
  ): Promise<PreparedCosigning> => {
    seen = null;
    const hub = await device.follow();
    const passkey = passkeyOf(device, hub.keyring);
    const request = await fetchRequest(device, shown.request);
    if (request.recordSha256 !== shown.recordSha256)
      throw changedSinceShown("the hub shows another request");
    const proposal = await fetchProposal(hub, request, Date.now(), viewerSha256);
    const { terms, signers } = proposal;
    const asked = await purposeOf(device, request);
    const bytes = canonicalJson(terms);
    seen = { id: randomHex(16), proposal, isUsed: false };
    return {
      id: seen.id,
      terms,
      text: utf8Text(bytes, "terms"),
      sha256: sha256Hex(bytes),
      confirmation: passkey === null ? "none" : "passkey",
      isLast: signers.length + 1 >= hub.keyring.policy.exportSigners,
      otherPurpose: asked === terms.purpose ? null : asked,
    };
  },

  /**
   * Makes every key of the proposal again, and signs it where all are the same.
   *
   * @throws HubError PROPOSAL_ALTERED, SHOWN_ANEW.
   */
  cosign: async (context: VaultContext, { id }: { id: string }): Promise<ShownRequest> => {
    const { device, progress } = context;
    if (seen?.id !== id || seen.isUsed) throw shownAnew();
    const { proposal } = seen;
    const { terms, decisionSha256 } = proposal;
    const signer = await confirmingSigner(context, (await device.follow()).keyring);
    // The person confirms first, while his hand is still on the button.
    const assertion = await signer.assert?.(termsHash(terms));
    const total = filesOfTerms(terms).length;
    let made = 0;
    await requireSameHeaders(proposal, identitiesOf(device.bundle), async (clip, file) => {
      progress(made, total);
      made += 1;
      return device.client.bytes(`/api/clips/${clip}/files/${sealedFileName(file)}`);
    });
    progress(total, total);
    const confirmed = assertion ? { ...signer, assert: async () => assertion } : signer;
    const signature = await signProposal(proposal, confirmed);
    seen.isUsed = true;
    const signed = await device.client.post(
      `/api/requests/${terms.request}/proposal/signatures`,
      { decisionSha256, signature },
      Api.RequestSummary,
    );
    await cosignSeen(device);
    return show(device, signed);
  },

  takeProposalBack: async ({ device }: VaultContext, { request }: { request: string }) => {
    const id = parseRequestId(request);
    await device.client.delete(`/api/requests/${id}/proposal`);
    return show(device, await fetchRequest(device, id));
  },

  /** Whoever wrote the letter that an owner typed in does not want it any more. */
  takeRequestBack: async ({ device }: VaultContext, { request }: { request: string }) => {
    const path = `/api/requests/${parseRequestId(request)}/withdrawal`;
    return show(device, await device.client.post(path, {}, Api.RequestSummary));
  },

  /** Takes an approval back: this one, and no other that the hub may name by now. */
  revoke: async (
    context: VaultContext,
    { request, decisionSha256 }: { request: string; decisionSha256: string | null },
  ): Promise<ShownRequest> => {
    const { device } = context;
    const summary = await fetchRequest(device, request);
    if (decisionSha256 === null || summary.decisionSha256 !== decisionSha256)
      throw new HubError("CHANGED_SINCE_SHOWN", "Nothing was sent: the hub names another approval");
    const { keyring } = await device.follow();
    const signer = await confirmingSigner(context, keyring);
    const revocation = await signRevocation(keyring, summary, Date.now(), signer);
    const path = `/api/requests/${summary.record.request}/revocation`;
    const ended = await device.client.post(path, { revocation }, Api.RequestSummary);
    await cosignSeen(device);
    return show(device, ended);
  },
};
