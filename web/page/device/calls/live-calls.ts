import * as Api from "../../../../src/protocol/api.ts";
import type { VaultContext } from "../vault-worker.ts";

export interface LiveCamera {
  readonly id: string;
  readonly name: string;
  readonly hasSub: boolean;
  readonly recording: boolean;
  /** Whether it can be listened to by who may. */
  readonly sound: boolean;
  /** What keeps its picture away, by its code and in the hub's words; null where all is well. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export type LatestClip = Pick<Api.ClipSummary, "id" | "camera" | "kind" | "startedAtMs" | "state">;

/** What stands around the live pictures; the pictures themselves come over sockets of their own. */
export const liveCalls = {
  liveCameras: async ({ device }: VaultContext): Promise<LiveCamera[]> => {
    const { cameras } = await device.client.get("/api/health", Api.HealthAnswer);
    return cameras.map(({ id, name, sub, recording, sound, problem, off }) => ({
      ...{ id, name, recording },
      hasSub: sub !== null,
      sound: sound === "on" || sound === "failing",
      problem: off ? { code: "CAMERA_OFF", message: "" } : problem,
    }));
  },

  /** The newest events, newest first. */
  latestClips: async (
    { device }: VaultContext,
    { limit }: { limit: number },
  ): Promise<LatestClip[]> => {
    const { clips } = await device.client.get(`/api/clips?limit=${limit}`, Api.ClipList);
    return clips.map(({ id, camera, kind, startedAtMs, state }) => ({
      ...{ id, camera, kind, startedAtMs, state },
    }));
  },
};
