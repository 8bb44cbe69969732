import {
  ChimeAnswer,
  ChimeTriedAnswer,
  type ChimeBody,
} from "../../../../src/protocol/api-chime.ts";
import {
  PrivacyAnswer,
  type PrivacyHours,
  type PrivacySwitchBody,
} from "../../../../src/protocol/api-privacy.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Cameras that are switched off, and the chime in the house. */
export const homeCalls = {
  privacy: async ({ device }: VaultContext) => device.client.get("/api/privacy", PrivacyAnswer),

  switchCamera: async (
    { device }: VaultContext,
    { id, wish }: { id: string; wish: PrivacySwitchBody },
  ) => device.client.post(`/api/privacy/${encodeURIComponent(id)}`, wish, PrivacyAnswer),

  setPrivacyHours: async (
    { device }: VaultContext,
    { id, hours }: { id: string; hours: PrivacyHours },
  ) => device.client.put(`/api/privacy/${encodeURIComponent(id)}/hours`, { hours }, PrivacyAnswer),

  chime: async ({ device }: VaultContext) => device.client.get("/api/chime", ChimeAnswer),

  setChime: async ({ device }: VaultContext, chime: ChimeBody) =>
    device.client.put("/api/chime", chime, ChimeAnswer),

  /** Sounds it now; answers when it has, or could not. */
  testChime: async ({ device }: VaultContext) =>
    device.client.post("/api/chime/test", {}, ChimeTriedAnswer),
};
