import * as Api from "../protocol/api-lan.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import type { LanState } from "./lan-desk.ts";

const MINUTE_MS = 60_000;
const perMinute = (max: number) => ({ rateLimit: { max, timeWindow: MINUTE_MS } });

/** How the hub is reached on the local network, and the change from one name to another. */
export function addLanRoutes(server: HubServer, { lan }: Pick<HubServices, "lan">): void {
  const response = { 200: Api.LanAnswer };
  server.get(
    "/api/lan/name",
    {
      config: { access: "public", beforeClaim: true, ...perMinute(60) },
      schema: {
        summary: "The hub's name on the local network, and the eight words of its certificates",
        response: { 200: Api.LanNameAnswer },
      },
    },
    async () => {
      const { name, origin, words } = lan.state();
      return { name, origin, words: words && [...words] };
    },
  );
  server.post(
    "/api/lan/name",
    {
      config: { access: "public", beforeClaim: true, ...perMinute(6) },
      schema: { summary: "Choose the name, before the claim", body: Api.LanNameBody, response },
    },
    async ({ body }) => answerOf(await lan.chooseName(body.name)),
  );
  server.get(
    "/api/lan",
    {
      config: { access: "session" },
      schema: { summary: "How the hub is reached on the local network", response },
    },
    async () => answerOf(lan.state()),
  );
  const config = { access: "administer", ...perMinute(20) } as const;
  server.put(
    "/api/lan",
    {
      config,
      schema: { summary: "Open or close the local network", body: Api.LanOpenBody, response },
    },
    async ({ body }) => answerOf(await lan.setOpen(body.isOpen)),
  );
  server.post(
    "/api/lan/move",
    {
      config,
      schema: {
        summary: "Begin to serve a second name, to which the household moves",
        body: Api.LanNameBody,
        response,
      },
    },
    async ({ body }) => answerOf(await lan.moveTo(body.name)),
  );
  server.post(
    "/api/lan/move/end",
    {
      config,
      schema: { summary: "End a move, to either of its names", body: Api.LanNameBody, response },
    },
    async ({ body }) => answerOf(await lan.endMove(body.name)),
  );
}

/** Without the fingerprint, which is for the console: a page that was swapped would swap it too. */
function answerOf(state: LanState): Api.LanAnswer {
  const { name, origin, words, isOpen, addresses, moving } = state;
  const { certificatePage, certificate, expiresAtMs, trouble } = state;
  return {
    ...{ name, origin, isOpen, certificatePage, certificate, expiresAtMs, trouble },
    words: words && [...words],
    addresses: [...addresses],
    moving: moving && { ...moving, words: moving.words && [...moving.words] },
  };
}
