import { sendNotFound, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const EXPIRES_AFTER_MS = 90 * 86_400_000;
const DAY_MS = 86_400_000;

/**
 * To whom to report a hole in this hub, for everybody who reaches it, where its owner has named
 * somebody; elsewhere it is a path like any that does not exist.
 *
 * @see RFC 9116
 */
export function addSecurityRoute(
  server: HubServer,
  { securityContact, nowMs }: Pick<HubServices, "securityContact" | "nowMs">,
): void {
  server.get(
    "/.well-known/security.txt",
    { config: { access: "public", rateLimit: { max: 60, timeWindow: 60_000 } } },
    async (_request, reply) => {
      const contact = securityContact();
      if (contact === null) return sendNotFound(reply);
      return reply.type("text/plain; charset=utf-8").send(securityText(contact, nowMs()));
    },
  );
}

/** The end is that of a day, so that the text says nothing of this machine's clock. */
function securityText(contact: string, nowMs: number): string {
  const expiresMs = Math.ceil((nowMs + EXPIRES_AFTER_MS) / DAY_MS) * DAY_MS;
  const expires = new Date(expiresMs).toISOString().replace(".000", "");
  return `Contact: ${contact}\nExpires: ${expires}\nPreferred-Languages: en, fr\n`;
}
