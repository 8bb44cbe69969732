import { createHash } from "node:crypto";
import Type from "typebox";
import { ClipViews, TIMELINE_ROWS_MAX, TimelineAnswer } from "../protocol/api-timeline.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const VIEWS_SHOWN_MAX = 200;

/** When something was recorded, and who has looked at it. */
export function addTimelineRoutes(
  server: HubServer,
  { timeline, clips, ledger }: Pick<HubServices, "timeline" | "clips" | "ledger">,
): void {
  server.get(
    "/api/timeline",
    {
      config: { access: "view_blurred" },
      schema: {
        querystring: Type.Object({
          before: Type.Optional(Type.Integer({ minimum: 0 })),
          // Room for one hour of every camera and kind, so that each page goes on.
          limit: Type.Optional(Type.Integer({ minimum: 2_000, maximum: TIMELINE_ROWS_MAX })),
        }),
        response: { 200: TimelineAnswer, 304: Type.Null() },
      },
    },
    async ({ query, headers }, reply) => {
      const { before = Number.MAX_SAFE_INTEGER, limit = TIMELINE_ROWS_MAX } = query;
      const page = timeline.hours(before, limit);
      const text = JSON.stringify(page);
      const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
      reply.header("etag", etag);
      if (headers["if-none-match"] === etag) return reply.code(304).send(null);
      // Written already, for the tag.
      return reply.serializer(() => text).send(page);
    },
  );
  server.get(
    "/api/clips/:clip/views",
    {
      config: { access: "view_originals" },
      schema: {
        params: Type.Object({ clip: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }) }),
        response: { 200: ClipViews },
      },
    },
    async ({ params }) => {
      const clip = parseClipId(params.clip);
      if (!clips.get(clip)) throw new HubError("NOT_FOUND", "There is no clip of this id");
      return ledger
        .entries({
          ...{ subject: clip, kind: "view", limit: VIEWS_SHOWN_MAX },
          before: Number.MAX_SAFE_INTEGER,
        })
        .flatMap(({ entry }) =>
          entry.kind === "view" ? [{ device: entry.device, atMs: entry.atMs }] : [],
        );
    },
  );
}
