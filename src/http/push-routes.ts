import { PushAnswer, PushBody, PushParameter, PushStored } from "../protocol/api-push.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/** A device's own subscription to pushes, and nobody else's. */
export function addPushRoutes(server: HubServer, { push }: Pick<HubServices, "push">): void {
  const access = "session";
  const config = { access, rateLimit: { max: 30, timeWindow: MINUTE_MS } } as const;
  const response = { 200: PushAnswer };
  server.get(
    "/api/push",
    {
      config: { access },
      schema: { summary: "Whether this device's browser takes pushes", response },
    },
    async (request) => push.answer(deviceOf(request).device),
  );
  server.put(
    "/api/push",
    {
      config,
      schema: {
        summary: "Push to this device's browser from now on",
        body: PushBody,
        response: { 200: PushStored },
      },
    },
    async (request) => {
      return push.subscribe(deviceOf(request).device, request.ownOrigin, request.body);
    },
  );
  server.delete(
    "/api/push/:id",
    {
      config,
      schema: { summary: "Push to this browser no more", params: PushParameter, response },
    },
    async (request) => push.unsubscribe(deviceOf(request).device, request.params.id),
  );
}
