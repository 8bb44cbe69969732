import {
  MotionAnswer,
  NothingAnswer,
  type MotionBody,
} from "../../../../src/protocol/api-nothing.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Events that were nothing, what to change so that they come less often, and what is said of motion. */
export const nothingCalls = {
  nothing: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.get(`/api/clips/${id}/nothing`, NothingAnswer),

  setNothing: async (
    { device }: VaultContext,
    { id, isNothing }: { id: string; isNothing: boolean },
  ) => device.client.put(`/api/clips/${id}/nothing`, { isNothing }, NothingAnswer),

  motion: async ({ device }: VaultContext, { camera }: { camera: string }) =>
    device.client.get(`/api/settings/cameras/${camera}/motion`, MotionAnswer),

  setMotion: async (
    { device }: VaultContext,
    { camera, change }: { camera: string; change: MotionBody },
  ) => device.client.put(`/api/settings/cameras/${camera}/motion`, change, MotionAnswer),
};
