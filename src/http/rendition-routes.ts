import Type from "typebox";
import * as Api from "../protocol/api-renditions.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** 400 files with two hashes each. */
const ANNOUNCEMENT_MAX_BYTES = 256 * 1024;

const id = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const clipParameter = Type.Object({ clip: id(32) });
const uploadParameter = Type.Object({ clip: id(32), id: id(32) });
const fileParameter = Type.Object({
  clip: id(32),
  id: id(32),
  segment: Type.String({ pattern: "^(poster|0|[1-9][0-9]{0,3})$", maxLength: 6 }),
});

/**
 * How an owner's device hands over a blurred rendition that it has made: it announces all files,
 * sends each sealed, and closes. Only then is anything listed.
 */
export function addRenditionRoutes(server: HubServer, { renditions }: HubServices): void {
  server.post(
    "/api/clips/:clip/renditions",
    {
      config: { access: "sign" },
      bodyLimit: ANNOUNCEMENT_MAX_BYTES,
      schema: {
        params: clipParameter,
        body: Api.RenditionBody,
        response: { 200: Api.RenditionStarted },
      },
    },
    async (request) => {
      const { device } = deviceOf(request);
      const clip = parseClipId(request.params.clip);
      const { files, replaces = [] } = request.body;
      return { upload: await renditions.begin(clip, device, { files, replaces }) };
    },
  );
  addFileRoute(server, renditions);
  server.post(
    "/api/clips/:clip/renditions/:id/close",
    {
      config: { access: "sign" },
      schema: { params: uploadParameter, response: { 200: Api.RenditionListed } },
    },
    async ({ params }) => ({
      entryIndex: await renditions.close(parseClipId(params.clip), params.id),
    }),
  );
  server.delete(
    "/api/clips/:clip/renditions/:id",
    { config: { access: "sign" }, schema: { params: uploadParameter } },
    async ({ params }, reply) => {
      await renditions.drop(parseClipId(params.clip), params.id);
      await reply.code(204).send();
    },
  );
}

/** In a scope of its own: nowhere else does this hub take a body that is not JSON. */
function addFileRoute(server: HubServer, renditions: HubServices["renditions"]): void {
  void server.register(async (scope: HubServer) => {
    scope.addContentTypeParser(
      "application/octet-stream",
      { parseAs: "buffer", bodyLimit: LIMITS.renditionFileBytes },
      (_request, body, done) => done(null, body),
    );
    scope.post(
      "/api/clips/:clip/renditions/:id/files/:segment",
      {
        config: { access: "sign" },
        bodyLimit: LIMITS.renditionFileBytes,
        schema: { params: fileParameter },
      },
      async ({ params, body }, reply) => {
        if (!(body instanceof Uint8Array))
          throw new MalformedInput("body", "Cannot take file: send it as application/octet-stream");
        const clip = parseClipId(params.clip);
        const segment = params.segment === "poster" ? null : Number(params.segment);
        await renditions.receive(clip, params.id, segment, body);
        await reply.code(204).send();
      },
    );
  });
}
