import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { openBundle, type OpenedBundle } from "../consent/bundle.ts";
import type { StoredRequest } from "../consent/request-rows.ts";
import type { VerifiedApproval } from "../protocol/approval.ts";
import { BUNDLE_MEDIA_TYPE } from "../protocol/bundle.ts";
import { HubError } from "../protocol/errors.ts";
import { sendNotFound, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** Fetching what was released: whoever has the address of a request may. */
export function addPickUpRoute(server: HubServer, services: HubServices): void {
  const inProgress = new Map<string, FastifyReply>();
  server.get(
    "/status/:token",
    {
      config: {
        access: "public",
        // By token as well as address: behind a reverse proxy everybody has the same address.
        rateLimit: {
          max: 60,
          timeWindow: 60_000,
          keyGenerator: ({ ip, url }) => `${ip} ${url.slice(0, 200)}`,
        },
      },
      schema: { params: Type.Object({ token: Type.String({ maxLength: 128 }) }) },
    },
    async ({ params, headers }, reply) =>
      pickUp(services, params.token, reply, {
        inProgress,
        rest: restWanted(headers.range, headers["if-range"]),
      }),
  );
}

/** What somebody wants who was cut off: the rest of the same bytes. */
interface Rest {
  readonly fromByte: number;
  readonly etag: string;
}

const RANGE = /^bytes=([1-9][0-9]{0,10})-$/;
const ETAG = /^"[0-9a-f]{64}"$/;

/**
 * Only with the name of what was handed out before, so that the rest belongs to the beginning; every
 * other wish for a part gets the whole.
 */
function restWanted(range: string | undefined, etag: unknown): Rest | null {
  const from = RANGE.exec(range ?? "")?.[1];
  return from !== undefined && typeof etag === "string" && ETAG.test(etag)
    ? { fromByte: Number(from), etag }
    : null;
}

/**
 * Unknown, waiting, refused, expired: one answer, from the same function, after the same look-up
 * (invariant 6). The access entry is committed before the first byte goes out (invariant 8); who
 * goes on with what broke off has one already.
 */
async function pickUp(
  services: HubServices,
  token: string,
  reply: FastifyReply,
  { inProgress, rest }: { inProgress: Map<string, FastifyReply>; rest: Rest | null },
): Promise<void> {
  const request = services.requests.findReleased(token);
  const approval = request && approvalFor(services, request, reply);
  if (!request || !approval) {
    await sendNotFound(reply);
    return;
  }
  // Only from here on: whoever waits for an answer gets the one of an address that never was.
  enter(inProgress, request, reply, rest !== null);
  const bundle = await bundleFor({ services, request, approval, reply }, rest?.etag);
  if (!bundle) {
    await sendNotFound(reply);
    return;
  }
  const isRest = rest !== null && bundle.etag === rest.etag && rest.fromByte < bundle.sizeBytes;
  const fromByte = isRest ? rest.fromByte : 0;
  const record = () => services.decisions.recordAccess(request);
  if (!isRest && !isEntered(record)) {
    await sendNotFound(reply);
    return;
  }
  if (isRest)
    reply
      .code(206)
      .header("content-range", `bytes ${fromByte}-${bundle.sizeBytes - 1}/${bundle.sizeBytes}`);
  await reply
    .header("accept-ranges", "bytes")
    .header("etag", bundle.etag)
    .header("content-length", bundle.sizeBytes - fromByte)
    .header("content-disposition", `attachment; filename="doorward-${request.id.slice(0, 8)}.zip"`)
    .type(BUNDLE_MEDIA_TYPE)
    .send(Readable.from(bundle.read(fromByte)));
}

/** False where the approval has ended while its bundle was made ready: as if it had before. */
export function isEntered(enterAccess: () => boolean | void): boolean {
  try {
    return enterAccess() !== false;
  } catch (error) {
    if (error instanceof HubError && error.code === "NOT_OPEN") return false;
    throw error;
  }
}

/** One at a time; whoever comes for the rest has lost the connection that still seems to be there. */
function enter(
  inProgress: Map<string, FastifyReply>,
  { id }: StoredRequest,
  reply: FastifyReply,
  isRest: boolean,
): void {
  const earlier = inProgress.get(id);
  if (earlier && !isRest)
    throw new HubError("TOO_MANY_CALLS", "Cannot answer: this bundle is being fetched already");
  earlier?.raw.destroy();
  inProgress.set(id, reply);
  reply.raw.once("close", () => {
    if (inProgress.get(id) === reply) inProgress.delete(id);
  });
}

/** Null also where a released recording is gone: that is for the owner to know. */
function approvalFor(
  services: HubServices,
  request: StoredRequest,
  reply: FastifyReply,
): VerifiedApproval | null {
  try {
    return services.decisions.approvalOf(request);
  } catch (error) {
    return notForTheAsker(error, request, reply);
  }
}

/** Null where a released recording was altered on the disk. */
export async function bundleFor(
  parts: {
    services: HubServices;
    request: StoredRequest;
    approval: VerifiedApproval;
    reply: FastifyReply;
  },
  etag?: string,
): Promise<OpenedBundle | null> {
  const { services, request, approval, reply } = parts;
  try {
    return await openBundle(approval, request, services.bundles, etag);
  } catch (error) {
    return notForTheAsker(error, request, reply);
  }
}

function notForTheAsker(error: unknown, request: StoredRequest, reply: FastifyReply): null {
  if (!(error instanceof HubError)) throw error;
  reply.log.warn({ code: error.code, request: request.id }, "released bundle cannot be made");
  return null;
}
