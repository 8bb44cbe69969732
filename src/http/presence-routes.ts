import { filesPresent } from "../clips/presence.ts";
import * as Api from "../protocol/api-presence.ts";
import { parseClipId } from "../protocol/ids.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** Of one device: four contacts with as many recordings as one contact asks for. */
const PRESENCE_CALLS_A_MINUTE = 80;
/** Of one that may see no recording: a contact that looks twice. Each call looks for many files. */
const GUEST_CALLS_A_MINUTE = 40;

/**
 * Whether what the ledger lists is still there. Every device may ask, as every device reads the
 * ledger, which names the same recordings.
 */
export function addPresenceRoutes(server: HubServer, { clips }: HubServices): void {
  server.post(
    "/api/clips/present",
    {
      config: {
        access: "session",
        rateLimit: {
          max: ({ device }) =>
            device?.rights.includes("view_blurred") === true
              ? PRESENCE_CALLS_A_MINUTE
              : GUEST_CALLS_A_MINUTE,
          keyGenerator: (request) => deviceOf(request).device,
          timeWindow: 60_000,
        },
      },
      schema: { body: Api.PresenceBody, response: { 200: Api.PresenceAnswer } },
    },
    async ({ body }) => {
      const files: (number | null)[] = [];
      for (const clip of body.clips) files.push(await filesPresent(clips, parseClipId(clip)));
      return { files };
    },
  );
}
