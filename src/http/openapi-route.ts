import type { HubServer } from "./server.ts";

const MINUTE_MS = 60_000;

/** The description of all routes of this server, made once: it has some hundred kilobytes. */
export function addOpenApiRoute(server: HubServer): void {
  let text: string | null = null;
  server.get(
    "/api/openapi.json",
    { config: { access: "public", rateLimit: { max: 30, timeWindow: MINUTE_MS } } },
    async (_request, reply) => {
      text ??= JSON.stringify(server.swagger());
      return reply.type("application/json; charset=utf-8").send(text);
    },
  );
}
