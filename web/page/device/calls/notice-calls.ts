import {
  NoticeAnswer,
  NotificationsAnswer,
  NotificationTestAnswer,
  NotificationTestState,
  type NotificationRules,
} from "../../../../src/protocol/api-notices.ts";
import { PushAnswer, PushStored, type PushBody } from "../../../../src/protocol/api-push.ts";
import { sha256Hex, utf8Bytes } from "../../../../src/protocol/bytes.ts";
import { forgetSecret, keptSecret, renewSecret } from "../../../service-worker/notice-secret.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What this device is told of, by which way, and what a notice stands for. */
export const noticeCalls = {
  lookUpNotice: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.get(`/api/notices/${encodeURIComponent(id)}`, NoticeAnswer),

  notifications: async ({ device }: VaultContext) =>
    device.client.get("/api/notifications", NotificationsAnswer),

  setNotifications: async ({ device }: VaultContext, rules: NotificationRules) =>
    device.client.put("/api/notifications", rules, NotificationsAnswer),

  /** Sends a test to this device, and to no other. */
  testNotifications: async ({ device }: VaultContext) =>
    device.client.post("/api/notifications/test", {}, NotificationTestAnswer),

  notificationTest: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.get(`/api/notifications/test/${encodeURIComponent(id)}`, NotificationTestState),

  startNtfy: async ({ device }: VaultContext) =>
    device.client.put("/api/notifications/ntfy", {}, NotificationsAnswer),

  stopNtfy: async ({ device }: VaultContext) => device.client.delete("/api/notifications/ntfy"),

  /** What the hub knows, and by which name the secret that this browser keeps for it. */
  push: async ({ device }: VaultContext) => ({
    ...(await device.client.get("/api/push", PushAnswer)),
    secretName: await keptSecretName(),
  }),

  setPush: async ({ device }: VaultContext, body: PushBody) =>
    renewSecret(async () => device.client.put("/api/push", body, PushStored)),

  stopPush: async ({ device }: VaultContext, { id }: { id: string }) => {
    await device.client.delete(`/api/push/${encodeURIComponent(id)}`);
    await forgetSecret();
  },
};

/** As the hub names it; null where this browser has none, or keeps nothing. */
async function keptSecretName(): Promise<string | null> {
  const secret = await keptSecret().catch(() => null);
  return secret === null ? null : sha256Hex(utf8Bytes(secret)).slice(0, 32);
}
