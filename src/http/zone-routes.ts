import { AreasAnswer, AreasBody, AreasCameraParameter } from "../protocol/api-areas.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/**
 * Zones, privacy masks and public space of a camera, for who may change settings. Numbers only: no
 * picture is served here, and behind a mask the hub has none.
 */
export function addZoneRoutes(server: HubServer, { settings, masks }: HubServices): void {
  const params = AreasCameraParameter;
  const response = { 200: AreasAnswer };
  server.get(
    "/api/settings/cameras/:id/areas",
    { config: { access: "administer" }, schema: { params, response } },
    async ({ params: { id } }) => settings.areas(id),
  );
  server.put(
    "/api/settings/cameras/:id/areas",
    {
      config: { access: "administer", rateLimit: { max: 60, timeWindow: MINUTE_MS } },
      schema: { params, body: AreasBody, response },
    },
    async ({ params: { id }, body }) => {
      await masks.requirePossible(id, body.masks);
      return settings.setAreas(id, body);
    },
  );
}
