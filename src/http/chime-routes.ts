import { ChimeAnswer, ChimeBody, ChimeTriedAnswer } from "../protocol/api-chime.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/** The chime in the house, as an owner sets it and tries it. */
export function addChimeRoutes(server: HubServer, { chime, settings }: HubServices): void {
  const access = "administer";
  server.get(
    "/api/chime",
    { config: { access }, schema: { response: { 200: ChimeAnswer } } },
    async () => chime.answer(),
  );
  server.put(
    "/api/chime",
    {
      config: { access, rateLimit: { max: 60, timeWindow: MINUTE_MS } },
      schema: { body: ChimeBody, response: { 200: ChimeAnswer } },
    },
    async ({ body }) => {
      await settings.setChime(body);
      return chime.answer();
    },
  );
  server.post(
    "/api/chime/test",
    {
      config: { access, rateLimit: { max: 10, timeWindow: MINUTE_MS } },
      schema: { response: { 200: ChimeTriedAnswer } },
    },
    async () => chime.test(),
  );
}
