import * as Api from "../protocol/api-restorations.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { cosignerKey } from "../protocol/cosigner.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** Where the ledger went on from a copy, and what owners say to it. */
export function addRestorationRoutes(server: HubServer, services: HubServices): void {
  const { restorations, retention, ledger, household } = services;
  server.get(
    "/api/restorations",
    { config: { access: "session" }, schema: { response: { 200: Api.RestorationList } } },
    async (request) => {
      const { keyring } = household;
      const record = keyring?.devices.get(deviceOf(request).device)?.record;
      const signingKey = record && fromBase64(record.signingKey, "signingKey");
      return {
        restorations: restorations.list().map((one) => ({
          ...one,
          acceptances: [...one.acceptances],
        })),
        cosigned:
          keyring && signingKey
            ? ledger.cosignedBy(cosignerKey(keyring.origin, signingKey).name)
            : null,
      };
    },
  );
  server.post(
    "/api/restorations/acceptances",
    {
      config: { access: "sign" },
      schema: { body: Api.AcceptanceBody, response: { 200: Api.AcceptanceTaken } },
    },
    async ({ body }) => ({
      index: await retention.withRoom(() => restorations.accept(body.statement)),
    }),
  );
}
