import Type from "typebox";
import type { StoredRequest } from "../consent/request-rows.ts";
import * as Api from "../protocol/api.ts";
import { decisionLifetimeMs } from "../protocol/decision.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId, parseSha256Hex } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import { SealedRequestSchema, type SealedRequest } from "../protocol/request.ts";
import { addDecisionRoutes, DECISION_BODY_BYTES } from "./decision-routes.ts";
import { RequestParameter, summaryOf } from "./request-summary.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

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
          /** Id of the last request of the page before. */
          before: Type.Optional(Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
        }),
        response: { 200: Api.RequestList },
      },
    },
    async ({ query }) =>
      requests
        .list(query.limit ?? 100, query.before)
        .map((request) => summaryOf(request, services)),
  );
  server.get(
    "/api/requests/:id",
    {
      config: { access: "sign" },
      schema: { params: RequestParameter, response: { 200: Api.RequestSummary } },
    },
    async ({ params }) => summaryOf(requests.require(parseRequestId(params.id)), services),
  );
  server.post(
    "/api/requests/:id/nonce",
    {
      config: { access: "sign" },
      schema: { params: RequestParameter, response: { 200: Api.NonceAnswer } },
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
        params: RequestParameter,
        body: Api.DecisionBody,
        response: { 200: Api.RequestSummary },
      },
    },
    async ({ params, body }) => {
      await services.viewers.keepFor(body.decision);
      const decided = services.decisions.decide(parseRequestId(params.id), body.decision);
      return summaryOf(decided, services);
    },
  );
}

/** Handing in a form: anybody may who has one. */
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
