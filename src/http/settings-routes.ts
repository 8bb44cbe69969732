import * as Api from "../protocol/api-settings.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/** Settings as an owner sees and changes them. No answer has a password in it. */
export function addSettingsRoutes(server: HubServer, { settings, connections }: HubServices): void {
  const config = { access: "administer", rateLimit: { max: 60, timeWindow: MINUTE_MS } } as const;
  const response = { 200: Api.SettingsAnswer };
  server.get(
    "/api/settings",
    { config: { access: "administer" }, schema: { response } },
    async () => settings.answer(),
  );
  server.put(
    "/api/settings/name",
    { config, schema: { body: Api.SettingsNameBody, response } },
    async ({ body }) => settings.setName(body.name),
  );
  server.put(
    "/api/settings/retention",
    { config, schema: { body: Api.SettingsRetentionBody, response } },
    async ({ body }) => settings.setRetention(body),
  );
  const params = Api.SettingsCameraParameter;
  server.put(
    "/api/settings/cameras/:id",
    { config, schema: { params, body: Api.SettingsCameraBody, response } },
    async ({ params: { id }, body }) => settings.setCamera(id, body),
  );
  server.delete(
    "/api/settings/cameras/:id",
    { config, schema: { params, response } },
    async ({ params: { id } }) => settings.removeCamera(id),
  );
  server.post(
    "/api/cameras/test",
    {
      config: { access: "administer", rateLimit: { max: 10, timeWindow: MINUTE_MS } },
      schema: { body: Api.CameraTestBody, response: { 200: Api.CameraTestAnswer } },
    },
    async ({ body }) => {
      const answer = await settings.testCamera(body);
      connections.tried(body.main, answer.ok);
      return answer;
    },
  );
}
