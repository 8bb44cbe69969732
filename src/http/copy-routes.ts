import { CopyAnswer } from "../protocol/api-copy.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** The copy elsewhere: how it stands, and that it is to go on now. Where to, only the settings say. */
export function addCopyRoutes(server: HubServer, { copy }: Pick<HubServices, "copy">): void {
  server.get(
    "/api/copy",
    {
      config: { access: "administer" },
      schema: { summary: "How the copy elsewhere stands", response: { 200: CopyAnswer } },
    },
    async () => copy.state(),
  );
  server.post(
    "/api/copy/now",
    {
      config: { access: "administer" },
      schema: { summary: "Copy now what is not there yet", response: { 202: CopyAnswer } },
    },
    async (_request, reply) => {
      void copy.now();
      await reply.code(202).send(copy.state());
    },
  );
}
