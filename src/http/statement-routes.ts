import * as Api from "../protocol/api-statements.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** What owners say for a month, for every device to read. */
export function addStatementRoutes(server: HubServer, services: HubServices): void {
  const { statements, retention } = services;
  server.get(
    "/api/statements",
    { config: { access: "session" }, schema: { response: { 200: Api.StatementList } } },
    async () => [...statements.list()],
  );
  server.post(
    "/api/statements",
    {
      config: { access: "sign" },
      schema: { body: Api.StatementBody, response: { 200: Api.StatementTaken } },
    },
    async ({ body }) => ({
      index: await retention.withRoom(() => statements.take(body.statement)),
    }),
  );
}
