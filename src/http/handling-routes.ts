import Type from "typebox";
import * as Api from "../protocol/api-handling.ts";
import { documentGone } from "../consent/documents.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { parseRequestId, type RequestId } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import { RequestParameter } from "./request-summary.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** A statement may name a thousand clips. */
const STATEMENT_BODY_BYTES = 256 * 1024;

/** What owners do about a request besides deciding it, and the document that came with it. */
export function addHandlingRoutes(server: HubServer, services: HubServices): void {
  const { handling, documents, requests, news } = services;
  server.get(
    "/api/requests/:id/handling",
    {
      config: { access: "sign" },
      schema: { params: RequestParameter, response: { 200: Api.HandlingAnswer } },
    },
    async ({ params }) => answerOf(services, requests.require(parseRequestId(params.id)).id),
  );
  for (const what of ["assurance", "hold"] as const)
    server.post(
      `/api/requests/:id/${what}`,
      {
        config: { access: "sign" },
        bodyLimit: STATEMENT_BODY_BYTES,
        schema: {
          params: RequestParameter,
          body: Api.StatementBody,
          response: { 200: Api.HandlingAnswer },
        },
      },
      async ({ params, body }) => {
        const { id } = requests.require(parseRequestId(params.id));
        if (what === "assurance") handling.assure(id, body.statement);
        else handling.preserve(id, body.statement);
        news.tell("requests");
        return answerOf(services, id);
      },
    );
  server.get(
    "/api/requests/:id/document",
    { config: { access: "sign" }, schema: { params: RequestParameter } },
    async ({ params }, reply) => {
      const sealed = await documents.read(requests.require(parseRequestId(params.id)).id);
      // Never as what it is: it is ciphertext, whatever is inside.
      await reply.type("application/octet-stream").send(Buffer.from(sealed));
    },
  );
  server.delete(
    "/api/requests/:id/document",
    { config: { access: "sign" }, schema: { params: RequestParameter } },
    async ({ params }, reply) => {
      await documents.remove(requests.require(parseRequestId(params.id)).id);
      news.tell("requests");
      await reply.code(204).send();
    },
  );
  addOwnersUpload(server, services);
}

/** A scan that an owner attaches to what he typed in, or that came in a file by mail. */
function addOwnersUpload(server: HubServer, services: HubServices): void {
  void server.register(async (scope: HubServer) => {
    takeBytes(scope, "application/octet-stream");
    scope.post(
      "/api/requests/:id/document",
      {
        config: { access: "sign" },
        bodyLimit: LIMITS.sealedDocumentBytes,
        schema: { params: RequestParameter },
      },
      async ({ params, body }, reply) => {
        const { id } = services.requests.require(parseRequestId(params.id));
        await services.documents.receive(id, bytesOf(body));
        services.news.tell("requests");
        await reply.code(204).send();
      },
    );
  });
}

/**
 * The document of a request that came in by a form. Its address is its hash, which the request has
 * announced: nobody else knows it, and nothing else is read.
 */
export function addDocumentIntake(server: HubServer, services: HubServices): void {
  const { documents, news } = services;
  const arriving = new Set<string>();
  void server.register(async (scope: HubServer) => {
    // A page that was opened from a file may send text to anywhere, and other types nowhere.
    takeBytes(scope, "text/plain");
    scope.post(
      "/intake/documents/:sha256",
      {
        config: {
          access: "public",
          anyOrigin: true,
          rateLimit: { max: 20, timeWindow: 60_000 },
        },
        bodyLimit: LIMITS.sealedDocumentBytes,
        schema: {
          params: Type.Object({
            sha256: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
          }),
        },
        onRequest: async (request, reply) => {
          reply.header("access-control-allow-origin", "*");
          reply.header("cross-origin-resource-policy", "cross-origin");
          // Before four megabytes are read for somebody whom nobody expects.
          const { sha256 } = request.params as { sha256: string };
          const waiting = documents.waitingFor(sha256);
          const sizeBytes = waiting === null ? null : documents.of(waiting)?.sizeBytes;
          const isAwaited = request.headers["content-length"] === String(sizeBytes);
          if (!isAwaited || arriving.has(sha256)) throw documentGone();
          // One at a time: each is kept in memory until it is whole.
          arriving.add(sha256);
          reply.raw.once("close", () => arriving.delete(sha256));
        },
      },
      async ({ params, body }, reply) => {
        const request = documents.waitingFor(params.sha256);
        if (request === null) throw documentGone();
        await documents.receive(request, bytesOf(body));
        news.tell("requests");
        await reply.code(204).send();
      },
    );
  });
}

/** In a scope of its own: elsewhere a body is JSON. */
function takeBytes(scope: HubServer, type: string): void {
  scope.removeContentTypeParser(type);
  scope.addContentTypeParser(
    type,
    { parseAs: "buffer", bodyLimit: LIMITS.sealedDocumentBytes },
    (_request, body, done) => done(null, body),
  );
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new MalformedInput("body", "Cannot take document: send its bytes");
}

function answerOf({ handling, documents }: HubServices, id: RequestId): Api.HandlingAnswer {
  return {
    assurances: handling.statements(id, "assurance") as Api.HandlingAnswer["assurances"],
    preservations: handling.statements(id, "hold") as Api.HandlingAnswer["preservations"],
    document: documents.of(id),
  };
}
