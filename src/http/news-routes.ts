import type { WebSocket } from "ws";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** The socket over which an open page hears that something is new. */
export function addNewsRoutes(server: HubServer, { news }: Pick<HubServices, "news">): void {
  server.get(
    "/api/news",
    {
      websocket: true,
      config: { access: "session", rateLimit: { max: 240, timeWindow: 60_000 } },
    },
    (socket: WebSocket, request) => news.join(socket, deviceOf(request)),
  );
}
