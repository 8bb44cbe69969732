import * as Api from "../protocol/api.ts";
import { ViewerAnswer } from "../protocol/api-shares.ts";
import { fromBase64, sha256Hex } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId, type RequestId } from "../protocol/ids.ts";
import { requestSha256 } from "../protocol/request.ts";
import type { DecisionGround } from "./decide.ts";
import type { FollowedHub, HubClient } from "./hub-client.ts";

/**
 * Fetches a request and what a decision on it is made against, a nonce of the hub's included.
 *
 * @param ownViewer - SHA-256 of the viewer that this device was built with, or null. A bundle carries
 * it where the hub has the same, and none where it has another: nobody signs for a page that he does
 * not know.
 * @throws HubError REQUEST_ALTERED when its parts are not those that its hashes name.
 */
export async function groundFor(
  hub: FollowedHub,
  id: string,
  ownViewer: string | null = null,
): Promise<DecisionGround> {
  const request = parseRequestId(id);
  const { client, keyring } = hub;
  return {
    keyring,
    request: await fetchSummary(client, request),
    nonce: await client.post(`/api/requests/${request}/nonce`, {}, Api.NonceAnswer),
    checkpoint: hub.seen,
    nowMs: Date.now(),
    ...(client.isAway ? { isAway: true } : {}),
    ...(await hasViewer(client, ownViewer)),
  };
}

async function hasViewer(
  client: Pick<HubClient, "get">,
  own: string | null,
): Promise<{ viewerSha256?: string }> {
  if (own === null) return {};
  const { sha256 } = await client.get("/api/viewer", ViewerAnswer);
  return sha256 === own ? { viewerSha256: own } : {};
}

/**
 * The very request that was asked for: a hub that answers with another one, which has a good hash of
 * its own, would have the owner decide on that.
 *
 * @throws HubError REQUEST_ALTERED.
 */
export async function fetchSummary(
  client: Pick<HubClient, "get">,
  id: RequestId,
): Promise<Api.RequestSummary> {
  const summary = await client.get(`/api/requests/${id}`, Api.RequestSummary);
  requireHonestSummary(summary);
  if (summary.record.request !== id) throw altered();
  return summary;
}

/** Signed is the hash of what is shown here, not a hash that the hub has chosen. */
export function requireHonestSummary({ record, recordSha256, personal }: Api.RequestSummary): void {
  const isPersonal =
    personal === null || sha256Hex(fromBase64(personal, "personal")) === record.personalSha256;
  if (requestSha256(record) !== recordSha256 || !isPersonal) throw altered();
}

function altered(): HubError {
  return new HubError(
    "REQUEST_ALTERED",
    "Cannot decide: the request is not the one it claims to be",
  );
}
