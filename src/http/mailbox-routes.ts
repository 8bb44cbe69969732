import { MailboxAnswer } from "../protocol/api-mailbox.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** Where an owner's device finds what waits when it is away from home. */
export function addMailboxRoutes(
  server: HubServer,
  { mailbox }: Pick<HubServices, "mailbox">,
): void {
  server.get(
    "/api/mailbox",
    {
      config: { access: "sign" },
      schema: {
        summary: "Where this device finds the household's mailbox when it is away from home",
        response: { 200: MailboxAnswer },
      },
    },
    async (request) => mailbox.answerFor(deviceOf(request).device),
  );
}
