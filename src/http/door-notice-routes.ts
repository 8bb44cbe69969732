import { NOTICE_POLICY, noticePage, NoticeFactsSchema } from "../protocol/door-notice.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** What is recorded here, for everybody who comes to the door. Who reads it is written down nowhere. */
export function addNoticeRoute(server: HubServer, { notice }: HubServices): void {
  server.get(
    "/notice",
    { config: { access: "public", rateLimit: { max: 60, timeWindow: 60_000 } } },
    async (_request, reply) => {
      reply.header("content-security-policy", NOTICE_POLICY);
      await reply.type("text/html; charset=utf-8").send(noticePage(notice()));
    },
  );
}

/** The same facts for an owner's device, which makes the page for printing itself: it stays up. */
export function addNoticeFacts(server: HubServer, { notice }: HubServices): void {
  server.get(
    "/api/notice",
    { config: { access: "administer" }, schema: { response: { 200: NoticeFactsSchema } } },
    async () => {
      const { switchedOff: _, ...facts } = notice();
      return facts;
    },
  );
}
