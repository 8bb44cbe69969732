import * as Api from "../../../../src/protocol/api.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Who belongs to the household. */
export const peopleCalls = {
  devices: async ({ device }: VaultContext) => device.client.get("/api/devices", Api.DeviceList),
};
