import { HouseAnswer } from "../../../../src/protocol/api-house.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What programs of the house are told, and trying them. */
export const programCalls = {
  programs: async ({ device }: VaultContext) => device.client.get("/api/house", HouseAnswer),

  testPrograms: async ({ device }: VaultContext) =>
    device.client.post("/api/house/test", {}, HouseAnswer),
};
