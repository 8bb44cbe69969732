import { AreasAnswer, type AreasBody } from "../../../../src/protocol/api-areas.ts";
import { MasksInCameraAnswer, type MasksInCameraBody } from "../../../../src/protocol/api-masks.ts";
import type { VaultContext } from "../vault-worker.ts";

const pathOf = (id: string): string => `/api/settings/cameras/${encodeURIComponent(id)}/areas`;

/** Zones, privacy masks and public space of a camera. */
export const zoneCalls = {
  areas: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.get(pathOf(id), AreasAnswer),

  setAreas: async ({ device }: VaultContext, { id, areas }: { id: string; areas: AreasBody }) =>
    device.client.put(pathOf(id), areas, AreasAnswer),

  /** Asks a camera to hide masks by itself, which are not saved by that. */
  hideInCamera: async (
    { device }: VaultContext,
    { id, masks }: { id: string; masks: MasksInCameraBody["masks"] },
  ) =>
    device.client.post(
      `/api/settings/cameras/${encodeURIComponent(id)}/masks/in-camera`,
      { masks },
      MasksInCameraAnswer,
    ),
};
