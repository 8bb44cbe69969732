import {
  ReplySound,
  SaidAnswer,
  TalkAnswer,
  type TalkAnswer as Talk,
} from "../../../../src/protocol/api-talk.ts";
import { fromBase64, toBase64 } from "../../../../src/protocol/bytes.ts";
import { checkShape } from "../../../../src/protocol/check.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What can be talked at, and the recorded replies. Talking itself goes over a socket of its own. */
export const talkCalls = {
  talk: async ({ device }: VaultContext): Promise<Talk> =>
    device.client.get("/api/talk", TalkAnswer),

  /** Resolves when it was said to its end. */
  sayReply: async (
    { device }: VaultContext,
    { camera, id }: { camera: string; id: string },
  ): Promise<void> => {
    await device.client.post(`/api/talk/${camera}/replies/${id}`, {}, SaidAnswer);
  },

  /** G.711 mu-law, 8,000 bytes a second. */
  replySound: async (
    { device }: VaultContext,
    { id }: { id: string },
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const { sound } = await device.client.get(`/api/replies/${id}`, ReplySound);
    return Uint8Array.from(fromBase64(sound, "sound"));
  },

  addReply: async (
    { device }: VaultContext,
    { name, sound }: { name: string; sound: Uint8Array },
  ): Promise<Talk> =>
    device.client.post("/api/replies", { name, sound: toBase64(sound) }, TalkAnswer),

  removeReply: async ({ device }: VaultContext, { id }: { id: string }): Promise<Talk> => {
    const answer = await device.client.fetch("DELETE", `/api/replies/${id}`);
    return checkShape(TalkAnswer, await answer.json(), "replies");
  },
};
