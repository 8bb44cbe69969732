import Type from "typebox";
import * as Api from "../protocol/api.ts";
import { CosignBody, ProposalAnswer, RevocationBody } from "../protocol/api-decisions.ts";
import { HubError } from "../protocol/errors.ts";
import { parseRequestId, parseSha256Hex } from "../protocol/ids.ts";
import { RequestParameter, summaryOf } from "./request-summary.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** An envelope with four hundred post-quantum headers, and room. */
export const DECISION_BODY_BYTES = 4 * 1024 * 1024;

/** Several owners decide together; and what was approved comes to an end. */
export function addDecisionRoutes(server: HubServer, services: HubServices): void {
  const { decisions, news } = services;
  server.get(
    "/api/requests/:id/proposal",
    {
      config: { access: "sign" },
      schema: { params: RequestParameter, response: { 200: ProposalAnswer } },
    },
    async ({ params }) => {
      const proposal = decisions.proposalOf(parseRequestId(params.id));
      if (!proposal) throw new HubError("NOT_FOUND", "There is no proposal for this request");
      return { decision: proposal.envelope };
    },
  );
  server.post(
    "/api/requests/:id/proposal",
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
      const proposed = decisions.propose(parseRequestId(params.id), body.decision);
      news.tell("requests");
      return summaryOf(proposed, services);
    },
  );
  server.post(
    "/api/requests/:id/proposal/signatures",
    {
      config: { access: "sign" },
      schema: { params: RequestParameter, body: CosignBody, response: { 200: Api.RequestSummary } },
    },
    async ({ params, body }) => {
      const { decisionSha256, signature } = body;
      const id = parseRequestId(params.id);
      const signed = decisions.cosign(id, parseSha256Hex(decisionSha256), signature);
      news.tell("requests");
      return summaryOf(signed, services);
    },
  );
  server.delete(
    "/api/requests/:id/proposal",
    { config: { access: "sign" }, schema: { params: RequestParameter } },
    async (request, reply) => {
      decisions.withdrawProposal(parseRequestId(request.params.id), deviceOf(request).person);
      news.tell("requests");
      await reply.code(204).send();
    },
  );
  addEndingRoutes(server, services);
}

function addEndingRoutes(server: HubServer, services: HubServices): void {
  const { decisions, requests } = services;
  server.post(
    "/api/requests/:id/revocation",
    {
      config: { access: "sign" },
      schema: {
        params: RequestParameter,
        body: RevocationBody,
        response: { 200: Api.RequestSummary },
      },
    },
    async ({ params, body }) =>
      summaryOf(decisions.revoke(parseRequestId(params.id), body.revocation), services),
  );
  server.post(
    "/api/requests/:id/withdrawal",
    {
      config: { access: "sign" },
      schema: { params: RequestParameter, response: { 200: Api.RequestSummary } },
    },
    async ({ params }) => {
      const id = parseRequestId(params.id);
      const typed = requests.get(id);
      if (typed?.record.channel !== "typed_by_owner" || !decisions.withdraw(id))
        throw new HubError(
          "NOT_OPEN",
          "Cannot take the request back: it is not open, or did not come by an owner's hand; refuse it instead",
        );
      return summaryOf(requests.require(id), services);
    },
  );
}

/** Whoever asked takes it back, by the address that he was given. It always answers the same. */
export function addWithdrawalRoute(server: HubServer, { withdrawals }: HubServices): void {
  server.post(
    "/status/:token/withdrawal",
    {
      config: {
        access: "public",
        anyOrigin: true,
        rateLimit: {
          max: 20,
          timeWindow: 60_000,
          keyGenerator: ({ ip, url }) => `${ip} ${url.slice(0, 200)}`,
        },
      },
      schema: { params: Type.Object({ token: Type.String({ maxLength: 128 }) }) },
    },
    async ({ params }, reply) => {
      withdrawals.note(params.token);
      await reply.code(204).send();
    },
  );
}
