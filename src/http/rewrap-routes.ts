import Type from "typebox";
import { SEALED_BEFORE_MAX } from "../clips/rewraps.ts";
import * as Api from "../protocol/api-rewrap.ts";
import { parseClipId } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** A thousand headers of three post-quantum stanzas in base64, and the statement about them. */
const BODY_MAX_BYTES = 8 * 1024 * 1024;

const clipParameter = Type.Object({
  clip: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});
const query = Type.Object({
  beforeEpoch: Type.Integer({ minimum: 0, maximum: LIMITS.keyringStatements }),
  before: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: SEALED_BEFORE_MAX })),
});

/** What was sealed for readers of before, and how an owner's device seals it anew. */
export function addRewrapRoutes(server: HubServer, services: HubServices): void {
  const { rewraps, retention } = services;
  server.get(
    "/api/sealed-before",
    {
      config: { access: "sign" },
      schema: { querystring: query, response: { 200: Api.SealedBeforeList } },
    },
    async ({ query: { beforeEpoch, ...page } }) => {
      const { clips, next } = rewraps.sealedBefore(beforeEpoch, page);
      return {
        clips: clips.map(({ sequence: _sequence, ...clip }) => {
          const { goesInMs } = retention.marksOf(clip.clip);
          return { ...clip, ...(goesInMs === null ? {} : { goesInMs }) };
        }),
        next,
      };
    },
  );
  server.post(
    "/api/clips/:clip/rewrap",
    {
      config: { access: "sign" },
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        params: clipParameter,
        body: Api.RewrapBody,
        response: { 200: Api.RewrapAnswer },
      },
    },
    async ({ params, body }) => {
      const clip = parseClipId(params.clip);
      const apply = () => rewraps.apply(clip, body.statement, body.headers);
      return { entryIndex: await retention.withRoom(apply) };
    },
  );
}
