import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { openBundle } from "../consent/bundle.ts";
import type { StoredRequest } from "../consent/requests.ts";
import * as Api from "../protocol/api.ts";
import type { VerifiedApproval } from "../protocol/approval.ts";
import { decisionLifetimeMs } from "../protocol/decision.ts";
import { BUNDLE_MEDIA_TYPE } from "../protocol/bundle.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId, parseSha256Hex } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import { SealedRequestSchema, type SealedRequest } from "../protocol/request.ts";
import { addDecisionRoutes, DECISION_BODY_BYTES } from "./decision-routes.ts";
import { summaryOf } from "./request-summary.ts";
import { sendNotFound, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const idParameter = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});

/** Forms, requests and decisions: only owners see or answer them. */
export function addConsentRoutes(server: HubServer, services: HubServices): void {
  const { requests } = services;
  server.post(
    "/api/forms",
    {
      config: { access: "sign" },
      schema: { body: Api.FormBody, response: { 200: Api.FormAnswer } },
    },
    async ({ body }) => {
      requests.createForm(parseSha256Hex(body.tokenSha256), body.expiresAtMs);
      return {
        expiresAtMs: body.expiresAtMs,
        intakeUrl: services.intakeUrl(),
        statusUrl: services.statusUrl(""),
      };
    },
  );
  server.post(
    "/api/requests",
    {
      config: { access: "sign" },
      schema: { body: Api.TypedRequestBody, response: { 200: Api.RequestSummary } },
    },
    async ({ body }) => {
      const request = requests.receiveTyped({
        asked: body.asked,
        personal: fromBase64(body.personal, "personal"),
        channel: "typed_by_owner",
        document: body.document,
      });
      services.requestReceived(request);
      return summaryOf(request, services);
    },
  );
  server.post(
    "/api/requests/import",
    {
      config: { access: "sign" },
      bodyLimit: 2 * LIMITS.requestBytes,
      schema: { body: SealedRequestSchema, response: { 200: Api.RequestSummary } },
    },
    async ({ body }) => summaryOf(receive(services, body, "sealed_file"), services),
  );
  addAnswerRoutes(server, services);
  addDecisionRoutes(server, services);
}

/** Looking at what was asked, and answering it. */
function addAnswerRoutes(server: HubServer, services: HubServices): void {
  const { requests } = services;
  server.get(
    "/api/requests",
    {
      config: { access: "sign" },
      schema: {
        querystring: Type.Object({
          before: Type.Optional(Type.Integer({ minimum: 0 })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
        }),
        response: { 200: Api.RequestList },
      },
    },
    async ({ query }) =>
      requests
        .list(query.limit ?? 100, query.before ?? Number.MAX_SAFE_INTEGER)
        .map((request) => summaryOf(request, services)),
  );
  server.get(
    "/api/requests/:id",
    {
      config: { access: "sign" },
      schema: { params: idParameter, response: { 200: Api.RequestSummary } },
    },
    async ({ params }) => summaryOf(requireRequest(services, params.id), services),
  );
  server.post(
    "/api/requests/:id/nonce",
    {
      config: { access: "sign" },
      schema: { params: idParameter, response: { 200: Api.NonceAnswer } },
    },
    async ({ params }) => {
      const { keyring } = services.household;
      const lifetimeMs = keyring ? decisionLifetimeMs(keyring.policy) : 0;
      const issued = requests.issueNonce(parseRequestId(params.id), lifetimeMs);
      if (!issued) throw new HubError("NOT_OPEN", "Cannot decide: the request is not open");
      return issued;
    },
  );
  server.post(
    "/api/requests/:id/decision",
    {
      config: { access: "sign" },
      bodyLimit: DECISION_BODY_BYTES,
      schema: {
        params: idParameter,
        body: Api.DecisionBody,
        response: { 200: Api.RequestSummary },
      },
    },
    async ({ params, body }) => {
      const decided = services.decisions.decide(parseRequestId(params.id), body.decision);
      return summaryOf(decided, services);
    },
  );
}

/** The two things that anybody may do: hand in a form, and fetch what was released to him. */
export function addPickUpRoute(server: HubServer, services: HubServices): void {
  const inProgress = new Set<string>();
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
    async ({ params }, reply) => pickUp(services, params.token, reply, inProgress),
  );
}

export function addIntakeRoute(server: HubServer, services: HubServices): void {
  // A page that was opened from a file may send text to anywhere, and JSON nowhere.
  server.addContentTypeParser(
    "text/plain",
    { parseAs: "string" },
    server.getDefaultJsonParser("error", "error"),
  );
  server.post(
    "/intake",
    {
      config: {
        access: "public",
        anyOrigin: true,
        rateLimit: { max: 20, timeWindow: 60_000 },
      },
      // Before the body is read, so that refusals too can be read by the form page.
      onRequest: async (_request, reply) => {
        reply.header("access-control-allow-origin", "*");
        reply.header("cross-origin-resource-policy", "cross-origin");
      },
      schema: { body: SealedRequestSchema, response: { 200: Api.IntakeAnswer } },
    },
    async ({ body }) => {
      const request = receive(services, body, "intake_form");
      return { statusUrl: services.statusUrl(request.statusToken) };
    },
  );
}

function receive(
  services: HubServices,
  body: SealedRequest,
  channel: "intake_form" | "sealed_file",
): StoredRequest {
  const request = services.requests.receiveForm(body.token, {
    asked: body.asked,
    personal: fromBase64(body.personal, "personal"),
    channel,
    document: body.document,
  });
  services.requestReceived(request);
  return request;
}

function requireRequest({ requests }: HubServices, id: string): StoredRequest {
  const request = requests.get(parseRequestId(id));
  if (!request) throw new HubError("NOT_FOUND", "There is no request of this id");
  return request;
}

/**
 * Unknown, waiting, refused, expired: one answer, from the same function, after the same look-up
 * (invariant 6). The access entry is committed before the first byte goes out (invariant 8).
 */
async function pickUp(
  services: HubServices,
  token: string,
  reply: FastifyReply,
  inProgress: Set<string>,
): Promise<void> {
  const request = services.requests.findByStatusToken(token);
  const approval = request && approvalOf(services, request, reply);
  if (!request || !approval) {
    await sendNotFound(reply);
    return;
  }
  // Only from here on: whoever waits for an answer gets the one of an address that never was.
  if (inProgress.has(request.id))
    throw new HubError("TOO_MANY_CALLS", "Cannot answer: this bundle is being fetched already");
  inProgress.add(request.id);
  reply.raw.once("close", () => inProgress.delete(request.id));
  const bundle = await bundleOf(services, request, approval, reply);
  if (!bundle) {
    await sendNotFound(reply);
    return;
  }
  services.decisions.recordAccess(request);
  await reply
    .header("content-disposition", `attachment; filename="doorward-${request.id.slice(0, 8)}.zip"`)
    .type(BUNDLE_MEDIA_TYPE)
    .send(Readable.from(bundle));
}

/** Null also where a released recording is gone: that is for the owner to know. */
function approvalOf(
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
async function bundleOf(
  services: HubServices,
  request: StoredRequest,
  approval: VerifiedApproval,
  reply: FastifyReply,
): Promise<AsyncGenerator<Uint8Array> | null> {
  try {
    return await openBundle(approval, request, services.bundles);
  } catch (error) {
    return notForTheAsker(error, request, reply);
  }
}

function notForTheAsker(error: unknown, request: StoredRequest, reply: FastifyReply): null {
  if (!(error instanceof HubError)) throw error;
  reply.log.warn({ code: error.code, request: request.id }, "released bundle cannot be made");
  return null;
}
