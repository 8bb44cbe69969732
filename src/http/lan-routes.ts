import * as Api from "../protocol/api-lan.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import type { Right } from "../protocol/keyring.ts";
import type { LanName, LanState } from "./lan-desk.ts";

const MINUTE_MS = 60_000;
const NOBODY: readonly Right[] = [];
const OWNER: readonly Right[] = ["administer"];
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
    async ({ body }) => answerOf(await lan.chooseName(body.name), NOBODY),
  );
  server.get(
    "/api/lan",
    {
      config: { access: "session" },
      schema: { summary: "How the hub is reached on the local network", response },
    },
    async ({ device }) => answerOf(lan.state(), device?.rights ?? NOBODY),
  );
  const config = { access: "administer", ...perMinute(20) } as const;
  server.put(
    "/api/lan",
    {
      config,
      schema: { summary: "Open or close the local network", body: Api.LanOpenBody, response },
    },
    async ({ body }) => answerOf(await lan.setOpen(body.isOpen), OWNER),
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
    async ({ body }) => answerOf(await lan.moveTo(body.name), OWNER),
  );
  server.post(
    "/api/lan/move/end",
    {
      config,
      schema: { summary: "End a move, to either of its names", body: Api.LanNameBody, response },
    },
    async ({ body }) => answerOf(await lan.endMove(body.name), OWNER),
  );
}

/** With the fingerprint for owners: by it they let another device of the house trust the hub. */
function answerOf(state: LanState, rights: readonly Right[]): Api.LanAnswer {
  const fingerprintOf = (named: LanName): string | null =>
    rights.includes("administer") ? named.fingerprint : null;
  const { name, origin, words, isOpen, addresses, moving } = state;
  const { certificatePage, certificate, expiresAtMs, trouble } = state;
  return {
    ...{ name, origin, isOpen, certificatePage, certificate, expiresAtMs, trouble },
    words: words && [...words],
    fingerprint: fingerprintOf(state),
    addresses: [...addresses],
    moving: moving && {
      ...{ name: moving.name, origin: moving.origin, fingerprint: fingerprintOf(moving) },
      words: moving.words && [...moving.words],
    },
  };
}
