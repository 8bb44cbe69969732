import * as Api from "../../../../src/protocol/api.ts";
import { ConnectionList } from "../../../../src/protocol/api-connections.ts";
import * as SettingsApi from "../../../../src/protocol/api-settings.ts";
import { checkShape } from "../../../../src/protocol/check.ts";
import type { VaultContext } from "../vault-worker.ts";

const { SettingsAnswer, CameraTestAnswer } = SettingsApi;

/** The hub's settings and what recordings cost. Each change answers with all that is in force. */
export const settingsCalls = {
  settings: async ({ device }: VaultContext) => device.client.get("/api/settings", SettingsAnswer),

  setName: async ({ device }: VaultContext, { name }: { name: string }) =>
    device.client.put("/api/settings/name", { name }, SettingsAnswer),

  setRetention: async ({ device }: VaultContext, rules: SettingsApi.SettingsRetentionBody) =>
    device.client.put("/api/settings/retention", rules, SettingsAnswer),

  setCamera: async (
    { device }: VaultContext,
    { id, camera }: { id: string; camera: SettingsApi.SettingsCameraBody },
  ) => device.client.put(`/api/settings/cameras/${id}`, camera, SettingsAnswer),

  removeCamera: async ({ device }: VaultContext, { id }: { id: string }) => {
    const answer = await device.client.fetch("DELETE", `/api/settings/cameras/${id}`);
    return checkShape(SettingsAnswer, await answer.json(), "settings");
  },

  /** Has the hub try a camera for up to ten seconds. */
  testCamera: async ({ device }: VaultContext, camera: SettingsApi.CameraTestBody) =>
    device.client.post("/api/cameras/test", camera, CameraTestAnswer),

  /** Everything the hub was ever told to connect to. */
  connections: async ({ device }: VaultContext) =>
    device.client.get("/api/connections", ConnectionList),

  retention: async ({ device }: VaultContext) =>
    device.client.get("/api/retention", Api.RetentionAnswer),
};
