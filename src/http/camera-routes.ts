import type { ServerResponse } from "node:http";
import { CameraProbeAnswer, CameraProbeBody, FindCamerasAnswer } from "../protocol/api-cameras.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import type { CameraWatch } from "./settings-desk.ts";

const MINUTE_MS = 60_000;
const SEARCHED = { what: "camera search", address: "239.255.255.250:3702" } as const;

/** Finding cameras, and asking one what it sends, before it is saved as a setting. */
export function addCameraRoutes(
  server: HubServer,
  { settings, connections }: Pick<HubServices, "settings" | "connections">,
): void {
  const config = {
    access: "administer",
    rateLimit: { max: 10, timeWindow: MINUTE_MS },
  } as const;
  const onConnect: CameraWatch["onConnect"] = ({ host, port }) => {
    const written = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
    connections.mention({ what: "camera trial", address: `${written}:${port}` });
  };
  server.post(
    "/api/cameras/find",
    { config, schema: { response: { 200: FindCamerasAnswer } } },
    async (_request, reply) => {
      connections.mention(SEARCHED);
      return settings.findCameras({ onConnect, signal: whileAsked(reply.raw) });
    },
  );
  server.post(
    "/api/cameras/probe",
    { config, schema: { body: CameraProbeBody, response: { 200: CameraProbeAnswer } } },
    async (request, reply) =>
      settings.probeCamera(request.body, { onConnect, signal: whileAsked(reply.raw) }),
  );
}

/** Aborted where whoever asked has gone. */
function whileAsked(answer: ServerResponse): AbortSignal {
  const controller = new AbortController();
  answer.once("close", () => controller.abort());
  return controller.signal;
}
