import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import {
  ShareBody,
  ShareFetchBody,
  ShareList,
  ShareSummary,
  ViewerAnswer,
} from "../protocol/api-shares.ts";
import type { StoredShare } from "../consent/shares.ts";
import { VIEWER_CONNECTS } from "../protocol/bundle.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId } from "../protocol/ids.ts";
import { SHARE_FETCH_PATH, SHARE_MEDIA_TYPE, SHARE_PATH, sharePrefix } from "../protocol/share.ts";
import { FEATURES } from "./page-files.ts";
import { bundleFor, isEntered } from "./pick-up-routes.ts";
import { RequestParameter } from "./request-summary.ts";
import { sendNotFound, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** Bundles that are handed out through links at the same time. */
const FETCHES_AT_ONCE = 4;

/** Owners make links and look after them. */
export function addShareRoutes(server: HubServer, services: HubServices): void {
  const { shares, viewers, requests } = services;
  server.get(
    "/api/viewer",
    { config: { access: "sign" }, schema: { response: { 200: ViewerAnswer } } },
    async () => ({ sha256: (await viewers.newest())?.sha256 ?? null }),
  );
  server.get(
    "/api/requests/:id/shares",
    {
      config: { access: "sign" },
      schema: {
        params: RequestParameter,
        response: { 200: ShareList },
      },
    },
    async ({ params }) => {
      const { id } = requests.require(parseRequestId(params.id));
      return { base: services.outsideUrl(), shares: shares.listOf(id).map(summaryOf) };
    },
  );
  server.post(
    "/api/shares",
    {
      config: { access: "sign" },
      schema: { body: ShareBody, response: { 200: ShareSummary } },
    },
    async ({ body }) => summaryOf(shares.create(body.share)),
  );
}

function summaryOf(share: StoredShare): ShareSummary {
  const { envelope: _envelope, ...shown } = share;
  return shown;
}

/**
 * What a link leads to: the viewer, and what it fetches. The page is the same for everybody, so that
 * a scanner that looks at a link uses up nothing; the key stands in the fragment, which nobody sends.
 * Only on the outside listener: at the main one's address, owners' pages keep their keys.
 */
export function addSharedRoutes(server: HubServer, services: HubServices): void {
  const fetches = { count: 0 };
  server.get(
    SHARE_PATH,
    { config: { access: "public", rateLimit: { max: 60, timeWindow: 60_000 } } },
    async (_request, reply) => sendViewer(services, reply),
  );
  server.post(
    SHARE_FETCH_PATH,
    {
      config: {
        access: "public",
        // Behind a proxy the page's scheme is not the hub's. Nothing counts here but the token.
        anyOrigin: true,
        rateLimit: { max: 30, timeWindow: 60_000 },
      },
      schema: { body: ShareFetchBody },
    },
    async ({ body }, reply) => sendShared(services, body.token, reply, fetches),
  );
}

const META_POLICY = /<meta http-equiv="content-security-policy" content="([^"]+)">/;

/** The very viewer that lies in bundles, but for one word: it may ask the hub that it came from. */
async function sendViewer({ viewers }: HubServices, reply: FastifyReply): Promise<void> {
  const viewer = await viewers.newest();
  const page = viewer && utf8Text(viewer.bytes, "viewer");
  const policy = page && META_POLICY.exec(page)?.[1];
  if (!page || !policy?.includes(VIEWER_CONNECTS.nowhere)) {
    await sendNotFound(reply);
    return;
  }
  const opened = policy.replace(VIEWER_CONNECTS.nowhere, VIEWER_CONNECTS.ownHub);
  await reply
    .header("content-security-policy", `${opened}; frame-ancestors 'none'`)
    .header("permissions-policy", FEATURES)
    .header("x-robots-tag", "noindex, nofollow")
    .header("cache-control", "no-store")
    .type("text/html; charset=utf-8")
    .send(page.replace(policy, () => opened));
}

/**
 * Unknown, over, used up, taken back, gone from the disk: the answer of an address that never was.
 * View and access entry are committed before the first byte goes out (invariant 8).
 */
async function sendShared(
  services: HubServices,
  token: string,
  reply: FastifyReply,
  fetches: { count: number },
): Promise<void> {
  const found = services.shares.find(token);
  if (!found) {
    await sendNotFound(reply);
    return;
  }
  if (fetches.count >= FETCHES_AT_ONCE)
    throw new HubError("TOO_MANY_CALLS", "Cannot answer: too many are being served; try again");
  fetches.count += 1;
  reply.raw.once("close", () => (fetches.count -= 1));
  const { request, approval, envelope } = found;
  const bundle = await bundleFor({ services, request, approval, reply });
  if (!bundle || !isEntered(() => services.shares.take(token, request))) {
    await sendNotFound(reply);
    return;
  }
  const prefix = sharePrefix(envelope);
  await reply
    .header("content-length", prefix.length + bundle.sizeBytes)
    .type(SHARE_MEDIA_TYPE)
    .send(Readable.from(both(prefix, bundle.read(0))));
}

async function* both(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}
