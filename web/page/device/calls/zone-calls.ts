import { AreasAnswer, type AreasBody } from "../../../../src/protocol/api-areas.ts";
import type { VaultContext } from "../vault-worker.ts";

const pathOf = (id: string): string => `/api/settings/cameras/${encodeURIComponent(id)}/areas`;

/** Zones, privacy masks and public space of a camera. */
export const zoneCalls = {
  areas: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.get(pathOf(id), AreasAnswer),

  setAreas: async ({ device }: VaultContext, { id, areas }: { id: string; areas: AreasBody }) =>
    device.client.put(pathOf(id), areas, AreasAnswer),
};
