import * as Api from "../../../../src/protocol/api-cameras.ts";
import { fromBase64 } from "../../../../src/protocol/bytes.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Finding cameras on the hub's networks, and asking one what it sends. */
export const cameraCalls = {
  findCameras: async ({ device, signal }: VaultContext) =>
    device.client.post("/api/cameras/find", {}, Api.FindCamerasAnswer, {}, signal),

  /** The still is for this one look: it is in no other answer and stored nowhere. */
  probeCamera: async ({ device, signal }: VaultContext, camera: Api.CameraProbeBody) => {
    const { still, ...answer } = await device.client.post(
      "/api/cameras/probe",
      camera,
      Api.CameraProbeAnswer,
      {},
      signal,
    );
    const picture = still === null ? null : new Uint8Array(fromBase64(still, "still"));
    return { ...answer, picture };
  },
};
