import Type from "typebox";
import * as Api from "../protocol/api-nothing.ts";
import { parseClipId } from "../protocol/ids.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;
const clipParameter = Type.Object({
  clip: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});
const cameraParameter = Type.Object({
  id: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 }),
});

/** What an owner says of an event, what follows from it, and what is said of motion. */
export function addEventRoutes(server: HubServer, { nothings, settings }: HubServices): void {
  const access = "administer";
  const rateLimit = { max: 60, timeWindow: MINUTE_MS };
  const ofClip = { params: clipParameter, response: { 200: Api.NothingAnswer } };
  const ofCamera = { params: cameraParameter, response: { 200: Api.MotionAnswer } };
  server.get(
    "/api/clips/:clip/nothing",
    { config: { access }, schema: ofClip },
    async ({ params }) => nothings.answer(parseClipId(params.clip)),
  );
  server.put(
    "/api/clips/:clip/nothing",
    { config: { access, rateLimit }, schema: { ...ofClip, body: Api.NothingBody } },
    async ({ params, body }) => nothings.set(parseClipId(params.clip), body.isNothing),
  );
  server.get(
    "/api/settings/cameras/:id/motion",
    { config: { access }, schema: ofCamera },
    async ({ params }) => settings.motion(params.id),
  );
  server.put(
    "/api/settings/cameras/:id/motion",
    { config: { access, rateLimit }, schema: { ...ofCamera, body: Api.MotionBody } },
    async ({ params, body }) => settings.setMotion(params.id, body),
  );
}
