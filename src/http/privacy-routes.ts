import {
  PrivacyAnswer,
  PrivacyCameraParameter,
  PrivacyHoursBody,
  PrivacySwitchBody,
} from "../protocol/api-privacy.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/**
 * The privacy switch. Owners and adults may switch a camera off; on, whoever alone switched it off,
 * and owners. The desk says so: the route only keeps out those who may not switch at all.
 */
export function addPrivacyRoutes(
  server: HubServer,
  { privacy, retention, settings }: HubServices,
): void {
  const rateLimit = { max: 30, timeWindow: MINUTE_MS };
  const response = { 200: PrivacyAnswer };
  server.get(
    "/api/privacy",
    { config: { access: "view_originals" }, schema: { response } },
    async (request) => privacy.answer(deviceOf(request)),
  );
  server.post(
    "/api/privacy/:camera",
    {
      config: { access: "view_originals", rateLimit },
      schema: { params: PrivacyCameraParameter, body: PrivacySwitchBody, response },
    },
    async (request) => {
      const device = deviceOf(request);
      await retention.withRoom(() => privacy.set(request.params.camera, request.body, device));
      return privacy.answer(device);
    },
  );
  server.put(
    "/api/privacy/:camera/hours",
    {
      config: { access: "administer", rateLimit },
      schema: { params: PrivacyCameraParameter, body: PrivacyHoursBody, response },
    },
    async (request) => {
      await settings.setPrivacyHours(request.params.camera, request.body.hours);
      return privacy.answer(deviceOf(request));
    },
  );
}
