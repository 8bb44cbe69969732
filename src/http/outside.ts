import { addIntakeRoute } from "./consent-routes.ts";
import { addWithdrawalRoute } from "./decision-routes.ts";
import { addDocumentIntake } from "./handling-routes.ts";
import { addNoticeRoute } from "./door-notice-routes.ts";
import { addOutsideLimits, OUTSIDE_LIMITS } from "./outside-limits.ts";
import { addPickUpRoute } from "./pick-up-routes.ts";
import { addSecurityRoute } from "./security-routes.ts";
import { createServer, type HubServer, type ServerOptions } from "./server.ts";
import type { HubServices } from "./services.ts";
import { addSharedRoutes } from "./share-routes.ts";

/**
 * The outside listener: a server of its own for those who are not of the household, meant for a
 * reverse proxy. It has no sessions, so that no route of it could have a right; its routes are those
 * named here, and no other.
 */
export async function createOutsideServer(
  services: HubServices,
  options: Omit<ServerOptions, "sessions" | "limits">,
): Promise<HubServer> {
  const server = await createServer({ ...options, sessions: null, limits: OUTSIDE_LIMITS });
  addOutsideLimits(server, () => performance.now());
  addIntakeRoute(server, services);
  addDocumentIntake(server, services);
  addNoticeRoute(server, services);
  addPickUpRoute(server, services);
  addSecurityRoute(server, services);
  addSharedRoutes(server, services);
  addWithdrawalRoute(server, services);
  return server;
}
