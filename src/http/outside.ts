import { addIntakeRoute, addPickUpRoute } from "./consent-routes.ts";
import { addWithdrawalRoute } from "./decision-routes.ts";
import { createServer, type HubServer, type ServerOptions } from "./server.ts";
import type { HubServices } from "./services.ts";

/**
 * The outside listener: a server of its own with intake and pick-up and nothing else, meant for a
 * reverse proxy. It has no sessions, so that no route of it could have a right.
 */
export async function createOutsideServer(
  services: HubServices,
  options: Omit<ServerOptions, "sessions">,
): Promise<HubServer> {
  const server = await createServer({ ...options, sessions: null });
  addIntakeRoute(server, services);
  addPickUpRoute(server, services);
  addWithdrawalRoute(server, services);
  return server;
}
