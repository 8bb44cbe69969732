import Type from "typebox";
import * as Api from "../protocol/api.ts";
import { parseClipId } from "../protocol/ids.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const SHOWN_MAX = 100;
const clipParameter = Type.Object({
  clip: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});

/** What stays, what goes, and how an owner changes that. Nothing here touches a file. */
export function addRetentionRoutes(server: HubServer, { retention, news }: HubServices): void {
  server.get(
    "/api/retention",
    { config: { access: "view_blurred" }, schema: { response: { 200: Api.RetentionAnswer } } },
    async () => {
      const { rules, planned, usedBytes, freeBytes, daysLeft } = await retention.preview();
      return {
        ...{ ...rules, usedBytes, freeBytes, daysLeft },
        going: {
          clips: planned.length,
          bytes: planned.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0),
        },
        first: planned.slice(0, SHOWN_MAX).map((deletion) => ({ ...deletion })),
      };
    },
  );
  server.post(
    "/api/clips/:clip/hold",
    { config: { access: "sign" }, schema: { params: clipParameter, body: Api.HoldBody } },
    async ({ params, body }, reply) => {
      retention.hold(parseClipId(params.clip), body.untilMs);
      await reply.code(204).send();
    },
  );
  server.delete(
    "/api/clips/:clip",
    {
      config: { access: "administer" },
      schema: { params: clipParameter, response: { 200: Api.DeletionAnswer } },
    },
    async ({ params }) => {
      const clip = parseClipId(params.clip);
      retention.remove(clip);
      news.tell("clips", clip);
      return { goesInMs: retention.marksOf(clip).goesInMs ?? 0 };
    },
  );
  server.post(
    "/api/clips/:clip/restore",
    { config: { access: "administer" }, schema: { params: clipParameter } },
    async ({ params }, reply) => {
      const clip = parseClipId(params.clip);
      retention.restore(clip);
      news.tell("clips", clip);
      await reply.code(204).send();
    },
  );
}
