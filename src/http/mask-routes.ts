import { AreasCameraParameter } from "../protocol/api-areas.ts";
import { MasksInCameraAnswer, MasksInCameraBody } from "../protocol/api-masks.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/** Offered before masks are saved: a camera that hides them by itself costs this machine nothing. */
export function addMaskRoutes(server: HubServer, { masks }: Pick<HubServices, "masks">): void {
  server.post(
    "/api/settings/cameras/:id/masks/in-camera",
    {
      config: { access: "administer", rateLimit: { max: 10, timeWindow: MINUTE_MS } },
      schema: {
        params: AreasCameraParameter,
        body: MasksInCameraBody,
        response: { 200: MasksInCameraAnswer },
      },
    },
    async ({ params: { id }, body }) => masks.hideInCamera(id, body.masks),
  );
}
