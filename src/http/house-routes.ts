import { HouseAnswer } from "../protocol/api-house.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/** What programs of the house are told, as an owner looks at it and tries it. */
export function addHouseProgramRoutes(
  server: HubServer,
  { house }: Pick<HubServices, "house">,
): void {
  const response = { 200: HouseAnswer };
  server.get(
    "/api/house",
    {
      config: { access: "administer" },
      schema: { summary: "What Home Assistant and webhooks are told", tags: ["Hub"], response },
    },
    async () => house.answer(),
  );
  server.post(
    "/api/house/test",
    {
      config: { access: "administer", rateLimit: { max: 10, timeWindow: MINUTE_MS } },
      schema: { summary: "Call every webhook once, to try it", tags: ["Hub"], response },
    },
    async () => house.test(),
  );
}
