import {
  NoticeAnswer,
  NotificationsAnswer,
  NotificationTestAnswer,
  NotificationTestState,
  type NotificationRules,
} from "../../../../src/protocol/api-notices.ts";
import { PushAnswer, type PushBody } from "../../../../src/protocol/api-push.ts";
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

  push: async ({ device }: VaultContext) => device.client.get("/api/push", PushAnswer),

  setPush: async ({ device }: VaultContext, body: PushBody) =>
    device.client.put("/api/push", body, PushAnswer),

  stopPush: async ({ device }: VaultContext, { id }: { id: string }) =>
    device.client.delete(`/api/push/${encodeURIComponent(id)}`),
};
