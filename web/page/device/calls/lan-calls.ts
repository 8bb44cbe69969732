import { LanAnswer } from "../../../../src/protocol/api-lan.ts";
import type { VaultContext } from "../vault-worker.ts";

/** The hub's name on the local network, and the change from one to another. */
export const lanCalls = {
  lan: async ({ device }: VaultContext) => device.client.get("/api/lan", LanAnswer),

  beginMove: async ({ device }: VaultContext, { name }: { name: string }) =>
    device.client.post("/api/lan/move", { name }, LanAnswer),

  /** To either of its two names: the one that is left is the only one from then on. */
  endMove: async ({ device }: VaultContext, { name }: { name: string }) =>
    device.client.post("/api/lan/move/end", { name }, LanAnswer),
};
